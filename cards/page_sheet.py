"""A sheet of the pages that a model read worst, and the small pictures that it is made of.

Predictions may hold such a picture in the column `picture`, so that the sheet on a card follows
from them alone. Only pages that were made up get one: a card is read by more people than a
patient's record, and no gate can read a picture.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cards.figure_style import MUTED, drawing

if TYPE_CHECKING:
    import pyarrow as pa
    from PIL.Image import Image

PICTURE = "picture"
_PIXELS = 360
"""Longest side: the state of a page can be judged, small print cannot be read."""
_JPEG_QUALITY = 75
_COLUMNS = 5


class SheetPage(NamedTuple):
    """`caption` is one line of ASCII or Hangul."""

    caption: str
    picture: bytes


def with_pictures(predictions: pa.Table, pages: Mapping[int, Image]) -> pa.Table:
    """Predictions with the column `picture`: small JPEGs of {row: page}, null elsewhere.

    pages: upright, RGB.
    """
    import pyarrow as pa

    small = {row: _small_jpeg(page) for row, page in pages.items()}
    column = pa.array([small.get(row) for row in range(predictions.num_rows)], pa.binary())
    return predictions.append_column(PICTURE, column)


def _small_jpeg(page: Image) -> bytes:
    """Pixels and nothing else: no metadata, no colour profile."""
    small = page.copy()
    small.thumbnail((_PIXELS, _PIXELS))
    small.info.clear()
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def page_sheet(pages: Sequence[SheetPage]) -> bytes:
    """PNG of the pages in rows, at least one."""
    rows = -(-len(pages) // _COLUMNS)
    with drawing(1.9 * _COLUMNS, 2.4 * rows) as (figure, png):
        panels = figure.subplots(rows, _COLUMNS, squeeze=False)
        for axes in panels.flat:
            axes.set_axis_off()
        for axes, page in zip(panels.flat, pages, strict=False):
            axes.imshow(_on_square(page.picture))
            axes.set_title(page.caption, fontsize=8, color=MUTED)
    return png.getvalue()


def _on_square(data: bytes) -> Image:
    """In the upper left corner, so that all captions stand in line."""
    from PIL.Image import new as new_image
    from PIL.Image import open as open_image

    square = new_image("RGB", (_PIXELS, _PIXELS), "white")
    square.paste(open_image(io.BytesIO(data), formats=["JPEG"]))
    return square
