"""처방전: a prescription on form no. 9 of the Medical Service Act's enforcement rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from numpy.random import Generator

from loaders.medical_ocr.synthesis.conditions import CONDITIONS, Condition
from loaders.medical_ocr.synthesis.drugs import AFTER_MEALS, ALTERNATIVES, DIRECTION_TIMES, Drug
from loaders.medical_ocr.synthesis.people import (
    Doctor,
    Hospital,
    Person,
    make_doctor,
    make_hospital,
)

INSURERS = ("의료보험", "의료급여", "산재보험", "자동차보험", "기타(   )")
_NOTES = (
    "", "", "", "대체조제 시 연락 요망", "졸음 유발, 운전 주의", "위장장애 시 복용 중단",
    "다음 방문 시 혈액검사", "음주 금지", "임신 여부 확인함",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One drug as prescribed."""

    drug: Drug
    code: str
    amount: str
    times: int
    days: int
    directions: str


@dataclass(frozen=True)
class Prescription:
    patient: Person
    hospital: Hospital
    doctor: Doctor
    day: date
    number: int
    conditions: tuple[Condition, ...]
    lines: tuple[Line, ...]
    insurer: str
    valid_days: int
    note: str


def working_day(rng: Generator, first: date, last: date) -> date:
    """A day that is no Sunday."""
    day = first + timedelta(days=int(rng.integers((last - first).days + 1)))
    return day - timedelta(days=1) if day.weekday() == 6 else day


def write_prescription(rng: Generator, patient: Person) -> Prescription:
    """Conditions that the patient's age and sex allow, and drugs of those conditions only."""
    day = working_day(rng, date(2023, 1, 2), date(2026, 6, 30))
    age = patient.age(day)
    possible = [
        condition
        for condition in CONDITIONS
        if condition.ages[0] <= age <= condition.ages[1] and condition.sex in (None, patient.sex)
    ]
    main = possible[int(rng.integers(len(possible)))]
    also = [c for c in possible if c.department == main.department and c.code != main.code]
    conditions: tuple[Condition, ...] = (main,)
    if also and rng.random() < 0.55:
        conditions = (main, also[int(rng.integers(len(also)))])
    return Prescription(
        patient=patient,
        hospital=make_hospital(rng, main.department),
        doctor=make_doctor(rng),
        day=day,
        number=int(rng.integers(1, 400)),
        conditions=conditions,
        lines=tuple(_lines(rng, conditions)),
        insurer=INSURERS[int(rng.choice(4, p=(0.85, 0.08, 0.03, 0.04)))],
        valid_days=int(rng.choice((3, 3, 3, 5, 7))),
        note=str(rng.choice(_NOTES)),
    )


def _lines(rng: Generator, conditions: tuple[Condition, ...]) -> list[Line]:
    lines: list[Line] = []
    for condition in conditions:
        days = int(rng.choice(condition.days))
        wanted = int(rng.integers(1, min(4, len(condition.drugs)) + 1))
        for place in rng.permutation(len(condition.drugs))[:wanted]:
            drug = condition.drugs[int(place)]
            taken = {line.drug.name for line in lines}
            if drug.name in taken or any(
                drug.name in group and taken & group for group in ALTERNATIVES
            ):
                continue
            times = int(rng.choice(drug.times))
            ways = [w for w in drug.directions if DIRECTION_TIMES.get(w, times) == times]
            lines.append(
                Line(
                    drug=drug,
                    # Product codes begin with 0 to 6; nine digits that begin with 9 name nothing.
                    code=f"9{rng.integers(10**8):08}",
                    amount=str(rng.choice(drug.amounts)),
                    times=times,
                    days=days,
                    directions=str(rng.choice(ways)) if ways else AFTER_MEALS,
                )
            )
    return lines
