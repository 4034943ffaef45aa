"""Giving the tensors of a safetensors file other names without reading the tensors.

The format (https://github.com/huggingface/safetensors, "Format"): eight bytes with the length of
the header (little-endian), the header as JSON {name: {dtype, shape, data_offsets}}, the bytes of
all tensors. Offsets count from the end of the header, so a new header leaves them as they are.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

from cards.errors import BogamError

_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 8
_CHUNK_BYTES = 1 << 24
_METADATA = "__metadata__"


def rename_tensors(source: Path, target: Path, rename: Callable[[str], str]) -> None:
    """Copy a file with every tensor under its new name; memory use does not depend on its size.

    Raises:
        BogamError: not a whole safetensors file, or two tensors would get the same name.
    """
    with source.open("rb") as reader, target.open("wb") as writer:
        size = source.stat().st_size
        try:
            (length,) = _LENGTH.unpack(reader.read(_LENGTH.size))
            header = dict(json.loads(reader.read(min(length, size))))
            end = max(part["data_offsets"][1] for name, part in header.items() if name != _METADATA)
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise BogamError(f"{source}: not a safetensors file ({error}).") from None
        if size != _LENGTH.size + length + end:
            raise BogamError(
                f"{source}: {size} bytes, but its header speaks of {_LENGTH.size + length + end}. "
                "The file is cut off; download it again."
            )
        renamed = {
            name if name == _METADATA else rename(name): part for name, part in header.items()
        }
        if len(renamed) != len(header):
            raise BogamError(f"{source}: two of its tensors would get the same name.")
        text = json.dumps(renamed, separators=(",", ":")).encode()
        text += b" " * (-len(text) % _ALIGNMENT)
        writer.write(_LENGTH.pack(len(text)))
        writer.write(text)
        shutil.copyfileobj(reader, writer, _CHUNK_BYTES)
