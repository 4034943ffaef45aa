"""Sheets to learn reading from: words, made-up names and numbers at random places, and bars.

Printed in fixed-pitch letters, one to a picture token of Qwen2.5-VL's. Nothing on them comes from
a row of a dataset but single words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from loaders.medical_ocr.synthesis.page import Cell, Colour, Page, Style

PITCH = 3.5
"""Millimetres across and down; 28 pixels at 203 dots an inch."""
_DPI = 203
_LETTERS = "nanum-gothic"
_BARS: tuple[Colour, ...] = (
    (42, 114, 222),
    (232, 134, 46),
    (58, 154, 78),
    (207, 58, 58),
    (125, 85, 181),
    (140, 143, 148),
    (217, 178, 28),
)


@dataclass(frozen=True)
class Sheet:
    """A picture and everything written on it."""

    image: Image.Image
    letters: NDArray[np.str_]
    """(lines, columns, 2): the letter in each half of a column, empty where there is none; one
    that takes a whole column stands in the half that its middle lies in."""
    lines: tuple[tuple[str, ...], ...]
    """Words from left to right, of all lines; an empty line has none."""


@dataclass(frozen=True)
class SheetMaker:
    """Draws sheets with `words`, and with names made up of their Hangul letters."""

    words: Sequence[str]
    hangul: Sequence[str]

    @classmethod
    def of(cls, words: Sequence[str]) -> SheetMaker:
        """Of all that fits on a sheet."""
        known = sorted({word for word in words if 0 < width(word) <= 12})
        return cls(known, sorted({c for word in known for c in word if "가" <= c <= "힣"}))

    def make(self, rng: Random, columns: int, lines: int) -> Sheet:
        """A sheet of `columns` by `lines` picture tokens."""
        dark = rng.randint(0, 50)
        style = Style(_LETTERS, _LETTERS, False, 0.2, (dark, dark, dark), (0.0, 0.0))
        page = Page(columns * PITCH, lines * PITCH, _DPI, style)
        page.pixels[:] = rng.randint(215, 255)
        shift = (rng.uniform(-0.12, 0.12), rng.uniform(-0.12, 0.12))
        written = _Writing(page, shift, np.full((lines, columns, 2), "", "<U1"))
        read = tuple(self._line(rng, written, line, columns) for line in range(lines))
        noise = np.random.default_rng(rng.getrandbits(32))
        grain = noise.normal(0, rng.uniform(0, 6), page.pixels.shape[:2])[:, :, None]
        pixels = np.clip(page.pixels + grain, 0, 255).astype(np.uint8)
        return Sheet(Image.fromarray(pixels), written.letters, read)

    def _line(self, rng: Random, written: _Writing, line: int, columns: int) -> tuple[str, ...]:
        if columns > 8 and rng.random() < 0.35:
            return self._entry(rng, written, line, columns)
        words: list[str] = []
        column = rng.choice((0.0, 0.0, 0.0, 0.5, 1.0))
        while rng.random() < 0.9:
            word = self._word(rng, columns)
            if column + width(word) > columns:
                break
            words.append(word)
            column = written.write(line, column, word) + rng.choice((0.5, 0.5, 1.0))
        return tuple(words)

    def _entry(self, rng: Random, written: _Writing, line: int, columns: int) -> tuple[str, ...]:
        """A word on the left, one on the right, and often a bar between them."""
        first, last = self._word(rng, 4), self._word(rng, 4)
        end = written.write(line, 0.0, first)
        start = columns - width(last)
        written.write(line, start, last)
        room = start - end - 1
        if room > 0.5 and rng.random() < 0.8:
            bar = Cell(
                (end + 0.5) * PITCH, (line + 0.15) * PITCH, rng.uniform(0.2, room) * PITCH, 2.45
            )
            written.page.shade(bar, rng.choice(_BARS))
        return first, last

    def _word(self, rng: Random, most: int) -> str:
        while True:
            kind = rng.random()
            if kind < 0.4:
                word = rng.choice(self.words)
            elif kind < 0.7:
                word = "".join(rng.choices(self.hangul, k=rng.choice((2, 3, 3, 4))))
            elif kind < 0.85:
                word = str(rng.randint(0, 10 ** rng.randint(1, 4)))
            elif kind < 0.92:
                word = f"{rng.randint(0, 999)}.{rng.randint(0, 99)}"
            else:
                word = f"{rng.randint(20, 29)}.{rng.randint(1, 12):02}.{rng.randint(1, 31):02}"
            if width(word) <= most:
                return word


@dataclass(frozen=True)
class _Writing:
    page: Page
    shift: tuple[float, float]
    letters: NDArray[np.str_]

    def write(self, line: int, column: float, text: str) -> float:
        """Write and remember; gives the column behind the text."""
        x, y = column * PITCH + self.shift[0], line * PITCH + self.shift[1]
        self.page.pitched_label(text, x, y, PITCH, self.page.style.value_colour)
        for letter in text:
            middle = column + Page.columns_of(letter) / 2
            self.letters[line, int(middle), int(middle % 1 >= 0.5)] = letter
            column += Page.columns_of(letter)
        return column


def width(text: str) -> float:
    """Columns that a text takes."""
    return sum(map(Page.columns_of, text))
