"""The row that every dataset shares, and rows as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa
    from datasets.builder import Key

SHARED_COLUMNS = ("id", "document_id", "images", "messages")
_TABLE_BYTES = 16 << 20
"""Pictures that are held in memory before they are written."""


def row_features(own_columns: Mapping[str, Any]) -> datasets.Features:
    """The shared columns, then the dataset's own.

    `id` is unique in the dataset. `document_id` names what must not be split apart: a page, a
    patient, a group of questions; no value of it stands in two splits. `images` holds 0..n encoded
    images. `messages` is TRL's conversational form with plain strings as content.

    Args:
        own_columns: {column: `datasets` feature}.

    Raises:
        ValueError: an own column has the name of a shared one.
    """
    import datasets

    taken = [column for column in own_columns if column in SHARED_COLUMNS]
    if taken:
        raise ValueError(f"columns of every dataset, not to be defined again: {', '.join(taken)}")
    text = datasets.Value("string")
    return datasets.Features(
        {
            "id": text,
            "document_id": text,
            "images": datasets.List(datasets.Image()),
            "messages": datasets.List({"role": text, "content": text}),
            **own_columns,
        }
    )


def picture_tables(
    rows: Iterable[Mapping[str, Any]], schema: pa.Schema
) -> Iterator[tuple[Key, pa.Table]]:
    """Rows with encoded pictures, in tables of some megabytes, as an `ArrowBasedBuilder` wants.

    Args:
        schema: of the builder's features.
    """
    import pyarrow as pa
    from datasets.builder import Key

    waiting: list[Mapping[str, Any]] = []
    size = number = 0
    for row in rows:
        waiting.append(row)
        size += sum(len(image["bytes"]) for image in row["images"])
        if size >= _TABLE_BYTES:
            yield Key(0, number), pa.Table.from_pylist(waiting, schema)
            waiting, size, number = [], 0, number + 1
    if waiting:
        yield Key(0, number), pa.Table.from_pylist(waiting, schema)
