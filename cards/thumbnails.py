"""Pictures small enough for a sheet of many."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

PIXELS = 400
"""Longest side."""


def thumbnail(data: bytes) -> Image:
    """An encoded picture, upright."""
    from PIL import ImageOps
    from PIL.Image import open as open_image

    encoded = open_image(io.BytesIO(data))
    encoded.draft("RGB", (PIXELS, PIXELS))
    image = ImageOps.exif_transpose(encoded).convert("RGB")
    image.thumbnail((PIXELS, PIXELS))
    return image


def on_white(image: Image, size: tuple[int, int]) -> Image:
    """A picture in the upper left corner of a white one of (width, height): captions of several
    stand in line then."""
    from PIL.Image import new as new_image

    sheet = new_image("RGB", size, "white")
    sheet.paste(image)
    return sheet
