"""Any rows of a split, and how often each label occurs, fast enough for a page.

Contents never change under their SHA-256, so what was learned about a file is kept: its footer
and, for columns of labels, which row has which. Of images only the names are read; their bytes
wait until a picture is asked for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from hub.server.store.blobs import StoredBlob
from hub.server.tables import facets
from hub.server.tables.columns import Column, Footer, read_footer, read_rows
from hub.server.tables.facets import Codes, Facet

CACHED_FOOTERS = 64
CACHED_CODE_BYTES = 64 * 1024 * 1024

_T = TypeVar("_T")


class TableReader:
    """Reads tables for pages; one for a server, used by all its threads.

    Every method raises :class:`~hub.server.tables.columns.UnreadableTableError` for a file that
    is no parquet file.
    """

    def __init__(self) -> None:
        self._footers: _Kept[Footer] = _Kept(CACHED_FOOTERS, lambda footer: 1)
        self._codes: _Kept[Codes | None] = _Kept(CACHED_CODE_BYTES, _code_bytes)

    def columns(self, shards: Sequence[StoredBlob]) -> tuple[Column, ...]:
        """The columns of the first shard."""
        return self._footer(shards[0]).columns

    def row_count(self, shards: Sequence[StoredBlob]) -> int:
        """Rows in all shards."""
        return sum(self._footer(shard).rows for shard in shards)

    def rows(self, shards: Sequence[StoredBlob], numbers: Sequence[int]) -> list[dict[str, Any]]:
        """The rows with these ascending numbers; those past the end are left out.

        Images are `{"path": ...}`; other binary values are missing.
        """
        found: list[dict[str, Any]] = []
        start = 0
        for shard in shards:
            footer = self._footer(shard)
            inside = [number - start for number in numbers if 0 <= number - start < footer.rows]
            if inside:
                found += read_rows(shard, footer, footer.leaves, inside)
            start += footer.rows
        return found

    def image(
        self, shards: Sequence[StoredBlob], number: int, column: str, item: int
    ) -> bytes | None:
        """The stored bytes of an image of a row; None where there is no such image."""
        for shard in shards:
            footer = self._footer(shard)
            if number >= footer.rows:
                number -= footer.rows
                continue
            wanted = next((known for known in footer.columns if known.name == column), None)
            if wanted is None or not (wanted.is_image or wanted.is_image_list):
                return None
            [row] = read_rows(shard, footer, [column], [number])
            return _image_bytes(row[column], item)
        return None

    def facets(self, shards: Sequence[StoredBlob]) -> list[Facet]:
        """The columns whose values repeat so much that they sort the rows."""
        found = []
        for column in self.columns(shards):
            codes = self._column_codes(shards, column)
            if codes is not None:
                found.append(codes.facet(column.name))
        return found

    def matching(
        self, shards: Sequence[StoredBlob], wanted: Mapping[str, str]
    ) -> npt.NDArray[np.int64]:
        """Numbers of the rows that have all these {column: value}."""
        columns = {column.name: column for column in self.columns(shards)}
        chosen = np.ones(self.row_count(shards), dtype=bool)
        for name, value in wanted.items():
            codes = self._column_codes(shards, columns[name]) if name in columns else None
            if codes is None:
                return np.empty(0, np.int64)
            chosen &= codes.rows_with(value)
        return np.flatnonzero(chosen)

    def _footer(self, shard: StoredBlob) -> Footer:
        return self._footers.get(shard.sha256, lambda: read_footer(shard))

    def _column_codes(self, shards: Sequence[StoredBlob], column: Column) -> Codes | None:
        key = (tuple(shard.sha256 for shard in shards), column.name)
        pairs = [(shard, self._footer(shard)) for shard in shards]
        return self._codes.get(key, lambda: facets.count(pairs, column))


class _Kept(Generic[_T]):
    """What was made last, up to a total size."""

    def __init__(self, limit: int, size: Callable[[_T], int]) -> None:
        self._limit = limit
        self._size = size
        self._total = 0
        self._items: OrderedDict[Hashable, _T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
                return self._items[key]
        # Made outside the lock: two threads may both make it, which costs time and nothing else.
        made = make()
        with self._lock:
            if key not in self._items:
                self._items[key] = made
                self._total += self._size(made)
            while self._total > self._limit and len(self._items) > 1:
                self._total -= self._size(self._items.popitem(last=False)[1])
        return made


def _code_bytes(codes: Codes | None) -> int:
    return 64 if codes is None else codes.codes.nbytes


def _image_bytes(value: Any, item: int) -> bytes | None:
    if isinstance(value, list):
        value = value[item] if 0 <= item < len(value) else None
    content = value.get("bytes") if isinstance(value, dict) else None
    return content if isinstance(content, bytes) else None
