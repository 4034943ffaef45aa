"""Which fields does an answer about a medical document state? Read by the labels of its writer.

`处方药物: 이부프로펜정, 每次剂量: 2片` states two fields: a label of `cards.document_labels`, in
any of its languages, a colon, and what follows up to the next label. Commas between them may be
missing, and punctuation may be full-width. Values are taken as they stand: `7` is not `17`, and
a name with one other character is another name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from cards.document_labels import FIELD_LABELS
from cards.text_scores import normalise

Kind = Literal["patient", "codes", "drugs", "issue", "costs", "named", "lines"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""`named` has a label that is not in the table, such as the name of a test; `lines` has none."""

_KIND_OF: dict[str, Kind] = {
    "patient": "patient", "diagnosis": "codes", "drug": "drugs", "issue": "issue",
    "hospital": "issue", "doctor": "issue", "dispensing": "issue", "pharmacy": "issue",
    "valid_days": "issue", "exam": "issue",
    "period": "issue", "item": "costs", "total": "costs", "paid": "costs", "test": "named",
    "overall": "named",
}  # fmt: skip
_NAMES = {label: field for field, word in FIELD_LABELS.items() for label in word}
_KNOWN = "|".join(re.escape(label) for label in sorted(_NAMES, key=len, reverse=True))
# A form's codes are told apart by a letter: 疾病编码A, 疾病编码B.
_PAIR = re.compile(rf"(?:^|[,\s])\s*(?:({_KNOWN})[A-Z]?\s?: ?|(?:^|(?<=, ))([^:,]+): )")
_FULL_WIDTH = str.maketrans({"：": ": ", "，": ", ", "；": "; "})
# Only around a label: numbers are masked with asterisks.
_BOLD = re.compile(rf"\*\*({_KNOWN})(\s?:?)\*\*")
_BULLET = re.compile(r"^(?:[-*•·]|\d{1,2}[.)]) +")
_AROUND = " ,;.。、"
_BETWEEN_CODES = re.compile(r"[,;、\s]+")


class Field(NamedTuple):
    """A value, and what it is the value of."""

    name: str
    """As in `FIELD_LABELS`; otherwise the label as written, or empty where there is none."""
    value: str
    owner: str = ""
    """The drug, cost item or test of the same line whose field it is."""

    @property
    def kind(self) -> Kind:
        if not self.name:
            return "lines"
        return _KIND_OF[self.name.split(".")[0]] if self.name in FIELD_LABELS else "named"


class Dose(NamedTuple):
    """How one drug is to be taken, as written; None for what is not stated."""

    drug: str | None
    amount: str | None = None
    frequency: str | None = None
    days: str | None = None


@dataclass(frozen=True)
class DocumentAnswer:
    """Everything that one answer states."""

    fields: tuple[Field, ...]
    doses: tuple[Dose, ...]
    lines: tuple[str, ...]
    """All of it, blank lines left out, as `normalise` has them."""


class _Pair(NamedTuple):
    head: str
    """What stands in the line before its first label."""
    line: int
    name: str
    value: str


_DOSE_PARTS = {"drug.dose": "amount", "drug.frequency": "frequency", "drug.days": "days"}


def read_answer(text: str) -> DocumentAnswer:
    """The fields and doses of an answer in the order in which it states them."""
    fields: list[Field] = []
    doses: list[Dose] = []
    lines = tuple(plain for raw in text.splitlines() if (plain := normalise(raw)))
    line, owner = -1, ""
    for pair in _pairs(lines):
        if pair.line != line:
            line, owner = pair.line, pair.head
        name, value = pair.name, pair.value
        if not name:
            fields.append(Field("", value))
        elif name == "diagnosis.code":
            fields += [Field(name, code) for code in _BETWEEN_CODES.split(value) if code]
        elif name == "drug.name":
            doses.append(Dose(value))
            fields.append(Field(name, value))
        elif part := _DOSE_PARTS.get(name):
            if not doses or getattr(doses[-1], part) is not None:
                doses.append(Dose(None))
            doses[-1] = doses[-1]._replace(**{part: value})
            fields.append(Field(name, value, doses[-1].drug or ""))
        elif name in FIELD_LABELS:
            fields.append(Field(name, value, owner))
        else:
            fields.append(Field(name, value))
            owner = name
    return DocumentAnswer(tuple(fields), tuple(doses), lines)


def _pairs(lines: Sequence[str]) -> Iterator[_Pair]:
    """Labels with their values; a line without a label is a value without a name."""
    for number, plain in enumerate(lines):
        line = _BOLD.sub(r"\1\2", _BULLET.sub("", normalise(plain.translate(_FULL_WIDTH))))
        matches = list(_PAIR.finditer(line))
        if not matches:
            yield _Pair("", number, "", plain)
            continue
        head = line[: matches[0].start()].strip(_AROUND)
        ends = [match.start() for match in matches[1:]] + [len(line)]
        for match, end in zip(matches, ends, strict=True):
            value = line[match.end() : end].strip(_AROUND)
            name = _NAMES[match[1]] if match[1] else match[2].strip()
            if value:
                yield _Pair(head, number, name, value)


class FieldCounts(NamedTuple):
    """Of one answer: fields by kind."""

    expected: Counter[Kind]
    given: Counter[Kind]
    right: Counter[Kind]


def compare_fields(answer: DocumentAnswer, reference: DocumentAnswer) -> FieldCounts:
    """Which fields of the reference the answer states, each at most once, in any order.

    A field is right when name, owner and value are the same. A reference that has labels asks for
    these: lines without one are then left out of the answer. Where the reference has none, its
    lines are compared as they stand.
    """
    expected, given = reference.fields, answer.fields
    if not any(field.name for field in expected):
        given = tuple(Field("", line) for line in answer.lines)
    elif all(field.name for field in expected):
        given = tuple(field for field in given if field.name)
    right = Counter(expected) & Counter(given)
    return FieldCounts(
        Counter(field.kind for field in expected),
        Counter(field.kind for field in given),
        Counter(field.kind for field in right.elements()),
    )
