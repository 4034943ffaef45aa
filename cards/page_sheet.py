"""A sheet of the pages that a model read worst, and the small pictures that it is made of.

Predictions may hold such a picture in the column `tuned_picture`, so that the sheet on a card
follows from them alone. Only pages that were made up get one: a card is read by more people than
a patient's record, and no gate can read a picture.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cards.figure_style import MUTED, drawing
from cards.thumbnails import PIXELS, on_white, thumbnail

if TYPE_CHECKING:
    import pyarrow as pa
    from PIL.Image import Image

PICTURE = "tuned_picture"
"""Of the tuned model, as it says which pages were read worst."""
_JPEG_QUALITY = 75
_GAP, _CAPTION = 0.25, 0.3
"""Inches between pages that stand side by side, and above each."""


class SheetPage(NamedTuple):
    caption: str
    """One line of ASCII or Hangul; the font has no Chinese."""
    picture: bytes
    """Encoded, of any size."""


def with_pictures(predictions: pa.Table, pages: Mapping[int, Image]) -> pa.Table:
    """Predictions with the column `tuned_picture`: small JPEGs of {row: page}, null elsewhere.

    pages: upright, RGB.
    """
    import pyarrow as pa

    small = {row: _small_jpeg(page) for row, page in pages.items()}
    column = pa.array([small.get(row) for row in range(predictions.num_rows)], pa.binary())
    return predictions.append_column(PICTURE, column)


def _small_jpeg(page: Image) -> bytes:
    """Pixels and nothing else: no metadata, no colour profile."""
    small = page.copy()
    small.thumbnail((PIXELS, PIXELS))
    small.info.clear()
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def page_sheet(pages: Sequence[SheetPage]) -> bytes:
    """PNG of the pages in rows, at least one; lying pages stand in fewer columns."""
    small = [thumbnail(page.picture) for page in pages]
    size = (max(page.width for page in small), max(page.height for page in small))
    most, width = (3, 2.2) if size[0] > size[1] else (4, 1.9)
    columns = min(most, len(pages))
    rows = -(-len(pages) // columns)
    height = (width - _GAP) * size[1] / size[0] + _CAPTION
    with drawing(width * columns, height * rows) as (figure, png):
        panels = figure.subplots(rows, columns, squeeze=False)
        for axes in panels.flat:
            axes.set_axis_off()
        for axes, page, picture in zip(panels.flat, pages, small, strict=False):
            axes.imshow(on_white(picture, size))
            axes.set_title(page.caption, fontsize=8, color=MUTED)
    return png.getvalue()
