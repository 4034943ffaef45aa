"""Placeholders in the place of personal data, in parquet shards and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cards.errors import BogamError
from hub.gates import pii
from hub.gates.text_cells import parse_json, string_leaves


def redact_files(root: Path, paths: Iterable[str]) -> None:
    """Write each file again without personal data; what is linked to the old file keeps it.

    paths: relative to `root`, of parquet shards and .jsonl files. The schema, its metadata, the
    row groups and the compression of a shard stay. Running it again changes nothing.
    Raises :class:`BogamError` for a file of another kind.
    """
    for relative in paths:
        path = root / relative
        if path.suffix not in (".parquet", ".jsonl"):
            raise BogamError(
                f"{relative}: holds personal data, which can be redacted in parquet and .jsonl "
                "files only. Take it out where this file is made."
            )
        clean = path.with_name(f"{path.name}.redacted")
        if path.suffix == ".parquet":
            _redact_parquet(path, clean)
        else:
            _redact_jsonl(path, clean)
        clean.replace(path)


def _redact_parquet(path: Path, clean: Path) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as source:
        groups = source.metadata.num_row_groups
        # As `datasets` writes them: page indexes let a viewer skip, and content-defined chunks
        # let a store recognise what two versions share.
        with pq.ParquetWriter(
            clean,
            source.schema_arrow,
            compression=source.metadata.row_group(0).column(0).compression,
            use_content_defined_chunking=True,
            write_page_index=True,
        ) as writer:
            for group in range(groups):
                table = _redact_table(source.read_row_group(group).combine_chunks())
                writer.write_table(table, row_group_size=max(1, len(table)))


def _redact_table(table: Any) -> Any:
    """The same table with its rows of personal data exchanged for clean ones."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    prefilter = pii.detector().prefilter
    every_row = pa.array(range(len(table)), pa.int64())
    picked: set[int] = set()
    for top in table.schema.names:
        first = 0
        for chunk in table.column(top).chunks:
            own_rows = every_row.slice(first, len(chunk))
            first += len(chunk)
            for column, rows, cells in string_leaves(top, chunk, own_rows):
                for index in pc.indices_nonzero(pc.match_substring_regex(cells, prefilter)):
                    if pii.personal_data(cells[index.as_py()].as_py(), column):
                        picked.add(rows[index.as_py()].as_py())
    if not picked:
        return table
    old = sorted(picked)
    cleaned = pa.Table.from_pylist(
        [_clean(row, "") for row in table.take(old).to_pylist()], schema=table.schema
    )
    order = np.arange(len(table))
    order[old] = len(table) + np.arange(len(old))
    return pa.concat_tables([table, cleaned]).take(order)


def _redact_jsonl(path: Path, clean: Path) -> None:
    with path.open("rb") as source, clean.open("w", encoding="utf-8", newline="\n") as target:
        for number, line in enumerate(source, 1):
            if line.strip():
                value = _clean(parse_json(path, line, f" line {number}"), "")
                target.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def _clean(value: Any, column: str) -> Any:
    if isinstance(value, str):
        return pii.redacted(value, column)
    if isinstance(value, dict):
        return {
            _clean(name, ""): _clean(child, f"{column}.{name}" if column else name)
            for name, child in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_clean(child, column) for child in value)
    return value
