"""Columns with few different values, by which a reader sorts the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hub.server.store.blobs import StoredBlob
from hub.server.tables.columns import NO_VALUE, Column, Footer, guarded, open_table

MAX_VALUES = 60
MOST_ROWS = 50_000_000
"""A byte is kept for each."""
BYTES_PER_ROW = 4
SPARE_BYTES = 4096
"""Text that needs more room, compressed, does not repeat itself enough to be a label."""


@dataclass(frozen=True)
class Facet:
    """A column and {value as shown: rows that have it}, most frequent first."""

    column: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Codes:
    """A facet row by row: `codes` are places in `values`."""

    values: tuple[str, ...]
    codes: npt.NDArray[np.uint8]

    def facet(self, column: str) -> Facet:
        counts = np.bincount(self.codes, minlength=len(self.values)).tolist()
        pairs = sorted(zip(self.values, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
        return Facet(column, dict(pairs))

    def rows_with(self, value: str) -> npt.NDArray[np.bool_]:
        """Whether each row has this value; for an unknown one, none has."""
        if value not in self.values:
            return np.zeros(len(self.codes), dtype=bool)
        return np.equal(self.codes, self.values.index(value))


def count(shards: Sequence[tuple[StoredBlob, Footer]], column: Column) -> Codes | None:
    """The values of a column over all shards; None when it is no column of labels.

    Raises :class:`~hub.server.tables.columns.UnreadableTableError`.
    """
    is_text = pa.types.is_string(column.type)
    if not is_text and not column.is_label:
        return None
    if sum(footer.rows for _, footer in shards) > MOST_ROWS:
        return None
    if is_text and not all(_repeats_itself(footer, column.name) for _, footer in shards):
        return None
    values: dict[str, int] = {}
    parts: list[npt.NDArray[np.uint8]] = []
    for blob, footer in shards:
        for chunk in guarded(partial(_chunks, blob, footer, column.name)):
            if len(chunk.dictionary) > MAX_VALUES:
                return None
            shown = [column.shown(value) for value in chunk.dictionary.to_pylist()]
            # The last place stands for rows without a value.
            shown.append(NO_VALUE)
            used = shown if chunk.null_count else shown[:-1]
            for value in used:
                values.setdefault(value, len(values))
            if len(values) > MAX_VALUES:
                return None
            places = np.array([values.get(value, 0) for value in shown], np.uint8)
            parts.append(places[_indices(chunk.indices, null=len(shown) - 1)])
    codes = np.concatenate(parts) if parts else np.empty(0, np.uint8)
    if not 1 < len(values) <= max(2, len(codes) // 3):
        return None
    return Codes(tuple(values), codes)


def _chunks(blob: StoredBlob, footer: Footer, column: str) -> list[pa.DictionaryArray]:
    with open_table(blob, footer, [column]) as file:
        values = file.read(columns=[column])[column]
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    return list(values.chunks)


def _indices(values: pa.Int32Array, null: int) -> npt.NDArray[np.int32]:
    """Arrow's numbers as numpy's. `to_numpy()` would import pandas, at the cost of a page."""
    validity, numbers = values.buffers()
    begin, end = values.offset, values.offset + len(values)
    found = np.frombuffer(numbers, np.int32)[begin:end]
    if not values.null_count:
        return found
    is_there = np.unpackbits(np.frombuffer(validity, np.uint8), bitorder="little")[begin:end]
    return np.where(is_there, found, np.int32(null))


def _repeats_itself(footer: Footer, column: str) -> bool:
    size = 0
    for number in range(footer.metadata.num_row_groups):
        group = footer.metadata.row_group(number)
        for place in range(group.num_columns):
            if group.column(place).path_in_schema == column:
                size += group.column(place).total_compressed_size
    return size <= BYTES_PER_ROW * footer.rows + SPARE_BYTES
