"""Raw files for the medical QA tests, and ways to look at what became of them."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cards.records import DatasetRecord
from loaders.dataset_folder import build


@dataclass(frozen=True)
class Built:
    """A finished dataset folder."""

    folder: Path
    record: DatasetRecord

    @property
    def table(self) -> pa.Table:
        """All rows, with their split."""
        tables = []
        for split in self.record.splits:
            for shard in sorted((self.folder / "data").glob(f"{split}-*.parquet")):
                table = pq.read_table(shard)
                tables.append(table.append_column("split", pa.repeat(split, len(table))))
        return pa.concat_tables(tables)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.table.to_pylist()

    def lines(self, name: str) -> list[dict[str, str]]:
        """Of `rejects.jsonl` or `notices.jsonl`."""
        text = (self.folder / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def build_qa(tmp_path: Path) -> Callable[..., Built]:
    """Build the dataset from a source into a folder of its own."""

    def run(source: Path, name: str = "built", **options: Any) -> Built:
        folder = tmp_path / name
        return Built(folder, build("medical-qa", source, folder, options))

    return run


@pytest.fixture
def make_tree(shared_data: Path, tmp_path: Path) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """Run the generator of raw files with faults; gives the source and what is wrong where."""

    def run(name: str, *arguments: str) -> tuple[Path, dict[str, Any]]:
        out = tmp_path / name
        script = shared_data / "aihub_qa" / "make_tree.py"
        command = [sys.executable, str(script), "--out", str(out), *arguments]
        subprocess.run(command, check=True, capture_output=True)
        truth = json.loads(Path(f"{out}.truth.json").read_text(encoding="utf-8"))
        return out, truth

    return run


TOPIC = ("눈질환", "다래끼", "원인")


@pytest.fixture
def question_file() -> Callable[..., bytes]:
    """Makes the content of a question file."""

    def make(text: str, topic: tuple[str, str, str] = TOPIC) -> bytes:
        return _document({"question": text}, topic)

    return make


@pytest.fixture
def answer_file() -> Callable[..., bytes]:
    """Makes the content of an answer file."""

    def make(text: str, topic: tuple[str, str, str] = TOPIC) -> bytes:
        parts = {"intro": text, "body": "쉬세요.", "conclusion": ""}
        return _document({"answer": parts, "department": ["안과"]}, topic)

    return make


def _document(content: dict[str, Any], topic: tuple[str, str, str]) -> bytes:
    category, disease, intention = topic
    labels = {
        "disease_category": category,
        "disease_name": {"kor": disease, "eng": "x"},
        "intention": intention,
    }
    return json.dumps({**labels, **content}, ensure_ascii=False).encode()


@pytest.fixture
def write_zip(tmp_path: Path) -> Callable[[Iterable[tuple[str, bytes]]], Path]:
    """A zip of these members, in this order, names used as they are."""

    def write(members: Iterable[tuple[str, bytes]]) -> Path:
        path = tmp_path / "TL.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members:
                archive.writestr(name, data)
        return path

    return write
