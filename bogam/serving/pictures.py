"""Pictures in a request: real ones only, and as the model saw those that it learnt from."""

from __future__ import annotations

import base64
import binascii
import io
import re

from bogam.serving.limits import Limits, Refusal
from loaders.image_containers import UnusableImage
from loaders.image_files import inspect, read_rgb

_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,", re.IGNORECASE)


def checked_url(url: str, place: str, limits: Limits) -> str:
    """The picture's address as the engine gets it.

    A data URL is decoded to its last bit. A picture that is turned, transparent or of 16 bits is
    drawn anew as training sees it, because engines differ on these.

    Args:
        place: what the picture is called in messages.

    Raises:
        Refusal: 400, not a picture, too large, or somewhere else.
    """
    if url.startswith(("http://", "https://")):
        if limits.fetch_images:
            return url
        raise Refusal(
            400,
            "image_not_embedded",
            f"{place}: this server fetches nothing. Send the picture itself, as a data URL "
            "(data:image/png;base64,...).",
        )
    head = _DATA_URL.match(url)
    if head is None:
        raise Refusal(
            400, "invalid_image", f"{place}: no data URL of a picture (data:image/png;base64,...)."
        )
    try:
        data = base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, "invalid_image", f"{place}: its base64 cannot be decoded.") from None
    try:
        facts = inspect(data, max_pixels=limits.pixels)
    except UnusableImage as error:
        raise Refusal(
            400,
            "invalid_image",
            f"{place}: cannot be used as a picture ({error}). JPEG, PNG, WebP, GIF and BMP of up "
            f"to {limits.pixels:,} pixels can.",
        ) from None
    if facts.orientation == 1 and facts.mode in ("RGB", "L"):
        return url
    drawn = io.BytesIO()
    read_rgb(data).save(drawn, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(drawn.getvalue()).decode()
