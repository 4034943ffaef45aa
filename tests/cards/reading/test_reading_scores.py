"""Error rates and ANLS: their definitions, and that one changed character is seen."""

from __future__ import annotations

import unicodedata

import pytest

from cards.reading_scores import anls, character_edits, word_edits, words


@pytest.mark.parametrize(
    ("answer", "reference", "edits", "length"),
    [
        ("kitten", "sitting", 3, 7),
        ("환자 성명: 김철수", "환자 성명: 김철수", 0, 10),
        ("환자 성명: 김철호", "환자 성명: 김철수", 1, 10),
        ("病人姓名: 王芳", "病人姓名: 王方", 1, 8),
        ("", "7일", 2, 2),
        ("7일 7일 7일", "7일", 6, 2),
        ("a  b\n", "a b", 0, 3),
        ("ab", "a b", 1, 3),
    ],
)
def test_characters_to_change_and_characters_there_are(answer, reference, edits, length):
    assert character_edits(answer, reference) == (edits, length)


def test_an_error_rate_can_exceed_one():
    edits = character_edits("모든 약을 하루 세 번 드세요", "7일")
    assert edits.edits / edits.length > 1


def test_decomposed_hangul_is_no_error():
    text = "총 투약일수: 7일"
    assert character_edits(unicodedata.normalize("NFD", text), text).edits == 0


def test_words_stand_between_white_space_and_each_han_character_is_one():
    assert words("총 투약일수: 7일") == ["총", "투약일수:", "7일"]
    assert words("总疗程: 7天") == ["总", "疗", "程", ":", "7", "天"]
    assert words("처방药物 \U00020000x") == ["처방", "药", "物", "\U00020000", "x"]
    assert word_edits("총 투약일수: 17일", "총 투약일수: 7일") == (1, 3)
    assert word_edits("总疗程: 17天", "总疗程: 7天") == (1, 6)


def test_anls_is_one_minus_the_distance_and_nothing_from_one_half_on():
    assert anls("김철수", "김철수") == 1
    assert anls("김철호", "김철수") == pytest.approx(2 / 3)
    assert anls("abcx", "abcd") == 0.75
    assert anls("abxx", "abcd") == 0, "a distance of exactly 0.5"
    assert anls("", "7일") == 0
    assert anls("", "") == 1
    assert anls("NORMAL a", "Normal A") == 1


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        (
            "환자 성명: 선호환, 주민등록번호: 159106-3******",
            "환자 성명: 선호훈, 주민등록번호: 159106-3******",
        ),
        ("病人姓名: 刘洋\n身份证号: 900312-5123746", "病人姓名: 刘阳\n身份证号: 900312-5123746"),
        ("Patient: 우철", "Patient: 우현"),
    ],
)
def test_another_name_alone_lowers_every_text_score(reference, answer):
    assert character_edits(answer, reference).edits > character_edits(reference, reference).edits
    assert word_edits(answer, reference).edits > word_edits(reference, reference).edits
    assert anls(answer, reference) < anls(reference, reference)
