"""What the Chinese answers about a Korean prescription claim stands on it.

The form of the answers is that of the data set which named it: 病人姓名, 疾病编码, 处方药物 with
每次剂量, 每日服用次数, 总疗程. Answers whose commas were lost are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from loaders.medical_ocr.talks import Field, Turn

_PATIENT = re.compile(r"病人姓名: (?P<name>.*), 身份证号: ?(?P<number>.*)")
_CODES = re.compile(r"疾病编码: ?(?P<codes>.*?)。?")
_DRUG = re.compile(
    r"处方药物: (?P<name>.*?)(?P<c1>,?) 每次剂量: (?P<dose>\S*?)(?P<c2>,?) "
    r"每日服用次数: (?P<times>\S*?)(?P<c3>,?) 总疗程: (?P<days>\S+)"
)
_DATE = re.compile(r"处方日期: (\S+)")
_NAME_WITH_NUMBER = re.compile(r"(?P<name>.*?) ?(?P<number>\d{6}-\d{7})")


class DrugLine(NamedTuple):
    name: str
    dose: str
    times: str
    days: str
    commas: bool
    """Whether the line still has the commas between its parts."""


@dataclass(frozen=True)
class Claims:
    """Everything that one talk says of a prescription."""

    name: str
    number: str
    codes: tuple[str, ...]
    drugs: tuple[DrugLine, ...]
    date: str

    @property
    def person(self) -> str:
        """Name and number, told apart even where both stand in the name."""
        match = _NAME_WITH_NUMBER.fullmatch(self.name)
        if match and not self.number:
            return f"{match['name']} {match['number']}"
        return f"{self.name} {self.number}"

    def fields(self) -> tuple[Field, ...]:
        """In the names that drawn prescriptions use; where a value stands is not known."""
        single = (
            ("patient.name", self.name),
            ("patient.resident_number", self.number),
            ("issue.date", self.date),
        )
        found = [Field(name, value) for name, value in single if value]
        found += [Field("diagnosis.code", code, line) for line, code in enumerate(self.codes)]
        for line, drug in enumerate(self.drugs):
            found += [
                Field("drug.name", drug.name, line),
                Field("drug.dose", drug.dose, line),
                Field("drug.frequency", drug.times, line),
                Field("drug.days", drug.days, line),
            ]
        return tuple(found)


def read_claims(turns: Sequence[Turn]) -> Claims | None:
    """The claims of a talk; None when its answers are not of this form."""
    patient = _PATIENT.fullmatch(turns[0].answer)
    if patient is None:
        return None
    codes: tuple[str, ...] = ()
    drugs: tuple[DrugLine, ...] = ()
    date = ""
    for turn in turns[1:]:
        found = _CODES.fullmatch(turn.answer)
        if found:
            codes = tuple(code for code in found["codes"].split(", ") if code)
        lines = [_DRUG.fullmatch(line) for line in turn.answer.split("\n")]
        whole = [match for match in lines if match is not None]
        if whole:
            drugs = tuple(
                DrugLine(
                    m["name"], m["dose"], m["times"], m["days"], all(m.group("c1", "c2", "c3"))
                )
                for m in whole
            )
        day = _DATE.search(turn.answer)
        if day:
            date = day[1]
    return Claims(patient["name"].strip(), patient["number"].strip(), codes, drugs, date)
