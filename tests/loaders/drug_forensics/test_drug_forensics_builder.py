"""From class folders to rows: nothing is lost, nothing leaks, nothing personal is published."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cards.errors import BogamError
from cards.records import DatasetRecord
from loaders.forensics.augmentation import Augmentation, encode
from loaders.image_files import to_rgb

Build = Callable[..., tuple[DatasetRecord, Path]]
PLACES = "2_transaction_place"


def rows_of(out: Path) -> list[dict[str, Any]]:
    """Every row, with the name of its split."""
    return [
        {**row, "split": shard.name.split("-")[0]}
        for shard in sorted((out / "data").glob("*.parquet"))
        for row in pq.read_table(shard).to_pylist()
    ]


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def picture_of(row: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(row["images"][0]["bytes"]))


def first(folder: Path) -> Path:
    return sorted(folder.iterdir())[0]


def test_every_file_is_a_row_or_a_reject(evidence: Path, build_evidence: Build) -> None:
    irrelevant, places = evidence / "0_irrelevant", evidence / PLACES
    whole = first(places).read_bytes()
    (places / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (places / "empty.jpg").touch()
    (places / "memo.jpg").write_text("만날 장소")
    (places / ".DS_Store").write_bytes(b"Bud1")
    (places / "link.jpg").symlink_to(first(irrelevant))
    (places / "same again.jpg").write_bytes(whole)
    Image.new("1", (10_000, 10_000)).save(irrelevant / "bomb.png")
    frames = [Image.new("RGB", (60, 60), paint) for paint in ("red", "blue")]
    frames[0].save(irrelevant / "film.gif", save_all=True, append_images=frames[1:])
    (evidence / "4_unsorted").mkdir()
    (evidence / "4_unsorted" / "photo.jpg").write_bytes(whole)
    (evidence / "loose.jpg").write_bytes(whole)

    record, out = build_evidence(evidence)

    expected = {
        f"{PLACES}/cut.jpg": "truncated",
        f"{PLACES}/empty.jpg": "empty_file",
        f"{PLACES}/memo.jpg": "not_an_image",
        f"{PLACES}/.DS_Store": "junk",
        f"{PLACES}/link.jpg": "link",
        f"{PLACES}/same again.jpg": "duplicate",
        "0_irrelevant/bomb.png": "too_large",
        "0_irrelevant/film.gif": "animated",
        "4_unsorted/photo.jpg": "not_in_layout",
        "loose.jpg": "not_in_layout",
    }
    assert {line["path"]: line["reason"] for line in lines(out / "rejects.jsonl")} == expected
    assert record.raw_items == 51 + len(expected)
    assert record.rows == 51
    assert record.rejects == dict(Counter(expected.values()))
    assert "만날" not in (out / "rejects.jsonl").read_text()


def test_rows_carry_label_question_answer_and_hashes(drawn: Path, build_evidence: Build) -> None:
    _, out = build_evidence(drawn)
    for row in rows_of(out):
        source = drawn / row["file_name"]
        data = row["images"][0]["bytes"]
        assert data == source.read_bytes()
        assert row["sha256"] == row["source_sha256"] == hashlib.sha256(data).hexdigest()
        assert row["label"] == int(row["file_name"][0])
        question, answer = row["messages"]
        assert [question["role"], answer["role"]] == ["user", "assistant"]
        assert answer["content"] == str(row["label"])
        assert all(f"{number}: " in question["content"] for number in range(4))
        assert (row["width"], row["height"]) == picture_of(row).size
        assert row["metadata_removed"] == []


def test_one_photo_among_drawings_makes_photos_of_them_all(
    evidence: Path, build_evidence: Build
) -> None:
    record, _ = build_evidence(evidence)
    assert record.licence == "cc0-1.0"
    assert record.description is not None and "Drawings" in record.description.en
    assert "drawn" in {finding.kind for finding in record.findings}
    assert not {"sorted", "사람이"} & set(said(record).split())
    assert record.title is not None and record.title.en == "Evidence photos by class (made up)"
    assert "augment" not in record.counting + "".join(record.statistics), "there are no copies"

    shade = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    Image.fromarray(shade).save(evidence / "3_drug_raw" / "mine.jpg")
    record, _ = build_evidence(evidence)
    assert record.licence == "other"
    assert record.description is not None and "Photos" in record.description.en
    assert "drawn" not in {finding.kind for finding in record.findings}
    assert not record.samples
    assert "sorted" in said(record)
    assert record.title is not None and record.title.en == "Evidence photos by class"


def said(record: DatasetRecord) -> str:
    """What a person could have done to the pictures."""
    notes = [*record.limits, *([record.annotation] if record.annotation else [])]
    return "\n".join(f"{note.ko}\n{note.en}" for note in notes)


def test_a_list_of_drawings_that_cannot_be_read_stops_the_build(
    evidence: Path, build_evidence: Build
) -> None:
    (evidence / "synthesis.json").write_text('{"drawn": true}')
    with pytest.raises(BogamError, match=r"synthesis\.json.*Make the drawings anew"):
        build_evidence(evidence)


def test_loads_as_a_dataset_with_named_labels(drawn: Path, build_evidence: Build) -> None:
    import datasets

    _, out = build_evidence(drawn)
    loaded = datasets.load_dataset(
        "parquet", data_files=str(out / "data" / "test-*.parquet"), split="train"
    )
    assert loaded.features["label"].names == [
        "irrelevant", "chat_history", "transaction_place", "drug_raw",
    ]  # fmt: skip
    assert loaded[0]["images"][0].size == (loaded[0]["width"], loaded[0]["height"])


def test_positions_are_not_published_and_pixels_are_the_same(
    evidence: Path, build_evidence: Build
) -> None:
    place = first(evidence / PLACES)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SAMSUNG"
    exif[0x8825] = {1: "N", 2: (37.0, 33.0, 59.0), 3: "E", 4: (126.0, 58.0, 41.0)}
    with Image.open(place) as image:
        turned = image.transpose(Image.Transpose.ROTATE_90)
    turned.save(place, "JPEG", exif=exif, quality=90)

    record, out = build_evidence(evidence)

    (row,) = [row for row in rows_of(out) if row["file_name"].endswith(place.name)]
    data = row["images"][0]["bytes"]
    assert b"SAMSUNG" not in data
    published = picture_of(row)
    assert dict(published.getexif()) == {0x0112: 6}
    np.testing.assert_array_equal(np.asarray(published), np.asarray(Image.open(place)))
    assert row["metadata_removed"] == ["Exif"]
    assert row["source_sha256"] == hashlib.sha256(place.read_bytes()).hexdigest()
    assert row["sha256"] == hashlib.sha256(data).hexdigest() != row["source_sha256"]
    assert (row["width"], row["height"]) == to_rgb(published).size
    (finding,) = [f for f in record.findings if f.kind == "positions_removed"]
    assert finding.count == 1
    noted = {line["reason"] for line in lines(out / "notices.jsonl") if place.name in line["path"]}
    assert noted == {"turned", "metadata_removed"}


def test_copies_of_a_picture_share_a_document_and_a_split(
    evidence: Path, build_evidence: Build
) -> None:
    for source in sorted((evidence / "3_drug_raw").iterdir())[:6]:
        with Image.open(source) as image:
            small = image.resize((image.width // 2, image.height // 2))
        small.save(source.with_name(f"resent_{source.stem}.png"))
        cut = image.crop((0, 0, round(image.width * 0.93), round(image.height * 0.93)))
        cut.save(source.with_name(f"cut_{source.name}"), quality=70)

    record, out = build_evidence(evidence)

    splits: dict[str, set[str]] = {}
    documents: dict[str, set[str]] = {}
    for row in rows_of(out):
        splits.setdefault(row["document_id"], set()).add(row["split"])
        original = Path(row["file_name"]).stem.removeprefix("resent_").removeprefix("cut_")
        documents.setdefault(original, set()).add(row["document_id"])
    assert all(len(found) == 1 for found in splits.values())
    assert all(len(found) == 1 for found in documents.values())
    (finding,) = [f for f in record.findings if f.kind == "groups_of_copies"]
    assert finding.count == 6


def contradict(evidence: Path) -> tuple[str, str]:
    place = first(evidence / PLACES)
    shutil.copy(place, evidence / "0_irrelevant" / "copy.jpg")
    return f"{PLACES}/{place.name}", "0_irrelevant/copy.jpg"


def test_one_picture_in_two_classes_stops_publication(
    evidence: Path, build_evidence: Build
) -> None:
    right, wrong = contradict(evidence)
    record, out = build_evidence(evidence)
    (finding,) = [f for f in record.findings if f.kind == "contradicting_labels"]
    assert (finding.severity, finding.count) == ("stop", 1)
    assert right in finding.detail
    assert wrong in finding.detail
    documents = {r["document_id"] for r in rows_of(out) if r["file_name"] in (right, wrong)}
    assert len(documents) == 1


def test_contradicting_pictures_can_be_left_out(evidence: Path, build_evidence: Build) -> None:
    pair = contradict(evidence)
    record, out = build_evidence(evidence, contradictions="reject")
    assert {line["path"] for line in lines(out / "rejects.jsonl")} == set(pair)
    assert {line["reason"] for line in lines(out / "rejects.jsonl")} == {"folder_mismatch"}
    assert record.rows == 50
    (finding,) = [f for f in record.findings if f.kind == "contradicting_labels"]
    assert finding.severity == "warning"


def test_two_builds_are_the_same_bytes_whatever_the_folder_order(
    drawn: Path, tmp_path: Path, build_evidence: Build
) -> None:
    files = [path for path in drawn.rglob("*") if path.is_file()]
    random.Random(3).shuffle(files)
    for path in files:
        copy = tmp_path / "shuffled" / path.relative_to(drawn)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    options = {"augment": "materialise", "augment_copies": 1}
    once, _ = build_evidence(drawn, **options)
    random.seed(1)
    np.random.seed(2)
    again, _ = build_evidence(tmp_path / "shuffled", **options)
    assert once.artifacts == again.artifacts


def test_augmented_copies_are_marked_and_stay_in_training(
    drawn: Path, build_evidence: Build
) -> None:
    options = {"augment_classes": "transaction_place, 1", "augment_copies": 2}
    record, out = build_evidence(drawn, augment="materialise", **options)
    rows = rows_of(out)
    originals = {row["id"]: row for row in rows if row["augmented_from"] is None}
    copies = [row for row in rows if row["augmented_from"] is not None]
    chosen = [r for r in originals.values() if r["split"] == "train" and r["label"] in (1, 2)]
    assert len(originals) == 51
    assert len(copies) == 2 * len(chosen)
    for copy in copies:
        original = originals[copy["augmented_from"]]
        assert copy["split"] == original["split"] == "train"
        assert copy["document_id"] == original["document_id"]
        assert copy["label"] == original["label"]
        assert copy["messages"] == original["messages"]
        assert copy["augmentation"] in (1, 2)
        assert copy["sha256"] == hashlib.sha256(copy["images"][0]["bytes"]).hexdigest()
    assert len({row["id"] for row in rows}) == len(rows)
    assert record.rows == record.items_used + len(copies)


def test_online_augmentation_makes_what_materialise_writes(
    drawn: Path, build_evidence: Build
) -> None:
    _, out = build_evidence(drawn, augment="materialise", augment_copies=1, seed=7)
    rows = {row["id"]: row for row in rows_of(out)}
    augmentation = Augmentation(seed=7)
    for copy in [row for row in rows.values() if row["augmented_from"]][:4]:
        original = to_rgb(picture_of(rows[copy["augmented_from"]]))
        made = augmentation.copy_of(original, copy["augmented_from"], 1)
        assert encode(made) == copy["images"][0]["bytes"]


@pytest.mark.parametrize("way", ["online", "none"])
def test_nothing_is_written_when_augmentation_is_left_to_the_trainer(
    way: str, drawn: Path, build_evidence: Build
) -> None:
    record, out = build_evidence(drawn, augment=way)
    assert {row["augmentation"] for row in rows_of(out)} == {0}
    assert record.builder.arguments["augment"] == way
    assert record.builder.arguments["augment_copies"] == 4


def test_copies_of_an_earlier_preparation_are_not_taken_for_evidence(
    evidence: Path, build_evidence: Build
) -> None:
    original = first(evidence / PLACES)
    with Image.open(original) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
            original.with_name(f"{original.stem}_aug_1.jpg")
        )
    lone = evidence / PLACES / "street_aug_2.jpg"
    sorted((evidence / PLACES).iterdir())[-1].rename(lone)
    _, out = build_evidence(evidence)
    (reject,) = lines(out / "rejects.jsonl")
    assert reject["path"] == f"{PLACES}/{original.stem}_aug_1.jpg"
    assert reject["reason"] == "duplicate"
    assert f"{PLACES}/{lone.name}" in {row["file_name"] for row in rows_of(out)}


def test_other_classes_can_be_named(evidence: Path, build_evidence: Build) -> None:
    (evidence / "3_drug_raw").rename(evidence / unicodedata.normalize("NFD", "압수품"))
    record, out = build_evidence(
        evidence, classes="압수품=seized/압수품 사진, 0_irrelevant=other/그 밖의 사진"
    )
    rows = rows_of(out)
    assert {(row["label"], row["label_ko"]) for row in rows} == {
        (0, "압수품 사진"),
        (1, "그 밖의 사진"),
    }
    assert "(0: 압수품 사진, 1: 그 밖의 사진)" in rows[0]["messages"][0]["content"]
    rejected = lines(out / "rejects.jsonl")
    assert {line["reason"] for line in rejected} == {"not_in_layout"}
    assert len(rejected) + len(rows) == 51
    [left_out] = [one for one in record.findings if one.kind == "folders_left_out"]
    assert (left_out.severity, left_out.count) == ("warning", len(rejected))
    assert "1_chat_history (" in left_out.detail and PLACES in (left_out.detail_ko or "")


def test_a_missing_class_folder_is_an_error(evidence: Path, build_evidence: Build) -> None:
    shutil.rmtree(evidence / PLACES)
    with pytest.raises(BogamError, match=r"no folder 2_transaction_place.*--classes"):
        build_evidence(evidence)


def test_a_folder_too_high_up_is_recognised(drawn: Path, build_evidence: Build) -> None:
    with pytest.raises(BogamError, match=rf"Is {drawn} meant"):
        build_evidence(drawn.parent)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_class_that_cannot_be_split_is_an_error(
    kept: int, evidence: Path, build_evidence: Build
) -> None:
    for path in sorted((evidence / PLACES).iterdir())[kept:]:
        path.unlink()
    with pytest.raises(BogamError, match=rf"class 2 .*: {kept} different usable pictures"):
        build_evidence(evidence)


def test_three_pictures_of_a_class_reach_all_three_splits(
    evidence: Path, build_evidence: Build
) -> None:
    for path in sorted((evidence / PLACES).iterdir())[3:]:
        path.unlink()
    _, out = build_evidence(evidence)
    found = [row["split"] for row in rows_of(out) if row["label"] == 2]
    assert sorted(found) == ["test", "train", "validation"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": "a=b"}, "cannot read 'a=b'"),
        ({"classes": "a=x/가, a=y/나"}, "folder 'a' is given twice"),
        ({"classes": "a=x/가"}, "one class"),
        ({"augment_classes": "7"}, "no class '7'"),
        ({"augment_copies": -1}, "--augment-copies is -1"),
        ({"augment": "none", "augment_classes": "1"}, "is for --augment materialise"),
    ],
)
def test_senseless_options_are_refused(
    options: dict[str, Any], message: str, drawn: Path, build_evidence: Build
) -> None:
    with pytest.raises(BogamError, match=message):
        build_evidence(drawn, **options)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, build_evidence: Build) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK")
    with pytest.raises(BogamError, match="is no folder"):
        build_evidence(tmp_path / "photos.zip")
