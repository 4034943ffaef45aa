"""Records, annotations and made-up documents to rows; what cannot be one is a reject."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from PIL import Image

from cards.errors import BogamError
from loaders.medical_ocr.synthesis.writer import write_documents

if TYPE_CHECKING:
    from tests.loaders.medical_ocr.conftest import Source


def test_rows_and_rejects_add_up_and_talks_stay_whole(source: Source) -> None:
    source.prescriptions("train", range(20))
    source.add("train/99999_zh.jpg", source.picture(99))
    source.add("notes.txt", b"x")
    record = source.build()
    assert record.raw_items == 22
    assert record.rows == record.items_used == 20
    assert record.rejects == {"no_counterpart": 1, "not_in_layout": 1}
    for row in source.rows():
        roles = [message["role"] for message in row["messages"]]
        assert roles == ["user", "assistant"] * 3
        assert not any("<image>" in message["content"] for message in row["messages"])
        assert row["document_type"] == "prescription"
        assert row["language"] == "zh"
        assert row["messages"][0]["content"].startswith("以下是韩语处方\n")


def test_values_of_prescriptions_become_fields(source: Source) -> None:
    source.prescriptions("train", range(3))
    source.build()
    row = next(row for row in source.rows() if row["id"].endswith("00002_zh"))
    fields = {(field["name"], field["group"]): field["value"] for field in row["fields"]}
    assert fields == {
        ("patient.name", -1): "김환자2",
        ("patient.resident_number", -1): "901215-1234567",
        ("diagnosis.code", 0): "J02",
        ("drug.name", 0): "텔미사르탄정 40mg",
        ("drug.dose", 0): "1정",
        ("drug.frequency", 0): "1회",
        ("drug.days", 0): "5일",
    }


def jpeg(source: Source) -> bytes:
    return source.picture(1)


def turned(source: Source) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return source.picture(1, (200, 100), exif=exif)


def gray16(source: Source) -> bytes:
    wide = np.random.default_rng(1).integers(0, 65535, (90, 70), dtype=np.uint16)
    stream = BytesIO()
    Image.fromarray(wide).resize((140, 180), Image.Resampling.NEAREST).save(stream, "PNG")
    return stream.getvalue()


def cmyk(source: Source) -> bytes:
    stream = BytesIO()
    Image.open(BytesIO(source.picture(3))).convert("CMYK").save(stream, "JPEG")
    return stream.getvalue()


def palette_gif(source: Source) -> bytes:
    stream = BytesIO()
    Image.open(BytesIO(source.picture(4))).quantize(16).save(stream, "GIF")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (jpeg, (240, 320)),
        (turned, (100, 200)),
        (cmyk, (240, 320)),
        (gray16, (140, 180)),
        (palette_gif, (240, 320)),
    ],
)
def test_images_keep_their_bytes_and_show_upright(
    source: Source, make: Callable[[Source], bytes], size: tuple[int, int]
) -> None:
    data = make(source)
    source.records("train", [source.prescription(1)])
    source.add("train/00001_zh.jpg", data)
    source.build()
    import datasets

    (row,) = source.rows()
    assert row["images"][0]["bytes"] == data
    assert row["source_sha256"] == [hashlib.sha256(data).hexdigest()]
    assert (row["width"][0], row["height"][0]) == size
    paths = [str(path) for path in (source.out / "data").glob("*.parquet")]
    shown = datasets.Dataset.from_parquet(paths, cache_dir=str(source.out / "c"))[0]["images"][0]
    assert shown.size == size


def test_positions_do_not_reach_the_rows(source: Source) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (37.0, 33.0, 0.0)
    data = source.picture(5, exif=exif)
    assert b"\x88\x25" in data or b"\x25\x88" in data
    source.records("train", [source.prescription(1)])
    source.add("train/00001_zh.jpg", data)
    record = source.build()
    (row,) = source.rows()
    stored = Image.open(BytesIO(row["images"][0]["bytes"]))
    assert not stored.getexif().get_ifd(0x8825)
    assert stored.getexif()[0x0112] == 6
    assert (np.asarray(stored) == np.asarray(Image.open(BytesIO(data)))).all()
    assert "positions_removed" in {finding.kind for finding in record.findings}


def bomb() -> bytes:
    """A PNG whose header promises 200 megapixels, with an empty picture behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: data[:-40], "truncated"),
        (lambda data: b"", "empty_file"),
        (lambda data: b"<html>not found</html>", "not_an_image"),
        (lambda data: bomb(), "too_large"),
    ],
    ids=["half", "end-missing", "empty", "html", "bomb"],
)
def test_an_image_that_cannot_be_used_rejects_its_record(
    source: Source, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    source.prescriptions("train", range(4))
    source.add("train/00002_zh.jpg", spoil(source.picture(2)))
    record = source.build()
    assert record.rows == 3
    (reject,) = source.rejects()
    assert (reject.path, reject.reason) == ("train_zh_ko.json[2]", reason)
    assert "train/00002_zh.jpg" in reject.detail


def talk(*messages: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"from": sender, "value": value} for sender, value in messages]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"conversations": talk(("human", "q"), ("gpt", "a"))}, "image_tags"),
        ({"conversations": talk(("human", "<image><image>q"), ("gpt", "a"))}, "image_tags"),
        ({"conversations": talk(("human", "q"), ("gpt", "<image>a"))}, "image_tags"),
        ({"conversations": talk(("gpt", "<image>a"), ("human", "q"))}, "turn_order"),
        ({"conversations": talk(("human", "<image>q"), ("human", "q"))}, "turn_order"),
        ({"conversations": talk(("human", "<image>q"))}, "turn_order"),
        ({"conversations": talk(("human", "<image>q"), ("gpt", " \n"))}, "empty_text"),
        ({"conversations": talk(("human", "<image>\n"), ("gpt", "a"))}, "empty_text"),
        ({"conversations": talk(("human", "<image>q"), ("gpt", 3))}, "wrong_type"),
        ({"conversations": []}, "wrong_type"),
        ({"conversations": [{"from": "human"}]}, "missing_key"),
        ({"image": None}, "wrong_type"),
        ({"image": "data/train/none_zh.jpg"}, "no_counterpart"),
        ({"image": "../../etc/passwd"}, "no_counterpart"),
        ({"id": "00000_zh"}, "duplicate"),
        ({"id": ""}, "wrong_type"),
    ],
)
def test_a_record_that_contradicts_its_form_is_a_reject(
    source: Source, changes: dict[str, Any], reason: str
) -> None:
    source.prescriptions("train", range(3))
    source.records(
        "train", [source.prescription(0), source.prescription(1), source.prescription(2, **changes)]
    )
    record = source.build()
    assert record.rows == 2
    rejects = {reject.path: reject.reason for reject in source.rejects()}
    assert rejects.pop("train_zh_ko.json[2]") == reason
    # The image of the faulty record is not also an image without a record, unless it names none.
    expected = {"train/00002_zh.jpg": "no_counterpart"} if "image" in changes else {}
    assert rejects == expected


def test_entries_that_are_no_records_are_rejects(source: Source) -> None:
    source.prescriptions("train", range(2))
    source.records(
        "train", [source.prescription(0), source.prescription(1), "text", {"id": "x"}, None]
    )
    source.build()
    reasons = {reject.path: reject.reason for reject in source.rejects()}
    assert reasons == {
        "train_zh_ko.json[2]": "wrong_type",
        "train_zh_ko.json[3]": "missing_key",
        "train_zh_ko.json[4]": "wrong_type",
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("[{}]".encode("utf-16"), "unreadable_encoding, no UTF-8 at byte 0"),
        ('[{"id": "김"}]'.encode("cp949"), "unreadable_encoding"),
        (b'[{"id": 1,', "broken_json, line 1, column"),
        (b"", "empty_file"),
    ],
    ids=["utf-16", "cp949", "cut", "empty"],
)
def test_a_records_file_that_cannot_be_read_stops_the_build(
    source: Source, data: bytes, message: str
) -> None:
    source.prescriptions("train", range(2))
    source.add("test_zh_ko.json", data)
    with pytest.raises(BogamError, match=r"test_zh_ko\.json: should hold records.*" + message):
        source.build()
    assert not source.out.exists()


def test_a_byte_order_mark_is_no_obstacle(source: Source) -> None:
    source.prescriptions("train", range(2))
    path = source.root / "train_zh_ko.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert source.build().rows == 2


def test_a_source_without_records_is_refused(source: Source) -> None:
    with pytest.raises(BogamError, match="no records found"):
        source.build()
    source.add("a.jpg", source.picture(1))
    with pytest.raises(BogamError, match="no records found"):
        source.build()
    source.records("train", [source.prescription(1)])
    with pytest.raises(BogamError, match="not one of 2 items can be used"):
        source.build()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_is_named(source: Source) -> None:
    source.prescriptions("train", range(2))
    (source.root / "train").chmod(0)
    try:
        with pytest.raises(BogamError, match="train: cannot list"):
            source.build()
    finally:
        (source.root / "train").chmod(0o700)


def test_images_are_found_by_name_and_it_is_said(source: Source) -> None:
    source.prescriptions("train", range(3))
    source.prescriptions("test", range(3, 5))
    there = source.prescription(9, image="elsewhere/00009_zh.jpg")
    source.add("more.json", orjson.dumps([there]))
    source.add("elsewhere/00009_zh.jpg", source.picture(9))
    record = source.build()
    assert record.rows == 6
    (finding,) = (f for f in record.findings if f.kind == "image_found_by_name")
    assert finding.count == 5
    assert "1 images lie where" in finding.detail


def test_two_files_of_one_name_are_not_taken_for_each_other(source: Source) -> None:
    records = [source.prescription(number) for number in range(2)]
    for number, form in enumerate(("NFC", "NFD"), 7):
        name = unicodedata.normalize(form, "처방전.jpg")
        source.add(f"train/{name}", source.picture(number))
        records.append(source.prescription(number, image=name))
    source.prescriptions("train", range(2))
    source.records("train", records)
    record = source.build()
    assert record.rows == 2
    assert record.rejects == {"same_name": 2, "no_counterpart": 2}
    assert record.raw_items == 6


def test_a_name_that_several_images_have_is_not_guessed(source: Source) -> None:
    source.prescriptions("train", range(2))
    source.records(
        "train", [source.prescription(0), source.prescription(1), source.prescription(7)]
    )
    source.add("a/00007_zh.jpg", source.picture(70))
    source.add("b/00007_zh.jpg", source.picture(71))
    source.build()
    reasons = {reject.path: reject.reason for reject in source.rejects()}
    assert reasons["train_zh_ko.json[2]"] == "no_counterpart"
    assert set(reasons) == {"train_zh_ko.json[2]", "a/00007_zh.jpg", "b/00007_zh.jpg"}


def test_records_and_images_can_be_named(source: Source) -> None:
    source.prescriptions("train", range(3))
    source.add("other/list.json", orjson.dumps([source.prescription(n) for n in range(10, 13)]))
    for number in range(10, 13):
        source.add(f"pictures/{number:05}_zh.jpg", source.picture(number))
    record = source.build(records="other/list.json", images="pictures")
    assert record.rows == 3
    assert {row["id"] for row in source.rows()} == {f"other/list:{n:05}_zh" for n in range(10, 13)}
    shutil.rmtree(source.out)
    with pytest.raises(BogamError, match=r"--records nothing\.json: not found"):
        source.build(records="nothing.json")


def test_several_images_belong_to_one_talk(source: Source) -> None:
    both = source.prescription(1, image=["00001_zh.jpg", "00002_zh.jpg"])
    both["conversations"][2]["value"] = "<image>" + both["conversations"][2]["value"]
    source.records("train", [both])
    source.add("train/00001_zh.jpg", source.picture(1))
    source.add("train/00002_zh.jpg", source.picture(2))
    source.build()
    (row,) = source.rows()
    assert [image["path"] for image in row["images"]] == ["00001_zh.jpg", "00002_zh.jpg"]


def splits_of(source: Source, key: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for split in ("train", "validation", "test"):
        for row in source.rows(split):
            found[row[key]].add(split)
    return found


def test_no_person_and_no_document_stands_in_two_splits(source: Source) -> None:
    people = [f"홍길동{n % 20}, 身份证号: 8001{n % 20 + 10}-1234567" for n in range(120)]
    records = [source.prescription(n, people[n]) for n in range(120)]
    # The number in the name: still the same person as the one that has it in its place.
    moved = source.prescription(200, "홍길동3 800113-1234567, 身份证号: ")
    source.records("train", records[:80])
    source.records("test", [*records[80:], moved])
    for number in range(120):
        source.add(
            f"{'train' if number < 80 else 'test'}/{number:05}_zh.jpg", source.picture(number)
        )
    source.add("test/00200_zh.jpg", source.picture(200))
    record = source.build()
    assert all(len(splits) == 1 for splits in splits_of(source, "document_id").values())
    of_person: dict[str, set[str]] = defaultdict(set)
    for split in record.splits:
        for row in source.rows(split):
            of_person[row["messages"][1]["content"].split("홍길동")[1][:2]].add(split)
    assert all(len(splits) == 1 for splits in of_person.values())
    shares = {split: info.rows / record.rows for split, info in record.splits.items()}
    assert shares["train"] == pytest.approx(0.8, abs=0.07)
    leak = next(f for f in record.findings if f.kind == "patients_in_several_splits")
    assert (leak.count, leak.severity) == (20, "info")
    assert "41 of 41 prescriptions of test" in leak.detail


def test_the_sources_own_splits_stop_publication_when_they_leak(source: Source) -> None:
    source.prescriptions("train", range(6))
    shared = [source.prescription(n, "김환자1, 身份证号: 901115-1234567") for n in range(10, 13)]
    source.records("test", shared)
    for number in range(10, 13):
        source.add(f"test/{number:05}_zh.jpg", source.picture(number))
    record = source.build(splits="source")
    assert {split: info.rows for split, info in record.splits.items()} == {"train": 6, "test": 3}
    leak = next(f for f in record.findings if f.kind == "patients_in_several_splits")
    assert (leak.count, leak.severity) == (1, "stop")


def test_augmented_copies_stand_in_train_with_their_original_only(source: Source) -> None:
    records, names = [], []
    for number in range(60):
        for suffix in ("", "_aug1", "_aug2"):
            name = f"{number:05}_zh{suffix}"
            records.append(source.prescription(number, id=name, image=f"x/{name}.jpg"))
            names.append(name)
    source.records("train", records)
    for place, name in enumerate(names):
        source.add(f"train/{name}.jpg", source.picture(place))
    record = source.build()
    for split in ("validation", "test"):
        rows = source.rows(split)
        assert rows and not any(row["augmented_copy"] for row in rows)
    assert sum(row["augmented_copy"] for row in source.rows("train")) > 60
    assert all(len(splits) == 1 for splits in splits_of(source, "document_id").values())
    left = [reject for reject in source.rejects() if reject.reason == "not_needed"]
    assert record.rows + len(left) == 180
    assert all("augmented copy of a page in" in reject.detail for reject in left)


def test_a_records_id_does_not_make_its_image_a_copy(source: Source) -> None:
    source.prescriptions("train", range(3))
    again = source.prescription(1, id="00001_aug1_zh")
    again["conversations"][2]["value"] = "医生给我诊断的是什么？"
    source.records("train", [*(source.prescription(n) for n in range(3)), again])
    source.build()
    rows = {row["id"]: row for row in source.rows()}
    assert not rows["train_zh_ko:00001_aug1_zh"]["augmented_copy"]
    assert (
        rows["train_zh_ko:00001_aug1_zh"]["document_id"]
        == rows["train_zh_ko:00001_zh"]["document_id"]
    )


def test_photos_of_one_receipt_stay_together_and_forms_are_not_compared(source: Source) -> None:
    ask = [("How many TEA are there?", "2")]
    source.records(
        "train", [source.receipt(1, ask), source.receipt(2, [("How many BUN are there?", "1")])]
    )
    source.records(
        "test",
        [source.receipt(3, ask), source.prescription(4, id="a"), source.prescription(5, id="b")],
    )
    photo = Image.open(BytesIO(source.picture(50, (600, 800))))
    for name, quality in (("train/00001_ko.jpg", 95), ("test/00003_ko.jpg", 60)):
        stream = BytesIO()
        photo.save(stream, "JPEG", quality=quality)
        source.add(name, stream.getvalue())
    source.add("train/00002_ko.jpg", source.picture(51, (600, 800)))
    source.add("test/00004_zh.jpg", source.picture(52, (595, 841), quality=90))
    source.add("test/00005_zh.jpg", source.picture(52, (595, 841), quality=80))
    record = source.build()
    group = {row["id"].split(":")[1]: row["document_id"] for row in source.rows()}
    assert group["00001_ko"] == group["00003_ko"]
    assert len({group["00001_ko"], group["00002_ko"], group["a"], group["b"]}) == 4
    kinds = {finding.kind: finding.count for finding in record.findings}
    assert kinds["near_same_photos"] == kinds["pictures_in_several_splits"] == 1


def test_the_same_picture_and_talk_twice_is_a_duplicate(source: Source) -> None:
    source.prescriptions("train", range(2))
    twin = source.prescription(1, id="twin", image="twin_zh.jpg")
    source.records("train", [source.prescription(0), source.prescription(1), twin])
    shutil.copy(source.root / "train/00001_zh.jpg", source.root / "train/twin_zh.jpg")
    source.build()
    (reject,) = source.rejects()
    assert (reject.path, reject.reason) == ("train_zh_ko.json[2]", "duplicate")
    assert reject.detail.endswith("train_zh_ko.json[1]")


def test_two_builds_from_files_written_in_another_order_are_the_same(
    source: Source, another_source: Source
) -> None:
    source.prescriptions("train", range(12))
    write_documents(source.root / "made", 6, 3, workers=1)
    first = source.build()
    for path in sorted(source.root.rglob("*"), reverse=True):
        if path.is_file():
            another_source.add(path.relative_to(source.root).as_posix(), path.read_bytes())
    np.random.seed(7)
    assert another_source.build().artifacts == first.artifacts
    before = {path: path.stat().st_mtime_ns for path in source.out.rglob("*")}
    source.build()
    assert {path: path.stat().st_mtime_ns for path in source.out.rglob("*")} == before


def test_made_up_documents_are_a_source(source: Source) -> None:
    shutil.rmtree(source.root)
    write_documents(source.root, 24, 6, workers=1)
    record = source.build()
    assert record.raw_items == record.rows == 24
    assert record.rejects == {}
    (finding,) = record.findings
    assert (finding.kind, finding.count) == ("made_up", 24)
    assert record.licence == "cc0-1.0"
    assert record.title is not None and record.title.ko == "한국어 의료 문서 읽기 (지어낸 자료)"
    assert record.annotation is not None and "CORD" not in record.annotation.en
    assert any("months of 81 to 92" in limit.en for limit in record.limits)
    assert record.languages == tuple(sorted({row["language"] for row in source.rows()}))
    lines = [orjson.loads(line) for line in (source.root / "documents.jsonl").open("rb")]
    rows = {row["id"]: row for row in source.rows()}
    people: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        row = rows[line["id"]]
        assert row["fields"] == line["fields"]
        assert (row["document_type"], row["language"]) == (line["document_type"], line["language"])
        assert row["images"][0]["bytes"] == (source.root / line["image"]).read_bytes()
        assert row["flags"] == []
        assert row["made_up"]
        people[line["person_id"]].add(row["document_id"])
    assert all(len(groups) == 1 for groups in people.values())
    shutil.rmtree(source.out)
    with pytest.raises(BogamError, match=r"in no split.*--splits regroup"):
        source.build(splits="source")


def test_only_documents_that_are_there_are_described(source: Source) -> None:
    shutil.rmtree(source.root)
    write_documents(source.root, 4, 6, workers=1, form="label")
    record = source.build()
    assert record.description is not None
    assert "(조제약 라벨)" in record.description.ko
    assert "(labels of medicines)" in record.description.en
    limits = " ".join(limit.en for limit in record.limits)
    assert "do not exist" in limits
    assert "Resident numbers" not in limits


def test_documents_of_that_form_without_the_manifest_are_not_said_to_be_made_up(
    source: Source,
) -> None:
    source.prescriptions("train", range(3))
    write_documents(source.root / "own", 4, 6, workers=1)
    (source.root / "own" / "synthesis.json").unlink()
    record = source.build()
    assert record.rows == 7
    assert not any(row["made_up"] for row in source.rows())
    assert record.licence == "other"


def test_one_other_page_makes_a_dataset_none_of_made_up_pages(source: Source) -> None:
    source.prescriptions("train", range(1))
    write_documents(source.root / "made", 4, 6, workers=1)
    record = source.build()
    assert sorted(row["made_up"] for row in source.rows()) == [False, True, True, True, True]
    assert record.licence == "other"
    assert "made_up" not in {finding.kind for finding in record.findings}


def test_a_made_up_document_that_was_damaged_is_a_reject(source: Source) -> None:
    shutil.rmtree(source.root)
    write_documents(source.root, 5, 6, workers=1)
    path = source.root / "documents.jsonl"
    lines = path.read_bytes().splitlines()
    broken = orjson.loads(lines[1])
    del broken["fields"]
    lines[1] = orjson.dumps(broken)
    lines[2] = lines[2][:-10]
    path.write_bytes(b"\n".join(lines))
    (source.root / orjson.loads(lines[3])["image"]).unlink()
    record = source.build()
    assert record.rows == 2
    reasons = {reject.path: reject.reason for reject in source.rejects()}
    assert reasons["documents.jsonl:2"] == "missing_key"
    assert reasons["documents.jsonl:3"] == "broken_json"
    assert reasons["documents.jsonl:4"] == "no_counterpart"
    assert record.raw_items == record.rows + len(source.rejects())
