"""What a patient would be given: right, dangerously wrong, visibly wrong, or not at all."""

from __future__ import annotations

import pytest

from cards.document_answers import Dose, read_answer
from cards.dose_safety import compare_doses

PRINTED = Dose("아모잘탄정", "1정", "2회", "7일")


def outcome(given: Dose, expected: Dose = PRINTED) -> str:
    (compared,), added = compare_doses([given], [expected])
    assert added == (given.drug != expected.drug)
    return compared.outcome


@pytest.mark.parametrize(
    ("amount", "frequency", "days", "expected"),
    [
        ("1정", "2회", "7일", "right"),
        ("1片", "2次", "7天", "right"),
        ("1 tablet", "2 times", "7 days", "right"),
        ("1.0정", "2", "7", "right"),
        ("2정", "2회", "7일", "wrong_number"),
        ("1정", "3회", "7일", "wrong_number"),
        ("1정", "2회", "17일", "wrong_number"),
        ("2 tablets", "3 times", "17 days", "wrong_number"),
        ("0.5정", "2회", "7일", "wrong_number"),
        ("1캡슐", "2회", "7일", "other_form"),
        ("1", "2회", "7일", "other_form"),
        ("1정", "2일", "7일", "other_form"),
        ("1정", "2회", "7주", "other_form"),
        ("1정", "2회", None, "other_form"),
        ("한 알", "2회", "7일", "other_form"),
        ("1정 1정", "2회", "7일", "other_form"),
        (None, None, None, "other_form"),
    ],
)
def test_what_a_dose_means_decides(amount, frequency, days, expected):
    assert outcome(Dose("아모잘탄정", amount, frequency, days)) == expected


def test_units_are_the_same_in_all_languages_and_cases():
    for given, printed in (
        ("5ml", "5ML"),
        ("5毫升", "5mL"),
        ("2 patches", "2매"),
        ("2喷", "2회분무"),
    ):
        assert outcome(PRINTED._replace(amount=given), PRINTED._replace(amount=printed)) == "right"


def test_another_drug_is_missing_and_added_whatever_its_dose():
    assert outcome(PRINTED._replace(drug="아모잘탄플러스정")) == "missing"


def test_a_drug_prescribed_twice_is_compared_whatever_the_order():
    morning, evening = PRINTED, PRINTED._replace(amount="2정")
    compared, added = compare_doses([evening, morning], [morning, evening])
    assert [one.outcome for one in compared] == ["right", "right"]
    assert added == 0
    compared, added = compare_doses([morning, morning], [morning, evening])
    assert [one.outcome for one in compared] == ["right", "wrong_number"]


def test_the_question_may_have_named_the_drug():
    expected = read_answer("1회 투약량: 1정, 1일 투여횟수: 2회, 총 투약일수: 7일").doses
    named = read_answer(
        "처방 의약품: 아모잘탄정, 1회 투약량: 1정, 1일 투여횟수: 2회, 총 투약일수: 7일"
    )
    compared, added = compare_doses(named.doses, expected)
    assert (compared[0].outcome, added) == ("right", 0)


def test_every_dose_of_the_reference_has_one_outcome():
    expected = [PRINTED, PRINTED._replace(drug="나정"), PRINTED._replace(drug="다정")]
    given = [PRINTED._replace(drug="다정", days="70일"), PRINTED._replace(drug="라정"), PRINTED]
    compared, added = compare_doses(given, expected)
    assert [one.outcome for one in compared] == ["right", "missing", "wrong_number"]
    assert added == 1
    assert compare_doses([], expected)[1] == 0
    assert compare_doses(given, []) == ([], 3)


def test_a_name_alone_is_no_dose():
    name = read_answer("처방 의약품: 아모잘탄정").doses
    assert compare_doses(name, name) == ([], 0)
    compared, added = compare_doses(name, [PRINTED])
    assert (compared[0].outcome, added) == ("other_form", 0)
    assert compare_doses([PRINTED], name) == ([], 1)
