"""Take out of an image file what tells about a person or a place, and leave the pixels alone.

Evidence photos carry positions, serial numbers, names, thumbnails of what was cropped away, and
whole second pictures after their end. What decides how the picture looks stays: the colour
profile, the colour transform and, as the only Exif tag, the orientation. Coded pixels are copied,
never decoded and encoded again.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image
from PIL.ExifTags import Base

from loaders.image_containers import TRAILING, ImageFormat, Piece, pieces

_EXIF = b"Exif\x00\x00"
_XMP = (b"http://ns.adobe.com/xap/1.0/", b"http://ns.adobe.com/xmp/extension/")
_PNG_LOOKS = frozenset(
    {"signature", "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP"}
    | {"mDCV", "cLLI", "sBIT", "bKGD", "pHYs", "hIST"}
)
_WEBP_LOOKS = frozenset({"RIFF", "VP8", "VP8L", "VP8X", "ALPH", "ICCP", "ANIM", "ANMF"})
_GIF_LOOKS = frozenset({"header", "graphic control", "image", "trailer"})
_WEBP_EXIF_FLAG, _WEBP_XMP_FLAG = 0x08, 0x04


@dataclass(frozen=True)
class Stripped:
    """`data` without metadata and the sorted names of what was taken out (`Exif`, `XMP`, ...).

    When nothing had to go, `data` is the very same bytes and `removed` is empty.
    """

    data: bytes
    removed: tuple[str, ...]


def strip_metadata(data: bytes, image_format: ImageFormat, orientation: int = 1) -> Stripped:
    """Remove metadata; `orientation` (1 to 8, Exif tag 0x0112) is what readers must still see.

    Stripping twice changes nothing the second time. Raises :class:`UnusableImage` as
    :func:`loaders.image_containers.pieces` does.
    """
    keep = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif, "BMP": _bmp}[image_format]
    removed: set[str] = set()
    kept = list(keep(pieces(data, image_format), orientation, removed))
    stripped = b"".join(kept)
    if image_format == "WEBP":
        stripped = stripped[:4] + (len(stripped) - 8).to_bytes(4, "little") + stripped[8:]
    return Stripped(data, ()) if stripped == data else Stripped(stripped, tuple(sorted(removed)))


def orientation_exif(orientation: int) -> bytes:
    """An Exif block (with its `Exif\\0\\0` header) whose only tag is the orientation."""
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    return exif.tobytes()


def _jpeg(parts: list[Piece], orientation: int, removed: set[str]) -> Iterator[bytes]:
    exif = b""
    if orientation != 1:
        block = orientation_exif(orientation)
        exif = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    # JFIF wants to be the first segment and Exif the next.
    place = 2 if _is_jfif(parts[1]) else 1
    for number, piece in enumerate(parts):
        if number == place:
            yield exif
        name = _jpeg_metadata(piece)
        if _is_jfif(piece):
            yield _without_thumbnail(piece, removed)
        elif name is None:
            yield piece.raw
        elif piece.raw != exif:
            removed.add(name)


def _is_jfif(piece: Piece) -> bool:
    return piece.kind == "APP0" and piece.payload.startswith(b"JFIF\x00")


def _jpeg_metadata(piece: Piece) -> str | None:
    """What kind of metadata a segment is; None for what a decoder needs."""
    payload = piece.payload
    if piece.kind == TRAILING:
        return TRAILING
    if piece.kind == "COM":
        return "comment"
    if not piece.kind.startswith("APP"):
        return None
    if piece.kind == "APP14" and payload.startswith(b"Adobe"):
        return None
    if piece.kind == "APP2" and payload.startswith(b"ICC_PROFILE\x00"):
        return None
    if payload.startswith(_EXIF):
        return "Exif"
    if payload.startswith(_XMP):
        return "XMP"
    if piece.kind == "APP13":
        return "IPTC"
    if payload.startswith(b"JFXX\x00"):
        return "thumbnail"
    return f"{piece.kind} data"


def _without_thumbnail(piece: Piece, removed: set[str]) -> bytes:
    """JFIF: identifier 5, version 2, units 1, densities 4, thumbnail width and height."""
    payload = piece.payload
    if len(payload) <= 14:
        return piece.raw
    removed.add("thumbnail")
    return b"\xff\xe0\x00\x10" + payload[:12] + b"\x00\x00"


def _png(parts: list[Piece], orientation: int, removed: set[str]) -> Iterator[bytes]:
    exif = _png_exif(orientation) if orientation != 1 else b""
    for piece in parts:
        if piece.kind in _PNG_LOOKS:
            yield piece.raw
            if piece.kind == "IHDR":
                yield exif
        elif piece.raw != exif:
            removed.add(_png_name(piece))


def _png_exif(orientation: int) -> bytes:
    body = b"eXIf" + orientation_exif(orientation).removeprefix(_EXIF)
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def _png_name(piece: Piece) -> str:
    if piece.kind in ("tEXt", "zTXt", "iTXt"):
        return "XMP" if piece.payload.startswith(b"XML:com.adobe.xmp") else "text"
    names = {"eXIf": "Exif", "tIME": "time", TRAILING: TRAILING}
    return names.get(piece.kind, f"{piece.kind} data")


def _webp(parts: list[Piece], orientation: int, removed: set[str]) -> Iterator[bytes]:
    exif = b""
    # Only the extended form has room for an Exif chunk; without it there was none to begin with.
    if orientation != 1 and any(piece.kind == "VP8X" for piece in parts):
        block = orientation_exif(orientation).removeprefix(_EXIF)
        exif = b"EXIF" + len(block).to_bytes(4, "little") + block + b"\x00" * (len(block) % 2)
    for piece in parts:
        if piece.kind == "VP8X":
            flags = piece.raw[8] & ~(_WEBP_EXIF_FLAG | _WEBP_XMP_FLAG)
            flags |= _WEBP_EXIF_FLAG if exif else 0
            yield piece.raw[:8] + bytes([flags]) + piece.raw[9:]
        elif piece.kind in _WEBP_LOOKS:
            yield piece.raw
        elif piece.raw != exif:
            names = {"EXIF": "Exif", "XMP": "XMP", TRAILING: TRAILING}
            removed.add(names.get(piece.kind, f"{piece.kind} data"))
    yield exif


def _gif(parts: list[Piece], orientation: int, removed: set[str]) -> Iterator[bytes]:
    for piece in parts:
        application = piece.payload[:11] if piece.kind == "application" else b""
        if piece.kind in _GIF_LOOKS or application == b"ICCRGBG1012":
            yield piece.raw
        elif application:
            removed.add("XMP" if application.startswith(b"XMP Data") else "application data")
        else:
            removed.add(piece.kind)


def _bmp(parts: list[Piece], orientation: int, removed: set[str]) -> Iterator[bytes]:
    yield parts[0].raw
    removed.update(piece.kind for piece in parts[1:])
