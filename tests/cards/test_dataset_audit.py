"""Whatever is changed in a dataset repo is found, and said by name."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cards.audit import audit_dataset_folder
from cards.checks import file_digest
from cards.dataset_card import render_dataset_card
from cards.records import DatasetRecord

TRAIN = "data/train-00000-of-00001.parquet"
TEST = "data/test-00000-of-00001.parquet"


def failures(folder: Path) -> dict[str, tuple[str, str]]:
    return {
        check.name: (check.expected, check.found)
        for check in audit_dataset_folder(folder)
        if not check.ok
    }


def rehash(folder: Path) -> None:
    """Make hashes, byte counts and card agree again: a forger who knows the tool."""
    record = json.loads((folder / "dataset.json").read_bytes())
    for path in record["artifacts"]:
        record["artifacts"][path] = file_digest(folder / path)
    for split, path in (("train", TRAIN), ("test", TEST)):
        record["splits"][split]["bytes"] = (folder / path).stat().st_size
    made = DatasetRecord.model_validate(record)
    made.write(folder / "dataset.json")
    render_dataset_card(made).write(folder)


def test_an_honest_repo_passes(dataset_folder):
    checks = audit_dataset_folder(dataset_folder)
    assert [check for check in checks if not check.ok] == []
    assert {"train: rows", "rejects.jsonl: empty_text", "statistics.disease.당뇨병"} <= {
        check.name for check in checks
    }


def test_a_built_dataset_needs_no_card_until_it_is_published(dataset_folder):
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    for name in ("README.md", *render_dataset_card(record).files):
        (dataset_folder / name).unlink()
    assert "README.md" in failures(dataset_folder)
    record.model_copy(update={"publication": None}).write(dataset_folder / "dataset.json")
    assert failures(dataset_folder) == {}


def test_a_row_of_a_shard(dataset_folder):
    table = pq.read_table(dataset_folder / TEST)
    diseases = ["위조", *table["disease"].to_pylist()[1:]]
    place = table.column_names.index("disease")
    pq.write_table(
        table.set_column(place, table.schema.field("disease"), pa.array(diseases)),
        dataset_folder / TEST,
    )
    assert next(iter(failures(dataset_folder))) == f"{TEST}: sha256", "the cause is read first"
    rehash(dataset_folder)
    found = failures(dataset_folder)
    assert found.keys() == {"statistics.disease.위조", "statistics.disease.공기가슴증(기흉)"}


def test_a_row_taken_out(dataset_folder):
    pq.write_table(pq.read_table(dataset_folder / TEST).slice(0, 99), dataset_folder / TEST)
    rehash(dataset_folder)
    found = failures(dataset_folder)
    assert found["test: rows"] == ("100", "99")
    assert found["distinct ids"] == ("600", "599")


def test_a_training_document_in_the_test_split(dataset_folder):
    table = pq.read_table(dataset_folder / TEST)
    documents = ["d0", *table["document_id"].to_pylist()[1:]]
    place = table.column_names.index("document_id")
    pq.write_table(
        table.set_column(place, table.schema.field("document_id"), pa.array(documents)),
        dataset_folder / TEST,
    )
    rehash(dataset_folder)
    assert failures(dataset_folder) == {"documents in two splits": ("none", "d0")}


def test_a_column_of_another_type(dataset_folder):
    table = pq.read_table(dataset_folder / TEST)
    place = table.column_names.index("intention")
    pq.write_table(
        table.set_column(place, "intention", table["intention"].cast(pa.large_string())),
        dataset_folder / TEST,
    )
    rehash(dataset_folder)
    assert f"{TEST}: columns" in failures(dataset_folder)


def test_a_reject_left_out(dataset_folder):
    path = dataset_folder / "rejects.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    found = failures(dataset_folder)
    assert found["rejects.jsonl: empty_text"] == ("30", "29")
    assert "rejects.jsonl: sha256" in found


def test_a_reject_with_another_reason_or_none(dataset_folder):
    path = dataset_folder / "rejects.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[0] = lines[0].replace("empty_text", "bad_luck")
    lines[1] = "not json"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = failures(dataset_folder)
    assert found["rejects.jsonl: bad_luck"] == ("0", "1")
    assert "rejects.jsonl, line 2" in found


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda record: record.update(raw_items=1301), "dataset.json"),
        (lambda record: record.update(rows=601), "dataset.json"),
        (lambda record: record["rejects"].update(empty_text=29), "dataset.json"),
        (lambda record: record["source"].update(bytes=1), "README.md, line"),
        (lambda record: record["splits"]["test"].update(bytes=1), "test: bytes"),
        (lambda record: record["statistics"]["intention"].update(증상=201), "statistics.intention"),
        (lambda record: record["findings"][1].update(count=0), "README.md, line"),
        (lambda record: record["artifacts"].pop(TEST), "files that no record names"),
    ],
)
def test_a_number_of_the_record(dataset_folder, change, name):
    path = dataset_folder / "dataset.json"
    record = json.loads(path.read_bytes())
    change(record)
    path.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    assert any(found.startswith(name) for found in failures(dataset_folder))


def test_a_number_in_the_readme(dataset_folder):
    path = dataset_folder / "README.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("| `train` | 500 |", "| `train` | 900 |"), encoding="utf-8")
    ((name, (expected, found)),) = failures(dataset_folder).items()
    assert name.startswith("README.md, line ")
    assert "500" in expected
    assert "900" in found


def test_a_shard_put_in(dataset_folder):
    pq.write_table(pa.table({"x": [1]}), dataset_folder / "data" / "train-00001-of-00002.parquet")
    expected, found = failures(dataset_folder)["files that no record names"]
    assert (expected, found) == ("none", "data/train-00001-of-00002.parquet")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "dataset.json").unlink(),
        lambda folder: (folder / TEST).unlink(),
        lambda folder: (folder / TEST).write_bytes(b"PAR1"),
        lambda folder: (folder / "rejects.jsonl").unlink(),
        lambda folder: (folder / "figures" / "distributions.png").unlink(),
        lambda folder: pq.write_table(pa.table({"x": [1]}), folder / TEST),
    ],
)
def test_a_broken_repo_is_a_failure_not_a_crash(dataset_folder, damage):
    damage(dataset_folder)
    assert failures(dataset_folder)
