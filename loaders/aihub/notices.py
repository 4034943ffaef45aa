"""What was odd about sound files, file by file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from loaders.aihub.names import Mark, Side
from loaders.aihub.plan import Plan
from loaders.notices import NoticeLog, Oddity

_MARKED = (
    (Mark.UPPER_CASE, Oddity.UPPER_CASE_EXTENSION, ""),
    (Mark.BLANKS, Oddity.BLANKS_IN_FOLDER_NAME, ""),
    (Mark.INVISIBLE, Oddity.CONTROL_CHARACTERS, ""),
    (Mark.IN_LIST, Oddity.WRAPPED_IN_LIST, ""),
    (Mark.CP949, Oddity.ENCODING, "CP949"),
    (Mark.UTF16, Oddity.ENCODING, "UTF-16"),
)
_UNUSUAL = (
    (Mark.BOM, Oddity.BYTE_ORDER_MARK, "has none, most have one", "has one, most have none"),
    (Mark.DECOMPOSED, Oddity.DECOMPOSED_NAME, "is composed, most are not", "most are composed"),
)
_AT_ONCE = 1 << 14


def write_notices(plan: Plan, notices: NoticeLog) -> None:
    """One line for each oddity of each sound file, whether or not a row was made of it.

    A byte order mark and a decomposed name are odd where most files are otherwise.
    """
    marks = {side: plan.items.columns[side].marks[rows] for side, rows in plan.sound.items()}
    all_marks = np.concatenate(list(marks.values()))
    for side, rows in plan.sound.items():
        for mark, oddity, detail in _MARKED:
            _write(plan, side, rows[marks[side] & mark > 0], oddity, detail, notices)
        for mark, oddity, without, with_it in _UNUSUAL:
            usual = np.count_nonzero(all_marks & mark) * 2 > len(all_marks)
            odd = rows[(marks[side] & mark > 0) != usual]
            _write(plan, side, odd, oddity, without if usual else with_it, notices)
        repeated = rows[_repeated(plan.items.columns[side].name[rows])]
        _write(plan, side, repeated, Oddity.DUPLICATE_ID, "", notices)
    repeated = plan.sound[Side.QUESTION][_repeated(plan.same_sound_questions)]
    _write(plan, Side.QUESTION, repeated, Oddity.DUPLICATE_TEXT, "", notices)


def _repeated(values: NDArray[np.int64] | NDArray[np.uint64]) -> NDArray[np.bool_]:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1)


def _write(
    plan: Plan,
    side: Side,
    rows: NDArray[np.int64],
    oddity: Oddity,
    detail: str,
    notices: NoticeLog,
) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        found = plan.items.spill[side].take(rows[start : start + _AT_ONCE], ["path"])
        for path in found.column("path").to_pylist():
            notices.add(path, oddity, detail)
