"""What a card says of rows at a glance: how long texts are, how large pictures, a few examples.

Measured on the published shards, by the builder and again by every audit. Picture sizes come from
the columns `width` and `height`, so no picture is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cards.licences import Licence
from cards.records import Domain, Finding, Histogram, Sample, Turn

if TYPE_CHECKING:
    import pyarrow as pa

_MADE_UP = frozenset({"made_up", "drawn"})
"""Kinds of findings that say that no row is of a real person or case."""
_CHARACTERS = (0, *(step * 10**power for power in range(1, 8) for step in (1, 2, 5)))
_PIXELS = (0, 64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16384, 2**31)
_SAMPLES = 3
_SAMPLE_LENGTH = 300
_BATCH_ROWS = 16_384


def is_made_up(findings: Iterable[Finding]) -> bool:
    """Whether a dataset with these findings is of no real person or case."""
    return any(finding.kind in _MADE_UP for finding in findings)


def may_show_rows(licence: Licence, domain: Domain, findings: Iterable[Finding]) -> bool:
    """Whether rows may stand on a card: made up, or passed on freely and of no patient or case."""
    if is_made_up(findings):
        return True
    return licence.redistribution and domain == "general"


def measure_rows(folder: Path, shards: Mapping[str, Sequence[str]]) -> dict[str, Histogram]:
    """Histograms of all splits together: characters of messages by role, width and height.

    Args:
        shards: {split: parquet files}, relative to `folder`.
    """
    found: dict[str, NDArray[np.int64]] = {}
    for batch in _batches(folder, shards, ("messages", "width", "height")):
        for name, values in _measured(batch):
            edges = _edges(name)
            counts = np.histogram(values, bins=[*edges[:-1], np.inf])[0]
            found[name] = found.get(name, np.zeros(len(edges) - 1, np.int64)) + counts
    return {name: _trimmed(name, counts) for name, counts in sorted(found.items()) if counts.any()}


def sample_rows(folder: Path, shards: Mapping[str, Sequence[str]]) -> tuple[Sample, ...]:
    """The first, the middle and the last row of the first split that has rows."""
    import pyarrow.parquet as pq

    for split, paths in shards.items():
        total = sum(pq.read_metadata(folder / path).num_rows for path in paths)
        if total:
            places = {round(n * (total - 1) / (_SAMPLES - 1)) for n in range(_SAMPLES)}
            return tuple(
                Sample(id=str(row["id"]), split=split, messages=_turns(row["messages"]))
                for row in _rows_at(folder, paths, sorted(places))
            )
    return ()


def _rows_at(folder: Path, paths: Sequence[str], places: Sequence[int]) -> Iterable[dict[str, Any]]:
    """The rows with these numbers, counted through all shards; only their groups are read."""
    import pyarrow.parquet as pq

    start = 0
    for path in paths:
        with pq.ParquetFile(folder / path) as file:
            for group in range(file.num_row_groups):
                stop = start + file.metadata.row_group(group).num_rows
                chosen = [place - start for place in places if start <= place < stop]
                start = stop
                if chosen:
                    table = file.read_row_group(group, columns=["id", "messages"])
                    yield from table.take(chosen).to_pylist()


def _turns(messages: Sequence[Mapping[str, str]] | None) -> tuple[Turn, ...]:
    return tuple(
        Turn(role=str(message["role"]), content=_shortened(str(message["content"] or "")))
        for message in messages or ()
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _SAMPLE_LENGTH else text[: _SAMPLE_LENGTH - 1] + "…"


def _batches(
    folder: Path, shards: Mapping[str, Sequence[str]], columns: Sequence[str]
) -> Iterable[pa.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for paths in shards.values():
        for path in paths:
            with pq.ParquetFile(folder / path) as file:
                wanted = [name for name in columns if name in file.schema_arrow.names]
                for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
                    yield pa.Table.from_batches([batch])


def _measured(batch: pa.Table) -> Iterable[tuple[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if "messages" in batch.column_names:
        messages = pc.list_flatten(batch["messages"])
        roles = pc.struct_field(messages, "role")
        lengths = pc.utf8_length(pc.struct_field(messages, "content")).fill_null(0)
        for role in ("user", "assistant"):
            chosen = lengths.filter(pc.equal(roles, role))
            yield f"characters ({role})", chosen.to_numpy()
    for side in ("width", "height"):
        if side in batch.column_names:
            column = batch[side]
            if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
                column = pc.list_flatten(column)
            yield f"image {side}", column.drop_null().to_numpy()


def _edges(name: str) -> tuple[int, ...]:
    return _PIXELS if name.startswith("image") else _CHARACTERS


def _trimmed(name: str, counts: NDArray[np.int64]) -> Histogram:
    """Without the empty ranges at both ends."""
    filled = np.flatnonzero(counts)
    start, stop = int(filled[0]), int(filled[-1]) + 1
    return Histogram(
        unit="pixels" if name.startswith("image") else "characters",
        edges=_edges(name)[start : stop + 1],
        counts=tuple(int(count) for count in counts[start:stop]),
    )
