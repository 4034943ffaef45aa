"""The first rows of a dataset, read from its parquet files."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from hub.server.store.blobs import StoredBlob

PREVIEW_ROWS = 20
CELL_CHARACTERS = 300


@dataclass(frozen=True)
class Preview:
    """Some rows of a parquet file, every cell as short text."""

    path: str
    rows: int
    columns: list[str]
    cells: list[list[str]]


def choose_file(paths: list[str]) -> str | None:
    """The parquet file to show: of the training split if one is named so, else the first."""
    parquet = sorted(path for path in paths if path.endswith(".parquet"))
    return next((path for path in parquet if "train" in path), parquet[0] if parquet else None)


def read_preview(path: str, blob: StoredBlob) -> Preview | None:
    """None for what is no parquet file in spite of its name."""
    import pyarrow
    import pyarrow.parquet

    source = io.BytesIO(blob.content) if blob.content is not None else blob.path
    try:
        with pyarrow.parquet.ParquetFile(source) as file:
            batch = next(file.iter_batches(batch_size=PREVIEW_ROWS), None)
            names = file.schema_arrow.names
            rows = batch.to_pylist() if batch is not None else []
            cells = [[_cell(row[name]) for name in names] for row in rows]
            return Preview(path, file.metadata.num_rows, names, cells)
    except (pyarrow.ArrowException, OSError):
        return None


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return f"[{len(value):,} bytes]"
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        return f"[{value.get('path') or 'file'}, {len(value['bytes']):,} bytes]"
    if isinstance(value, list):
        value = [_cell(item) if isinstance(item, dict | bytes) else item for item in value]
    text = str(value)
    return text if len(text) <= CELL_CHARACTERS else text[:CELL_CHARACTERS] + "…"
