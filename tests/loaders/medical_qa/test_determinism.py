"""The same files give the same bytes, wherever they lie and in whatever order they are read."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loaders.aihub import reading
from loaders.medical_qa_sample import write_sample


def _contents(built: Any) -> dict[str, bytes]:
    """Every file but the record, which names the source."""
    return {
        path.relative_to(built.folder).as_posix(): path.read_bytes()
        for path in built.folder.rglob("*")
        if path.is_file() and path.name != "dataset.json"
    }


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    write_sample(tmp_path / "TL.zip", questions=1500)
    return tmp_path / "TL.zip"


def test_two_runs_give_the_same_bytes(sample: Path, build_qa: Callable[..., Any]) -> None:
    first = build_qa(sample, "first", instruction_jsonl=True)
    random.seed(99)
    np.random.seed(99)
    second = build_qa(sample, "second", instruction_jsonl=True)
    assert _contents(first) == _contents(second)
    assert first.record == second.record
    assert any(name.startswith("instructions/") for name in _contents(first))


def test_the_order_in_a_zip_does_not_matter(
    sample: Path, tmp_path: Path, build_qa: Callable[..., Any]
) -> None:
    shuffled = tmp_path / "shuffled" / "TL.zip"
    shuffled.parent.mkdir()
    with zipfile.ZipFile(sample) as old, zipfile.ZipFile(shuffled, "w") as new:
        for name in random.Random(7).sample(old.namelist(), len(old.namelist())):
            new.writestr(name, old.read(name))
    assert _contents(build_qa(sample, "first")) == _contents(build_qa(shuffled, "second"))


def test_a_tree_gives_what_its_zip_gives(
    sample: Path, tmp_path: Path, build_qa: Callable[..., Any]
) -> None:
    """Also when its files were written in another order, and so are listed in another."""
    from_zip = build_qa(sample, "zip")
    with zipfile.ZipFile(sample) as archive:
        names = archive.namelist()
        for number, order in enumerate((names, random.Random(5).sample(names, len(names)))):
            tree = tmp_path / f"TL-{number}"
            for name in order:
                archive.extract(name, tree)
            from_tree = build_qa(tree, f"tree-{number}")
            assert _contents(from_zip) == _contents(from_tree)
            assert from_tree.record.source.files == from_zip.record.raw_items


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_number_of_processes_does_not_matter(
    processes: int, sample: Path, tmp_path: Path
) -> None:
    """Read in stretches of a hundred files."""
    rows = []
    for count in (1, processes):
        scratch = tmp_path / f"scratch-{count}-{len(rows)}"
        scratch.mkdir()
        read: list[int] = []
        items = reading.read_source(
            reading.open_source(sample),
            scratch,
            read.append,
            seed=3,
            by_number=False,
            processes=count,
            chunk=100,
        )
        assert sum(read) == items.files
        assert len(list(scratch.iterdir())) == 2 * count
        found = []
        for side, columns in items.columns.items():
            order = np.argsort(columns.rank)
            texts = items.spill[side].take(order, ["path", "id", "text"])
            topics = [items.topics[label] for label in columns.label[order]]
            found.append((texts.to_pydict(), topics, columns.marks[order].tolist()))
        rows.append((found, items.rejects))
    assert rows[0] == rows[1]


def test_another_seed_pairs_otherwise(sample: Path, build_qa: Callable[..., Any]) -> None:
    pairs = [
        {(row["question_id"], row["answer_id"]) for row in build_qa(sample, f"b{n}", seed=n).rows}
        for n in (1, 2)
    ]
    assert len(pairs[0] & pairs[1]) < len(pairs[0]) / 2


def test_the_sample_is_the_same_every_time(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again.zip", questions=1500)
    assert sample.read_bytes() == (tmp_path / "again.zip").read_bytes()
    write_sample(tmp_path / "other.zip", questions=1500, seed=43)
    assert sample.read_bytes() != (tmp_path / "other.zip").read_bytes()
