"""Labels hold what their talks say, each character in its column."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import orjson
import pytest
from PIL import Image

from cards.document_answers import read_answer
from cards.document_labels import LANGUAGES, Language
from cards.errors import BogamError
from loaders.medical_ocr.synthesis.drugs import INTO_EYES
from loaders.medical_ocr.synthesis.label import MedicineLabel, write_label
from loaders.medical_ocr.synthesis.label_form import COLUMNS, LINES, draw_label
from loaders.medical_ocr.synthesis.page import BLACK, Page, Style
from loaders.medical_ocr.synthesis.people import make_person
from loaders.medical_ocr.synthesis.writer import DOCUMENTS_FILE, make_document, write_documents

DOTS = 28


def drawn(seed: int) -> tuple[MedicineLabel, Page]:
    rng = np.random.default_rng(seed)
    family = "nanum-gothic"
    style = Style(family, family, False, 0.2, BLACK, (0.0, 0.0))
    page = Page(COLUMNS * 3.5, LINES * 3.5, 203, style)
    label = write_label(rng, make_person(rng, "p"))
    draw_label(page, rng, label)
    return label, page


def test_every_value_is_on_the_label_and_none_covers_another() -> None:
    for seed in range(300):
        label, page = drawn(seed)
        values = {field.name: field.value for field in page.fields}
        assert values == {
            "pharmacy.name": label.pharmacy,
            "patient.name": label.patient.name,
            "dispensing.date": f"{label.day:%y.%m.%d}",
            "drug.name": label.line.drug.name,
            "drug.dose": label.line.amount,
            "drug.frequency": f"{label.line.times}회",
            "drug.days": f"{label.line.days}일",
            "drug.directions": label.line.directions,
        }
        covered = np.zeros(page.pixels.shape[:2], int)
        for field in page.fields:
            left, top, right, bottom = field.box
            covered[top:bottom, left:right] += 1
            ink = page.pixels[top:bottom, left:right].min(axis=2) < 255
            assert ink.any(axis=0)[[0, -1]].all(), (seed, field)
            assert ink.any(axis=1)[[0, -1]].all(), (seed, field)
        assert covered.max() == 1, seed


def test_characters_stand_in_columns_of_28_dots() -> None:
    label, page = drawn(1)
    assert page.pixels.shape == (LINES * DOTS, COLUMNS * DOTS, 3)
    (name,) = (field for field in page.fields if field.name == "patient.name")
    ink = page.pixels[DOTS : 2 * DOTS].min(axis=(0, 2)) < 200
    for column in range(len(label.patient.name)):
        assert ink[column * DOTS : (column + 1) * DOTS].any()
        assert not ink[column * DOTS]
    assert name.box[2] <= len(label.patient.name) * DOTS


@pytest.mark.parametrize("name", ["NGUYEN VAN NAM", "WANG XIAOMING"])
def test_latin_names_keep_to_their_columns_and_off_the_day(name: str) -> None:
    rng = np.random.default_rng(1)
    label, page = drawn(1)
    page.pixels[:] = 255
    page.fields.clear()
    draw_label(page, rng, replace(label, patient=replace(label.patient, name=name)))
    boxes = {field.name: field.box for field in page.fields}
    left, top, right, bottom = boxes["patient.name"]
    ink = page.pixels[top:bottom, left:right].min(axis=(0, 2)) < 255
    letters = np.count_nonzero(ink[1:] & ~ink[:-1]) + 1
    assert letters == len(name.replace(" ", "")), "letters touch"
    day = boxes["dispensing.date"][0]
    assert (page.pixels[DOTS : 2 * DOTS, day - DOTS // 4 : day] == 255).all()


def test_what_fits_is_printed_as_wide_as_ever() -> None:
    _, page = drawn(1)
    page.pixels[:] = 255
    width = {}
    for letter in "I04M":
        left, _, right, _ = page.pitched_label(letter, 7.0, 7.0, 3.5)
        width[letter] = right - left
    assert width["M"] == DOTS // 2 - 2
    assert (width["0"], width["4"]) == (13, 14)
    assert width["I"] < 5


def number_of(text: str) -> str:
    match = re.match(r"[\d.]+", text)
    assert match is not None, text
    return match[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_state_what_was_printed(language: Language) -> None:
    stated = set()
    for number in range(40):
        document = make_document(11, number, [language], "label")
        assert document.type == "label"
        printed = {field.name: field.value for field in document.picture.fields}
        for _, answer in document.turns:
            for field in read_answer(answer).fields:
                assert field.name in printed, answer
                stated.add(field.name)
                if field.name in ("patient.name", "drug.name", "pharmacy.name", "dispensing.date"):
                    assert field.value == printed[field.name]
                elif field.name != "drug.directions":
                    assert number_of(field.value) == number_of(printed[field.name])
    assert len(stated) == 8


def test_what_is_not_swallowed_is_headed_so() -> None:
    headings: dict[str, set[str]] = {}
    for seed in range(400):
        label, _ = drawn(seed)
        headings.setdefault(label.heading, set()).add(label.line.directions)
    assert INTO_EYES in headings["외용약"]
    assert "식후 30분" in headings["내복약"]
    assert not headings["내복약"] & headings["외용약"]


def test_labels_are_small_and_grey(tmp_path: Path) -> None:
    assert write_documents(tmp_path / "out", 6, 4, workers=1, form="label") == 6
    for line in (tmp_path / "out" / DOCUMENTS_FILE).open("rb"):
        record = orjson.loads(line)
        assert record["document_type"] == "label"
        data = (tmp_path / "out" / record["image"]).read_bytes()
        with Image.open(BytesIO(data)) as image:
            assert image.size == (COLUMNS * DOTS, LINES * DOTS)
    with pytest.raises(BogamError, match="another form"):
        write_documents(tmp_path / "out", 6, 4, workers=1)
