"""The closed set of answers of a classification task."""

from __future__ import annotations

from collections.abc import Sequence

from cards.errors import BogamError
from cards.records import Record

UNPARSED = "unparsed"
"""Stands where a class name belongs and none could be read. It is never the right answer."""


class AnswerClass(Record):
    """One of the answers that a model has to choose from."""

    answer: str
    """What the model is to answer, e.g. `3`; the reference text of every row of the class."""
    name: str
    """English, e.g. `drug_raw`."""
    korean: str
    phrases: tuple[str, ...] = ()
    """What else a wordy answer may call the class, besides its two names."""


def check_classes(classes: Sequence[AnswerClass]) -> None:
    """Raise :class:`BogamError` when an answer cannot be told from another one by its words."""
    if len(classes) < 2:
        raise BogamError("Classes: a model that can give one answer only chooses nothing.")
    for what, words in (
        ("answer", [(one, one.answer) for one in classes]),
        ("name", [(one, one.name) for one in classes]),
        ("Korean name", [(one, one.korean) for one in classes]),
        ("phrase", [(one, phrase) for one in classes for phrase in set(one.phrases)]),
    ):
        said_by: dict[str, AnswerClass] = {}
        for one, word in words:
            said = word.strip().casefold()
            if not said:
                raise BogamError(f"Classes: class {one.name!r} has an empty {what}.")
            other = said_by.setdefault(said, one)
            if other is not one:
                raise BogamError(
                    f"Classes: {other.name!r} and {one.name!r} have the same {what} {word!r}. "
                    "Give each its own."
                )
    if any(one.name == UNPARSED for one in classes):
        raise BogamError(
            f"Classes: {UNPARSED!r} is what an answer is called that names no class. "
            "Name the class otherwise."
        )
