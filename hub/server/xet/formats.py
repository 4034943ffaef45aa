"""Xorbs and shards as hf-xet 1.8 writes them.

Sources: https://huggingface.co/docs/xet/xorb and https://huggingface.co/docs/xet/shard.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import lz4.frame

_FRAME_HEADER = 8
_FOOTER_MARK = b"XETBLOB"
_STORED, _LZ4, _GROUPED_LZ4 = 0, 1, 2
_RECORD = 48
_HAS_VERIFICATION = 1 << 31
_HAS_METADATA = 1 << 30
_END_OF_SECTION = b"\xff" * 32


class FormatError(ValueError):
    """What was sent is no xorb or shard."""


@dataclass(frozen=True)
class Frame:
    """One chunk in a xorb: where its data stand, how they are packed, how long they are raw."""

    offset: int
    packed_bytes: int
    packing: int
    raw_bytes: int


@dataclass(frozen=True)
class Term:
    """Chunks `first` to `end` (not included) of a xorb; `raw_bytes` in all."""

    xorb: str
    first: int
    end: int
    raw_bytes: int


@dataclass(frozen=True)
class FileRecipe:
    """A file as the terms to be put one after another."""

    sha256: str
    terms: tuple[Term, ...]


def hash_text(digest: bytes) -> str:
    """A Xet hash as it is written in URLs: four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", digest))


def read_frames(file: BinaryIO) -> list[Frame]:
    """The chunks of a xorb, in order; their data are skipped. Raises :class:`FormatError`."""
    frames = []
    offset = 0
    size = file.seek(0, os.SEEK_END)
    while offset < size:
        file.seek(offset)
        header = file.read(_FRAME_HEADER)
        if header.startswith(_FOOTER_MARK):
            break
        if len(header) < _FRAME_HEADER or header[0] != 0:
            raise FormatError(f"there is no chunk at byte {offset} of the xorb")
        packed = int.from_bytes(header[1:4], "little")
        raw = int.from_bytes(header[5:8], "little")
        offset += _FRAME_HEADER
        frames.append(Frame(offset, packed, header[4], raw))
        offset += packed
        if offset > size:
            raise FormatError("the last chunk of the xorb is cut")
    return frames


def read_chunk(file: BinaryIO, frame: Frame) -> bytes:
    """A chunk's raw bytes. Raises :class:`FormatError`."""
    file.seek(frame.offset)
    packed = file.read(frame.packed_bytes)
    if frame.packing == _STORED:
        raw = packed
    elif frame.packing in (_LZ4, _GROUPED_LZ4):
        # Never unpack more than was announced: a few bytes can stand for gigabytes.
        unpacker = lz4.frame.LZ4FrameDecompressor()
        try:
            raw = unpacker.decompress(packed, max_length=frame.raw_bytes + 1)
        except RuntimeError as error:
            raise FormatError(f"a chunk of the xorb cannot be unpacked: {error}") from error
        if frame.packing == _GROUPED_LZ4:
            raw = _ungroup(raw)
    else:
        raise FormatError(f"a chunk of the xorb is packed in the unknown way {frame.packing}")
    if len(raw) != frame.raw_bytes:
        raise FormatError("a chunk of the xorb has not the announced length")
    return raw


def read_shard(shard: bytes) -> Iterator[FileRecipe]:
    """The files that a shard describes. Raises :class:`FormatError`."""
    offset = _RECORD
    while True:
        head = _record(shard, offset)
        if head[:32] == _END_OF_SECTION:
            return
        flags, count = struct.unpack_from("<II", head, 32)
        offset += _RECORD
        terms = []
        for _ in range(count):
            record = _record(shard, offset)
            raw_bytes, first, end = struct.unpack_from("<III", record, 36)
            terms.append(Term(hash_text(record[:32]), first, end, raw_bytes))
            offset += _RECORD
        if flags & _HAS_VERIFICATION:
            offset += _RECORD * count
        if not flags & _HAS_METADATA:
            raise FormatError("a file of the shard has no SHA-256")
        sha256 = hash_text(_record(shard, offset)[:32])
        offset += _RECORD
        yield FileRecipe(sha256, tuple(terms))


def _record(shard: bytes, offset: int) -> bytes:
    record = shard[offset : offset + _RECORD]
    if len(record) < _RECORD:
        raise FormatError("the shard ends too early")
    return record


def _ungroup(grouped: bytes) -> bytes:
    """Undo the grouping by position modulo 4, which makes numbers easier to pack."""
    raw = bytearray(len(grouped))
    start = 0
    for position in range(4):
        length = len(raw[position::4])
        raw[position::4] = grouped[start : start + length]
        start += length
    return bytes(raw)
