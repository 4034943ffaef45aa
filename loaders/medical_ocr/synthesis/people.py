"""Made-up people and institutions. No number among them can belong to anybody.

Numbers that look real may belong to someone by chance, so each kind is impossible by
construction: resident numbers have a month of 81 to 92 (80 is added, as Norway's tax office does
for test persons) and a check digit that is wrong besides; telephone exchanges begin with 0, where
the Korean numbering plan begins them with 2 to 9; business numbers fail their check digit;
licence and institution numbers lie in ranges that were never issued; mail addresses end in
`example`, which RFC 2606 reserves; places do not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from numpy.random import Generator

Sex = Literal["male", "female"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SURNAMES = _words(
    "김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 전 홍 유 고 문 양 손 배 백 허 남 심 "
    "노 하 곽 성 차 주 우 구 민 나 진 지 엄 채 원 천 방 공 현 함 변 염 여 추 도 소 석 선 설 마 길 "
    "연 위 표 명 기 반 왕 금 옥 육 인 맹 제 모 남궁 황보 선우 독고"
)
_SYLLABLES: dict[Sex, tuple[str, str]] = {
    "male": (
        "민서도예시주준지현우성재승태동건상영정진경병광종기용창형석철원윤은호규찬한",
        "준우호현민진훈석수영재환욱혁철식규찬빈건범태원겸율오섭권형일국용균희남",
    ),
    "female": (
        "서지하민수예윤채은다소유현혜미정영경선희연나아가보주진세효숙순옥명인복",
        "연윤은아현진희영숙자정미경선주란빈린서원나라지수혜하민경옥순임화례솔",
    ),
}
_FOREIGN = {
    "male": ("WANG XIAOMING", "LI JUN", "ZHANG WEI", "CHEN HAO", "NGUYEN VAN NAM", "TRAN QUANG",
             "BATBAYAR DORJ", "RAHMAN ABDUL", "LIU YANG", "ZHAO LEI"),
    "female": ("WANG FANG", "LI NA", "ZHANG MIN", "CHEN JING", "NGUYEN THI LAN", "TRAN THU HA",
               "OYUNAA TSEREN", "LIU YAN", "ZHAO XUE", "PIAO MEIHUA"),
}  # fmt: skip

_HOSPITAL_STEMS = _words(
    "가온 누리 다솜 한결 늘봄 새빛 푸른샘 미르 온새미 해오름 아라 솔빛 바른길 맑은숨 참벗 이든 "
    "햇살마을 느티나무 은하수 두레 나래 라온 소담 여울 초롱 하늬 도담 달빛 시나브로 윤슬 단비 "
    "보람 새벽별 물푸레 잔디 산들 마루 예솔 한울림 다온"
)
_CITIES = ("가온시", "누리시", "새빛시", "미르시", "한별시", "아라군", "솔뫼시", "다온시")
_DISTRICTS = ("해오름구", "푸른구", "달내구", "느티구", "은가람구", "별내구")
_ROADS = ("햇살로", "바람길", "샘터로", "은행나무길", "큰내로", "숲속길", "다리목로", "솔밭로")
_AREA_CODES = ("02", "031", "032", "033", "041", "042", "043", "051", "053", "055", "062", "064")


@dataclass(frozen=True)
class Person:
    """A patient. `born` is a real date; the resident number does not spell it."""

    id: str
    name: str
    sex: Sex
    born: date
    resident_number: str

    def age(self, on: date) -> int:
        """Full years."""
        return on.year - self.born.year - ((on.month, on.day) < (self.born.month, self.born.day))


@dataclass(frozen=True)
class Hospital:
    """An institution; `kind` decides the patient's share of the costs."""

    name: str
    kind: Literal["의원", "병원", "종합병원", "상급종합병원"]
    department: str
    phone: str
    fax: str
    email: str
    address: str
    institution_number: str
    business_number: str
    director: str


@dataclass(frozen=True)
class Doctor:
    name: str
    licence: str


def resident_check_digit(digits: str) -> int:
    """Check digit of the first twelve digits of a citizen's resident registration number."""
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return (11 - total % 11) % 10


def impossible_resident_number(rng: Generator, born: date, sex: Sex, foreign: bool) -> str:
    """Shape of a resident number; its month lies between 81 and 92 and its check digit is wrong.

    The check digit alone would prove nothing: numbers given out since October 2020 have none.
    """
    kind = {False: (1, 2, 3, 4), True: (5, 6, 7, 8)}[foreign][
        (2 if born.year >= 2000 else 0) + (sex == "female")
    ]
    digits = f"{born.year % 100:02}{born.month + 80}{born.day:02}{kind}{rng.integers(10**5):05}"
    # Foreigners' numbers use the same sum with 13 in place of 11: both results are avoided.
    right = resident_check_digit(digits)
    last = (right + int(rng.choice((1, 3, 4, 5, 6, 7, 8, 9)))) % 10
    return f"{digits[:6]}-{digits[6:]}{last}"


def business_check_digit(digits: str) -> int:
    """Check digit of the first nine digits of a business registration number."""
    weights = (1, 3, 7, 1, 3, 7, 1, 3, 5)
    total = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))
    return (10 - (total + int(digits[8]) * 5 // 10) % 10) % 10


def _korean_name(rng: Generator, sex: Sex) -> str:
    # Squaring favours the head of the list, as the few great families do in real life.
    surname = _SURNAMES[int(len(_SURNAMES) * rng.random() ** 2)]
    first, second = _SYLLABLES[sex]
    one, two = first[rng.integers(len(first))], second[rng.integers(len(second))]
    return surname + (one if one == two or rng.random() < 0.03 else one + two)


def make_person(rng: Generator, identifier: str) -> Person:
    sex: Sex = "male" if rng.random() < 0.5 else "female"
    foreign = bool(rng.random() < 0.1)
    born = date(1938, 1, 1) + timedelta(
        days=int(rng.integers((date(2021, 1, 1) - date(1938, 1, 1)).days))
    )
    name = str(rng.choice(_FOREIGN[sex])) if foreign else _korean_name(rng, sex)
    number = impossible_resident_number(rng, born, sex, foreign)
    return Person(identifier, name, sex, born, number)


def make_hospital(rng: Generator, department: str) -> Hospital:
    stem = str(rng.choice(_HOSPITAL_STEMS))
    kind = ("의원", "병원", "종합병원", "상급종합병원")[
        int(rng.choice(4, p=(0.55, 0.2, 0.15, 0.1)))
    ]
    name = {
        "의원": f"{stem}{department}의원",
        "병원": f"{stem}병원",
        "종합병원": f"{stem}종합병원",
        "상급종합병원": f"{stem}대학교병원",
    }[kind]
    area = str(rng.choice(_AREA_CODES))
    exchange, line = int(rng.integers(100)), int(rng.integers(10000))
    digits = f"{rng.integers(100, 1000)}{rng.integers(1, 100):02}{rng.integers(10000):04}"
    wrong = (business_check_digit(digits) + int(rng.integers(1, 10))) % 10
    place = f"{rng.choice(_CITIES)} {rng.choice(_DISTRICTS)} {rng.choice(_ROADS)}"
    return Hospital(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        department=department,
        phone=f"{area}-0{exchange:02}-{line:04}",
        fax=f"{area}-0{exchange:02}-{(line + 1) % 10000:04}",
        email=f"care{rng.integers(1000)}@clinic.example",
        address=f"{place} {rng.integers(1, 400)}",
        institution_number=f"9{rng.integers(10**7):07}",
        business_number=f"{digits[:3]}-{digits[3:5]}-{digits[5:]}{wrong}",
        director=_korean_name(rng, "male" if rng.random() < 0.6 else "female"),
    )


def make_pharmacy_name(rng: Generator) -> str:
    """Of two to four syllables before 약국."""
    return f"{rng.choice([stem for stem in _HOSPITAL_STEMS if len(stem) < 5])}약국"


def make_doctor(rng: Generator) -> Doctor:
    # Some 150,000 doctors' licences exist; 900000 and above do not.
    name = _korean_name(rng, "male" if rng.random() < 0.6 else "female")
    return Doctor(name, str(900000 + int(rng.integers(100000))))
