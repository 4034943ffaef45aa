"""Rows out of the middle of a large row group, by reading only the pages that hold them.

A parquet file may say where each page of a column begins and with which row (its page index), but
Arrow's reader for Python decodes a row group from its beginning. So the pages that are needed are
put together as a small parquet file of their own, with a footer that fits, and Arrow reads that.
Source: https://parquet.apache.org/docs/file-format/pageindex/ and parquet.thrift of parquet-format.
"""

from __future__ import annotations

import io
import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hub.server.store.blobs import StoredBlob
from hub.server.tables.thrift import STRUCT, Items, Struct, ThriftError, read_struct, write_struct

MAGIC = b"PAR1"
LARGE_GROUP_BYTES = 4 * 1024 * 1024
"""Smaller row groups are decoded as a whole in no time."""
MOST_BYTES = 256 * 1024 * 1024
HEADER_BYTES = 16 * 1024

# Numbers of fields in parquet.thrift.
_FILE_ROWS, _FILE_GROUPS = 3, 4
_GROUP_CHUNKS, _GROUP_SIZE, _GROUP_ROWS = 1, 2, 3
_GROUP_OFFSET, _GROUP_COMPRESSED, _GROUP_ORDINAL = 5, 6, 7
_CHUNK_OFFSET, _CHUNK_META, _CHUNK_INDEX, _CHUNK_INDEX_LENGTH = 2, 3, 4, 5
_CHUNK_COLUMN_INDEX, _CHUNK_COLUMN_INDEX_LENGTH, _CHUNK_CRYPTO = 6, 7, 8
_META_PATH, _META_VALUES, _META_COMPRESSED = 3, 5, 7
_META_DATA, _META_DICTIONARY, _META_BLOOM, _META_BLOOM_LENGTH = 9, 11, 14, 15
_INDEX_PAGES = 1
_PAGE_OFFSET, _PAGE_SIZE, _PAGE_FIRST_ROW = 1, 2, 3
_HEADER_DATA, _HEADER_DATA_V2, _HEADER_VALUES = 5, 8, 1


@dataclass(frozen=True)
class _Page:
    offset: int
    size: int
    first_row: int


def read_raw_footer(blob: StoredBlob) -> Struct:
    """`FileMetaData`. Raises :class:`ThriftError`."""
    tail = blob.read(max(blob.size - 8, 0), 8)
    if len(tail) != 8 or tail[4:] != MAGIC:
        raise ThriftError("the file does not end as a parquet file does")
    length = int(struct.unpack("<I", tail[:4])[0])
    if length > blob.size - 8:
        raise ThriftError("the footer is longer than the file")
    return read_struct(blob.read(blob.size - 8 - length, length))[0]


def is_worth_it(raw: Struct, group: int) -> bool:
    """Whether a row group is large and has an index for every column.

    Raises :class:`ThriftError` like the functions below, for a file that is not what it says.
    """
    found = _group(raw, group)
    return found.integer(_GROUP_SIZE) > LARGE_GROUP_BYTES and all(
        chunk.has(_CHUNK_INDEX, _CHUNK_META) and not chunk.has(_CHUNK_CRYPTO)
        for chunk in found.items(_GROUP_CHUNKS, Struct)
    )


def read_from_group(
    blob: StoredBlob, raw: Struct, group: int, leaves: Sequence[str], numbers: Sequence[int]
) -> list[dict[str, Any]]:
    """The rows with these ascending numbers within a row group, of the columns of some leaves."""
    wanted = _group(raw, group)
    out = bytearray(MAGIC)
    chunks = []
    positions: dict[str, list[int]] = {}
    for chunk in wanted.items(_GROUP_CHUNKS, Struct):
        path = chunk.struct(_CHUNK_META).items(_META_PATH, bytes)
        leaf = b".".join(path).decode("utf-8", "replace")
        if any(leaf == name or leaf.startswith(f"{name}.") for name in leaves):
            pages = _pages(blob, chunk)
            chosen, positions[leaf] = _choose(pages, wanted.integer(_GROUP_ROWS), numbers)
            chunks.append(_copy_chunk(blob, chunk, pages, chosen, out))
        else:
            chunks.append(chunk)
    with pq.ParquetFile(_small_file(raw, wanted, chunks, out)) as file:
        parts = [
            file.read_row_group(0, columns=[leaf]).take(arrow_numbers(places)).to_pylist()
            for leaf, places in positions.items()
        ]
    return [reduce(_merged, row) for row in zip(*parts, strict=True)]


def arrow_numbers(numbers: Sequence[int]) -> pa.Int64Array:
    """Whole numbers for Arrow. `pa.array()` would import pandas, for longer than a page takes."""
    buffer = pa.py_buffer(np.array(numbers, np.int64))
    return pa.Int64Array.from_buffers(pa.int64(), len(numbers), [None, buffer])


def _group(raw: Struct, group: int) -> Struct:
    groups = raw.items(_FILE_GROUPS, Struct)
    if group >= len(groups):
        raise ThriftError(f"there is no row group {group}")
    found: Struct = groups[group]
    return found


def _pages(blob: StoredBlob, chunk: Struct) -> list[_Page]:
    data = blob.read(chunk.integer(_CHUNK_INDEX), chunk.integer(_CHUNK_INDEX_LENGTH))
    pages = [
        _Page(*(place.integer(number) for number in (_PAGE_OFFSET, _PAGE_SIZE, _PAGE_FIRST_ROW)))
        for place in read_struct(data)[0].items(_INDEX_PAGES, Struct)
    ]
    if not pages or pages[0].first_row != 0:
        raise ThriftError("the page index does not begin with the first row")
    return pages


def _choose(pages: list[_Page], rows: int, numbers: Sequence[int]) -> tuple[list[int], list[int]]:
    """The pages that hold some rows, and where the rows are in these pages put together."""
    firsts = [page.first_row for page in pages]
    holders = [bisect_right(firsts, number) - 1 for number in numbers]
    chosen = sorted(set(holders))
    starts, total = {}, 0
    for place in chosen:
        starts[place] = total
        total += (firsts[place + 1] if place + 1 < len(firsts) else rows) - firsts[place]
    return chosen, [
        starts[holder] + number - firsts[holder]
        for holder, number in zip(holders, numbers, strict=True)
    ]


def _copy_chunk(
    blob: StoredBlob, chunk: Struct, pages: list[_Page], chosen: list[int], out: bytearray
) -> Struct:
    """Append the dictionary and the chosen pages of a chunk, and describe what was appended."""
    meta = chunk.struct(_CHUNK_META).copy()
    begin = meta.integer(_META_DATA)
    has_dictionary = meta.has(_META_DICTIONARY)
    # Some writers give the place of the dictionary as that of the first data page.
    begin = min(begin, meta.integer(_META_DICTIONARY)) if has_dictionary else begin
    start = len(out)
    out += _bounded(blob, begin, pages[0].offset - begin, out)
    if has_dictionary and len(out) > start:
        meta.replace(_META_DICTIONARY, start)
    else:
        meta.drop(_META_DICTIONARY)
    meta.replace(_META_DATA, len(out) if has_dictionary else start)
    values = 0
    for place in chosen:
        page = _bounded(blob, pages[place].offset, pages[place].size, out)
        values += _values_in(page)
        out += page
    meta.replace(_META_VALUES, values)
    meta.replace(_META_COMPRESSED, len(out) - start)
    meta.drop(_META_BLOOM, _META_BLOOM_LENGTH)
    described = chunk.copy()
    described.replace(_CHUNK_OFFSET, start)
    described.replace(_CHUNK_META, meta)
    described.drop(
        _CHUNK_INDEX, _CHUNK_INDEX_LENGTH, _CHUNK_COLUMN_INDEX, _CHUNK_COLUMN_INDEX_LENGTH
    )
    return described


def _bounded(blob: StoredBlob, start: int, length: int, out: bytearray) -> bytes:
    """A stretch of the file, unless that is nowhere or more than a page of rows may take."""
    if start < 0 or length < 0 or len(out) + length > MOST_BYTES:
        raise ThriftError(f"{length} bytes at {start} are not to be read")
    return blob.read(start, length)


def _values_in(page: bytes) -> int:
    """Values of a data page, which its header begins with; lists have more than rows."""
    header = read_struct(page[:HEADER_BYTES])[0]
    kind = _HEADER_DATA if header.has(_HEADER_DATA) else _HEADER_DATA_V2
    return header.struct(kind).integer(_HEADER_VALUES)


def _small_file(raw: Struct, group: Struct, chunks: list[Struct], out: bytearray) -> io.BytesIO:
    """A file of one row group, each of whose columns may only be read by itself.

    The columns have different numbers of rows, which Arrow does not mind as long as it is asked
    for one at a time: it counts the values.
    """
    small_group = group.copy()
    small_group.replace(_GROUP_CHUNKS, Items(STRUCT, chunks))
    small_group.drop(_GROUP_OFFSET, _GROUP_COMPRESSED, _GROUP_ORDINAL)
    small = raw.copy()
    small.replace(_FILE_GROUPS, Items(STRUCT, [small_group]))
    small.replace(_FILE_ROWS, group.integer(_GROUP_ROWS))
    footer = write_struct(small)
    out += footer + struct.pack("<I", len(footer)) + MAGIC
    return io.BytesIO(out)


def _merged(left: Any, right: Any) -> Any:
    """A value whose leaves were read apart, as one."""
    if isinstance(left, dict) and isinstance(right, dict):
        both = {name: _merged(left[name], right[name]) for name in left.keys() & right.keys()}
        return {**left, **right, **both}
    if isinstance(left, list) and isinstance(right, list):
        return [_merged(one, other) for one, other in zip(left, right, strict=True)]
    return left if right is None else right
