"""Rows of the dataset as Arrow tables, some thousands at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loaders.aihub.names import Side
from loaders.aihub.plan import Plan

_AT_ONCE = 1 << 14


class RowTables:
    """Makes the rows of a plan; what is needed for all of them is made once."""

    def __init__(self, plan: Plan, pairing: str) -> None:
        self._plan = plan
        self._pairing = pairing
        self._topics = [
            pa.array([topic[level] for topic in plan.items.topics], pa.string())
            for level in range(3)
        ]
        ranks = plan.ranks()
        _, first = np.unique(plan.groups, return_index=True)  # rows are ordered by rank
        self._group_names = [f"{rank:016x}" for rank in ranks[first].tolist()]
        names = plan.items.columns[Side.QUESTION].name[plan.questions]
        _, inverse, counts = np.unique(names, return_inverse=True, return_counts=True)
        self._shared_id = counts[inverse] > 1
        self._ranks = ranks

    def tables(self, rows: NDArray[np.int64]) -> Iterator[pa.Table]:
        """These rows of the plan."""
        for start in range(0, len(rows), _AT_ONCE):
            yield self._table(rows[start : start + _AT_ONCE])

    def _table(self, rows: NDArray[np.int64]) -> pa.Table:
        plan = self._plan
        asked = plan.items.spill[Side.QUESTION].take(plan.questions[rows], ["id", "text"])
        answered = plan.items.spill[Side.ANSWER].take(
            plan.answers[rows], ["id", "text", "department"]
        )
        question_ids, question = _column(asked, "id"), _column(asked, "text")
        answer = _column(answered, "text")
        labels = pa.array(plan.items.columns[Side.QUESTION].label[plan.questions[rows]])
        category, disease, intention = (level.take(labels) for level in self._topics)
        return pa.table(
            {
                "id": self._row_ids(rows, question_ids),
                "document_id": pa.array([self._group_names[i] for i in plan.groups[rows].tolist()]),
                "images": _no_images(len(rows)),
                "messages": _messages(question, answer),
                "instruction": question,
                "output": answer,
                "disease_category": category,
                "disease": disease,
                "intention": intention,
                "department": _without_nulls(_column(answered, "department")),
                "question_id": question_ids,
                "answer_id": _column(answered, "id"),
                "pairing": pa.repeat(pa.scalar(self._pairing), len(rows)),
            }
        )

    def _row_ids(self, rows: NDArray[np.int64], ids: pa.StringArray) -> pa.StringArray:
        """The question's id; where several files share one, with a hash of the path added."""
        if not self._shared_id[rows].any():
            return ids
        return pa.array(
            [
                f"{name}-{rank:016x}" if shared else name
                for name, rank, shared in zip(
                    ids.to_pylist(),
                    self._ranks[rows].tolist(),
                    self._shared_id[rows].tolist(),
                    strict=True,
                )
            ],
            pa.string(),
        )


def _column(table: pa.Table, name: str) -> pa.Array:
    """As one array."""
    return table.column(name).combine_chunks()


def _no_images(count: int) -> pa.ListArray:
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.ListArray.from_arrays(np.zeros(count + 1, dtype=np.int32), pa.array([], image))


def _messages(question: pa.StringArray, answer: pa.StringArray) -> pa.ListArray:
    count = len(question)
    turns = np.arange(2 * count).reshape(2, count).T.ravel()
    content = pa.concat_arrays([question, answer]).take(pa.array(turns))
    roles = pa.array(["user", "assistant"]).take(pa.array(np.tile([0, 1], count)))
    message = pa.StructArray.from_arrays([roles, content], ["role", "content"])
    return pa.ListArray.from_arrays(np.arange(0, 2 * count + 1, 2, dtype=np.int32), message)


def _without_nulls(lists: pa.ListArray) -> pa.ListArray:
    """A missing list as an empty one; no missing entries."""
    if lists.null_count == 0 and lists.flatten().null_count == 0:
        return lists
    filled = [[word for word in words or [] if word is not None] for words in lists.to_pylist()]
    return pa.array(filled, lists.type)
