"""Rows with pictures become tables in their order, and few are held at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loaders.rows import picture_tables, row_features

PICTURE = bytes(6 << 20)


def rows(count: int, made: list[int]) -> Iterator[dict[str, Any]]:
    for number in range(count):
        made.append(number)
        yield {
            "id": str(number),
            "document_id": str(number),
            "images": [{"bytes": PICTURE, "path": None}],
            "messages": [{"role": "user", "content": "?"}],
        }


def test_every_row_stands_in_one_table_in_its_order() -> None:
    schema = row_features({}).arrow_schema
    made: list[int] = []
    tables = list(picture_tables(rows(7, made), schema))
    assert [table["id"].to_pylist() for _, table in tables] == [
        ["0", "1", "2"],
        ["3", "4", "5"],
        ["6"],
    ]
    assert [key.original_shard_id for key, _ in tables] == [0, 0, 0]
    assert [key.item_or_batch_id for key, _ in tables] == [0, 1, 2]
    assert all(table.schema == schema for _, table in tables)
    assert tables[0][1]["images"][0][0]["bytes"].as_py() == PICTURE


def test_a_table_is_given_before_the_next_rows_are_made() -> None:
    made: list[int] = []
    next(picture_tables(rows(7, made), row_features({}).arrow_schema))
    assert made == [0, 1, 2]


def test_no_rows_are_no_table() -> None:
    assert list(picture_tables([], row_features({}).arrow_schema)) == []
