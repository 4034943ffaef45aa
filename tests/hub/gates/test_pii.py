"""Korean personal data is found and replaced; the numbers of medicine are left alone."""

from __future__ import annotations

import hashlib
import random
import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from hub.gates.pii import detector, personal_data, redacted

# All numbers are invented. The second of each pair of registration numbers has a right check digit.
PERSONAL = [
    ("주민번호는 900101-1234567 입니다", "resident registration number", "suspected"),
    ("주민번호는 900101-1234568 입니다", "resident registration number", "confirmed"),
    ("환자(030704-4234567) 내원", "resident registration number", "suspected"),
    ("9001011234568", "resident registration number", "confirmed"),
    ("９００１０１－１２３４５６７", "resident registration number", "suspected"),
    ("900101 – 2345678", "resident registration number", "suspected"),
    ("외국인등록번호: 850505-5123457", "foreigner registration number", "suspected"),
    ("850505-5123456", "foreigner registration number", "confirmed"),
    ("사업자등록번호 220-81-62517", "business registration number", "confirmed"),
    ("등록 220-81-62517 상호", "business registration number", "suspected"),
    ("여권번호 M12345678", "passport number", "confirmed"),
    ("M123A4567 소지", "passport number", "suspected"),
    ("운전면허 11-22-333333-44", "driving licence number", "confirmed"),
    ("서울 12-345678-90", "driving licence number", "suspected"),
    ("카드 4111-1111-1111-1111입니다", "credit card number", "confirmed"),
    ("카드번호 378282246310005", "credit card number", "confirmed"),
    ("연락처는 010-1234-5678번", "phone number", "confirmed"),
    ("전화01012345678로", "phone number", "confirmed"),
    ("HP010 1234 5678", "phone number", "confirmed"),
    ("+82 10-1234-5678", "phone number", "confirmed"),
    ("병원은 02-123-4567", "phone number", "suspected"),
    ("hong.gildong@naver.com으로 보내 주세요", "e-mail address", "confirmed"),
    ("메일은kim@snu.ac.kr입니다", "e-mail address", "confirmed"),
]

ORDINARY = [
    "혈압은 120/80 mmHg이고 체온은 36.5도, 맥박은 분당 72회입니다.",
    "아세트아미노펜 500 mg을 4-6시간마다 복용하되 하루 4000 mg을 넘기지 마십시오.",
    "WBC 4,500-11,000/uL, 혈소판 150,000-450,000/uL, Hb 13.5-17.5 g/dL",
    "2021-05-10 14:30 내원, 2021.05.24. 재진, 20210607 검사",
    "HC-Q-0001234와 HC-A-1234567을 참고하였습니다.",
    "KCD 코드 M17.1, S72.0, D50.9",
    "ISBN 978-89-1234-567-8, ISSN 1234-5678, PMID: 12345678",
    "임상시험 NCT01234567, 변이 rs123456789, CAS 50-78-2",
    "의약품 표준코드 8806418001209, 8801274116504",
    "검체 S20231204, R20231205, LOT 1234567890",
    "시각 1512101234567, 1606780800000 밀리초",
    "02 04 06 08 10 12 14시에 투약, 10-20-30-40-50 mg으로 증량",
    "상담은 1588-1234, 1339, 080-123-4567",
    "10.1016/j.jacc.2021.01.012에 실렸으며 p = 0.0012345678",
    "@hospital 계정으로 문의, 효과는 3.141592653589793배",
]


@pytest.mark.parametrize(("text", "kind", "certainty"), PERSONAL)
def test_personal_data_is_found_and_replaced(text: str, kind: str, certainty: str) -> None:
    [match] = personal_data(text)
    assert (match.kind, match.certainty) == (kind, certainty)
    clean = redacted(text)
    assert text[match.start : match.end] not in clean
    assert not personal_data(clean)
    assert not re.search(r"\d{4}", clean)


@pytest.mark.parametrize("text", ORDINARY)
def test_the_numbers_of_medicine_are_left_alone(text: str) -> None:
    assert personal_data(text) == []
    assert redacted(text) == text


def test_whatever_is_found_passes_the_prefilter() -> None:
    texts = pa.array([text for text, _, _ in PERSONAL])
    assert pc.all(pc.match_substring_regex(texts, detector().prefilter)).as_py()


def test_two_people_in_one_cell_are_both_found() -> None:
    text = "보호자 010-1234-5678/010-2222-3333, 환자 900101-1234567"
    assert [match.kind for match in personal_data(text)] == [
        "phone number",
        "phone number",
        "resident registration number",
    ]
    assert redacted(text) == "보호자 [전화번호]/[전화번호], 환자 [주민등록번호]"


def test_the_name_of_a_column_is_context() -> None:
    assert personal_data("M12345678") == []
    assert [match.kind for match in personal_data("M12345678", "passport_no")] == [
        "passport number"
    ]
    assert personal_data("2208162517") == []
    assert personal_data("2208162517", "사업자번호")[0].certainty == "confirmed"


def test_hashes_and_fractions_give_no_false_alarm() -> None:
    hidden = "8a9001011234568c"
    assert personal_data(hidden * 4) == []
    assert personal_data("0.9001011234568") == []
    assert personal_data("4111111111111111", "document_id") == []
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(4000)]
    assert [digest for digest in digests if personal_data(digest)] == []


def test_invented_medical_numbers_give_no_false_alarm() -> None:
    """Any order of doses, ranges, dates, codes and article numbers."""
    rng = random.Random(20261121)

    def digits(count: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(count))

    def barcode() -> str:
        twelve = f"880{digits(9)}"
        total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(twelve))
        return f"{twelve}{-total % 10}"

    pieces = (
        lambda: f"{rng.randint(1, 2000)} mg",
        lambda: f"{rng.randint(0, 9)}.{digits(2)}-{rng.randint(0, 9)}.{digits(2)}",
        lambda: f"20{rng.randint(10, 26)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        lambda: f"20{rng.randint(10, 26)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}",
        lambda: f"{rng.randint(1, 400)},{digits(3)}",
        lambda: f"{rng.randint(80, 200)}/{rng.randint(40, 120)}",
        lambda: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
        lambda: f"{rng.choice('ABCDEFGHIJ')}{digits(2)}.{digits(1)}",
        lambda: f"HC-Q-{digits(7)}",
        lambda: f"PMID {digits(8)}",
        barcode,
    )
    separators = (" ", ", ", " - ", "-", ". ", " (", "/", "~")
    alarms = []
    for _ in range(1500):
        text = "".join(rng.choice(pieces)() + rng.choice(separators) for _ in range(25))
        alarms += [text[match.start - 5 : match.end + 5] for match in personal_data(text)]
    assert alarms == []
