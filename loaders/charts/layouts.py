"""What a source of ChartQA holds, whichever layout it is in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from loaders.clean_text import clean_text
from loaders.rejects import Reason, RejectLog
from loaders.source import read_again

Part = Literal["human", "machine"]
Stage = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]

SPLITS: Mapping[str, str] = MappingProxyType(
    {"train": "train", "val": "validation", "test": "test"}
)
"""{split as ChartQA calls it: split of the dataset}."""


class UnusableRecord(Exception):
    """A record that cannot become a row; `detail` is for a person."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a chart at one place of the source."""

    item: str
    """Path in the source; of parquet with the number of the row."""
    split: str
    name: str
    """The file's name as ChartQA gives it; empty where it gives none."""
    sha256: str
    place: Path | tuple[int, int]
    """The file, or the number of the parquet file and of the row in it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A record: what is asked about a chart, and every right answer."""

    item: str
    split: str
    part: Part
    text: str
    labels: tuple[str, ...]
    picture: Picture


@dataclass(frozen=True)
class Contents:
    """What was found. Every raw item is a question, one of `pictures`, or was rejected already."""

    items: int
    questions: list[Question]
    pictures: list[Picture]
    """Chart files that are items of their own; empty where a record holds its chart."""


class Layout(ABC):
    """One form in which ChartQA is handed on."""

    @abstractmethod
    def read(self, rejects: RejectLog, stage: Stage) -> Contents:
        """All of the source, without decoding a chart.

        Raises:
            BogamError: a file of records cannot be read as what it should be.
        """

    @property
    def made_up(self) -> bool:
        """The charts are drawings of this package."""
        return False

    @abstractmethod
    def bytes_of(self, picture: Picture) -> bytes:
        """The bytes at a place. Quick where places are asked for in the order of the source.

        Raises:
            OSError: they cannot be read.
        """

    def read_again(self, picture: Picture) -> bytes:
        """The bytes that were there before.

        Raises:
            BogamError: they are gone, or others.
        """
        return read_again(lambda: self.bytes_of(picture), picture.item, picture.sha256)


def question_text(value: object) -> str:
    """Raise :class:`UnusableRecord` unless it is a text that is not empty."""
    if not isinstance(value, str):
        raise UnusableRecord(Reason.WRONG_TYPE, f"query is no text but {_kind(value)}")
    text = clean_text(value)
    if not text:
        raise UnusableRecord(Reason.EMPTY_TEXT, "query is empty")
    return text


def answer_labels(value: object) -> tuple[str, ...]:
    """The right answers, each once, from a text or a list of texts.

    Raises:
        UnusableRecord: something else, or nothing in it.
    """
    values = value if isinstance(value, list) else [value]
    labels: dict[str, None] = {}
    for label in values:
        if not isinstance(label, str):
            raise UnusableRecord(Reason.WRONG_TYPE, f"label is no text but {_kind(label)}")
        labels[clean_text(label)] = None
    labels.pop("", None)
    if not labels:
        raise UnusableRecord(Reason.EMPTY_TEXT, "label is empty")
    return tuple(labels)


def _kind(value: object) -> str:
    return "missing" if value is None else type(value).__name__
