"""Which class does a wordy answer name? Korean and English, and never a guess.

An answer names a class by its number ("3", "정답은 3번", "Class 3.") or by a phrase ("마약 거래
장소로 보입니다"). What is denied ("3번이 아닙니다", "not a chat history"), left open ("2번일 수도
있습니다", "might be 2") or asked does not count. Numbers say more than phrases, and a stated answer
("정답은", "입니다") more than a number alone or in a list. At the strongest level there must be
exactly one class: an echo of the options, two classes, a number that is none of them or that
contradicts the phrase beside it cannot be read, and count as wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cards.answer_classes import AnswerClass

_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

# A number that is not part of a longer one, of a range, a time or a date.
_NUMBER = re.compile(
    rf"(?<![\d.,~:/-])(?<!\w)(?:\d+|(?:{'|'.join(_WORDS)})\b)(?!\d|\s*[~/]\s*\d|[.,:-]\d|\s*부터)"
    rf"|(?<=[가-힣])\d+(?!\d|[.,:~/-]\d)"
)
_CLAUSE_END = re.compile(
    r"(?<!\d)[.,](?!\d)|(?<=\d)\.(?=\s|$)|(?<=\d),(?=\s+\D)|[!?;。，、\n]"
    r"|(?<=니다)(?=\s)|(?<=[에예어아해]요)(?=\s)|(?<=이다)(?=\s)"
    r"|(?<=[이있]고)(?=\s)|(?<=이며)(?=\s)|(?<=지만)(?=\s)|(?<=아니라)(?=\s)|(?<=으나)(?=\s)"
    r"|\bbut\b|\bhowever\b"
)
_STATES_ANSWER = re.compile(
    r"(?:(?:정답|답변|답|번호|분류|클래스|라벨|레이블|카테고리|유형|선택지?|결과|항목)"
    r"(?:\s*번호)?\s*(?:은|는|이|가|을|를|로)?"
    r"|\b(?:answer|class|category|option|label|number|choice|type|classification|prediction)"
    r"(?:\s+(?:is|would\s+be|should\s+be|number|no|class|category|option|label|as))*"
    r"|\b(?:classif\w+|labell?ed|categori[sz]ed)(?:\s+(?!not\b)\w+){0,4}?\s+as"
    r"|\b(?:choose|select|pick|boxed)"
    r"|\b(?:it|this|that)(?:\s+is|'s))"
    r"[\s:=()\[\]-]*$"
)
_ENDS_ANSWER = re.compile(
    r"\s*번?(?:\s*$|\s*[)\]:(]|\s*(?:입니다|이다|이에요|예요|에요|이므로|이라|라고)"
    r"|(?:이|가|은|는|을|를|에|로|으로)(?:\s|$)|\s+(?:because|since|as|which|and|for)\b)"
)
_COPULA = re.compile(
    r"\s*번?\s*(?:입니다|이다|이에요|예요|에요|임\s*$|이라고|라고|이고|이며|이므로|인\s*것"
    r"|에\s*(?:해당|속)|(?:이|가)\s*(?:정답|답|맞|가장|적절)|(?:을|를)\s*(?:선택|고르)"
    r"|(?:으로|로)\s*(?:분류|판단|보[이입]|추정|생각|예상|여겨))"
)
_ALONE_BEFORE = re.compile(r"[\s(\[<]*$")
_ALONE_AFTER = re.compile(r"\s*번?\s*[)\]>.:]*\s*$")
_LISTED_AFTER = re.compile(r"\s*번?\s*[:)\]–-]")
# Between a number and the phrase that says it again.
_BESIDE = re.compile(r"\s*번?\s*[.:)\](–,-]*\s*")

_DENIED_AFTER = re.compile(
    r"아니|아닙|아닌|아님|않|없|못|어렵|힘들"
    r"|^\s*(?:is|are|was|were|does|do|can|could)?\s*(?:not\b|cannot\b|\w*n't\b)"
)
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:not|no|never|neither|nor|without|cannot|unlike)\b|n't\b|\brather\s+than\b"
    r"|\binstead\s+of\b|\bother\s+than\b)(?:\s+[\w-]+){0,4}\s*$"
)
_LEFT_OPEN = re.compile(
    r"모르|모릅|알\s*수\s*없|수도\s*있|가능성[이도]\s*있|판단\s*(?:불가|이\s*불가)|확실하지|분명하지|의심"
    r"|\b(?:might|may\s+be|could\s+be|possibly|maybe|perhaps|whether|unclear|unsure|uncertain"
    r"|unable|not\s+sure|hard\s+to\s+(?:say|tell)|don't\s+know|if)\b"
    r"|\d\s*번?\s*(?:또는|혹은|아니면|이?나|or)\s*(?:\w+\s+)?\d"
)


# Characters around a mention that can change what it says.
_NEAR = 100


class _Level(IntEnum):
    """How plainly a class is named."""

    PHRASE = 0
    LISTED = 1
    ALONE = 2
    STATED = 3


@dataclass(frozen=True)
class _Mention:
    """A class named at `text[start:end]`; None is a number that is no class."""

    number: int | None
    level: _Level
    start: int
    end: int


class AnswerParser:
    """Reads answers over one set of classes: `parser(text)` is a class's number, or None."""

    def __init__(self, classes: Sequence[AnswerClass]) -> None:
        self._answers = {
            int(one.answer): number for number, one in enumerate(classes) if one.answer.isdecimal()
        }
        self._exact = {_normalised(one.answer): number for number, one in enumerate(classes)}
        self._phrases = [
            (number, _phrase_pattern(phrase))
            for number, one in enumerate(classes)
            for phrase in {one.name, one.korean, *one.phrases}
        ]

    def __call__(self, text: str | None) -> int | None:
        text = _normalised(text or "")
        if text in self._exact:
            return self._exact[text]
        mentions = list(self._mentions(text))
        for level in sorted(_Level, reverse=True):
            named = {mention.number for mention in mentions if mention.level is level}
            if named:
                return named.pop() if len(named) == 1 else None
        return None

    def _mentions(self, text: str) -> Iterator[_Mention]:
        """What the answer says: neither denied nor left open nor asked."""
        phrases = self._phrases_of(text)
        for start, end, is_asked in _clauses(text):
            if is_asked or _LEFT_OPEN.search(text, start, end):
                continue
            found = [phrases[place] for place in range(start, end) if place in phrases]
            found += self._numbers_of(text, start, end, phrases)
            for mention in found:
                before, after = _around(text, start, mention.start, mention.end, end)
                if not (_DENIED_BEFORE.search(before) or _DENIED_AFTER.search(after)):
                    yield mention

    def _numbers_of(
        self, text: str, start: int, end: int, phrases: Mapping[int, _Mention]
    ) -> Iterator[_Mention]:
        for match in _NUMBER.finditer(text, start, end):
            before, after = _around(text, start, match.start(), match.end(), end)
            said = _WORDS.index(match[0]) if match[0] in _WORDS else int(match[0])
            number = self._answers.get(said)
            beside = _BESIDE.match(text, match.end())
            phrase = phrases.get(beside.end()) if beside else None
            if (_STATES_ANSWER.search(before) and _ENDS_ANSWER.match(after)) or (
                _COPULA.match(after) and match[0].isdecimal()
            ):
                level = _Level.STATED
            elif _ALONE_BEFORE.fullmatch(before) and _ALONE_AFTER.fullmatch(after):
                level = _Level.ALONE
            elif phrase or (_ALONE_BEFORE.fullmatch(before) and _LISTED_AFTER.match(after)):
                level = _Level.LISTED
            else:
                continue
            if phrase and phrase.number != number:
                number = None
            yield _Mention(number, level, match.start(), match.end())

    def _phrases_of(self, text: str) -> dict[int, _Mention]:
        """By their beginning. The longest first: what lies within a longer one is part of it."""
        found = [
            _Mention(number, _Level.PHRASE, match.start(), match.end())
            for number, pattern in self._phrases
            for match in pattern.finditer(text)
        ]
        kept: dict[int, _Mention] = {}
        taken: set[int] = set()
        for mention in sorted(found, key=lambda one: (one.start - one.end, one.start)):
            if not (mention.start in taken or mention.end - 1 in taken):
                kept[mention.start] = mention
                taken.update(range(mention.start, mention.end))
        return kept


def _normalised(text: str) -> str:
    """NFKC (full-width and circled digits), lower case, no quotes and no Markdown."""
    text = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    text = re.sub(r"[*_`#\"“”‘「」『』{}\\$]|(?<![a-z])'|'(?![a-z])", " ", text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line).strip(" .")


def _around(text: str, start: int, begin: int, end: int, stop: int) -> tuple[str, str]:
    """What stands before and after `text[begin:end]` within the clause `text[start:stop]`."""
    return text[max(start, begin - _NEAR) : begin], text[end : min(stop, end + _NEAR)]


def _clauses(text: str) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each clause, and whether it is asked."""
    start = 0
    for match in _CLAUSE_END.finditer(text):
        is_asked = match[0] == "?" or text.endswith("니까", 0, match.start())
        yield start, match.start(), is_asked
        start = match.end()
    yield start, len(text), text.endswith("니까")


def _phrase_pattern(phrase: str) -> re.Pattern[str]:
    """Hangul words may be written together; a Latin word may have a plural s."""
    words = [re.escape(word) for word in _normalised(phrase).split()]
    if re.search(r"[가-힣]", phrase):
        return re.compile(r"(?<![가-힣a-z0-9])" + r"\s*".join(words))
    return re.compile(r"(?<![a-z0-9])" + r"\s+".join(words) + r"s?(?![a-z0-9])")
