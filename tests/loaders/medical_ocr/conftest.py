"""A small source in the shape of the public set: records beside folders of images."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image

from cards.records import DatasetRecord, Reject
from loaders.dataset_folder import build


def picture(
    seed: int, size: tuple[int, int] = (240, 320), form: str = "JPEG", **save: Any
) -> bytes:
    """A blotchy picture: structure enough for a perceptual hash, another for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 255, (9, 7, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    stream = BytesIO()
    image.save(stream, form, **save)
    return stream.getvalue()


def prescription(number: int, patient: str = "", **changes: Any) -> dict[str, Any]:
    """A sound record about `<number>_zh.jpg`, as the set writes it."""
    who = patient or f"김환자{number}, 身份证号: 90{number % 90 + 10:02}15-1234567"
    line = "处方药物: 텔미사르탄정 40mg, 每次剂量: 1정, 每日服用次数: 1회, 总疗程: 5일"
    turns = [
        ("<image>\n以下是韩语处方\n请告诉我姓名和身份证号码。", f"病人姓名: {who}"),
        ("我得了什么病？", f"疾病编码: J{number % 100:02}。"),
        ("这是什么药？", line),
    ]
    record = {
        "id": f"{number:05}_zh",
        "image": f"data/ko_zh_datasets/train/{number:05}_zh.jpg",
        "conversations": [
            {"from": sender, "value": text}
            for turn in turns
            for sender, text in zip(("human", "gpt"), turn, strict=True)
        ],
    }
    return record | changes


def receipt(number: int, turns: list[tuple[str, str]]) -> dict[str, Any]:
    """A record about `<number>_ko.jpg`."""
    first, *rest = turns
    asked = [(f"<image>\nThe following image is a receipt.\n{first[0]}", first[1]), *rest]
    return {
        "id": f"{number:05}_ko",
        "image": f"{number:05}_ko.jpg",
        "conversations": [
            {"from": sender, "value": text}
            for turn in asked
            for sender, text in zip(("human", "gpt"), turn, strict=True)
        ],
    }


class Source:
    """Writes raw files and builds them."""

    picture = staticmethod(picture)
    prescription = staticmethod(prescription)
    receipt = staticmethod(receipt)

    def __init__(self, folder: Path) -> None:
        self.root = folder / "raw"
        self.out = folder / "out"
        self.root.mkdir()

    def add(self, name: str, data: bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def records(self, split: str, records: list[Any]) -> Path:
        return self.add(f"{split}_zh_ko.json", orjson.dumps(records))

    def prescriptions(self, split: str, numbers: range, **changes: Any) -> None:
        """Sound records with an image each."""
        self.records(split, [prescription(number, **changes) for number in numbers])
        for number in numbers:
            self.add(f"{split}/{number:05}_zh.jpg", picture(number))

    def build(self, **options: Any) -> DatasetRecord:
        return build("medical-ocr", self.root, self.out, options)

    def rows(self, split: str | None = None) -> list[dict[str, Any]]:
        """Rows as they were written, images not decoded."""
        import pyarrow.parquet as pq

        pattern = f"{split}-*.parquet" if split else "*.parquet"
        paths = sorted((self.out / "data").glob(pattern))
        return [row for path in paths for row in pq.read_table(path).to_pylist()]

    def rejects(self) -> list[Reject]:
        lines = (self.out / "rejects.jsonl").read_bytes().splitlines()
        return [Reject.model_validate_json(line) for line in lines]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


@pytest.fixture
def another_source(tmp_path: Path) -> Source:
    (tmp_path / "another").mkdir()
    return Source(tmp_path / "another")
