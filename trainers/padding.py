"""Rows of unequal length -> one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def padded(
    rows: Sequence[Sequence[int]], fill: int, *, left: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """(rows, longest) numbers and the mask of the real ones, both int64.

    Args:
        left: fill up before the rows, for prompts that are to be continued; else behind them.
    """
    longest = max(len(row) for row in rows)
    numbers = torch.full((len(rows), longest), fill)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for place, row in enumerate(rows):
        real = slice(longest - len(row), None) if left else slice(len(row))
        numbers[place, real] = torch.tensor(list(row))
        mask[place, real] = 1
    return numbers, mask
