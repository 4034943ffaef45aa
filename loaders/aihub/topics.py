"""Topics: (disease category, disease, intention), the only thing that joins the two sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from loaders.clean_text import comparable

INTENTIONS = frozenset(
    ["검진", "식이, 생활", "약물", "예방", "운동", "원인", "재활", "정의", "증상", "진단", "치료"]
)
"""What a question can be about; the last level of the folders."""


class Topic(NamedTuple):
    """As written in a file; an empty text where it says nothing."""

    category: str
    disease: str
    intention: str

    @property
    def key(self) -> Topic:
        """What equal topics have in common, however blanks and punctuation are set."""
        return Topic(*map(comparable, self))


def topic_of_folder(levels: Sequence[str]) -> Topic:
    """What the folders below the questions or answers folder say; at least as much as they can."""
    if len(levels) >= 3:
        return Topic(*levels[-3:])
    if len(levels) == 2 and comparable(levels[1]) in _INTENTION_KEYS:
        return Topic("", *levels)
    return Topic(*levels, *[""] * (3 - len(levels)))


def folder_agrees(levels: Sequence[str], topic: Topic) -> bool:
    """Whether the folders name the topic: all of it if they can, else nothing but it."""
    names = {comparable(level) for level in levels}
    key = set(topic.key)
    return key <= names if len(levels) >= 3 else names <= key


_INTENTION_KEYS = frozenset(map(comparable, INTENTIONS))
