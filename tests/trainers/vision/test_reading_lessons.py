"""Sheets say what is on them, and a twin that was taught with them tells letters apart."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from random import Random

import numpy as np
import pytest

from trainers.reading_lessons import ReadingCourse
from trainers.reading_sheets import SheetMaker, width
from trainers.reading_twin import make_reading_twin

WORDS = ["서울", "부산", "대구", "감자", "500mg", "식후", "30분", "아주아주아주아주아주아주긴말"]
TOKEN = 28


def test_a_sheet_lists_the_words_and_letters_that_are_on_it() -> None:
    maker = SheetMaker.of(WORDS)
    assert WORDS[-1] not in maker.words, "too long for a sheet"
    for seed in range(60):
        sheet = maker.make(Random(seed), 12, 6)
        assert sheet.image.size == (12 * TOKEN, 6 * TOKEN)
        assert len(sheet.lines) == 6
        for words, letters in zip(sheet.lines, sheet.letters, strict=True):
            assert "".join(letters.reshape(-1)) == "".join(words)
            assert sum(map(width, words)) <= 12


def test_letters_have_ink_in_their_place_and_other_places_have_none() -> None:
    maker = SheetMaker.of(WORDS)
    for seed in range(20):
        sheet = maker.make(Random(seed), 6, 2)
        grey = np.asarray(sheet.image.convert("L"), int)
        for line in range(2):
            for column in range(6):
                token = grey[line * TOKEN : (line + 1) * TOKEN, column * TOKEN :][:, :TOKEN]
                spread = token.max() - token.min()
                beside = sheet.letters[line, max(0, column - 1) : column + 2]
                if any(sheet.letters[line, column]):
                    assert spread > 90, (seed, line, column)
                elif not beside.any():
                    assert spread < 70, (seed, line, column)


def test_sheets_depend_on_the_seed_alone() -> None:
    maker = SheetMaker.of(WORDS)
    one, again, other = (maker.make(Random(seed), 12, 4) for seed in (1, 1, 2))
    assert one.image.tobytes() == again.image.tobytes()
    assert one.lines == again.lines
    assert one.lines != other.lines


@pytest.mark.recipe
def test_a_twin_learns_letters_and_the_same_lessons_make_the_same_twin(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    texts = ["서울 부산", "대구 감자 500mg", "식후 30분", "얼마입니까?"]
    with caplog.at_level(logging.INFO, logger="trainers.reading_lessons"):
        make_reading_twin(tmp_path / "short", texts, ReadingCourse(2, 2, 1))
        make_reading_twin(tmp_path / "again", texts, ReadingCourse(2, 2, 1))
        make_reading_twin(tmp_path / "long", texts, ReadingCourse(45, 1, 1))
    right = [float(share) for share in re.findall(r"at last ([\d.]+) % right", caplog.text)]
    assert right[2] > 3 * right[0] + 20
    short, again = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("short", "again")
    )
    assert short == again
