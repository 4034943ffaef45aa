"""진료비 계산서·영수증: the bill of form no. 6 of the rule on insured medical care.

Every sum on it adds up: the columns, the totals on the right, what was paid and how.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from numpy.random import Generator

from loaders.medical_ocr.synthesis.people import Hospital, Person, make_hospital
from loaders.medical_ocr.synthesis.prescription import working_day

# Patient's share of insured costs (percent) as the Act's enforcement decree sets it.
_OUTPATIENT_SHARE = {"의원": 30, "병원": 40, "종합병원": 50, "상급종합병원": 60}
_INPATIENT_SHARE = 20

# Name on the form, price range in won, chance on an outpatient's and on an inpatient's bill.
_ITEMS = (
    ("진찰료", 11000, 24000, 1.0, 0.6),
    ("입원료", 48000, 120000, 0.0, 1.0),
    ("식대", 4600, 7000, 0.0, 1.0),
    ("투약 및 조제료 행위료", 1500, 9000, 0.12, 0.9),
    ("투약 및 조제료 약품비", 2000, 60000, 0.12, 0.9),
    ("주사료 행위료", 1600, 12000, 0.3, 0.9),
    ("주사료 약품비", 2000, 90000, 0.3, 0.9),
    ("마취료", 30000, 250000, 0.02, 0.3),
    ("처치 및 수술료", 8000, 600000, 0.3, 0.6),
    ("검사료", 6000, 180000, 0.5, 0.95),
    ("영상진단료", 9000, 60000, 0.45, 0.8),
    ("치료재료대", 3000, 90000, 0.15, 0.5),
    ("재활 및 물리치료료", 8000, 35000, 0.25, 0.2),
    ("CT 진단료", 70000, 190000, 0.06, 0.3),
    ("MRI 진단료", 230000, 480000, 0.03, 0.12),
    ("초음파 진단료", 40000, 150000, 0.12, 0.25),
    ("제증명수수료", 1000, 20000, 0.15, 0.2),
)
ITEM_NAMES = tuple(item[0] for item in _ITEMS)
_UNCOVERED = {"제증명수수료", "초음파 진단료", "MRI 진단료"}
_DEPARTMENTS = ("내과", "이비인후과", "정형외과", "피부과", "안과", "비뇨의학과", "신경과", "외과")


@dataclass(frozen=True)
class Amounts:
    """Won. Covered costs are shared, `self_pay` is covered but paid in full by the patient."""

    copay: int = 0
    insurer: int = 0
    self_pay: int = 0
    uncovered: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def total(self) -> int:
        return self.copay + self.insurer + self.self_pay + self.uncovered

    @property
    def patient(self) -> int:
        return self.total - self.insurer


@dataclass(frozen=True)
class Bill:
    patient: Person
    hospital: Hospital
    inpatient: bool
    first: date
    last: date
    patient_number: str
    receipt_number: str
    items: tuple[tuple[str, Amounts], ...]
    advance: int
    card: int
    cash: int

    @property
    def sums(self) -> Amounts:
        total = Amounts()
        for _, amounts in self.items:
            total += amounts
        return total


def write_bill(rng: Generator, patient: Person) -> Bill:
    department = _DEPARTMENTS[int(rng.integers(len(_DEPARTMENTS)))]
    hospital = make_hospital(rng, department)
    inpatient = bool(hospital.kind != "의원" and rng.random() < 0.4)
    first = working_day(rng, date(2023, 1, 2), date(2026, 6, 1))
    nights = int(rng.integers(1, 9)) if inpatient else 0
    items = tuple(_items(rng, hospital, inpatient, max(1, nights)))
    bill = Bill(
        patient=patient,
        hospital=hospital,
        inpatient=inpatient,
        first=first,
        last=first + timedelta(days=nights),
        patient_number=f"{rng.integers(10**8):08}",
        receipt_number=f"{first + timedelta(days=nights):%Y%m}-{rng.integers(1, 10**5):05}",
        items=items,
        advance=0,
        card=0,
        cash=0,
    )
    due = bill.sums.patient
    advance = due // 3 // 10000 * 10000 if inpatient and rng.random() < 0.4 else 0
    left = due - advance
    card = 0 if rng.random() < 0.2 else left
    return replace(bill, advance=advance, card=card, cash=left - card)


def _items(
    rng: Generator, hospital: Hospital, inpatient: bool, days: int
) -> list[tuple[str, Amounts]]:
    share = _INPATIENT_SHARE if inpatient else _OUTPATIENT_SHARE[hospital.kind]
    items: list[tuple[str, Amounts]] = []
    for name, low, high, outside, inside in _ITEMS:
        if rng.random() >= (inside if inpatient else outside):
            continue
        price = round((low + (high - low) * float(rng.random()) ** 2) / 10) * 10
        if name in ("입원료", "식대"):
            price *= days * (3 if name == "식대" else 1)
        if name in _UNCOVERED and (name == "제증명수수료" or rng.random() < 0.6):
            amounts = Amounts(uncovered=price)
        elif rng.random() < 0.06:
            amounts = Amounts(self_pay=price)
        else:
            part = 50 if name == "식대" else share
            copay = price * part // 1000 * 10
            amounts = Amounts(copay=copay, insurer=price - copay)
            if rng.random() < 0.08:
                amounts += Amounts(uncovered=round(price * 0.3 / 10) * 10)
        items.append((name, amounts))
    return items
