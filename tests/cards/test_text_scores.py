"""Scores of single answers: they see every Hangul syllable and every Chinese character."""

from __future__ import annotations

import random
import unicodedata

import pytest

from cards.text_scores import character_f1, chrf, exact_match, korean_share, normalise, rouge_l

SIMILARITIES = (exact_match, character_f1, chrf, rouge_l)
NAMES = [
    ("환자 김민수 씨는 고혈압 약을 복용합니다.", "환자 박서준 씨는 고혈압 약을 복용합니다."),
    ("담당의는 이영희입니다", "담당의는 최지우입니다"),
    ("患者王小明需要复查血糖。", "患者李建国需要复查血糖。"),
    ("处方：阿莫西林胶囊", "处方：头孢克肟胶囊"),
    ("타이레놀 500mg을 드십시오", "아스피린 500mg을 드십시오"),
]


@pytest.mark.parametrize("score", SIMILARITIES)
@pytest.mark.parametrize(("reference", "answer"), NAMES)
def test_another_name_alone_lowers_every_score(score, reference, answer):
    assert score(reference, reference) == pytest.approx(1.0)
    assert score(answer, reference) < 0.99


@pytest.mark.parametrize("score", (exact_match, chrf, rouge_l))
def test_swapped_syllables_of_a_name_are_seen_by_scores_that_know_order(score):
    assert score("환자 민정수 님", "환자 정민수 님") < 1.0


@pytest.mark.parametrize("score", SIMILARITIES)
def test_decomposed_hangul_and_white_space_do_not_count(score):
    reference = "증상이 심하면 병원에 가십시오."
    answer = unicodedata.normalize("NFD", reference).replace(" ", "\n  ")
    assert answer != reference
    assert score(answer, reference) == pytest.approx(1.0)


@pytest.mark.parametrize("score", SIMILARITIES)
def test_an_empty_answer_scores_nothing(score):
    assert score("", "답이 있습니다") == 0.0
    assert score(" \n", "답이 있습니다") == 0.0


@pytest.mark.parametrize("score", SIMILARITIES)
def test_scores_stay_between_0_and_1(score):
    draw = random.Random(3)
    for _ in range(200):
        one, other = ("".join(draw.choices("가나다 ab1", k=draw.randrange(12))) for _ in range(2))
        assert 0.0 <= score(one, other) <= 1.0


def test_character_f1_by_hand():
    # 가나다라 and 가다마: two characters in common, 2 * 2 / (4 + 3).
    assert character_f1("가나 다라", "가다마") == pytest.approx(4 / 7)
    # A character counts as often as it stands in both.
    assert character_f1("가가가", "가나") == pytest.approx(2 / 5)


def test_rouge_l_equals_the_textbook_recurrence():
    draw = random.Random(5)
    for _ in range(100):
        one, other = ("".join(draw.choices("가나다라 마", k=draw.randrange(1, 30))) for _ in "ab")
        a, b = normalise(one), normalise(other)
        longest = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
        for i, left in enumerate(a):
            for j, right in enumerate(b):
                longest[i + 1][j + 1] = (
                    longest[i][j] + 1
                    if left == right
                    else max(longest[i][j + 1], longest[i + 1][j])
                )
        total = len(a) + len(b)
        expected = 2 * longest[-1][-1] / total if total else 1.0
        assert rouge_l(one, other) == pytest.approx(expected)


def test_chrf_is_that_of_sacrebleu():
    from sacrebleu import sentence_chrf

    answer, reference = "발열과 기침이 있습니다", "발열과 두통이 있습니다"
    assert chrf(answer, reference) == pytest.approx(sentence_chrf(answer, [reference]).score / 100)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("감기입니다", 1.0),
        ("감기 (cold)", 2 / 6),
        ("感冒 감기", 0.5),
        ("36.5 %", 0.0),
        ("", 0.0),
        (unicodedata.normalize("NFD", "감기"), 1.0),
        ("ㅋㅋ", 1.0),
    ],
)
def test_korean_share(text, share):
    assert korean_share(text) == pytest.approx(share)
