"""Images of rows, small for a page or whole."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

THUMBNAIL_PIXELS = 256
"""Longest side of a small copy."""
MOST_PIXELS = 80_000_000
"""Four bytes each while a picture is decoded."""
_MEDIA_TYPES = {
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}


class UnreadablePictureError(Exception):
    """The bytes are no image of a known format, or one that is too large to decode."""


def thumbnail(content: bytes) -> bytes:
    """A small JPEG of an image. Raises :class:`UnreadablePictureError`."""
    try:
        with _opened(content) as image:
            # JPEG decodes at a fraction of its size, which is most of the work.
            image.draft("RGB", (2 * THUMBNAIL_PIXELS, 2 * THUMBNAIL_PIXELS))
            small = ImageOps.exif_transpose(image)
            small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
            if small.mode in {"RGBA", "LA", "PA", "P"}:
                paper = Image.new("RGB", small.size, "white")
                coloured = small.convert("RGBA")
                paper.paste(coloured, mask=coloured.getchannel("A"))
                small = paper
            out = io.BytesIO()
            small.convert("RGB").save(out, "JPEG", quality=80)
            return out.getvalue()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UnreadablePictureError(str(error)) from error


def media_type(content: bytes) -> str:
    """What an image is, by its bytes alone. Raises :class:`UnreadablePictureError`."""
    with _opened(content) as image:
        return _MEDIA_TYPES[str(image.format)]


def _opened(content: bytes) -> Image.Image:
    """Only formats that are pictures and nothing else: no SVG, no PDF, no PostScript."""
    try:
        image = Image.open(io.BytesIO(content), formats=list(_MEDIA_TYPES))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadablePictureError(str(error)) from error
    if image.width * image.height > MOST_PIXELS:
        raise UnreadablePictureError(f"{image.width} x {image.height} pixels are too many")
    return image
