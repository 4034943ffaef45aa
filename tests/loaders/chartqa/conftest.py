"""Made-up charts in both layouts of ChartQA, and what a test needs to bend them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import datasets
import orjson
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cards.records import DatasetRecord
from loaders.charts.synthesis import write_charts
from loaders.dataset_folder import build

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Built:
    """A dataset folder with its record and all that can be read from it."""

    folder: Path
    record: DatasetRecord

    @property
    def rows(self) -> dict[str, list[dict[str, Any]]]:
        return {
            split: pq.read_table(self.folder / f"data/{split}-00000-of-00001.parquet").to_pylist()
            for split in self.record.splits
        }

    def lines(self, name: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]

    @property
    def rejects(self) -> dict[str, str]:
        """{path: reason}"""
        return {line["path"]: line["reason"] for line in self.lines("rejects.jsonl")}

    def finding(self, kind: str) -> Any:
        return next((found for found in self.record.findings if found.kind == kind), None)


@dataclass(frozen=True)
class Source:
    """A source that may be changed."""

    root: Path

    def png(self, split: str) -> Path:
        return self.root / "ChartQA Dataset" / split / "png"

    def file(self, split: str, part: str = "augmented") -> Path:
        return self.root / "ChartQA Dataset" / split / f"{split}_{part}.json"

    def records(self, split: str, part: str = "augmented") -> list[Any]:
        records: list[Any] = orjson.loads(self.file(split, part).read_bytes())
        return records

    def write(self, split: str, records: Any, part: str = "augmented") -> None:
        self.file(split, part).write_bytes(orjson.dumps(records))


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 charts as `bogam synth chartqa` writes them; not to be changed."""
    out = tmp_path_factory.mktemp("charts") / "made-up"
    write_charts(out, charts=80, seed=7)
    return out


@pytest.fixture
def source(made_up: Path, tmp_path: Path) -> Source:
    """Four charts of each split, to be changed by the test."""
    kept = Source(tmp_path / "source")
    whole = Source(made_up)
    for split in SPLITS:
        kept.png(split).mkdir(parents=True)
        charts = sorted(whole.png(split).iterdir())[:4]
        for chart in charts:
            shutil.copy(chart, kept.png(split))
        names = {chart.name for chart in charts}
        for part in ("human", "augmented"):
            records = [r for r in whole.records(split, part) if r["imgname"] in names]
            kept.write(split, records, part)
    return kept


@pytest.fixture
def build_from(tmp_path: Path) -> Callable[..., Built]:
    """Builds a source, each time into a folder of its own."""

    def run(root: Path, **options: Any) -> Built:
        out = tmp_path / f"built-{len(list(tmp_path.glob('built-*')))}"
        built = Built(out, build("chartqa", root, out, options))
        assert built.record.raw_items == built.record.items_used + len(built.lines("rejects.jsonl"))
        return built

    return run


@pytest.fixture(scope="session")
def hub_parquet(made_up: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same charts and questions as they are hosted on a Hub: written by `datasets` itself."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "data").mkdir()
    (folder / "README.md").write_text("# ChartQA\n")
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "query": datasets.Value("string"),
            "label": datasets.List(datasets.Value("string")),
            "human_or_machine": datasets.ClassLabel(names=["human", "machine"]),
        }
    )
    whole = Source(made_up)
    for split in SPLITS:
        rows = [
            {
                "image": {
                    "bytes": (whole.png(split) / record["imgname"]).read_bytes(),
                    "path": record["imgname"],
                },
                "query": record["query"],
                "label": record["label"]
                if isinstance(record["label"], list)
                else [record["label"]],
                "human_or_machine": "human" if part == "human" else "machine",
            }
            for part in ("human", "augmented")
            for record in whole.records(split, part)
        ]
        datasets.Dataset.from_list(rows, features=features).to_parquet(
            folder / "data" / f"{split}-00000-of-00001-0123456789abcdef.parquet", batch_size=50
        )
    return folder


@pytest.fixture(scope="session")
def saved_again() -> Callable[..., bytes]:
    """Another encoding of a picture: `saved_again(data, "JPEG", scale=0.7, quality=80)`."""

    def save(data: bytes, image_format: str, scale: float = 1.0, **options: Any) -> bytes:
        image = Image.open(BytesIO(data)).convert("RGB")
        size = (round(image.width * scale), round(image.height * scale))
        out = BytesIO()
        image.resize(size, Image.Resampling.LANCZOS).save(out, image_format, **options)
        return out.getvalue()

    return save
