"""Pictures small enough for a sheet of many."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

PIXELS = 400
"""Longest side."""


def thumbnail(data: bytes) -> Image:
    """An encoded picture, upright, in the upper left corner of a white square: captions of several
    stand in line then."""
    from PIL import ImageOps
    from PIL.Image import new as new_image
    from PIL.Image import open as open_image

    encoded = open_image(io.BytesIO(data))
    encoded.draft("RGB", (PIXELS, PIXELS))
    image = ImageOps.exif_transpose(encoded).convert("RGB")
    image.thumbnail((PIXELS, PIXELS))
    square = new_image("RGB", (PIXELS, PIXELS), "white")
    square.paste(image)
    return square
