"""Values of rows as what a page can show: text, pictures, a conversation, a list, a structure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hub.server.tables.columns import Column

SHORT_CHARACTERS = 400
SOLID_CHARACTERS = 30
LONG_CHARACTERS = 24
MOST_CHARACTERS = 20_000
MOST_ITEMS = 200


@dataclass(frozen=True)
class Text:
    """A text: its beginning, the rest that a page unfolds, and how much was left out."""

    start: str
    rest: str = ""
    left_out: int = 0

    @property
    def is_long(self) -> bool:
        """Whether it needs a broad column."""
        return len(self.start) > LONG_CHARACTERS and not self.is_solid

    @property
    def is_solid(self) -> bool:
        """Whether it is one long word, such as a hash, of which a reader wants the beginning."""
        return (
            len(self.start) > SOLID_CHARACTERS
            and self.start.isascii()
            and (" " not in self.start and self.start.isprintable())
        )


@dataclass(frozen=True)
class Message:
    """A turn of a conversation."""

    role: str
    text: Text


@dataclass(frozen=True)
class Cell:
    """One value; exactly one of the fields below `kind` is meant by it."""

    column: str
    kind: str
    """`empty`, `number`, `label`, `text`, `list`, `messages`, `images`, `structure`, `binary`."""
    text: Text = Text("")
    items: tuple[Text, ...] = ()
    messages: tuple[Message, ...] = ()
    images: tuple[str, ...] = ()
    """The name of each picture, which may be empty."""


def make_cell(column: Column, row: dict[str, Any]) -> Cell:
    """The value of a column in a row that :class:`~hub.server.tables.reader.TableReader` read."""
    name = column.name
    value = row.get(name)
    if column.is_image or column.is_image_list:
        values = value if isinstance(value, list) else [value]
        images = [str(item.get("path") or "") for item in values if isinstance(item, dict)]
        return Cell(name, "images" if images else "empty", images=tuple(images[:MOST_ITEMS]))
    if name not in row:
        return Cell(name, "binary")
    if value is None or value == [] or value == "":
        return Cell(name, "empty")
    if column.is_label:
        return Cell(name, "label", _text(column.shown(value)))
    if column.is_conversation:
        messages = [item for item in value if isinstance(item, dict)][:MOST_ITEMS]
        return Cell(
            name,
            "messages",
            messages=tuple(
                Message(str(item.get("role") or ""), _text(_plain(item.get("content"))))
                for item in messages
            ),
        )
    if isinstance(value, int | float):
        return Cell(name, "number", _text(f"{value:,}" if isinstance(value, int) else f"{value:g}"))
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        items = tuple(_text(_plain(item)) for item in value[:MOST_ITEMS])
        return Cell(name, "list", items=items)
    if isinstance(value, dict | list):
        structure = json.dumps(value, ensure_ascii=False, indent=2, default=str)
        return Cell(name, "structure", _text(structure))
    return Cell(name, "text", _text(str(value)))


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _text(text: str) -> Text:
    if len(text) <= SHORT_CHARACTERS:
        return Text(text)
    shown = text[:MOST_CHARACTERS]
    return Text(
        shown[:SHORT_CHARACTERS], shown[SHORT_CHARACTERS:], max(len(text) - MOST_CHARACTERS, 0)
    )
