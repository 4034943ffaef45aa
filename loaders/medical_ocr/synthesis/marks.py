"""What stands on a document besides text: seals, signatures, bar codes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from loaders.medical_ocr.synthesis.page import Colour, Page, Pixels, font_file

_RED: Colour = (205, 45, 50)
_PENS: tuple[Colour, ...] = ((20, 20, 25), (25, 40, 130))


def draw_seal(page: Page, rng: Generator, text: str, x: float, y: float, size: float) -> None:
    """A red seal with up to six characters, centred on (x, y), `size` millimetres wide."""
    side = page.px(size)
    patch = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(patch)
    edge = max(2, side // 22)
    square = rng.random() < 0.4
    outline = draw.rectangle if square else draw.ellipse
    outline((edge, edge, side - 1 - edge, side - 1 - edge), outline=_RED, width=edge)
    columns = 1 if len(text) < 3 else 2
    rows = -(-len(text) // columns)
    letter = int(side * (0.72 if square else 0.6) / max(rows, columns))
    path, _ = font_file("noto-serif", True)
    font = ImageFont.truetype(str(path), letter, layout_engine=ImageFont.Layout.BASIC)
    for number, character in enumerate(text):
        # Seals are read from the right column to the left one.
        column, row = columns - 1 - number // rows, number % rows
        place = (
            side / 2 + (column - (columns - 1) / 2) * letter,
            side / 2 + (row - (rows - 1) / 2) * letter,
        )
        draw.text(place, character, _RED, font, anchor="mm", stroke_width=letter / 30)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(-12, 12)), 0.98)
    ink = cv2.warpAffine(np.asarray(patch), turn, (side, side), borderValue=(255, 255, 255))
    # Uneven pressure: the pad never inks the whole stamp alike.
    pressure = cv2.resize(rng.uniform(0.55, 1.0, (3, 3)).astype(np.float32), (side, side))
    worn = 255 - (255 - ink.astype(np.float32)) * pressure[:, :, None]
    page.multiply(worn.astype(np.uint8), page.px(x) - side // 2, page.px(y) - side // 2)


def draw_signature(page: Page, rng: Generator, x: float, y: float, width: float) -> None:
    """A pen stroke of a few loops, `width` millimetres wide, starting at (x, y)."""
    columns, rows = page.px(width), page.px(width * 0.45)
    ink: Pixels = np.full((rows, columns, 3), 255, np.uint8)
    loops = int(rng.integers(3, 6))
    t = np.linspace(0, 1, 90)
    across = 0.08 + 0.8 * t + 0.07 * np.sin(2 * np.pi * loops * t + rng.uniform(0, 6))
    swing = rng.uniform(0.12, 0.32) * (1 - 0.5 * t)
    height = 0.5 + swing * np.sin(2 * np.pi * loops * t) + rng.uniform(-0.1, 0.1) * t
    points = np.stack([across * columns, height * rows], axis=1)
    pen = _PENS[int(rng.integers(len(_PENS)))]
    cv2.polylines(
        ink, [np.round(points * 8).astype(np.int32)], False, pen,
        thickness=max(1, page.px(0.28)), lineType=cv2.LINE_AA, shift=3,
    )  # fmt: skip
    page.multiply(ink, page.px(x), page.px(y))


def draw_bar_code(
    page: Page, rng: Generator, x: float, y: float, width: float, height: float
) -> None:
    """Bars that look like a code and hold nothing."""
    modules = rng.integers(0, 2, page.px(width) // max(1, page.px(0.3)))
    modules[[0, -1]] = 1
    bars = np.repeat(modules, max(1, page.px(0.3)))
    ink = np.repeat(np.where(bars, 0, 255).astype(np.uint8)[None, :, None], page.px(height), axis=0)
    page.multiply(np.ascontiguousarray(np.repeat(ink, 3, axis=2)), page.px(x), page.px(y))


def draw_matrix_code(page: Page, rng: Generator, x: float, y: float, size: float) -> None:
    """A square of modules with three finder marks, as two-dimensional codes have; holds nothing."""
    count = 29
    modules = rng.integers(0, 2, (count, count)).astype(np.uint8)
    finder = np.zeros((8, 8), np.uint8)
    finder[:7, :7] = 1
    finder[1:6, 1:6] = 0
    finder[2:5, 2:5] = 1
    modules[:8, :8] = finder
    modules[:8, -8:] = finder[:, ::-1]
    modules[-8:, :8] = finder[::-1]
    side = page.px(size)
    ink = cv2.resize(255 * (1 - modules), (side, side), interpolation=cv2.INTER_NEAREST)
    page.multiply(np.repeat(ink[:, :, None], 3, axis=2).astype(np.uint8), page.px(x), page.px(y))
