"""Small dataset and model folders, as a build and a run leave them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cards.records import (
    BuilderInfo,
    DatasetRecord,
    DatasetUse,
    Publication,
    Revision,
    RunRecord,
    Source,
    SplitInfo,
)


@dataclass
class PlainCard:
    """A card of three lines that remembers the record it was made from."""

    licence: str = "apache-2.0"
    publications: list[Publication | None] = field(default_factory=list)

    def of(self, record: DatasetRecord | RunRecord) -> PlainCard:
        self.publications.append(record.publication)
        return self

    def write(self, folder: Path) -> None:
        (folder / "README.md").write_text(
            f"---\nlicense: {self.licence}\n---\n\n# Made for tests\n"
        )


@pytest.fixture
def plain_card() -> PlainCard:
    return PlainCard()


@pytest.fixture
def make_dataset_folder(tmp_path: Path) -> Callable[..., Path]:
    """`make_dataset_folder(answers, licence="cc-by-4.0")`: a row an answer, in two splits."""

    def make(answers: list[str], licence: str = "cc-by-4.0", name: str = "dataset") -> Path:
        from datasets import Dataset, Features, List, Value

        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        features = Features(
            {
                "id": Value("string"),
                "messages": List({"role": Value("string"), "content": Value("string")}),
                "output": Value("string"),
            }
        )
        splits, artifacts = {}, {}
        for split, part in (("train", answers), ("test", answers[:1])):
            shard = f"data/{split}-00000-of-00001.parquet"
            rows = [
                {
                    "id": f"{split}-{number}",
                    "messages": [{"role": "assistant", "content": answer}],
                    "output": answer,
                }
                for number, answer in enumerate(part)
            ]
            Dataset.from_list(rows, features=features).to_parquet(folder / shard)
            splits[split] = SplitInfo(rows=len(rows), bytes=(folder / shard).stat().st_size)
            artifacts[shard] = _sha256(folder / shard)
        (folder / "rejects.jsonl").write_text('{"path":"a.json","reason":"empty"}\n')
        artifacts["rejects.jsonl"] = _sha256(folder / "rejects.jsonl")
        rows_in_all = len(answers) + 1
        DatasetRecord(
            name="made-for-tests",
            builder=BuilderInfo(class_="Made", version="1.0.0", arguments={}),
            source=Source(path_name="TL.zip", bytes=1),
            licence=licence,
            languages=("ko",),
            task_categories=("question-answering",),
            raw_items=rows_in_all + 1,
            items_used=rows_in_all,
            rows=rows_in_all,
            rejects={"empty": 1},
            splits=splits,
            features=features.to_dict(),
            artifacts=artifacts,
        ).write(folder / "dataset.json")
        return folder

    return make


@pytest.fixture
def make_model_folder(tmp_path: Path, plain_run: Callable[..., RunRecord]) -> Callable[..., Path]:
    """`make_model_folder(licence="apache-2.0")`: weights, configuration and `run.json`."""

    def make(licence: str = "apache-2.0", base: str = "org/a-base", megabytes: int = 0) -> Path:
        from safetensors.numpy import save_file

        folder = tmp_path / "model"
        folder.mkdir()
        weights = {"w": np.arange(64, dtype=np.float32)}
        if megabytes:
            weights["noise"] = np.random.RandomState(1).bytes(megabytes << 20)
            weights["noise"] = np.frombuffer(weights["noise"], np.uint8)
        save_file(weights, folder / "adapter_model.safetensors")
        (folder / "adapter_config.json").write_text(f'{{"base_model_name_or_path": "{base}"}}')
        files = ("adapter_model.safetensors", "adapter_config.json")
        plain_run(
            recipe={"name": "made-for-tests"},
            base_model=Revision(id=base, revision="1" * 40),
            dataset=DatasetUse(id="org/data", revision="2" * 40, splits={"test": 1}),
            licence=licence,
            metrics={"zero_shot": {}, "tuned": {}},
            artifacts={name: _sha256(folder / name) for name in files},
        ).write(folder / "run.json")
        return folder

    return make


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
