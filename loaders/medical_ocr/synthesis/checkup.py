"""건강검진 결과지: results of the general check-up, judged by its published criteria.

Values hang together: the body mass index follows from height and weight, LDL cholesterol from the
Friedewald formula, the filtration rate from creatinine, age and sex (MDRD), and each judgement
from the value printed beside it (criteria of the national check-up's implementation standard).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from numpy.random import Generator

from loaders.medical_ocr.synthesis.people import (
    Doctor,
    Hospital,
    Person,
    Sex,
    make_doctor,
    make_hospital,
)
from loaders.medical_ocr.synthesis.prescription import working_day

Judgement = Literal["정상A", "정상B(경계)", "질환의심"]
NORMAL: Judgement = "정상A"
BORDERLINE: Judgement = "정상B(경계)"
SUSPECTED: Judgement = "질환의심"

_ADVICE = {
    "blood_pressure": "혈압 관리",
    "glucose": "혈당 관리",
    "total_cholesterol": "콜레스테롤 관리",
    "ldl": "콜레스테롤 관리",
    "triglyceride": "중성지방 관리",
    "bmi": "체중 조절",
    "ast": "간기능 추적검사",
    "alt": "간기능 추적검사",
    "ggt": "절주 및 간기능 추적검사",
    "haemoglobin": "빈혈 추적검사",
    "urine_protein": "소변 재검사",
    "egfr": "신장기능 추적검사",
}


@dataclass(frozen=True)
class Result:
    """One line of the results: `key` names it in every language, `name` is what is printed."""

    key: str
    group: str
    name: str
    value: str
    unit: str
    reference: str
    judgement: Judgement


@dataclass(frozen=True)
class Checkup:
    patient: Person
    hospital: Hospital
    doctor: Doctor
    day: date
    judged: date
    results: tuple[Result, ...]
    overall: Judgement
    advice: str


def _above(limit: float, suspected: float) -> Callable[[float], Judgement]:
    """Normal below `limit`, suspected from `suspected` on."""

    def judge(value: float) -> Judgement:
        return SUSPECTED if value >= suspected else BORDERLINE if value >= limit else NORMAL

    return judge


def _below(limit: float, suspected: float) -> Callable[[float], Judgement]:
    """Normal from `limit` on, suspected below `suspected`."""

    def judge(value: float) -> Judgement:
        return SUSPECTED if value < suspected else BORDERLINE if value < limit else NORMAL

    return judge


def _worst(*judgements: Judgement) -> Judgement:
    return max(judgements, key=(NORMAL, BORDERLINE, SUSPECTED).index)


def judge_body_mass(value: float) -> Judgement:
    """18.5 to 24.9 is normal, from 30 on obesity."""
    return SUSPECTED if value >= 30 else BORDERLINE if value >= 25 or value < 18.5 else NORMAL


def measure(rng: Generator, sex: Sex, age: int) -> tuple[Result, ...]:
    """Draw the results of one person; the judgement of a line is computed from its value."""
    male = sex == "male"
    burden = float(rng.normal(0, 1)) + (age - 50) / 40

    def around(mean: float, spread: float, pull: float = 0.0, low: float = 0.0) -> float:
        return max(low, mean + spread * (float(rng.normal()) + pull * burden))

    height = round(around(172 if male else 159, 5.5) - max(0, age - 55) * 0.12, 1)
    bmi_drawn = min(36.0, around(24.2 if male else 23.0, 2.9, 0.4, 16.5))
    weight = round(bmi_drawn * (height / 100) ** 2, 1)
    bmi = round(weight / (height / 100) ** 2, 1)
    waist = round(bmi * 2.2 + around(32 if male else 26, 3.0), 1)
    systolic = round(around(121, 11, 0.7, 88))
    diastolic = round(min(systolic - 22, around(76, 8, 0.5, 52)))
    glucose = round(around(97, 11, 0.9, 68))
    total = round(around(192, 32, 0.2, 110))
    hdl = round(around(52 if male else 60, 11, -0.3, 28))
    triglyceride = round(min(390, around(118, 48, 0.6, 40)))
    ldl = round(total - hdl - triglyceride / 5)
    creatinine = round(around(0.95 if male else 0.72, 0.13, 0.1, 0.4), 1)
    rate = 175 * max(creatinine, 0.1) ** -1.154 * age**-0.203 * (1 if male else 0.742)
    egfr = min(150, round(rate))
    ast, alt = round(around(24, 8, 0.4, 10)), round(around(23, 11, 0.5, 6))
    ggt = round(around(34 if male else 20, 20, 0.5, 8))
    haemoglobin = round(around(15.0 if male else 13.1, 1.0, 0, 8.5), 1)
    protein = str(rng.choice(("음성", "약양성(±)", "양성(+1)"), p=(0.92, 0.05, 0.03)))
    chest = str(rng.choice(("정상", "비활동성 폐결핵"), p=(0.97, 0.03)))
    sight = [f"{rng.choice((0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)):.1f}" for _ in range(2)]

    def line(
        key: str,
        group: str,
        name: str,
        value: float | str,
        unit: str,
        reference: str,
        verdict: Judgement,
    ) -> Result:
        return Result(key, group, name, str(value), unit, reference, verdict)

    body, blood, urine = "신체계측", "혈액검사", "요검사"
    iron_low, iron_high = (13.0, 16.5) if male else (12.0, 15.5)
    ggt_limit, ggt_bad = (64, 78) if male else (36, 46)
    return (
        line("height", body, "신장", f"{height:.1f}", "cm", "-", NORMAL),
        line("weight", body, "체중", f"{weight:.1f}", "kg", "-", NORMAL),
        line("bmi", body, "체질량지수", f"{bmi:.1f}", "kg/㎡", "18.5 - 24.9", judge_body_mass(bmi)),
        line(
            "waist",
            body,
            "허리둘레",
            f"{waist:.1f}",
            "cm",
            "90 미만" if male else "85 미만",
            BORDERLINE if waist >= (90 if male else 85) else NORMAL,
        ),
        line("vision", body, "시력(좌/우)", "/".join(sight), "", "-", NORMAL),
        line("hearing", body, "청력(좌/우)", "정상/정상", "", "정상", NORMAL),
        line(
            "blood_pressure",
            body,
            "혈압(최고/최저)",
            f"{systolic}/{diastolic}",
            "mmHg",
            "120/80 미만",
            _worst(_above(120, 140)(systolic), _above(80, 90)(diastolic)),
        ),
        line(
            "haemoglobin",
            blood,
            "혈색소",
            f"{haemoglobin:.1f}",
            "g/dL",
            f"{iron_low} - {iron_high}",
            _below(iron_low, iron_low - (1.0 if male else 2.0))(haemoglobin)
            if haemoglobin <= iron_high
            else BORDERLINE,
        ),
        line("glucose", blood, "공복혈당", glucose, "mg/dL", "100 미만", _above(100, 126)(glucose)),
        line(
            "total_cholesterol",
            blood,
            "총콜레스테롤",
            total,
            "mg/dL",
            "200 미만",
            _above(200, 240)(total),
        ),
        line("hdl", blood, "HDL-콜레스테롤", hdl, "mg/dL", "60 이상", _below(60, 40)(hdl)),
        line(
            "triglyceride",
            blood,
            "중성지방",
            triglyceride,
            "mg/dL",
            "150 미만",
            _above(150, 200)(triglyceride),
        ),
        line("ldl", blood, "LDL-콜레스테롤", ldl, "mg/dL", "130 미만", _above(130, 160)(ldl)),
        line(
            "creatinine",
            blood,
            "혈청크레아티닌",
            f"{creatinine:.1f}",
            "mg/dL",
            "1.5 이하",
            SUSPECTED if creatinine > 1.5 else NORMAL,
        ),
        line(
            "egfr",
            blood,
            "신사구체여과율(e-GFR)",
            egfr,
            "mL/min/1.73㎡",
            "60 이상",
            SUSPECTED if egfr < 60 else NORMAL,
        ),
        line("ast", blood, "AST(SGOT)", ast, "U/L", "40 이하", _above(41, 51)(ast)),
        line("alt", blood, "ALT(SGPT)", alt, "U/L", "35 이하", _above(36, 46)(alt)),
        line(
            "ggt",
            blood,
            "감마지티피(γ-GTP)",
            ggt,
            "U/L",
            "11 - 63" if male else "8 - 35",
            _above(ggt_limit, ggt_bad)(ggt),
        ),
        line(
            "urine_protein",
            urine,
            "요단백",
            protein,
            "",
            "음성",
            {"음성": NORMAL, "약양성(±)": BORDERLINE}.get(protein, SUSPECTED),
        ),
        line(
            "chest_xray",
            "영상검사",
            "흉부촬영",
            chest,
            "",
            "정상",
            NORMAL if chest == "정상" else BORDERLINE,
        ),
    )


def write_checkup(rng: Generator, patient: Person) -> Checkup:
    """A check-up of an adult; call it for nobody under 20."""
    day = working_day(rng, date(2023, 1, 2), date(2026, 6, 30))
    results = measure(rng, patient.sex, patient.age(day))
    overall = _worst(*(result.judgement for result in results))
    advice = dict.fromkeys(
        _ADVICE[result.key]
        for result in results
        if result.judgement != NORMAL and result.key in _ADVICE
    )
    return Checkup(
        patient=patient,
        hospital=make_hospital(rng, "내과"),
        doctor=make_doctor(rng),
        day=day,
        judged=day + timedelta(days=int(rng.integers(3, 15))),
        results=results,
        overall=overall,
        advice=", ".join(list(advice)[:4]) or "현재 건강 상태를 유지하세요",
    )
