"""What only shows when all files are known: equal paths, folders that contradict their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from loaders.aihub.names import Mark, Side
from loaders.aihub.reading import Items
from loaders.rejects import Reason

_Reject = tuple[str, Reason, str]


def folders_name_topics(items: Items) -> bool:
    """Whether most folders name the topics of their files; if not, they mean something else."""
    marks = np.concatenate([columns.marks for columns in items.columns.values()])
    agree = np.count_nonzero(marks & Mark.FOLDER_AGREES)
    return bool(agree >= np.count_nonzero(marks & Mark.FOLDER_DIFFERS))


def cross_check(items: Items) -> tuple[dict[Side, NDArray[np.int64]], list[_Reject]]:
    """Rows of each side that remain, ordered by rank, and rejects for the others."""
    topical = folders_name_topics(items)
    remaining = {}
    rejects: list[_Reject] = []
    for side, columns in items.columns.items():
        good = np.ones(len(columns.rank), dtype=np.bool_)
        if topical:
            differing = np.flatnonzero(columns.marks & Mark.FOLDER_DIFFERS)
            good[differing] = False
            paths = items.spill[side].take(differing, ["path"]).column("path").to_pylist()
            detail = "lies in the folder of another topic than it names"
            rejects += [(path, Reason.FOLDER_MISMATCH, detail) for path in paths]
        order = np.argsort(columns.rank, kind="stable")
        for rows in _equal_ranks(columns.rank, order[good[order]]):
            bad, found = _judge_same_path(items, side, rows)
            good[bad] = False
            rejects += found
        remaining[side] = order[good[order]]
    return remaining, rejects


def _equal_ranks(
    ranks: NDArray[np.uint64], order: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Rows of files that lie at the same place below the questions or answers folder."""
    ordered = ranks[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    ends = np.append(starts[1:], len(ordered))
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        yield order[start:end]


def _judge_same_path(
    items: Items, side: Side, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[_Reject]]:
    """Of files with one path the first is kept if all say the same; otherwise none is."""
    found = items.spill[side].take(rows, ["path", "text"])
    paths, texts = found.column("path").to_pylist(), found.column("text").to_pylist()
    topics = [items.topics[label].key for label in items.columns[side].label[rows]]
    contents = Counter(zip(texts, topics, strict=True))
    if len(contents) > 1:
        detail = f"{len(rows)} different files have this path"
        return rows, [(path, Reason.SAME_NAME, detail) for path in paths]
    kept = min(range(len(rows)), key=paths.__getitem__)
    others = [number for number in range(len(rows)) if number != kept]
    detail = "the same path and text as another file"
    return rows[others], [(paths[number], Reason.DUPLICATE, detail) for number in others]
