"""On every form, whatever its options, nothing is printed over a value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from loaders.medical_ocr.synthesis.bill import write_bill
from loaders.medical_ocr.synthesis.bill_form import draw_full_bill, draw_short_bill
from loaders.medical_ocr.synthesis.checkup import write_checkup
from loaders.medical_ocr.synthesis.checkup_form import draw_checkup
from loaders.medical_ocr.synthesis.page import BLACK, FAMILIES, Cell, Page, Style
from loaders.medical_ocr.synthesis.people import Person, make_person
from loaders.medical_ocr.synthesis.prescription import write_prescription
from loaders.medical_ocr.synthesis.prescription_form import draw_prescription

FORMS = {
    "prescription": (write_prescription, draw_prescription),
    "checkup": (write_checkup, draw_checkup),
    "bill": (write_bill, draw_full_bill),
    "short-bill": (write_bill, draw_short_bill),
}


class WatchedPage(Page):
    """Remembers the box of everything that is set on it, labels too."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.texts: list[str] = []
        self.boxes: list[tuple[int, int, int, int]] = []

    def _set(self, text: str, *arguments: Any) -> tuple[int, int, int, int]:
        box = super()._set(text, *arguments)
        self.texts.append(text)
        self.boxes.append(box)
        return box


def grown_up(rng: np.random.Generator) -> Person:
    while True:
        person = make_person(rng, "p")
        if person.born.year < 2003:
            return person


def style(rng: np.random.Generator, shift: tuple[float, float] = (0.0, 0.0)) -> Style:
    families = rng.choice(FAMILIES, 2).tolist()
    return Style(families[0], families[1], bool(rng.random() < 0.3), 0.2, BLACK, shift)


@pytest.mark.parametrize("form", FORMS)
def test_no_text_is_printed_over_another(form: str) -> None:
    write, draw = FORMS[form]
    for seed in range(40):
        rng = np.random.default_rng((8, seed))
        # Print that sits far beside the form is the hardest case.
        page = WatchedPage(210.0, 297.0, 150, style(rng, (0.6, (-0.5, 0.5)[seed % 2])))
        draw(page, rng, write(rng, grown_up(rng)))
        boxes = np.array(page.boxes)
        left, top, right, bottom = boxes.T
        overlap = (
            (left[:, None] < right) & (left < right[:, None])
            & (top[:, None] < bottom) & (top < bottom[:, None])
        )  # fmt: skip
        np.fill_diagonal(overlap, False)
        pairs = [(page.texts[a], page.texts[b]) for a, b in np.argwhere(overlap) if a < b]
        assert pairs == [], (seed, pairs[:5])


@pytest.mark.parametrize("form", FORMS)
def test_the_log_says_where_each_value_stands(form: str) -> None:
    """Boxes hold ink that reaches all four edges: they fit the value, and nothing is left out."""
    write, draw = FORMS[form]
    rng = np.random.default_rng(3)
    page = WatchedPage(210.0, 297.0, 200, style(rng))
    draw(page, rng, write(rng, grown_up(rng)))
    assert page.fields
    for field in page.fields:
        left, top, right, bottom = field.box
        ink = page.pixels[top:bottom, left:right].min(axis=2) < 200
        assert ink[:, :2].any() and ink[:, -2:].any(), field
        assert ink[:2].any() and ink[-2:].any(), field


def test_boxes_of_codes_hold_a_character_each() -> None:
    page = Page(100.0, 60.0, 150, style(np.random.default_rng(0)))
    cells = [Cell(10 + 8 * n, 20, 8, 8) for n in range(5)]
    page.boxed_value("diagnosis.code", "J209", cells, 0)
    (field,) = page.fields
    assert field.value == "J209"
    left, _, right, _ = field.box
    assert page.px(10) < left < page.px(18)
    assert page.px(34) < right < page.px(42)
    with pytest.raises(ValueError, match="does not fit into 5 cells"):
        page.boxed_value("diagnosis.code", "J20.99", cells, 0)


def test_text_shrinks_to_its_cell_and_what_is_too_long_is_an_error() -> None:
    page = Page(100.0, 60.0, 150, style(np.random.default_rng(0)))
    page.value("a", "텔미사르탄정 40mg", Cell(10, 10, 20, 8), 12)
    (field,) = page.fields
    assert page.px(10) <= field.box[0] < field.box[2] <= page.px(30)
    with pytest.raises(ValueError, match="does not fit into 8 mm"):
        page.value("b", "텔미사르탄정 40mg", Cell(10, 10, 8, 8), 12)
    with pytest.raises(ValueError, match="leaves the page"):
        page.value("c", "텔미사르탄정", Cell(90, 10, 30, 8), 12)


def test_decomposed_hangul_is_drawn_composed() -> None:
    page = Page(100.0, 60.0, 150, style(np.random.default_rng(0)))
    page.value("a", "\u1112\u1161\u11ab", Cell(10, 10, 20, 8))
    assert page.fields[0].value == "한"


def test_a_missing_font_is_an_error() -> None:
    lost = Style("no-such-family", "nanum-gothic", False, 0.2, BLACK, (0.0, 0.0))
    with pytest.raises(KeyError, match="no-such-family"):
        Page(100.0, 60.0, 150, lost).label("처방전", Cell(10, 10, 40, 8))
