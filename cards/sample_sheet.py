"""A sheet of pictures of a dataset, for datasets whose pictures anybody may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from cards.figure_style import shortened
from cards.page_sheet import SheetPage, page_sheet

SAMPLE_SHEET = "figures/samples.png"
_PICTURES = 12


def draw_sample_sheet(folder: Path, shards: Mapping[str, Sequence[str]]) -> bytes | None:
    """PNG with the first pictures of rows spread over a shard; None where rows have none.

    Args:
        shards: {split: parquet files}, relative to `folder`.
    """
    pictures: dict[str, bytes] = {}
    for path in (path for paths in shards.values() for path in paths):
        pictures = _pictures(folder / path)
        if pictures:
            break
    else:
        return None
    return page_sheet([SheetPage(shortened(row_id, 26), data) for row_id, data in pictures.items()])


def _pictures(shard: Path) -> dict[str, bytes]:
    """{row id: first picture} of up to a dozen rows; only their groups of rows are read."""
    import pyarrow.parquet as pq

    found: dict[str, bytes] = {}
    with pq.ParquetFile(shard) as file:
        if "images" not in file.schema_arrow.names:
            return {}
        rows = file.metadata.num_rows
        wanted = sorted({n * rows // _PICTURES for n in range(_PICTURES)}) if rows else []
        start = 0
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            chosen = [row - start for row in wanted if start <= row < stop]
            start = stop
            if not chosen:
                continue
            table = file.read_row_group(group, columns=["id", "images"]).take(chosen)
            for row in table.to_pylist():
                # Several rows may ask about one picture.
                if row["images"] and row["images"][0]["bytes"] not in found.values():
                    found[str(row["id"])] = row["images"][0]["bytes"]
    return found
