"""In which order the rows of an epoch are learnt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from transformers.trainer_pt_utils import get_length_grouped_indices


class LengthGroupedOrder(torch.utils.data.Sampler[int]):
    """Rows in groups of like length, the groups of an epoch in an order of their own.

    The order depends on seed and epoch alone: not on what else drew random numbers, so that a
    resumed run and every process of a distributed one agree on it; not on how the `group` rows
    of a step are spread over processes and accumulation.
    """

    def __init__(self, lengths: Sequence[int], *, group: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._group = group
        self._seed = seed
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        source = torch.Generator().manual_seed(self._seed * 1_000_003 + self.epoch)
        order = get_length_grouped_indices(self._lengths, self._group, generator=source)
        groups = [order[start : start + self._group] for start in range(0, len(order), self._group)]
        # The longest first, so that too little memory shows at once; a short group last.
        last = groups.pop() if len(groups) > 1 else []
        middle = [groups[1 + place] for place in torch.randperm(len(groups) - 1, generator=source)]
        return iter([row for group in [groups[0], *middle, last] for row in group])

    def __len__(self) -> int:
        return len(self._lengths)
