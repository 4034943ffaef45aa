"""Splitting by group: what belongs together never stands in two splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xxhash
from numpy.typing import NDArray

DEFAULT_RATIOS: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}

_LARGE = 0.25
"""A group larger than this share of the smallest split's target is placed before the others, if it
has more than one row."""


def split_by_group(
    groups: Sequence[str],
    ratios: Mapping[str, float] = DEFAULT_RATIOS,
    seed: int = 0,
    strata: Sequence[str] | None = None,
) -> list[str]:
    """The split of each row; rows of one group get the same one.

    The result depends on the set of rows, not on their order. Without groups larger than
    `_LARGE` of the smallest split, each split misses its share by less than the largest group; and
    where a source is corrected, what stays in it stays in its split, but for the few groups next
    to where one split ends and the next begins.

    Args:
        groups: the group of each row (its `document_id`).
        ratios: {split: share}; the shares add up to 1.
        strata: of each row, what should be spread over the splits in proportion (a class); a
            group counts for the stratum of most of its rows.
    """
    names = sorted(set(groups))
    code = {name: number for number, name in enumerate(names)}
    rows = np.fromiter((code[group] for group in groups), np.int64, len(groups))
    sizes = np.bincount(rows, minlength=len(names))
    ranks = np.array(
        [xxhash.xxh3_64_intdigest(name.encode(), seed) for name in names], dtype=np.uint64
    )
    group_strata = np.zeros(len(names), dtype=np.int64)
    if strata is not None:
        labels, of_row = np.unique(np.asarray(strata, dtype=object), return_inverse=True)
        counts = np.zeros((len(names), len(labels)), dtype=np.int64)
        np.add.at(counts, (rows, of_row), 1)
        group_strata = counts.argmax(axis=1)
    chosen = allot_groups(sizes, ranks, list(ratios.values()), group_strata)
    split_names = list(ratios)
    return [split_names[number] for number in chosen[rows]]


def allot_groups(
    sizes: NDArray[np.int64],
    ranks: NDArray[np.uint64],
    shares: Sequence[float],
    strata: NDArray[np.int64],
) -> NDArray[np.int8]:
    """The number of the split of each group.

    Large groups are placed first, each where most is missing. The others stand on a line from 0 to
    1, which is cut where the shares end. Each stratum stands all along the line, evenly and in the
    order of its ranks, so that it has the shares of the whole; and a group that is added to it or
    taken from it moves its others by no more than their distance.

    Args:
        sizes: rows of each group.
        ranks: a hash of each group's name: decides among equals, without their order.
        shares: of each split; they add up to 1.
        strata: stratum of each group.

    Raises:
        ValueError: a share is negative or they do not add up to 1.
    """
    wanted = np.asarray(shares, dtype=np.float64)
    if (wanted < 0).any() or abs(wanted.sum() - 1) > 1e-6:
        raise ValueError(f"shares of splits must be >= 0 and add up to 1, not {list(shares)}")
    total = int(sizes.sum())
    chosen = np.zeros(len(sizes), dtype=np.int8)
    missing = wanted * total
    large = sizes > max(1, _LARGE * missing[wanted > 0].min(initial=total))
    for group in np.flatnonzero(large)[np.lexsort((ranks[large], -sizes[large]))]:
        target = int(missing.argmax())
        chosen[group] = target
        missing[target] -= sizes[group]

    small = np.flatnonzero(~large)
    places = _places(sizes[small], ranks[small], strata[small])
    line = small[np.lexsort((ranks[small], places))]
    left = np.clip(missing, 0, None)
    if not left.any():
        left = wanted
    ends = np.cumsum(left / left.sum()) * sizes[line].sum()
    middles = np.cumsum(sizes[line]) - sizes[line] / 2
    chosen[line] = np.searchsorted(ends[:-1], middles, side="right")
    return chosen


def _places(
    sizes: NDArray[np.int64], ranks: NDArray[np.uint64], strata: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(groups,) place of each group among those of its stratum, from 0 to 1 by their rows.

    A group stands at the same point of its own stretch as all others of its stratum. The point
    differs from stratum to stratum, so that strata of a single group are spread over the line too.
    """
    order = np.lexsort((ranks, strata))
    _, first, count = np.unique(strata[order], return_index=True, return_counts=True)
    ends = np.cumsum(sizes[order])
    starts = ends - sizes[order]
    before = np.repeat(starts[first], count)
    rows = np.repeat(np.add.reduceat(sizes[order], first), count)
    # The lower half of the smallest rank, which does not depend on how small it is.
    points = np.repeat((ranks[order][first] & np.uint64(2**32 - 1)) / 2**32, count)
    places = np.empty(len(sizes))
    places[order] = (starts - before + points * sizes[order]) / rows
    return places
