"""Every count that the public sample's own notes give is found again by code."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cards.records import DatasetRecord, Finding
from loaders.dataset_folder import build

TRAIN, TEST = "train_zh_ko.json", "test_zh_ko.json"


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> Path:
    folder = shared_data / "medical_ocr"
    if not folder.is_dir():
        pytest.skip(f"the raw sample is not on this machine: {folder} is missing")
    return folder


@pytest.fixture(scope="module")
def whole(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetRecord, Path]:
    out = tmp_path_factory.mktemp("ocr") / "whole"
    return build("medical-ocr", sample, out), out


@pytest.fixture(scope="module")
def second_set(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> DatasetRecord:
    """The part that the notes count in, with the splits it comes with."""
    out = tmp_path_factory.mktemp("ocr") / "second"
    source = sample / "data" / "ko_zh_datasets_2"
    return build("medical-ocr", source, out, {"splits": "source"})


def find(record: DatasetRecord, kind: str) -> Finding:
    return next(finding for finding in record.findings if finding.kind == kind)


def listed(train: int, test: int) -> str:
    """As details list numbers by file."""
    counts = ((TEST, test), (TRAIN, train))
    return ", ".join(f"{name} {count}" for name, count in counts if count)


def test_every_item_is_a_row_or_a_reject(whole: tuple[DatasetRecord, Path]) -> None:
    record, out = whole
    # 418 records, 76 annotations, 6 images without a record, 71 other JSON files and a text.
    assert record.raw_items == 418 + 76 + 6 + 72
    assert record.rows + sum(record.rejects.values()) == record.raw_items
    assert record.rejects == {
        "duplicate": 38 + 3,
        "no_counterpart": 18 + 6,
        "not_in_layout": 72,
        "not_needed": 4,  # augmented copies of pages that are not in train
    }
    rows = [
        row for path in (out / "data").glob("*.parquet") for row in pq.read_table(path).to_pylist()
    ]
    assert len({row["id"] for row in rows}) == len(rows) == record.rows
    groups: dict[str, set[str]] = {}
    for path in (out / "data").glob("*.parquet"):
        for row in pq.read_table(path, columns=["document_id"]).to_pylist():
            groups.setdefault(row["document_id"], set()).add(path.name)
    assert all(len(splits) == 1 for splits in groups.values())


def test_no_record_resolves_as_written(whole: tuple[DatasetRecord, Path]) -> None:
    finding = find(whole[0], "image_found_by_name")
    assert finding.count == 418 - 18
    assert "0 images lie where" in finding.detail


def test_near_same_photos_are_the_known_ones(whole: tuple[DatasetRecord, Path]) -> None:
    record, _ = whole
    assert find(record, "near_same_photos").count == 11 + 5
    assert find(record, "pictures_in_several_splits").count == 5


def test_damage_of_the_third_set(whole: tuple[DatasetRecord, Path]) -> None:
    record, _ = whole
    assert find(record, "drug_name_damaged").count == 18
    assert find(record, "units_translated").detail.count("ko_zh_datasets_3") == 1
    assert find(record, "augmented_copies_held_out").count == 24


def test_a_number_alone_is_no_document(whole: tuple[DatasetRecord, Path]) -> None:
    """`00034_ko` is a receipt, `00034_zh` a prescription."""
    groups: dict[str, dict[str, set[str]]] = {}
    for path in (whole[1] / "data").glob("*.parquet"):
        columns = ["document_id", "document_type", "images"]
        for row in pq.read_table(path, columns=columns).to_pylist():
            number = row["images"][0]["path"].split("_")[0]
            kinds = groups.setdefault(number, {})
            kinds.setdefault(row["document_type"], set()).add(row["document_id"])
    shared = [kinds for kinds in groups.values() if len(kinds) > 1]
    assert len(shared) == 17
    assert all(kinds["receipt"].isdisjoint(kinds["prescription"]) for kinds in shared)


def test_totals_contradict_print_where_an_annotation_tells(
    whole: tuple[DatasetRecord, Path],
) -> None:
    assert find(whole[0], "total_not_printed").count == 12 + 2 + 2


def test_annotated_receipts_become_rows_with_boxes(whole: tuple[DatasetRecord, Path]) -> None:
    _, out = whole
    rows = [
        row
        for path in (out / "data").glob("*.parquet")
        for row in pq.read_table(path, columns=["id", "fields", "width", "height"]).to_pylist()
        if "cord_sample" in row["id"]
    ]
    assert len(rows) == 38
    for row in rows:
        assert row["fields"]
        for field in row["fields"]:
            left, top, right, bottom = field["box"]
            assert -2 <= left < right <= row["width"][0] + 2
            assert -2 <= top < bottom <= row["height"][0] + 2


def test_records_and_images_without_each_other(second_set: DatasetRecord) -> None:
    assert second_set.raw_items == 287 + 93 + 4 + 2
    assert find(second_set, "image_missing").count == 14 + 4
    assert second_set.rejects == {"no_counterpart": 14 + 4 + 4 + 2}
    assert {name: info.rows for name, info in second_set.splits.items()} == {
        "train": 287 - 14,
        "test": 93 - 4,
    }
    shared = find(second_set, "image_shared")
    assert shared.count == 12 + 1
    assert "29 rows in all" in shared.detail
    same = find(second_set, "same_image_under_several_names")
    assert same.count == 1
    assert "train/00265_ko.jpg = train/00285_ko.jpg" in same.detail


@pytest.mark.parametrize(
    ("kind", "train", "test"),
    [
        ("codes_not_on_form", 100, 38),
        ("name_not_printable", 22, 7),
        ("number_in_name", 2, 2),
        ("drug_twice", 33, 15),
        ("code_twice", 16, 8),
        ("question_repeated", 65, 11),
        ("answers_contradict", 5, 0),
    ],
)
def test_defects_are_as_many_as_were_counted_by_hand(
    second_set: DatasetRecord, kind: str, train: int, test: int
) -> None:
    finding = find(second_set, kind)
    assert finding.count == train + test
    assert f" {listed(train, test)}." in finding.detail


def test_extent_of_defects(second_set: DatasetRecord) -> None:
    codes = find(second_set, "codes_not_on_form").detail
    assert f"cannot be read: {listed(200, 76)}." in codes
    turns = find(second_set, "question_repeated").detail
    assert f"that repeat: {listed(116, 15)}." in turns
    drugs = find(second_set, "dose_does_not_fit_form").detail
    assert f"{TEST} 24 of 221, {TRAIN} 76 of 548" in drugs


def test_lines_that_lost_their_commas_are_counted(
    whole: tuple[DatasetRecord, Path],
) -> None:
    detail = find(whole[0], "lines_damaged").detail
    assert "Drug lines: data/ko_zh_datasets_3/test_zh_ko.json 72." in detail


def test_what_all_prescriptions_have_in_common_is_said(second_set: DatasetRecord) -> None:
    day = find(second_set, "one_date")
    assert day.count == 174 + 70
    assert "2025-10-27" in day.detail
    size = find(second_set, "one_picture_size")
    assert size.count == 170 + 68 - 6, "six of them are named by no record"
    assert "prescription 232 of 595×841 pixels" in size.detail
    assert "receipt" not in size.detail


def test_ids_that_are_not_their_images_are_counted(second_set: DatasetRecord) -> None:
    finding = find(second_set, "id_is_not_the_images")
    assert finding.count == 27 - 12 + 2 - 1
    assert f"{finding.count} of these ids say" in finding.detail


def test_resident_numbers_are_counted(second_set: DatasetRecord) -> None:
    finding = find(second_set, "resident_numbers")
    assert finding.count == 149 + 63 + 23 + 5 + 4
    # 17 of 149, 7 of 63 and 2 of 23; those that stand in the name are looked at as well.
    assert f"right in {17 + 7 + 2}" in finding.detail
    assert f"{10 + 1} are born after" in finding.detail


def test_leaks_stop_publication_with_the_sources_splits(second_set: DatasetRecord) -> None:
    leak = find(second_set, "patients_in_several_splits")
    assert (leak.count, leak.severity) == (42, "stop")
    assert "47 of 70 prescriptions of test" in leak.detail
    photos = find(second_set, "pictures_in_several_splits")
    assert (photos.count, photos.severity) == (5, "stop")


def test_receipts_called_korean_are_english(second_set: DatasetRecord) -> None:
    assert find(second_set, "language_not_as_named").count == 113 + 23
