"""A page to draw on: rules, labels and values in millimetres, and a log of every value drawn.

What a question may ask about is exactly what `Page.fields` holds, so an answer can name nothing
that the picture does not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple
from unicodedata import normalize

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
Align = Literal["left", "centre", "right"]

BLACK: Colour = (0, 0, 0)
MM_PER_INCH = 25.4
SMALLEST_TYPE = 4.5
"""Points; smaller print is not legible at 150 dpi."""
_PITCHED_SIZE = 0.86
"""Height of the letters of fixed-pitch print, of its pitch."""

# A family without a bold cut is made bolder by a stroke around its outlines.
_FAMILIES = {
    "nanum-gothic": ("koreanize_matplotlib", "fonts/NanumGothic.ttf", "fonts/NanumGothicBold.ttf"),
    "noto-sans": ("pylopdf_fonts_ko", "NotoSansKR-Regular.otf", None),
    "noto-serif": ("pylopdf_fonts_ko", "NotoSerifKR-Regular.otf", None),
}
FAMILIES = tuple(_FAMILIES)


@dataclass(frozen=True)
class Field:
    """A value as printed. `group` numbers the line of a table it stands in, -1 outside one."""

    name: str
    value: str
    box: tuple[int, int, int, int]
    """Left, top, right, bottom in pixels; right and bottom are exclusive."""
    group: int = -1


@dataclass(frozen=True)
class Style:
    """How one document is set."""

    label_family: str
    value_family: str
    value_bold: bool
    rule_weight: float
    """Millimetres."""
    value_colour: Colour
    shift: tuple[float, float]
    """Millimetres by which the values sit beside the printed form."""


class Cell(NamedTuple):
    """A rectangle on the page in millimetres."""

    x: float
    y: float
    w: float
    h: float


@lru_cache(maxsize=16)
def font_file(family: str, bold: bool) -> tuple[Path, bool]:
    """The file of a family, and whether boldness must be drawn by a stroke."""
    package, regular, bold_cut = _FAMILIES[family]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package}, which holds the font {family}, is not installed")
    folder = Path(spec.submodule_search_locations[0])
    return (folder / bold_cut, False) if bold and bold_cut else (folder / regular, bold)


@lru_cache(maxsize=256)
def _font(family: str, bold: bool, size: int) -> ImageFont.FreeTypeFont:
    # Composed Hangul needs no shaping: the basic engine draws the same and adds no dependency.
    path, _ = font_file(family, bold)
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=256)
def _tints(colour: Colour) -> Pixels:
    """Factors (256, 3) by which a glyph's coverage darkens white paper to `colour`."""
    steps = np.arange(256)[:, None] * (255 - np.asarray(colour))
    table: Pixels = (255 - (steps + 127) // 255).astype(np.uint8)
    return table


@lru_cache(maxsize=4096)
def _run(family: str, bold: bool, size: int, text: str, colour: Colour) -> tuple[Pixels, int, int]:
    """Ink of a run of text as factors (height, width, 3), and its corner from the baseline."""
    _, stroked = font_file(family, bold)
    stroke = size / 48 if stroked else 0.0
    bitmap, (left, top) = _font(family, bold, size).getmask2(
        text, "L", stroke_width=stroke, stroke_filled=bool(stroke), anchor="ls"
    )
    width, height = bitmap.size
    mask = np.frombuffer(bytes(bitmap), np.uint8).reshape(height, width)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError(f"{text!r} leaves no ink")
    # The bitmap carries blank margins; a box must fit the ink.
    tight = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _tints(colour)[tight], left + int(columns[0]), top + int(rows[0])


@lru_cache(maxsize=16384)
def _length(family: str, bold: bool, size: int, text: str) -> float:
    return _font(family, bold, size).getlength(text)


@lru_cache(maxsize=256)
def _body(family: str, bold: bool, size: int) -> int:
    """Height of a full-width syllable above the baseline, for centring lines of text."""
    return -int(_font(family, bold, size).getbbox("한", anchor="ls")[1])


class Page:
    """White pixels (height, width, 3) and the fields drawn on them."""

    def __init__(self, width: float, height: float, dpi: int, style: Style) -> None:
        self.dpi = dpi
        self.style = style
        self.width = width
        self.height = height
        self.pixels: Pixels = np.full((self.px(height), self.px(width), 3), 255, np.uint8)
        self.fields: list[Field] = []

    def px(self, millimetres: float) -> int:
        return round(millimetres * self.dpi / MM_PER_INCH)

    def multiply(self, ink: Pixels, left: int, top: int) -> None:
        """Lay ink (255 = none) over the page, as print does. It must lie on the page."""
        height, width = ink.shape[:2]
        below = self.pixels[top : top + height, left : left + width]
        if left < 0 or top < 0 or below.shape != ink.shape:
            raise ValueError(f"ink of {width}x{height} at ({left}, {top}) leaves the page")
        cv2.multiply(below, ink, dst=below, scale=1 / 255)

    def shade(self, cell: Cell, colour: Colour) -> None:
        """Fill a rectangle."""
        self.pixels[
            self.px(cell.y) : self.px(cell.y + cell.h), self.px(cell.x) : self.px(cell.x + cell.w)
        ] = colour

    def rule(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        weight: float | None = None,
        colour: Colour = BLACK,
        dashed: bool = False,
    ) -> None:
        """A horizontal or vertical line of `weight` millimetres."""
        thick = max(1, self.px(self.style.rule_weight if weight is None else weight))
        left, top = self.px(x0) - thick // 2, self.px(y0) - thick // 2
        right = left + thick if x0 == x1 else self.px(x1) + (thick + 1) // 2
        bottom = top + thick if y0 == y1 else self.px(y1) + (thick + 1) // 2
        area = self.pixels[top:bottom, left:right]
        if not dashed:
            area[:] = colour
            return
        dash = max(2, self.px(0.5))
        for start in range(dash):
            along = area[:, start :: 2 * dash] if y0 == y1 else area[start :: 2 * dash]
            along[:] = colour

    def frame(self, cell: Cell, weight: float | None = None, colour: Colour = BLACK) -> None:
        x, y, w, h = cell
        for x0, y0, x1, y1 in (
            (x, y, x + w, y),
            (x, y + h, x + w, y + h),
            (x, y, x, y + h),
            (x + w, y, x + w, y + h),
        ):
            self.rule(x0, y0, x1, y1, weight, colour)

    def label(
        self,
        text: str,
        cell: Cell,
        size: float = 9,
        align: Align = "centre",
        bold: bool = False,
        colour: Colour = BLACK,
        framed: bool = False,
    ) -> None:
        """Printed text of the form itself, lines parted by newlines, `size` in points."""
        if framed:
            self.frame(cell)
        self._set(text, cell, size, self.style.label_family, bold, align, colour)

    def value(
        self,
        name: str,
        text: str,
        cell: Cell,
        size: float = 9.5,
        align: Align = "centre",
        group: int = -1,
        bold: bool | None = None,
        preprinted: bool = False,
    ) -> None:
        """A value on the form; it is logged with the box of its ink.

        `preprinted` values belong to the form itself, like the name of a test in a results table.
        """
        style = self.style
        if preprinted:
            box = self._set(text, cell, size, style.label_family, bool(bold), align, BLACK)
        else:
            dx, dy = style.shift
            moved = Cell(cell.x + dx, cell.y + dy, cell.w, cell.h)
            heavy = style.value_bold if bold is None else bold
            box = self._set(text, moved, size, style.value_family, heavy, align, style.value_colour)
        self.fields.append(Field(name, normalize("NFC", text), box, group))

    def boxed_value(self, name: str, text: str, cells: Sequence[Cell], group: int = -1) -> None:
        """A value written one character a cell; the log holds it once."""
        start = len(self.fields)
        for character, cell in zip(text, cells, strict=False):
            self.value(name, character, cell, group=group)
        drawn = self.fields[start:]
        if len(drawn) != len(text):
            raise ValueError(f"{text!r} does not fit into {len(cells)} cells")
        boxes = np.array([field.box for field in drawn])
        left, top = boxes[:, :2].min(axis=0).tolist()
        right, bottom = boxes[:, 2:].max(axis=0).tolist()
        del self.fields[start + 1 :]
        self.fields[start] = replace(drawn[0], value=text, box=(left, top, right, bottom))

    @staticmethod
    def columns_of(character: str) -> float:
        """Columns that fixed-pitch print gives a character: Hangul one, Latin half of one."""
        return 1.0 if "가" <= character <= "힣" else 0.5

    def pitched_label(
        self, text: str, x: float, y: float, pitch: float, colour: Colour = BLACK
    ) -> tuple[int, int, int, int]:
        """Text from (x, y) on in columns and a line of `pitch` millimetres; gives its ink's box."""
        text = normalize("NFC", text)
        family = self.style.label_family
        size = round(self.px(pitch) * _PITCHED_SIZE)
        baseline = self.px(y) + (self.px(pitch) + _body(family, False, size)) // 2
        boxes = []
        for character in text:
            room = pitch * self.columns_of(character)
            if character != " ":
                ink, left, top = _run(family, False, size, character, colour)
                column = self.px(room)
                indent = (column - round(_length(family, False, size, character))) // 2 + left
                if ink.shape[1] > column:
                    # An M of fixed-pitch print takes no more room than an I.
                    ink, indent = _narrowed(ink, column - 2), 1
                height, width = ink.shape[:2]
                # The outermost columns touch the edge, and print may be shifted.
                place = (
                    min(max(self.px(x) + indent, 0), self.pixels.shape[1] - width),
                    min(max(baseline + top, 0), self.pixels.shape[0] - height),
                )
                self.multiply(ink, *place)
                boxes.append((*place, place[0] + width, place[1] + height))
            x += room
        return _around(boxes)

    def pitched_value(
        self,
        name: str,
        lines: Sequence[tuple[str, float, float]],
        pitch: float,
        group: int,
        value: str,
    ) -> None:
        """A value in fixed-pitch print, logged once; `lines` hold its parts and their places."""
        dx, dy = self.style.shift
        colour = self.style.value_colour
        boxes = [self.pitched_label(text, x + dx, y + dy, pitch, colour) for text, x, y in lines]
        self.fields.append(Field(name, normalize("NFC", value), _around(boxes), group))

    def _set(
        self,
        text: str,
        cell: Cell,
        points: float,
        family: str,
        bold: bool,
        align: Align,
        colour: Colour,
    ) -> tuple[int, int, int, int]:
        lines = normalize("NFC", text).split("\n")
        padding = self.px(0.7)
        room = self.px(cell.w) - 2 * padding
        smallest = round(SMALLEST_TYPE * self.dpi / 72)
        size = round(points * self.dpi / 72)
        while max(_length(family, bold, size, line) for line in lines) > room:
            size -= 1
            if size < smallest:
                raise ValueError(f"{text!r} does not fit into {cell.w:.0f} mm")
        pitch = round(size * 1.28)
        body = _body(family, bold, size)
        first = self.px(cell.y) + (self.px(cell.h) - pitch * (len(lines) - 1) + body) // 2
        boxes = []
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            ink, left, top = _run(family, bold, size, line, colour)
            slack = room - round(_length(family, bold, size, line))
            # Figures keep off the rule on their right even when the print is shifted.
            indent = {"left": 0, "centre": slack // 2, "right": slack - min(slack, padding)}[align]
            x = self.px(cell.x) + padding + indent + left
            y = first + pitch * number + top
            self.multiply(ink, x, y)
            boxes.append((x, y, x + ink.shape[1], y + ink.shape[0]))
        return _around(boxes)

    def image(self) -> Image.Image:
        return Image.fromarray(self.pixels)


def _narrowed(ink: Pixels, width: int) -> Pixels:
    """Ink of the same height, pressed together from the sides."""
    resized = cv2.resize(ink, (width, ink.shape[0]), interpolation=cv2.INTER_AREA)
    return resized.astype(np.uint8, copy=False)


def _around(boxes: Sequence[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    if not boxes:
        raise ValueError("nothing to draw")
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
