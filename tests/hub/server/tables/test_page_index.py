"""Rows read by the page index are the rows that Arrow reads from the beginning."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hub.server.store.blobs import StoredBlob
from hub.server.tables import page_index
from hub.server.tables.columns import UnreadableTableError, read_footer, read_rows
from hub.server.tables.page_index import read_from_group, read_raw_footer
from hub.server.tables.thrift import Struct, ThriftError, read_struct, write_struct

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 4000


def _rows() -> list[dict[str, Any]]:
    source = random.Random(3)
    return [
        {
            "id": f"row-{number}",
            "messages": [
                {
                    "role": role,
                    "content": source.choice(["", "가", None]) or source.randbytes(40).hex(),
                }
                for role in ("user", "assistant")[: source.randint(0, 2)]
            ],
            "images": [{"bytes": source.randbytes(90), "path": None}] * source.randint(0, 3),
            "label": source.choice(["a", "b", None]),
            "nested": source.choice([None, {"x": [[1, 2], [], None], "y": "z"}]),
            "number": number,
        }
        for number in range(ROWS)
    ]


SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "messages": pa.list_(pa.struct({"role": pa.string(), "content": pa.string()})),
        "images": pa.list_(pa.struct({"bytes": pa.binary(), "path": pa.string()})),
        "label": pa.string(),
        "nested": pa.struct({"x": pa.list_(pa.list_(pa.int32())), "y": pa.string()}),
        "number": pa.int64(),
    }
)


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return _rows()


def _written(path: Path, rows: list[dict[str, Any]], **options: Any) -> StoredBlob:
    table = pa.Table.from_pylist(rows, SCHEMA)
    defaults = {"write_page_index": True, "data_page_size": 3000, "row_group_size": 1500}
    pq.write_table(table, path, **{**defaults, **options})
    content = path.read_bytes()
    return StoredBlob(hashlib.sha256(content).hexdigest(), len(content), None, path)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data_page_version": "2.0"},
        {"compression": "zstd"},
        {"compression": "none", "use_dictionary": False},
        {"use_content_defined_chunking": True},
        {"store_schema": False},
        {"row_group_size": 10_000},
    ],
)
def test_the_rows_are_those_that_arrow_reads(
    tmp_path: Path, rows: list[dict[str, Any]], options: dict[str, Any]
) -> None:
    blob = _written(tmp_path / "x.parquet", rows, **options)
    raw = read_raw_footer(blob)
    names = SCHEMA.names
    in_group = options.get("row_group_size", 1500)
    for group in range(-(-ROWS // in_group)):
        size = min(in_group, ROWS - group * in_group)
        chosen = [[0], [size - 1], list(range(size // 2, size // 2 + 25)), list(range(0, size, 97))]
        for numbers in chosen:
            expected = [rows[group * in_group + number] for number in numbers]
            assert read_from_group(blob, raw, group, names, numbers) == expected


def test_a_leaf_can_be_read_without_its_neighbours(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    blob = _written(tmp_path / "x.parquet", rows)
    found = read_from_group(blob, read_raw_footer(blob), 1, ["images.list.element.path"], [7, 900])
    expected = [[{"path": None}] * len(rows[1500 + number]["images"]) for number in (7, 900)]
    assert [row["images"] for row in found] == expected


def test_large_groups_are_read_by_their_index_and_others_without(
    tmp_path: Path, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_index, "LARGE_GROUP_BYTES", 1000)
    monkeypatch.setattr("hub.server.tables.columns.LARGE_GROUP_BYTES", 1000)
    for index in (True, False):
        blob = _written(tmp_path / f"{index}.parquet", rows, write_page_index=index)
        footer = read_footer(blob)
        assert footer.raw is not None
        assert page_index.is_worth_it(footer.raw, 0) is index
        assert read_rows(blob, footer, SCHEMA.names, [1499, 1500, 3999]) == [
            rows[number] for number in (1499, 1500, 3999)
        ]


def test_only_the_pages_of_the_rows_are_read(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    """A file with holes where the other pages were gives the same rows."""
    blob = _written(tmp_path / "x.parquet", rows, row_group_size=10_000)
    raw = read_raw_footer(blob)
    content = bytearray(blob.path.read_bytes())
    group = page_index._group(raw, 0)
    for chunk in group.items(1, Struct):
        pages = page_index._pages(blob, chunk)
        chosen, _ = page_index._choose(pages, ROWS, [2000])
        for place, page in enumerate(pages):
            if place not in chosen:
                content[page.offset : page.offset + page.size] = b"\xff" * page.size
    blob.path.write_bytes(content)
    assert read_from_group(blob, raw, 0, SCHEMA.names, [2000]) == [rows[2000]]


def test_damaged_files_are_an_error_and_never_a_crash(
    tmp_path: Path, rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_index, "LARGE_GROUP_BYTES", 1000)
    monkeypatch.setattr("hub.server.tables.columns.LARGE_GROUP_BYTES", 1000)
    blob = _written(tmp_path / "x.parquet", rows[:400])
    content = blob.path.read_bytes()
    footer_bytes = int.from_bytes(content[-8:-4], "little")
    source = random.Random(5)
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(source.randint(1, 4)):
            # The index stands before the footer, at the end of the file.
            place = len(content) - 1 - source.randrange(2 * footer_bytes)
            damaged[place] = source.randrange(256)
        blob.path.write_bytes(damaged)
        try:
            read_rows(blob, read_footer(blob), SCHEMA.names, [10, 300])
            outcomes.add("read")
        except UnreadableTableError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_structs_are_written_as_they_were_read(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    blob = _written(tmp_path / "x.parquet", rows)
    content = blob.path.read_bytes()
    footer = content[-8 - int.from_bytes(content[-8:-4], "little") : -8]
    struct, end = read_struct(footer)
    assert end == len(footer)
    assert write_struct(struct) == footer
    for data in (b"", b"\x1c" * 200, footer[:100], b"\x15" + b"\xff" * 20, b"\x1d\x00"):
        with pytest.raises(ThriftError):
            read_struct(data)
