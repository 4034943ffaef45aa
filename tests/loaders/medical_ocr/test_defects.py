"""Rules that prove a label wrong, each on the smallest record that breaks it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from loaders.medical_ocr import defects
from loaders.medical_ocr.prescription_answers import Claims, DrugLine, read_claims
from loaders.medical_ocr.talks import Turn

if TYPE_CHECKING:
    from tests.loaders.medical_ocr.conftest import Source

LINE = DrugLine("텔미사르탄정 40mg", "1정", "1회", "5일", True)
SOUND = Claims("김하늘", "901215-1234567", ("J00",), (LINE,), "2025-10-27")


def claims(**changes: Any) -> Claims:
    return Claims(**(SOUND.__dict__ | changes))


def line(**changes: Any) -> DrugLine:
    return LINE._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, []),
        ({"codes": ("J00", "J01")}, []),
        ({"codes": ("J00", "J01", "J02")}, ["codes_not_on_form"]),
        ({"codes": ("J00", "J00")}, ["code_twice"]),
        ({"name": "刘丽"}, ["name_not_printable"]),
        ({"name": "李珍 이진"}, []),
        ({"name": "펲똠방"}, []),
        ({"name": "刘洋 900312-5123746", "number": ""}, ["name_not_printable", "number_in_name"]),
        ({"drugs": (LINE, LINE)}, ["drug_twice"]),
        ({"drugs": (line(dose="10ML"),)}, ["dose_does_not_fit_form"]),
        ({"drugs": (line(name="오메프라졸캡슐 20mg", dose="5ml"),)}, ["dose_does_not_fit_form"]),
        ({"drugs": (line(name="락툴로오스시럽", dose="5ml"),)}, []),
        ({"drugs": (line(name="베아제片", dose="1정"),)}, ["drug_name_damaged"]),
        ({"drugs": (line(commas=False),)}, ["lines_damaged"]),
        ({"drugs": (LINE, line(name="가정", times="3"))}, ["units_mixed"]),
        ({"drugs": (line(dose="5mg"), line(name="나시럽", dose="5MG"))}, ["units_mixed"]),
        ({"drugs": (line(dose="1片", times="3次", days="5天"),)}, ["units_translated"]),
    ],
)  # fmt: skip
def test_a_prescription_is_flagged_for_what_is_wrong_with_it(
    changes: dict[str, Any], flags: list[str]
) -> None:
    assert defects.prescription_flags(claims(**changes), defects.FORM_SIZE) == flags


def test_another_form_may_print_more_codes() -> None:
    four = claims(codes=("J00", "J01", "J02", "J03"))
    assert defects.prescription_flags(four, (1240, 1754)) == []


def test_questions_that_come_again_are_told_from_contradictions() -> None:
    asked = [Turn("This is a receipt.\nHow many?", "1"), Turn("How many?", "1")]
    assert defects.talk_flags(asked, None) == ["question_repeated"]
    assert defects.repeated_turns(asked) == 1
    contradicting = [*asked, Turn("How many?", "2")]
    assert defects.talk_flags(contradicting, None) == ["question_repeated", "answers_contradict"]
    assert defects.talk_flags(asked[:1], None) == []


def test_a_total_is_compared_with_the_printed_one_where_that_is_known() -> None:
    turns = [Turn("What is the total sum?", "95000")]
    assert defects.talk_flags(turns, None) == []
    assert defects.talk_flags(turns, "95,000.00") == []
    assert defects.talk_flags(turns, "134.000") == ["total_not_printed"]


@pytest.mark.parametrize(
    ("question", "answer", "total", "flagged"),
    [
        ("What are the price and quantity of TEA?", "price: 12,500, count: 1x", "11000", True),
        ("What are the price and quantity of TEA?", "price: 12,500, count: 1x", "12500", False),
        ("List TEA as (quantity, item name, price).", "(2x, TEA, 25.000)", "0", True),
        ("What is the price of TEA?", "12,500.00", "12000", True),
        ("How many TEA are there?", "25000", "12500", False),
        ("What are the price and quantity of TEA?", "price: @0, count: 1x", "0", False),
    ],
)
def test_a_total_below_the_price_of_an_item_is_flagged(
    question: str, answer: str, total: str, flagged: bool
) -> None:
    turns = [Turn(question, answer), Turn("What is the total sum?", total)]
    assert (defects.TOTAL_BELOW_ITEM in defects.talk_flags(turns, None)) == flagged


def test_every_flag_has_a_meaning_and_unsound_ones_are_flags() -> None:
    assert set(defects.MEANINGS) >= defects.UNSOUND


@pytest.mark.parametrize(
    ("number", "facts"),
    [
        ("900101-1234568", (False, True, False)),
        ("900101-1234567", (False, False, False)),
        ("900101-5234561", (True, True, False)),
        ("300101-3234567", (False, False, True)),
        ("739215-1234567", (False, False, False)),
        ("no number", None),
    ],
)
def test_resident_numbers_are_examined(number: str, facts: tuple[bool, ...] | None) -> None:
    assert defects.resident_number_facts(number, date(2025, 10, 27)) == facts


def test_answers_are_read_with_and_without_commas() -> None:
    turns = [
        Turn("q", "病人姓名: 刘丽 리우리, 身份证号: 960418-8281372"),
        Turn("q", "疾病编码: R07, N39。"),
        Turn("q", "处方药物: 가정 50mg, 每次剂量: 1정, 每日服用次数: 3, 总疗程: 7일\n"
                  "处方药物: 나정 40mg, 每次剂量: 1片 每日服用次数: 3次 总疗程: 5天"),
        Turn("q", "病人姓名: 刘丽 리우리\n处方日期: 2025-10-27"),
    ]  # fmt: skip
    found = read_claims(turns)
    assert found is not None
    assert found.name == "刘丽 리우리"
    assert found.codes == ("R07", "N39")
    assert found.drugs == (
        DrugLine("가정 50mg", "1정", "3", "7일", True),
        DrugLine("나정 40mg", "1片", "3次", "5天", False),
    )
    assert found.date == "2025-10-27"
    assert read_claims([Turn("q", "a receipt")]) is None


def test_unsound_labels_are_left_out_when_asked(source: Source) -> None:
    source.prescriptions("train", range(4))
    wrong = source.prescription(3)
    wrong["conversations"][3]["value"] = "疾病编码: J00, J01, J02。"
    source.records("train", [*(source.prescription(n) for n in range(3)), wrong])
    source.add("train/00003_zh.jpg", source.picture(3, defects.FORM_SIZE))
    record = source.build()
    flags = {row["id"]: row["flags"] for row in source.rows()}
    assert flags.pop("train_zh_ko:00003_zh") == ["codes_not_on_form"]
    assert set(map(tuple, flags.values())) == {()}
    finding = next(f for f in record.findings if f.kind == "codes_not_on_form")
    assert finding.count == 1
    assert "Codes that cannot be read: train_zh_ko.json 1." in finding.detail

    (source.out / "dataset.json").unlink()
    for path in sorted(source.out.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert source.build(labels="sound").rows == 3
    (reject,) = source.rejects()
    assert (reject.reason, reject.detail) == ("unsound_label", "codes_not_on_form")
    assert orjson.dumps(reject.path) == b'"train_zh_ko.json[3]"'
