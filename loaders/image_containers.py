"""The outer structure of image files: JPEG segments, PNG chunks, WebP chunks, GIF blocks.

A file is cut into pieces that together are the whole file, byte for byte, so that a piece can be
left out or replaced without touching the coded pixels. Sources: ITU-T T.81 annex B (JPEG), the
W3C PNG specification (third edition), RFC 9649 (WebP), the GIF89a specification.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from loaders.rejects import Reason

ImageFormat = Literal["JPEG", "PNG", "WEBP", "GIF", "BMP"]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRAILING = "trailing data"
"""Kind of the piece that stands after the end of the image: a second picture, a film, a zip."""

_NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""In entropy-coded data 0xFF is followed by 0x00, by a restart marker or by a fill byte."""
_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_GIF_EXTENSIONS = {0x01: "plain text", 0xF9: "graphic control", 0xFE: "comment"}


class UnusableImage(Exception):
    """The bytes cannot become a row; `detail` is for a person."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Piece:
    """`kind` is a marker or chunk name; `raw` the piece with its header, `payload` without."""

    kind: str
    raw: bytes
    payload: bytes = b""


def sniff_format(head: bytes) -> ImageFormat:
    """Tell the format from the first bytes; the name of the file is not asked.

    Raises :class:`UnusableImage` (empty, not an image, unsupported format).
    """
    if not head:
        raise UnusableImage(Reason.EMPTY_FILE)
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(PNG_SIGNATURE):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith(b"BM") and len(head) >= 18 and head[14:18] in _BMP_HEADERS:
        return "BMP"
    if head[4:8] == b"ftyp":
        brand = head[8:12].decode("ascii", "replace")
        raise UnusableImage(
            Reason.UNSUPPORTED_FORMAT, f"ISO media ({brand}); save it as JPEG or PNG"
        )
    if head.startswith((b"II*\x00", b"MM\x00*")):
        raise UnusableImage(Reason.UNSUPPORTED_FORMAT, "TIFF; save it as PNG")
    raise UnusableImage(Reason.NOT_AN_IMAGE, "no signature of an image format")


_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}


def pieces(data: bytes, image_format: ImageFormat) -> list[Piece]:
    """Cut a file into pieces; joined they are `data` again.

    Raises :class:`UnusableImage`: truncated when the file ends before its image does, corrupt
    when a checksum is wrong or something stands where it cannot.
    """
    walk = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif, "BMP": _bmp}[image_format]
    return list(walk(data))


def _jpeg(data: bytes) -> Iterator[Piece]:
    yield Piece("SOI", data[:2])
    position = 2
    while True:
        start = position
        while data[position : position + 2] == b"\xff\xff":
            position += 1
        header = data[position : position + 2]
        if len(header) < 2:
            raise _truncated(data, "no end-of-image marker")
        if header[0] != 0xFF or header[1] in (0x00, _SOI):
            raise UnusableImage(Reason.CORRUPT, f"no JPEG marker at byte {position:,}")
        marker = header[1]
        if marker == _EOI:
            yield Piece("EOI", data[start : position + 2])
            position += 2
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            position += 2
            yield Piece("RST", data[start:position])
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        end = position + 2 + length
        if length < 2 and len(data) >= position + 4:
            raise UnusableImage(Reason.CORRUPT, f"impossible segment length at byte {position:,}")
        if end > len(data):
            raise _truncated(data, "a segment is cut off")
        payload = data[position + 4 : end]
        if marker == _SOS:
            match = _NEXT_MARKER.search(data, end)
            if match is None:
                raise _truncated(data, "no end-of-image marker")
            end = match.start()
        position = end
        yield Piece(_jpeg_kind(marker), data[start:end], payload)
    if position < len(data):
        yield Piece(TRAILING, data[position:])


def _jpeg_kind(marker: int) -> str:
    if 0xE0 <= marker <= 0xEF:
        return f"APP{marker - 0xE0}"
    return {_SOS: "SOS", _COM: "COM"}.get(marker, f"{marker:02X}")


def _png(data: bytes) -> Iterator[Piece]:
    yield Piece("signature", data[:8])
    position = 8
    kind = ""
    while kind != "IEND":
        length = int.from_bytes(data[position : position + 4], "big")
        end = position + 12 + length
        if end > len(data):
            raise _truncated(data, "a chunk is cut off")
        kind = data[position + 4 : position + 8].decode("latin-1")
        payload = data[position + 8 : end - 4]
        if zlib.crc32(data[position + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise UnusableImage(Reason.CORRUPT, f"wrong checksum of the chunk at byte {position:,}")
        yield Piece(kind, data[position:end], payload)
        position = end
    if position < len(data):
        yield Piece(TRAILING, data[position:])


def _webp(data: bytes) -> Iterator[Piece]:
    size = int.from_bytes(data[4:8], "little") + 8
    if size > len(data):
        raise _truncated(data, f"the header promises {size:,} bytes")
    yield Piece("RIFF", data[:12])
    position = 12
    while position < size:
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        end = position + 8 + length
        if end > size:
            raise UnusableImage(
                Reason.CORRUPT, f"a chunk at byte {position:,} leaves its container"
            )
        kind = data[position : position + 4].decode("latin-1").strip()
        padded = min(end + length % 2, size)
        yield Piece(kind, data[position:padded], data[position + 8 : end])
        position = padded
    if size < len(data):
        yield Piece(TRAILING, data[size:])


def _gif(data: bytes) -> Iterator[Piece]:
    if len(data) < 13:
        raise _truncated(data, "no screen descriptor")
    position = 13 + _gif_table(data[10])
    yield Piece("header", data[:position])
    while True:
        start = position
        introducer = data[position : position + 1]
        if introducer == b"\x3b":
            yield Piece("trailer", introducer)
            position += 1
            break
        if introducer == b"\x21" and position + 1 < len(data):
            label = data[position + 1]
            position, payload = _gif_blocks(data, position + 2)
            kind = _GIF_EXTENSIONS.get(label, "application")
        elif introducer == b"\x2c" and position + 9 < len(data):
            position += 10 + _gif_table(data[position + 9]) + 1
            position, payload = _gif_blocks(data, position)
            kind = "image"
        elif start + 10 > len(data):
            raise _truncated(data, "no GIF trailer")
        else:
            raise UnusableImage(Reason.CORRUPT, f"no GIF block at byte {start:,}")
        yield Piece(kind, data[start:position], payload if kind != "image" else b"")
    if position < len(data):
        yield Piece(TRAILING, data[position:])


def _gif_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(data: bytes, position: int) -> tuple[int, bytes]:
    parts: list[bytes] = []
    while True:
        if position >= len(data):
            raise _truncated(data, "a block is cut off")
        length = data[position]
        if length == 0:
            return position + 1, b"".join(parts)
        parts.append(data[position + 1 : position + 1 + length])
        position += 1 + length


def _bmp(data: bytes) -> Iterator[Piece]:
    size = int.from_bytes(data[2:6], "little") or len(data)
    if size > len(data):
        raise _truncated(data, f"the header promises {size:,} bytes")
    yield Piece("image", data[:size])
    if size < len(data):
        yield Piece(TRAILING, data[size:])


def _truncated(data: bytes, what: str) -> UnusableImage:
    return UnusableImage(Reason.TRUNCATED, f"{len(data):,} bytes: {what}")
