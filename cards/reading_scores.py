"""How far is a reading from what is printed? Error rates and ANLS of two texts.

Texts are compared as in `cards.text_scores`: after NFC, with runs of white space made one blank.
An error rate is edits over the length of the reference, added up over all examples before it is
divided. It is 0 for a perfect reading and can exceed 1, as an answer can hold more that is wrong
than there was to read.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from cards.text_scores import normalise

ANLS_THRESHOLD = 0.5

# Han characters: 3007, extension A, the unified ones, compatibility ones, extensions B and later.
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_WORD = re.compile(rf"[{_HAN}]|[^\s{_HAN}]+")


class Edits(NamedTuple):
    """The fewest insertions, deletions and substitutions, and the length of the reference."""

    edits: int
    length: int


def character_edits(answer: str, reference: str) -> Edits:
    """Of characters, blanks included (Levenshtein 1966); over many, the character error rate."""
    answer, reference = normalise(answer), normalise(reference)
    return Edits(Levenshtein.distance(answer, reference), len(reference))


def word_edits(answer: str, reference: str) -> Edits:
    """Of words as :func:`words` has them; over many, the word error rate."""
    expected = words(reference)
    return Edits(Levenshtein.distance(words(answer), expected), len(expected))


def words(text: str) -> list[str]:
    """What stands between white space; every Han character is a word of its own.

    Chinese is written without blanks, and a character each is how mixed speech and text are
    scored as well (the mixed error rate of code-switching speech recognition).
    """
    return _WORD.findall(normalise(text))


def anls(answer: str, reference: str) -> float:
    """Normalised Levenshtein similarity, 0 from a distance of 0.5 on (Biten et al. 2019, 4.1).

    The distance is divided by the longer of both lengths. Its mean over the examples is ANLS.
    Case does not count, as in the evaluation of the ST-VQA challenge; blanks do.
    """
    distance: float = Levenshtein.normalized_distance(
        normalise(answer).lower(), normalise(reference).lower()
    )
    return 1.0 - distance if distance < ANLS_THRESHOLD else 0.0
