"""Cleaning a column does to every text what cleaning it alone does."""

from __future__ import annotations

import random
import sys
import unicodedata

import pyarrow as pa
import pytest

from loaders.clean_text import clean_column, clean_text, comparable


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\u3000눈이 \t아파요\u00a0\n", "눈이 \t아파요"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("눈\0이\x07 \u200b아\ufeff파\u00ad요", "눈이 아파요"),
        (unicodedata.normalize("NFD", "눈이 아파요 é"), "눈이 아파요 é"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("\u200b \ufeff", ""),
    ],
)
def test_invisible_and_decomposed_characters_go(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned
    assert clean_text(cleaned) == cleaned


def test_a_column_is_cleaned_like_its_texts() -> None:
    chance = random.Random(2)
    odd = "\0\t\n\r\x0b\x7f\x85\u00ad\u0301\u1100\u1161\u11a8"
    odd += "\u200b\u200e\u2028\u202e\u2060\u3000\ufeff"
    texts = ["".join(chance.choices("가나 a." + odd, k=chance.randrange(12))) for _ in range(3000)]
    texts += ["", "평범한 문장입니다."] * 100
    column, changed = clean_column(pa.array(texts).slice(7))
    assert column.to_pylist() == [clean_text(text) for text in texts[7:]]
    invisible = [
        any(c in text for c in "\0\x0b\x7f\u00ad\u200b\u2060\ufeff\u200e\u202e") for text in texts
    ]
    assert changed.tolist() == invisible[7:]


def test_no_character_that_has_to_be_changed_is_overlooked() -> None:
    """Every single character there is, but for combining ones of scripts not found in this data."""
    every = [chr(code) for code in range(sys.maxunicode) if not 0xD800 <= code < 0xE000]
    column, _ = clean_column(pa.array([f"가{character}나" for character in every]))
    missed = [
        hex(ord(character))
        for character, cleaned in zip(every, column.to_pylist(), strict=True)
        if cleaned != clean_text(f"가{character}나") and unicodedata.category(character) == "Cc"
    ]
    assert missed == []
    hangul = [f"{chr(a)}{chr(b)}" for a in range(0x1100, 0x1113) for b in range(0x1161, 0x1176)]
    column, _ = clean_column(pa.array(hangul))
    assert column.to_pylist() == [unicodedata.normalize("NFC", text) for text in hangul]


def test_blanks_punctuation_case_and_width_do_not_count() -> None:
    assert (
        comparable(" 눈이  아파요?! ＡＢ-c_1") == comparable("눈이아파요abc1") == "눈이아파요abc1"
    )
    assert comparable("눈이 아파요") != comparable("눈이 나빠요")
