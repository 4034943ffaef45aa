"""What every reader makes of a raw item: a talk about images, or the fault that forbids one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from loaders.rejects import Reason

DocumentType = Literal["prescription", "checkup", "bill", "label", "receipt", "other"]


class Turn(NamedTuple):
    question: str
    answer: str


class Field(NamedTuple):
    """A value on the picture. `box` is left, top, right, bottom in pixels, or empty if unknown."""

    name: str
    value: str
    group: int = -1
    """The line of a table that the value stands in; -1 outside one."""
    box: tuple[int, ...] = ()


class Fault(NamedTuple):
    """Why a raw item cannot become a row."""

    reason: Reason
    detail: str


@dataclass(frozen=True)
class Talk:
    """A raw item that can become a row, if its images can be used."""

    item: str
    """What rejects call it: file and place in the file."""
    row_id: str
    source: str
    """The file that it comes from, for counts."""
    images: tuple[str, ...]
    """As recorded, then as paths in the source."""
    turns: tuple[Turn, ...]
    document_type: DocumentType
    language: str
    split: str | None = None
    """The split that the source puts it in."""
    person: str = ""
    """Name and number, or another key; only ever compared, never published."""
    fields: tuple[Field, ...] = ()
    flags: tuple[str, ...] = ()
    """Defects that rules can prove, see `defects`."""
    augmented: bool = False
    quality: str = ""
    made_up: bool = False
    """Drawn by our own synthesis: nobody on it exists."""


def language_of(text: str) -> str:
    """`ko` where there is Hangul, else `zh` where there are Han characters, else `en`."""
    if any("가" <= character <= "힣" for character in text):
        return "ko"
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"
