"""What the footer of a parquet file says: columns, features, row groups."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hub.server.store.blobs import StoredBlob
from hub.server.tables.page_index import (
    LARGE_GROUP_BYTES,
    arrow_numbers,
    is_worth_it,
    read_from_group,
    read_raw_footer,
)
from hub.server.tables.thrift import Struct, ThriftError

logger = logging.getLogger(__name__)

BATCH_ROWS = 1024
MOST_CHUNKS = 20_000
NO_VALUE = "∅"

_T = TypeVar("_T")


class UnreadableTableError(Exception):
    """The file is no parquet file, whatever its name says; the text says why."""


@dataclass(frozen=True)
class Column:
    """A column of a table as its features describe it."""

    name: str
    type: pa.DataType
    label_names: tuple[str, ...] = ()
    """For a `ClassLabel`: what the numbers mean."""

    @property
    def is_image(self) -> bool:
        return _is_image(self.type)

    @property
    def is_image_list(self) -> bool:
        return pa.types.is_list(self.type) and _is_image(self.type.value_type)

    @property
    def is_conversation(self) -> bool:
        """Whether the values are lists of messages with a role and a content."""
        if not pa.types.is_list(self.type) or not pa.types.is_struct(self.type.value_type):
            return False
        return {"role", "content"} <= {field.name for field in self.type.value_type.fields}

    @property
    def is_label(self) -> bool:
        """Whether equal values make a class by their type alone."""
        return pa.types.is_boolean(self.type) or bool(self.label_names)

    def shown(self, value: object) -> str:
        """A label as a person reads it."""
        if value is None or value == "":
            return NO_VALUE
        if self.label_names and isinstance(value, int) and 0 <= value < len(self.label_names):
            return self.label_names[value]
        return str(value)


@dataclass(frozen=True)
class Footer:
    """One parquet file, without its rows."""

    metadata: pq.FileMetaData
    columns: tuple[Column, ...]
    leaves: tuple[str, ...]
    """What to read for a page: every leaf but the bytes of images and other binary values."""
    starts: npt.NDArray[np.int64]
    """First row of every row group, and the number of rows at the end."""
    raw: Struct | None
    """The footer with the places of pages, for files with large row groups."""

    @property
    def rows(self) -> int:
        return int(self.starts[-1])


def read_footer(blob: StoredBlob) -> Footer:
    """Raises :class:`UnreadableTableError`."""
    return guarded(lambda: _read_footer(blob))


def read_rows(
    blob: StoredBlob, footer: Footer, columns: Sequence[str], numbers: Sequence[int]
) -> list[dict[str, Any]]:
    """The rows with these ascending numbers. `columns` are names or paths of leaves.

    Of large row groups only the pages that hold the rows are read, where the file says which.
    Raises :class:`UnreadableTableError`.
    """
    return guarded(lambda: _read_rows(blob, footer, columns, numbers))


def open_table(
    blob: StoredBlob, footer: Footer | None = None, dictionaries: Sequence[str] = ()
) -> pq.ParquetFile:
    """The file, with the columns in `dictionaries` kept as numbers and the values they mean."""
    source = io.BytesIO(blob.content) if blob.content is not None else blob.path
    metadata = footer.metadata if footer is not None else None
    return pq.ParquetFile(source, metadata=metadata, read_dictionary=list(dictionaries) or None)


def guarded(read: Callable[[], _T]) -> _T:
    """Anything may have been uploaded as parquet: what Arrow says about it is for the page."""
    try:
        return read()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UnreadableTableError(str(error)) from error


def _read_footer(blob: StoredBlob) -> Footer:
    with open_table(blob) as file:
        metadata = file.metadata
        schema = file.schema_arrow
        leaves = [file.schema.column(number) for number in range(len(file.schema))]
        binary = [
            leaf.physical_type in {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"}
            and leaf.logical_type.type == "NONE"
            for leaf in leaves
        ]
    labels = _label_names(schema)
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    return Footer(
        metadata,
        tuple(Column(field.name, field.type, labels.get(field.name, ())) for field in schema),
        tuple(leaf.path for leaf, skip in zip(leaves, binary, strict=True) if not skip),
        np.concatenate([[0], np.cumsum(groups)]).astype(np.int64),
        _raw_footer(blob, metadata),
    )


def _raw_footer(blob: StoredBlob, metadata: pq.FileMetaData) -> Struct | None:
    """None where no row group is large, or the footer itself is too large to read twice."""
    groups = metadata.num_row_groups
    sizes = [metadata.row_group(number).total_byte_size for number in range(groups)]
    if max(sizes, default=0) <= LARGE_GROUP_BYTES or groups * metadata.num_columns > MOST_CHUNKS:
        return None
    try:
        return read_raw_footer(blob)
    except ThriftError as error:
        logger.info("%s: rows are read without the page index: %s", blob.sha256, error)
        return None


def _read_rows(
    blob: StoredBlob, footer: Footer, columns: Sequence[str], numbers: Sequence[int]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    groups = np.searchsorted(footer.starts, numbers, side="right") - 1
    with open_table(blob, footer) as file:
        for group in sorted(set(groups.tolist())):
            first = int(footer.starts[group])
            wanted = [n - first for n, g in zip(numbers, groups, strict=True) if g == group]
            indexed = _read_by_index(blob, footer, group, columns, wanted)
            if indexed is not None:
                found += indexed
                continue
            position = 0
            batches = file.iter_batches(BATCH_ROWS, row_groups=[group], columns=list(columns))
            for batch in batches:
                here = [n - position for n in wanted if position <= n < position + batch.num_rows]
                if here:
                    found += batch.take(arrow_numbers(here)).to_pylist()
                position += batch.num_rows
                if position > wanted[-1]:
                    break
    return found


def _read_by_index(
    blob: StoredBlob, footer: Footer, group: int, columns: Sequence[str], wanted: Sequence[int]
) -> list[dict[str, Any]] | None:
    """None where the group is small, has no page index, or one that cannot be used."""
    try:
        if footer.raw is None or not is_worth_it(footer.raw, group):
            return None
        return read_from_group(blob, footer.raw, group, columns, wanted)
    except ValueError as error:
        logger.info("%s: row group %d is read without its index: %s", blob.sha256, group, error)
        return None


def _label_names(schema: pa.Schema) -> dict[str, tuple[str, ...]]:
    """{column: names of its classes}, from the features that `datasets` leaves in the schema."""
    text = (schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(text)["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    found = {}
    for name, feature in features.items() if isinstance(features, dict) else ():
        names = feature.get("names") if isinstance(feature, dict) else None
        if isinstance(names, list) and feature.get("_type") == "ClassLabel":
            found[name] = tuple(str(item) for item in names)
    return found


def _is_image(type_: pa.DataType) -> bool:
    """Arrow's form of `datasets.Image`."""
    if not pa.types.is_struct(type_):
        return False
    fields = {field.name: field.type for field in type_.fields}
    return fields.keys() == {"bytes", "path"} and pa.types.is_binary(fields["bytes"])
