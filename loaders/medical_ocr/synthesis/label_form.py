"""A medicine label as a label printer sets it: one built-in letter, every character in its column.

Twelve columns of 3.5 mm and six lines; figures and Latin letters take half a column. At the
printer's 203 dots an inch a column is 28 dots wide.
"""

from __future__ import annotations

from numpy.random import Generator

from loaders.medical_ocr.synthesis.label import MedicineLabel
from loaders.medical_ocr.synthesis.page import Page

DPI = 203
PITCH = 3.5
"""Millimetres, across and down."""
COLUMNS, LINES = 12, 6
WIDTH, HEIGHT = COLUMNS * PITCH, LINES * PITCH
_DRUG_LINES = 2


def draw_label(page: Page, rng: Generator, document: MedicineLabel) -> None:
    """From top to bottom: kind and pharmacy, patient and day, the drug, how to take it."""
    line = document.line
    day = f"{document.day:%y.%m.%d}"
    form = _Form(page)
    form.label(0, 0, document.heading)
    form.value(0, form.right(document.pharmacy), "pharmacy.name", document.pharmacy)
    name, honorific = document.patient.name, "님"
    # Half a column stays free before the day; longer names are set closer.
    room = form.right(day) - columns(honorific) - 0.5
    closeness = min(1.0, room / columns(name))
    form.value(1, 0, "patient.name", name, closeness=closeness)
    form.label(1, columns(name) * closeness, honorific)
    form.value(1, form.right(day), "dispensing.date", day)
    page.pitched_value(
        "drug.name",
        [(text, 0.0, (2 + row) * PITCH) for row, text in enumerate(_wrapped(line.drug.name))],
        PITCH,
        0,
        line.drug.name,
    )
    gap = float(rng.choice((0.5, 1.0)))
    at = 0.0
    for before, field, text in (
        ("1회", "drug.dose", line.amount),
        ("1일", "drug.frequency", f"{line.times}회"),
    ):
        form.label(4, at, before)
        at += columns(before) + 0.5
        form.value(4, at, field, text, 0)
        at += columns(text) + gap
    days = f"{line.days}일"
    form.value(5, 0, "drug.days", days, 0)
    form.label(5, columns(days), "분")
    form.value(5, columns(days) + 1.5, "drug.directions", line.directions, 0)


def columns(text: str) -> float:
    """How many columns a text takes."""
    return sum(Page.columns_of(character) for character in text)


class _Form:
    """Places in lines and columns."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def right(self, text: str) -> float:
        """The column in which a text begins that ends with the line."""
        return COLUMNS - columns(text)

    def label(self, line: int, column: float, text: str) -> None:
        self.page.pitched_label(text, column * PITCH, line * PITCH, PITCH)

    def value(
        self,
        line: int,
        column: float,
        name: str,
        text: str,
        group: int = -1,
        closeness: float = 1.0,
    ) -> None:
        """`closeness` is the width of its columns, of the common one."""
        place = (text, column * PITCH, line * PITCH)
        self.page.pitched_value(name, [place], PITCH * closeness, group, text)


def _wrapped(text: str) -> list[str]:
    """The lines of a name: broken at a blank where that is enough, else where the line is full."""
    if columns(text) <= COLUMNS:
        return [text]
    head, _, tail = text.rpartition(" ")
    if head and columns(head) <= COLUMNS:
        return [head, tail]
    cut = next(n for n in range(len(text), 0, -1) if columns(text[:n]) <= COLUMNS)
    lines = [text[:cut], text[cut:].lstrip()]
    if columns(lines[-1]) > COLUMNS:
        raise ValueError(f"{text!r} needs more than {_DRUG_LINES} lines")
    return lines
