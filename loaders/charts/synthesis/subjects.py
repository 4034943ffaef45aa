"""What made-up charts are about: subjects, what they are counted by, colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ko"]


@dataclass(frozen=True)
class Words:
    """The same in both languages."""

    en: str
    ko: str

    def in_language(self, language: Language) -> str:
        return self.en if language == "en" else self.ko


@dataclass(frozen=True)
class Categories:
    """What a chart has a value for. `of` puts one of them after the subject, in English."""

    one: Words
    many: str
    of: str
    names: tuple[Words, ...]
    ordered: bool = False
    """Times: neighbours are drawn in their order."""


@dataclass(frozen=True)
class Subject:
    """Something that is measured: values from `low` to `high` with so many `decimals`."""

    name: Words
    unit: Words
    low: float
    high: float
    decimals: int
    by: tuple[Categories, ...]
    groups: tuple[tuple[Words, ...], ...] = ()
    """Names for several series in one chart."""


@dataclass(frozen=True)
class Colour:
    """A fill, and every word for it that is a right answer."""

    fill: str
    en: tuple[str, ...]
    ko: tuple[str, ...]

    def names(self, language: Language) -> tuple[str, ...]:
        return self.en if language == "en" else self.ko


COLOURS = (
    Colour("#2a72de", ("blue",), ("파란색", "파랑")),
    Colour("#e8862e", ("orange",), ("주황색", "주황")),
    Colour("#3a9a4e", ("green",), ("초록색", "초록", "녹색")),
    Colour("#cf3a3a", ("red",), ("빨간색", "빨강")),
    Colour("#7d55b5", ("purple", "violet"), ("보라색", "보라")),
    Colour("#8c8f94", ("gray", "grey"), ("회색",)),
    Colour("#d9b21c", ("yellow",), ("노란색", "노랑")),
)

CITIES = Categories(
    Words("city", "도시"),
    "cities",
    "in {}",
    (
        Words("Seoul", "서울"),
        Words("Busan", "부산"),
        Words("Daegu", "대구"),
        Words("Incheon", "인천"),
        Words("Gwangju", "광주"),
        Words("Daejeon", "대전"),
        Words("Ulsan", "울산"),
        Words("Jeju", "제주"),
    ),
)
YEARS = Categories(
    Words("year", "연도"),
    "years",
    "in {}",
    tuple(Words(str(year), f"{year}년") for year in range(2008, 2025)),
    ordered=True,
)
MONTHS = Categories(
    Words("month", "달"),
    "months",
    "in {}",
    (
        Words("Jan", "1월"),
        Words("Feb", "2월"),
        Words("Mar", "3월"),
        Words("Apr", "4월"),
        Words("May", "5월"),
        Words("Jun", "6월"),
        Words("Jul", "7월"),
        Words("Aug", "8월"),
        Words("Sep", "9월"),
        Words("Oct", "10월"),
        Words("Nov", "11월"),
        Words("Dec", "12월"),
    ),
    ordered=True,
)
CROPS = Categories(
    Words("crop", "작물"),
    "crops",
    "of {}",
    (
        Words("apples", "사과"),
        Words("pears", "배"),
        Words("grapes", "포도"),
        Words("peaches", "복숭아"),
        Words("tangerines", "감귤"),
        Words("potatoes", "감자"),
        Words("garlic", "마늘"),
        Words("onions", "양파"),
    ),
)
ENERGY = Categories(
    Words("source", "에너지원"),
    "sources",
    "from {}",
    (
        Words("coal", "석탄"),
        Words("gas", "가스"),
        Words("nuclear", "원자력"),
        Words("solar", "태양광"),
        Words("wind", "풍력"),
        Words("hydro", "수력"),
    ),
)
TRANSPORT = Categories(
    Words("means of transport", "교통수단"),
    "means of transport",
    "by {}",
    (
        Words("bus", "버스"),
        Words("subway", "지하철"),
        Words("car", "승용차"),
        Words("bicycle", "자전거"),
        Words("taxi", "택시"),
        Words("train", "기차"),
    ),
)

MEN_WOMEN = (Words("men", "남성"), Words("women", "여성"))
WEEK = (Words("weekdays", "평일"), Words("weekends", "주말"))
PLAN_RESULT = (Words("plan", "계획"), Words("result", "실적"))
SHOPS = (Words("online", "온라인"), Words("in shops", "매장"))
FORECAST = (Words("forecast", "예보"), Words("measured", "실측"))
AGES = (Words("children", "어린이"), Words("adults", "성인"), Words("seniors", "노인"))
DAY = (Words("morning", "아침"), Words("noon", "점심"), Words("evening", "저녁"))

SUBJECTS = (
    Subject(
        Words("rainfall", "강수량"), Words("mm", "mm"), 40, 420, 0, (CITIES, MONTHS), (FORECAST,)
    ),
    Subject(
        Words("number of visitors", "방문객 수"),
        Words("thousand", "천 명"),
        120,
        1900,
        0,
        (CITIES, YEARS, MONTHS),
        (MEN_WOMEN, WEEK, AGES),
    ),
    Subject(
        Words("unemployment rate", "실업률"),
        Words("percent", "퍼센트"),
        1.5,
        9.5,
        1,
        (CITIES, YEARS),
        (MEN_WOMEN,),
    ),
    Subject(
        Words("harvest", "수확량"),
        Words("thousand tons", "천 톤"),
        15,
        640,
        0,
        (CROPS,),
        (PLAN_RESULT,),
    ),
    Subject(
        Words("price", "가격"), Words("won per kg", "kg당 원"), 900, 9800, 0, (CROPS,), (SHOPS,)
    ),
    Subject(
        Words("electricity output", "발전량"),
        Words("TWh", "TWh"),
        8,
        240,
        1,
        (ENERGY, YEARS),
        (PLAN_RESULT,),
    ),
    Subject(
        Words("number of loans", "대출 권수"),
        Words("thousand books", "천 권"),
        30,
        520,
        0,
        (CITIES, YEARS, MONTHS),
        (AGES, WEEK),
    ),
    Subject(
        Words("average travel time", "평균 이동 시간"),
        Words("minutes", "분"),
        12,
        95,
        0,
        (TRANSPORT,),
        (WEEK, DAY),
    ),
    Subject(
        Words("export volume", "수출액"),
        Words("million US$", "백만 달러"),
        110,
        3600,
        0,
        (CROPS, YEARS),
        (PLAN_RESULT,),
    ),
)
SHARES = (
    Subject(Words("share of trips", "통행 비율"), Words("%", "%"), 0, 100, 0, (TRANSPORT,)),
    Subject(Words("share of electricity", "전력 비율"), Words("%", "%"), 0, 100, 0, (ENERGY,)),
    Subject(Words("share of sales", "판매 비율"), Words("%", "%"), 0, 100, 0, (CROPS,)),
    Subject(Words("share of guests", "투숙객 비율"), Words("%", "%"), 0, 100, 0, (CITIES,)),
)
"""What a pie divides."""
