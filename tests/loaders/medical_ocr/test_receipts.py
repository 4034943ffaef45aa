"""CORD annotations to questions whose answers are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from loaders.medical_ocr.cord import Receipt, amount, read_annotation, receipt_talk
from loaders.medical_ocr.talks import Fault

if TYPE_CHECKING:
    from tests.loaders.medical_ocr.conftest import Source

SIZE = (240, 320)


def line(category: str, text: str, group: int, left: int = 10) -> dict[str, Any]:
    quads = [
        {"x1": left + 40 * n, "y1": 20, "x2": left + 40 * n + 30, "y2": 21,
         "x3": left + 40 * n + 30, "y3": 33, "x4": left + 40 * n, "y4": 32}
        for n in range(len(text.split()))
    ]  # fmt: skip
    words = [
        {"text": word, "quad": quad, "is_key": 0, "row_id": 1}
        for word, quad in zip(text.split(), quads, strict=True)
    ]
    return {"words": words, "category": category, "group_id": group}


def annotation(**changes: Any) -> dict[str, Any]:
    lines = [
        line("menu.nm", "ICED TEA", 3), line("menu.cnt", "2", 3), line("menu.price", "24.000", 3),
        line("menu.nm", "BUN", 4), line("menu.price", "1,000.00", 4),
        line("menu.nm", "BUN", 5), line("menu.price", "2,000.00", 5),
        line("total.total_price", "27,000", 9),
        line("total.cashprice", "30,000", 9), line("total.cashprice", "50,000", 9),
    ]  # fmt: skip
    lines[7]["words"].insert(0, {"text": "TOTAL", "quad": {}, "is_key": 1})
    meta = {"image_size": {"width": SIZE[0], "height": SIZE[1]}}
    return {"valid_line": lines, "meta": meta} | changes


@pytest.mark.parametrize(
    "wrap",
    [
        lambda value: value,
        lambda value: orjson.dumps(value).decode(),
        lambda value: {"image": None, "ground_truth": orjson.dumps(value).decode()},
    ],
    ids=["object", "string", "ground_truth"],
)
def test_an_annotation_is_read_in_any_wrapping(wrap: Any) -> None:
    receipt = read_annotation(orjson.loads(orjson.dumps(wrap(annotation()))))
    assert isinstance(receipt, Receipt)
    assert receipt.size == SIZE
    assert receipt.items() == [
        {"nm": "ICED TEA", "cnt": "2", "price": "24.000"},
        {"nm": "BUN", "price": "1,000.00"},
        {"nm": "BUN", "price": "2,000.00"},
    ]
    assert receipt.single("total.total_price") == "27,000"
    assert receipt.fields[0].box == (10, 20, 80, 33)


def test_only_what_has_one_answer_is_asked_and_every_answer_is_printed() -> None:
    receipt = read_annotation(annotation())
    assert isinstance(receipt, Receipt)
    printed = {field.value for field in receipt.fields}
    languages = set()
    for number in range(60):
        language, turns = receipt_talk(receipt, f"{number}.json", seed=0)
        languages.add(language)
        questions = [turn.question for turn in turns]
        assert len(questions) == len(set(questions))
        # Two buns have two prices, and cash is printed twice: neither can be asked for.
        assert not any("BUN" in question for question in questions)
        assert not any(turn.answer in ("30,000", "50,000") for turn in turns)
        for turn in turns:
            values = turn.answer.replace("\n", ", ").split(", ")
            assert set(values) <= printed
        assert turns[-1].answer == "27,000"
    assert languages == {"zh", "ko", "en"}
    assert receipt_talk(receipt, "7.json", 1) == receipt_talk(receipt, "7.json", 1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{not json", "broken_json"),
        ({"valid_line": 3}, "missing_key"),
        ({"gt_parse": {}}, "missing_key"),
        ({"valid_line": []}, "empty_text"),
        ({"valid_line": [{"words": [{"text": "a"}], "category": "menu.nm"}]}, "wrong_type"),
        ({"valid_line": [{"category": "menu.nm"}]}, "wrong_type"),
    ],
)
def test_an_annotation_of_another_form_is_a_fault(value: Any, reason: str) -> None:
    fault = read_annotation(value)
    assert isinstance(fault, Fault)
    assert fault.reason == reason


def test_annotations_find_their_image_by_number_and_size(source: Source) -> None:
    source.add("train/00006_ko.jpg", source.picture(1, SIZE))
    source.add("train/00006_zh.jpg", source.picture(2, (595, 841)))
    source.add("train/00007_ko.jpg", source.picture(3, (100, 100)))
    source.add("a/00006.json", orjson.dumps(annotation()))
    source.add("b/00006.json", orjson.dumps(orjson.dumps(annotation()).decode()))
    source.add("a/00007.json", orjson.dumps(annotation()))
    source.add("a/00008.json", orjson.dumps(annotation()))
    source.add("a/00009.json", b"{}")
    record = source.build()
    (row,) = source.rows()
    assert row["id"] == "a/00006"
    assert row["document_type"] == "receipt"
    assert row["images"][0]["bytes"] == source.picture(1, SIZE)
    assert {"name": "menu.cnt", "group": 0, "value": "2", "box": [10, 20, 40, 33]} in row["fields"]
    reasons = {reject.path: reject.reason for reject in source.rejects()}
    assert reasons == {
        "b/00006.json": "duplicate",
        "a/00007.json": "no_counterpart",
        "a/00008.json": "no_counterpart",
        "a/00009.json": "not_in_layout",
        "train/00006_zh.jpg": "no_counterpart",
        "train/00007_ko.jpg": "no_counterpart",
    }
    assert record.raw_items == 7


def test_two_pictures_that_fit_an_annotation_are_not_guessed_between(source: Source) -> None:
    source.add("x/00006_ko.jpg", source.picture(1, SIZE))
    source.add("y/00006_ko.jpg", source.picture(2, SIZE))
    source.add("z/00007_ko.jpg", source.picture(3, SIZE))
    source.add("a/00006.json", orjson.dumps(annotation()))
    source.add("a/00007.json", orjson.dumps(annotation()))
    source.build()
    assert [row["id"] for row in source.rows()] == ["a/00007"]
    reject = next(r for r in source.rejects() if r.path == "a/00006.json")
    assert reject.detail == "several images fit: x/00006_ko.jpg, y/00006_ko.jpg"


@pytest.mark.parametrize(
    ("printed", "units"),
    [
        ("92,000", 92000), ("134.000", 134000), ("1,241,790", 1241790), ("181,500.00", 181500),
        ("Rp 10,000", 10000), ("0", 0), ("45", 45), ("1.50", 1), ("-", None), ("", None),
        ("7.590", 7590), ("337,230.00 ", 337230),
    ],
)  # fmt: skip
def test_amounts_are_read_as_tills_print_them(printed: str, units: int | None) -> None:
    assert amount(printed) == units
