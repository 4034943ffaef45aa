"""How close is an answer to its reference? Pure functions of two texts, fit for Korean and Chinese.

Every score lies between 0 and 1, 1 is best. Texts are compared after NFC and with runs of white
space made one blank, so decomposed Hangul equals composed Hangul. Nothing is lower-cased, no
character is dropped: an answer with another person's name never scores as the same answer
(word tokenisers made for English drop every Hangul syllable).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from rapidfuzz.distance import LCSseq

if TYPE_CHECKING:
    from sacrebleu.metrics import CHRF

# Hangul syllables, Jamo, compatibility Jamo, Jamo extended A and B, half-width forms (Unicode 16).
_HANGUL_BLOCKS = (
    (0xAC00, 0xD7A3),
    (0x1100, 0x11FF),
    (0x3130, 0x318F),
    (0xA960, 0xA97F),
    (0xD7B0, 0xD7FF),
    (0xFFA0, 0xFFDC),
)


def normalise(text: str) -> str:
    """NFC, runs of white space as one blank, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def exact_match(prediction: str, reference: str) -> float:
    """1 when both are the same text after :func:`normalise`, else 0."""
    return float(normalise(prediction) == normalise(reference))


def character_f1(prediction: str, reference: str) -> float:
    """F1 of the two multisets of characters, blanks left out.

    The bag-of-tokens F1 of SQuAD (Rajpurkar et al. 2016) with characters as tokens: Korean
    particles and Chinese words need no segmentation. Order does not count; ROUGE-L and chrF
    see it.
    """
    predicted = normalise(prediction).replace(" ", "")
    expected = normalise(reference).replace(" ", "")
    return _f1(
        (Counter(predicted) & Counter(expected)).total(),
        len(predicted),
        len(expected),
    )


def chrf(prediction: str, reference: str) -> float:
    """chrF2: character 1- to 6-grams, recall counted twice (Popović 2015), as sacrebleu does it.

    Sentence level, blanks left out, divided by 100.
    """
    score: float = _chrf().sentence_score(normalise(prediction), [normalise(reference)]).score
    return score / 100.0


def rouge_l(prediction: str, reference: str) -> float:
    """F1 of the longest common subsequence (Lin 2004) of characters, blanks included."""
    predicted = normalise(prediction)
    expected = normalise(reference)
    return _f1(LCSseq.similarity(predicted, expected), len(predicted), len(expected))


def korean_share(text: str) -> float:
    """Hangul letters over all letters; 0 for a text without letters."""
    letters = [character for character in normalise(text) if character.isalpha()]
    if not letters:
        return 0.0
    return sum(map(_is_hangul, letters)) / len(letters)


def _f1(common: int, predicted: int, expected: int) -> float:
    """2 x common / (predicted + expected): the harmonic mean of precision and recall."""
    total = predicted + expected
    return 2.0 * common / total if total else 1.0


def _is_hangul(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _HANGUL_BLOCKS)


@lru_cache(maxsize=1)
def _chrf() -> CHRF:
    from sacrebleu.metrics import CHRF

    return CHRF()
