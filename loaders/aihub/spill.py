"""Rows set aside on disk while a dataset is built, and fetched again in any order.

What is read of millions of files does not fit into memory; it is written once as Arrow record
batches and mapped, so that fetching costs no parsing and the system keeps in memory what it can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class SpillWriter:
    """Appends record batches to an Arrow file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, schema)
        self._schema = schema

    def write(self, columns: Sequence[pa.Array]) -> None:
        if len(columns[0]):
            self._writer.write_batch(pa.record_batch(list(columns), schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        self._file.close()


class Spill:
    """The rows of several files of :class:`SpillWriter`, numbered one file after another."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._batches: list[pa.RecordBatch] = []
        for path in paths:
            reader = pa.ipc.open_file(pa.memory_map(str(path)))
            self._batches += [reader.get_batch(i) for i in range(reader.num_record_batches)]
            self.schema: pa.Schema = reader.schema
        lengths = [batch.num_rows for batch in self._batches]
        self._starts = np.cumsum([0, *lengths])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def batches(self, column: str) -> Iterable[tuple[int, pa.Array]]:
        """Number of the first row, and the column, of one batch after another."""
        for start, batch in zip(self._starts.tolist(), self._batches, strict=False):
            yield start, batch.column(column)

    def take(self, rows: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """The columns of these rows, in this order."""
        schema = pa.schema([self.schema.field(name) for name in columns])
        if not len(rows):
            return schema.empty_table()
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        bounds = np.searchsorted(ordered, self._starts)
        pieces = []
        for number, batch in enumerate(self._batches):
            low, high = bounds[number], bounds[number + 1]
            if low < high:
                inside = pa.array(ordered[low:high] - self._starts[number])
                pieces.append(batch.select(columns).take(inside))
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return pa.Table.from_batches(pieces, schema).combine_chunks().take(pa.array(back))
