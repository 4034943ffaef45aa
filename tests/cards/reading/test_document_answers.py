"""Answers are read back as the synthesis and the original data set write them."""

from __future__ import annotations

import numpy as np
import pytest

from cards.document_answers import Dose, Field, compare_fields, read_answer
from cards.document_labels import FIELD_LABELS, LANGUAGES

DRUG = {
    "zh": "处方药物: 세티리진 시럽, 每次剂量: 2.5毫升, 每日服用次数: 3次, 总疗程: 7天",
    "ko": "처방 의약품: 세티리진 시럽, 1회 투약량: 2.5mL, 1일 투여횟수: 3회, 총 투약일수: 7일",
    "en": "Drug: 세티리진 시럽, Single dose: 2.5 mL, Times a day: 3 times, Days in all: 7 days",
}
DOSE = {
    "zh": Dose("세티리진 시럽", "2.5毫升", "3次", "7天"),
    "ko": Dose("세티리진 시럽", "2.5mL", "3회", "7일"),
    "en": Dose("세티리진 시럽", "2.5 mL", "3 times", "7 days"),
}


def kinds(counts) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    return tuple(dict(one) for one in counts)


def compared(answer: str, reference: str):
    return compare_fields(read_answer(answer), read_answer(reference))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_drug_line_is_four_fields_and_one_dose(language):
    answer = read_answer(DRUG[language])
    assert answer.doses == (DOSE[language],)
    name, *parts = answer.fields
    assert name == Field("drug.name", "세티리진 시럽")
    assert [(field.name, field.value) for field in parts] == [
        ("drug.dose", DOSE[language].amount),
        ("drug.frequency", DOSE[language].frequency),
        ("drug.days", DOSE[language].days),
    ]
    assert {field.owner for field in parts} == {"세티리진 시럽"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_is_told_from_every_other(language):
    fields = {field: word.of(language) for field, word in FIELD_LABELS.items()}
    assert len(set(fields.values())) == len(fields)
    text = ", ".join(f"{label}: v{number}" for number, label in enumerate(fields.values()))
    found = {field.name: field.value for field in read_answer(text).fields}
    assert found == {field: f"v{number}" for number, field in enumerate(fields)}


def test_every_answer_of_the_synthesis_is_read_back_from_the_log_of_what_was_drawn():
    from loaders.medical_ocr.synthesis.page import Field as Drawn
    from loaders.medical_ocr.synthesis.questions import talk

    single = {
        "patient.name": "남궁주미", "patient.resident_number": "148809-3******",
        "issue.date": "2024.06.03", "hospital.name": "바른길종합병원", "doctor.name": "지소미",
        "valid_days": "3",
    }  # fmt: skip
    drugs = [("아세트아미노펜정 500mg", "1정", "3회"), ("이부프로펜 시럽", "7.5mL", "2")]
    drawn = [Drawn(name, value, (0, 0, 1, 1), -1) for name, value in single.items()]
    drawn += [
        Drawn("diagnosis.code", code, (0, 0, 1, 1), n) for n, code in enumerate(("J30.4", "H669"))
    ]
    for line, (name, dose, times) in enumerate(drugs, 10):
        values = {
            "name": name,
            "dose": dose,
            "frequency": times,
            "days": "5일",
            "directions": "식후 30분",
        }
        drawn += [
            Drawn(f"drug.{part}", value, (0, 0, 1, 1), line) for part, value in values.items()
        ]
    for language in LANGUAGES:
        answers = [
            answer
            for seed in range(6)
            for _, answer in talk("prescription", drawn, language, np.random.default_rng(seed))
        ]
        for answer in answers:
            read = read_answer(answer)
            assert all(field.name in FIELD_LABELS for field in read.fields), answer
            for field in read.fields:
                if field.name in single and field.name not in ("valid_days", "issue.date"):
                    assert field.value == single[field.name]
                if field.name == "diagnosis.code":
                    assert field.value in ("J30.4", "H669")
            counts = compare_fields(read, read)
            assert counts.expected == counts.given == counts.right
        whole = max(map(read_answer, answers), key=lambda one: len(one.fields))
        assert [dose.drug for dose in whole.doses] == [name for name, *_ in drugs]
        assert [dose.amount[0] for dose in whole.doses] == ["1", "7"]


def test_the_original_set_with_lost_commas_and_lettered_codes():
    answer = read_answer(
        "病人姓名: 刘洋 900312-5123746, 身份证号: \n疾病编码A: M54\n疾病编码B: K30\n"
        "处方药物: 베아제片 每次剂量: 1片 每日服用次数: 3次 总疗程: 5天\n"
        "处方药物: 시메티딘 200mg, 每次剂量: 10ML, 每日服用次数: 2, 总疗程: 7"
    )
    assert [f.value for f in answer.fields if f.name == "diagnosis.code"] == ["M54", "K30"]
    assert answer.fields[0] == Field("patient.name", "刘洋 900312-5123746")
    assert answer.doses == (
        Dose("베아제片", "1片", "3次", "5天"),
        Dose("시메티딘 200mg", "10ML", "2", "7"),
    )
    codes = read_answer("疾病编码: M54, K30, F40。")
    assert [field.value for field in codes.fields] == ["M54", "K30", "F40"]


def test_bills_and_results_belong_to_their_item_and_test():
    bill = read_answer("诊察费, 本人负担: 3,410韩元, 公团负担: 7,960韩元\n诊疗费总额: 50,780韩元")
    assert bill.fields == (
        Field("item.copay", "3,410韩元", "诊察费"),
        Field("item.insurer", "7,960韩元", "诊察费"),
        Field("total.amount", "50,780韩元"),
    )
    test = read_answer("혈압(최고/최저): 158/71 mmHg, 판정: 질환의심")
    assert test.fields == (
        Field("혈압(최고/최저)", "158/71 mmHg"),
        Field("test.judgement", "질환의심", "혈압(최고/최저)"),
    )
    assert {field.kind for field in test.fields} == {"named"}


def test_full_width_punctuation_bullets_and_bold_labels_are_read():
    assert read_answer("病人姓名：王芳，身份证号：148809-3******").fields == (
        Field("patient.name", "王芳"),
        Field("patient.resident_number", "148809-3******"),
    )
    answer = read_answer(
        "- **Drug:** 이부프로펜정\n  * Single dose: 2 tablets\n  * Times a day: 3 times\n"
        "1. Drug: 파모티딘정 20mg, Single dose: 1 tablet"
    )
    assert answer.doses == (
        Dose("이부프로펜정", "2 tablets", "3 times"),
        Dose("파모티딘정 20mg", "1 tablet"),
    )


def test_masked_digits_are_part_of_the_number():
    reference = "Patient: 우철, Resident number: 148809-3******"
    counts = compared("Patient: 우철, Resident number: 148809-3*****", reference)
    assert kinds(counts) == ({"patient": 2}, {"patient": 2}, {"patient": 1})


def test_seven_is_not_seventeen_and_a_like_name_is_another_name():
    reference = DRUG["ko"]
    assert compared(reference, reference).right == {"drugs": 4}
    assert compared(reference.replace("7일", "17일"), reference).right == {"drugs": 3}
    assert compared(reference.replace("세티", "세타"), reference).right == {}, (
        "the doses of a drug that is not prescribed are not those of one that is"
    )


def test_doses_swapped_between_two_drugs_are_wrong():
    first, second = "Drug: 가정, Single dose: 1 tablet", "Drug: 나정, Single dose: 2 tablets"
    swapped = "Drug: 가정, Single dose: 2 tablets\nDrug: 나정, Single dose: 1 tablet"
    assert compared(swapped, f"{first}\n{second}").right == {"drugs": 2}, "the names"
    assert compared(f"{second}\n{first}", f"{first}\n{second}").right == {"drugs": 4}


def test_a_field_said_twice_is_right_once():
    counts = compared("질병분류기호: H669, H669", "질병분류기호: H669")
    assert kinds(counts) == ({"codes": 1}, {"codes": 2}, {"codes": 1})


def test_chatter_around_labels_is_no_field_and_lines_without_labels_are_compared_as_they_stand():
    chatty = "네, 처방전을 읽어 드리겠습니다.\n질병분류기호: H669"
    assert compared(chatty, "질병분류기호: H669").given == {"codes": 1}
    items = "Silky Green Tea, 1x, 12,500\nSilky Hazelnut, 1x, 12.500"
    counts = compared("Silky Green Tea, 1x, 12,500\nTotal: 12.500", items)
    assert kinds(counts) == ({"lines": 2}, {"lines": 2}, {"lines": 1})


@pytest.mark.parametrize("answer", ["", "   \n", "???", "환자 성명:", "모르겠습니다", ": , :"])
def test_an_answer_that_cannot_be_read_states_nothing_right(answer):
    counts = compared(answer, DRUG["ko"])
    assert counts.expected == {"drugs": 4}
    assert not counts.right


def test_very_long_answers_are_read_in_no_time():
    for unit in ("처방 의약품: ", ", a", " Patient", "**", "Drug: x, Single dose: 1, ", "1. "):
        read_answer(unit * 20_000)
