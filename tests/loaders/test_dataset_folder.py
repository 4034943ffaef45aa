"""A dataset folder: whole or not there, reused when nothing changed, loadable without our code."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path

import datasets
import pytest
from rich.console import Console
from rich.progress import Progress

from cards.errors import BogamError
from cards.records import DatasetRecord, Reject
from loaders.dataset_folder import build, find_builder
from loaders.medical_qa_sample import write_sample
from loaders.rows import SHARED_COLUMNS, row_features


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_sample(tmp_path / "raw" / "TL.zip", questions=400)
    return tmp_path / "raw" / "TL.zip"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_sample(tmp_path / "raw" / "TL", questions=400)
    return tmp_path / "raw" / "TL"


def _bytes(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_folder_is_what_its_record_says(source: Path, tmp_path: Path) -> None:
    record = build("medical-qa", source, tmp_path / "out")
    assert record == DatasetRecord.read(tmp_path / "out" / "dataset.json")
    files = {
        path.relative_to(tmp_path / "out").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and path.name != "dataset.json"
    }
    assert files == record.artifacts
    assert set(files) == {
        "data/train-00000-of-00001.parquet",
        "data/validation-00000-of-00001.parquet",
        "data/test-00000-of-00001.parquet",
        "rejects.jsonl",
        "notices.jsonl",
    }
    assert list(record.splits) == ["train", "validation", "test"]
    assert record.source.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    lines = (tmp_path / "out" / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    rejects = [Reject.model_validate_json(line) for line in lines]
    assert len(rejects) == sum(record.rejects.values())
    assert record.raw_items == record.items_used + len(rejects)
    assert str(tmp_path) not in (tmp_path / "out" / "dataset.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("streaming", [False, True])
def test_load_dataset_needs_none_of_our_code(streaming: bool, source: Path, tmp_path: Path) -> None:
    record = build("medical-qa", source, tmp_path / "out")
    loaded = datasets.load_dataset(
        str(tmp_path / "out"), streaming=streaming, cache_dir=str(tmp_path / "cache")
    )
    assert list(loaded) == ["train", "validation", "test"]
    for split, part in loaded.items():
        assert part.features == datasets.Features.from_dict(record.features)
        assert sum(1 for _ in part) == record.splits[split].rows
    row = next(iter(loaded["test"]))
    assert row["images"] == []
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize("kind", ["source", "tree"])
def test_a_second_run_changes_nothing_and_says_so(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    raw = request.getfixturevalue(kind)
    first = build("medical-qa", raw, tmp_path / "out")
    before = _bytes(tmp_path / "out")
    shown = io.StringIO()
    with Progress(console=Console(file=shown)) as progress:
        second = build("medical-qa", raw, tmp_path / "out", progress=progress)
    assert second == first
    assert _bytes(tmp_path / "out") == before
    assert "finished before" in shown.getvalue()


def test_a_dataset_built_otherwise_is_kept_unless_forced(source: Path, tmp_path: Path) -> None:
    build("medical-qa", source, tmp_path / "out")
    before = _bytes(tmp_path / "out")
    with pytest.raises(BogamError, match=r"seed: 42 before, 7 now.*--force"):
        build("medical-qa", source, tmp_path / "out", {"seed": 7})
    assert _bytes(tmp_path / "out") == before
    record = build("medical-qa", source, tmp_path / "out", {"seed": 7}, force=True)
    assert record.builder.arguments["seed"] == 7
    assert DatasetRecord.read(tmp_path / "out" / "dataset.json") == record


def test_a_failed_replacement_keeps_the_old_dataset(source: Path, tmp_path: Path) -> None:
    build("medical-qa", source, tmp_path / "out")
    before = _bytes(tmp_path / "out")
    with pytest.raises(BogamError, match="--pairing topic"):
        build("medical-qa", source, tmp_path / "out", {"pairing": "number"}, force=True)
    assert _bytes(tmp_path / "out") == before


def test_a_changed_source_is_noticed(source: Path, tree: Path, tmp_path: Path) -> None:
    build("medical-qa", source, tmp_path / "zip")
    source.write_bytes(source.read_bytes()[:-1] + b"x")
    with pytest.raises(BogamError, match="the source is another one, or has changed"):
        build("medical-qa", source, tmp_path / "zip")

    build("medical-qa", tree, tmp_path / "tree")
    some_file = next(path for path in tree.rglob("HC-A-*.json"))
    made = (tmp_path / "tree" / "dataset.json").stat().st_mtime
    os.utime(some_file, (made + 5, made + 5))
    with pytest.raises(BogamError, match="the source is another one, or has changed"):
        build("medical-qa", tree, tmp_path / "tree")


def test_a_damaged_dataset_is_not_reused(source: Path, tmp_path: Path) -> None:
    build("medical-qa", source, tmp_path / "out")
    (tmp_path / "out" / "data" / "test-00000-of-00001.parquet").unlink()
    with pytest.raises(BogamError, match=r"test-00000-of-00001\.parquet is missing"):
        build("medical-qa", source, tmp_path / "out")


def test_what_is_no_dataset_is_never_replaced(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter1.txt").write_text("years of work")
    with pytest.raises(BogamError, match="is no dataset folder"):
        build("medical-qa", source, out, force=True)
    assert (out / "chapter1.txt").read_text() == "years of work"
    (out / "chapter1.txt").unlink()
    assert build("medical-qa", source, out).rows == 400


def test_a_dataset_is_not_built_into_its_raw_files(tree: Path) -> None:
    with pytest.raises(BogamError, match="lies in the raw files"):
        build("medical-qa", tree, tree / "deep" / "out")
    assert not (tree / "deep").exists()


def test_an_unknown_dataset_gets_the_nearest_one() -> None:
    with pytest.raises(BogamError, match=r"Did you mean medical-qa\?"):
        find_builder("medical_qa")


def test_instructions_are_written_on_request(source: Path, tmp_path: Path) -> None:
    record = build("medical-qa", source, tmp_path / "out", {"instruction_jsonl": True})
    for split, info in record.splits.items():
        path = tmp_path / "out" / "instructions" / f"{split}.jsonl"
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        rows = datasets.Dataset.from_parquet(
            str(tmp_path / "out" / "data" / f"{split}-00000-of-00001.parquet"),
            cache_dir=str(tmp_path / "cache"),
        )
        assert len(lines) == info.rows
        assert lines == [{key: row[key] for key in ("instruction", "output")} for row in rows]
    # The extra files are no rows: the folder still loads as before.
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert "messages" in loaded["train"].features


def test_own_columns_cannot_shadow_the_shared_ones() -> None:
    assert tuple(row_features({"label": datasets.Value("string")}))[:-1] == SHARED_COLUMNS
    with pytest.raises(ValueError, match="images"):
        row_features({"images": datasets.Value("string")})


def test_a_builder_is_an_ordinary_one_of_datasets(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    builder = find_builder("medical-qa")(data_dir=str(source), cache_dir=str(tmp_path / "cache"))
    builder.download_and_prepare()
    loaded = builder.as_dataset()
    assert sum(part.num_rows for part in loaded.values()) == 400
    assert "raw items are in no row" in caplog.text
