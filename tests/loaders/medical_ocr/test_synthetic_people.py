"""Nobody's number may be drawn, not even by chance."""

import re
from datetime import date

import numpy as np
import pytest
from presidio_analyzer.predefined_recognizers import KrFrnRecognizer, KrRrnRecognizer

from loaders.medical_ocr.synthesis.people import (
    business_check_digit,
    impossible_resident_number,
    make_doctor,
    make_hospital,
    make_person,
    resident_check_digit,
)

RNG = np.random.default_rng(5)
PEOPLE = [make_person(RNG, str(n)) for n in range(3000)]


def test_no_resident_number_spells_a_date() -> None:
    for person in PEOPLE:
        match = re.fullmatch(r"(\d\d)(\d\d)(\d\d)-([1-8])\d{6}", person.resident_number)
        assert match is not None, person.resident_number
        month, day = int(match[2]), int(match[3])
        assert 81 <= month <= 92
        with pytest.raises(ValueError, match="month must be in"):
            date(2000, month, min(day, 28))


def test_no_resident_number_passes_a_check_digit() -> None:
    for person in PEOPLE:
        digits = person.resident_number.replace("-", "")
        citizen = resident_check_digit(digits[:12])
        foreigner = (citizen + 2) % 10
        assert int(digits[12]) not in (citizen, foreigner)


def test_the_check_digit_is_the_published_one() -> None:
    # 9*2 + 1*5 + 1*7 + 1*8 + 2*9 + 3*2 + 4*3 + 5*4 + 6*5 = 124, 124 % 11 = 3, 11 - 3 = 8.
    assert resident_check_digit("900101123456") == 8
    # 1*1 + 2*3 + 3*7 + 4*1 + 5*3 + 6*7 + 7*1 + 8*3 + 9*5 = 165, and 45 // 10 = 4: 169, 10 - 9 = 1.
    assert business_check_digit("123456789") == 1


def test_recognisers_of_personal_data_do_not_take_the_numbers_for_real() -> None:
    text = "\n".join(person.resident_number for person in PEOPLE)
    for recogniser in (KrRrnRecognizer(), KrFrnRecognizer()):
        assert recogniser.analyze(text, recogniser.supported_entities) == []


def test_the_digit_of_sex_and_century_fits_the_person() -> None:
    rng = np.random.default_rng(0)
    for born, sex, foreign, digit in (
        (date(1980, 5, 1), "male", False, "1"), (date(1980, 5, 1), "female", False, "2"),
        (date(2010, 5, 1), "male", False, "3"), (date(2010, 5, 1), "female", False, "4"),
        (date(1980, 5, 1), "male", True, "5"), (date(2010, 5, 1), "female", True, "8"),
    ):  # fmt: skip
        assert impossible_resident_number(rng, born, sex, foreign)[7] == digit  # type: ignore[arg-type]


def test_institutions_can_neither_be_called_nor_billed() -> None:
    rng = np.random.default_rng(1)
    for _ in range(500):
        hospital = make_hospital(rng, "내과")
        assert re.fullmatch(r"0\d{1,2}-0\d\d-\d{4}", hospital.phone)
        assert re.fullmatch(r"0\d{1,2}-0\d\d-\d{4}", hospital.fax)
        assert hospital.email.endswith("@clinic.example")
        assert hospital.institution_number.startswith("9")
        digits = hospital.business_number.replace("-", "")
        assert len(digits) == 10
        assert int(digits[9]) != business_check_digit(digits[:9])
        assert int(make_doctor(rng).licence) >= 900000


def test_people_are_many() -> None:
    assert len({person.name for person in PEOPLE}) > 2000
    assert len({person.resident_number for person in PEOPLE}) == len(PEOPLE)
