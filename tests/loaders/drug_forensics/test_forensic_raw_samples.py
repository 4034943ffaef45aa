"""The raw samples with planted faults: each fault is found where it was put, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from cards.records import DatasetRecord
from loaders.dataset_folder import build
from loaders.image_files import to_rgb

Build = Callable[..., tuple[DatasetRecord, Path]]


@dataclass(frozen=True)
class Samples:
    """The built samples beside the list of what was planted into them."""

    record: DatasetRecord
    rows: dict[str, dict[str, Any]]
    rejects: dict[str, str]
    notices: dict[str, dict[str, str]]
    planted: dict[str, tuple[str, str]]
    """{file: (what was done to it, the file it was made from)}."""


@pytest.fixture(scope="module")
def samples(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    folder = shared_data / "drug_forensics"
    out = tmp_path_factory.mktemp("forensics") / "dataset"
    record = build("drug-forensics", folder / "raw_data", out, {"augment": "none"})
    rows = {
        row["file_name"]: {**row, "split": shard.name.split("-")[0]}
        for shard in sorted((out / "data").glob("*.parquet"))
        for row in pq.read_table(shard).to_pylist()
    }
    notices: dict[str, dict[str, str]] = {}
    for line in lines(out / "notices.jsonl"):
        notices.setdefault(line["path"], {})[line["reason"]] = line["detail"]
    return Samples(
        record,
        rows,
        {line["path"]: line["reason"] for line in lines(out / "rejects.jsonl")},
        notices,
        dict(planted(folder / "SOURCES.tsv")),
    )


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def planted(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    with path.open(encoding="utf-8") as file:
        for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if line["how"] not in ("resized<=512 JPEG", "drawn with PIL"):
                what, _, original = line["how"].partition(" of ")
                names = (line["file"], original)
                name, original = (unicodedata.normalize("NFC", text) for text in names)
                yield name, (what, original)


def test_every_file_is_accounted_for(samples: Samples) -> None:
    assert samples.record.raw_items == 264
    assert len(samples.rows) + len(samples.rejects) == 264
    assert samples.record.items_used == len(samples.rows)


def test_what_cannot_be_a_row_is_rejected_and_nothing_else_is(samples: Samples) -> None:
    reasons = {
        "truncated_jpeg": "truncated",
        "truncated_jpeg_header": "truncated",
        "gif_animated": "animated",
        "zero_byte": "empty_file",
        "huge_dimensions": "too_large",
        "exact_duplicate_same_class": "duplicate",
    }
    expected = {
        name: reasons[what] for name, (what, _) in samples.planted.items() if what in reasons
    }
    assert len(expected) == len(reasons)
    assert samples.rejects == expected | {
        "0_irrelevant/Thumbs.db": "junk",
        "1_chat_history/memo.txt": "not_an_image",
        "2_transaction_place/.DS_Store": "junk",
    }


def test_pictures_in_two_classes_stop_publication(samples: Samples) -> None:
    across = {
        frozenset((name, original))
        for name, (what, original) in samples.planted.items()
        if "cross_class" in what
    }
    assert len(across) == 3
    (stop,) = [finding for finding in samples.record.findings if finding.severity == "stop"]
    assert stop.kind == "contradicting_labels"
    assert stop.count == 3
    assert all(name in stop.detail for pair in across for name in pair)


def test_copies_share_the_document_of_what_they_were_made_from(samples: Samples) -> None:
    compared = 0
    for name, (_, original) in samples.planted.items():
        if name in samples.rows and original in samples.rows:
            copy, source = samples.rows[name], samples.rows[original]
            assert copy["document_id"] == source["document_id"], name
            assert copy["split"] == source["split"]
            compared += 1
    assert compared == 14


@pytest.mark.parametrize(
    ("what", "notice"),
    [
        ("wrong_extension", "wrong_extension"),
        ("cmyk_jpeg", "unusual_pixels"),
        ("rgba_png", "unusual_pixels"),
        ("png_16bit", "unusual_pixels"),
        ("exif_rotated+near_duplicate", "turned"),
        ("exif_rotated+near_duplicate", "metadata_removed"),
        ("nfd_name+near_duplicate", "decomposed_name"),
    ],
)
def test_what_is_odd_but_usable_is_a_row_and_a_notice(
    what: str, notice: str, samples: Samples
) -> None:
    (name,) = [name for name, (done, _) in samples.planted.items() if done == what]
    assert name in samples.rows
    assert notice in samples.notices[name]


def test_only_the_planted_files_are_odd(samples: Samples) -> None:
    odd = {
        name
        for name, found in samples.notices.items()
        if set(found) - {"near_duplicate", "labels_contradict"}
    }
    assert odd <= set(samples.planted)


def test_every_published_picture_opens_upright_in_colour(samples: Samples) -> None:
    for row in samples.rows.values():
        image = to_rgb(Image.open(io.BytesIO(row["images"][0]["bytes"])))
        assert image.size == (row["width"], row["height"])
        assert image.mode == "RGB"
