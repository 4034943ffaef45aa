"""The Hub's layout gives the rows of the authors' layout."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cards.errors import BogamError


@pytest.fixture
def copy(hub_parquet, tmp_path):
    return shutil.copytree(hub_parquet, tmp_path / "hub")


def train_file(folder):
    return next(folder.glob("data/train-*"))


def test_both_layouts_give_the_same_rows(made_up, hub_parquet, build_from):
    original, hosted = build_from(made_up), build_from(hub_parquet)
    for split, rows in original.rows.items():
        assert hosted.rows[split] == rows
    assert hosted.record.raw_items == 320 + 1, "320 records, and the README"
    assert hosted.rejects == {"README.md": "not_in_layout"}
    assert "charts used" not in hosted.record.counting


def test_rows_and_rejects_add_up(copy, build_from):
    file = train_file(copy)
    table = pq.read_table(file)
    rows = table.to_pylist()[:12]
    rows[1] = dict(rows[0])
    rows[2]["image"] = None
    rows[3]["image"] = {"bytes": rows[3]["image"]["bytes"][:1500], "path": "cut.png"}
    rows[4]["query"] = None
    rows[5]["label"] = []
    rows[6]["human_or_machine"] = None
    pq.write_table(pa.Table.from_pylist(rows, table.schema), file)
    built = build_from(copy)
    name = f"data/{file.name}"
    assert {path: why for path, why in built.rejects.items() if path != "README.md"} == {
        f"{name}#2": "duplicate",
        f"{name}#3": "no_counterpart",
        f"{name}#4": "truncated",
        f"{name}#5": "wrong_type",
        f"{name}#6": "empty_text",
        f"{name}#7": "wrong_type",
    }
    assert built.record.splits["train"].rows == 6


@pytest.mark.parametrize("parts", [("human", "augmented"), ("human", "machine"), (0, 1)])
def test_other_copies_are_read_too(copy, build_from, parts):
    """Without the Hub's own metadata, and with one text for a label."""
    file = train_file(copy)
    expected = build_from(copy).rows["train"]
    rows = pq.read_table(file).to_pylist()
    kept = [
        {
            "image": row["image"]["bytes"],
            "query": row["query"],
            "label": row["label"][0],
            "human_or_machine": parts[row["human_or_machine"]],
        }
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(kept), file)
    found = build_from(copy).rows["train"]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours["human_or_machine"] == theirs["human_or_machine"]
        assert ours["labels"] == theirs["labels"][:1]
        assert ours["images"][0]["bytes"] == theirs["images"][0]["bytes"]
        assert ours["file_name"] is None


def test_a_copy_without_a_column_is_refused(copy, build_from):
    file = train_file(copy)
    pq.write_table(pq.read_table(file).drop_columns(["human_or_machine"]), file)
    with pytest.raises(BogamError, match="no column human_or_machine; it has image, query, label"):
        build_from(copy)


def test_a_broken_file_is_refused(copy, build_from):
    file = train_file(copy)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(BogamError, match=f"{file.name}: cannot be read as parquet"):
        build_from(copy)


def test_links_of_a_cache_are_named_as_the_reason(copy, tmp_path, build_from):
    links = tmp_path / "snapshot"
    links.mkdir()
    for file in copy.glob("data/*"):
        (links / file.name).symlink_to(file)
    with pytest.raises(BogamError, match="no links"):
        build_from(links)
