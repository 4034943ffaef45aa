"""Korean personal data in text: presidio-analyzer's recognisers, one by one, without a model.

Presidio finds and checks the numbers; this file decides which finds count. Its weak patterns ask
for context that a language model would weigh, so here a bare number needs the word for it close
by, or in the name of its column. Bank accounts are left out: the library knows none of Korea's,
and their shapes differ by bank.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from hub.gates.pii_forms import PREFILTER, Name, candidates, plain
from hub.gates.pii_recognisers import recognise
from hub.gates.text_scan import Certainty, Detector, Match

PLACEHOLDERS = {
    "resident registration number": "[주민등록번호]",
    "foreigner registration number": "[외국인등록번호]",
    "passport number": "[여권번호]",
    "driving licence number": "[운전면허번호]",
    "credit card number": "[카드번호]",
    "phone number": "[전화번호]",
    "business registration number": "[사업자등록번호]",
    "e-mail address": "[전자우편]",
}
"""What is looked for, with what stands in its place after redaction."""

_CONTEXT_BEFORE = 30
_CONTEXT_AFTER = 15


@dataclass(frozen=True)
class _Find:
    """One find of one recogniser, with what a rule needs to weigh it."""

    text: str
    checked: bool
    around: str
    """The name of the column and the text close by."""

    @property
    def digits(self) -> str:
        return re.sub(r"\D", "", self.text)

    @property
    def bare(self) -> bool:
        """Nothing but digits, so any long number may look like it."""
        return self.text.isdigit()

    def near(self, words: str) -> bool:
        return re.search(words, self.around, re.IGNORECASE) is not None


_Rule = Callable[[_Find], Certainty | None]


def personal_data(text: str, column: str = "") -> list[Match]:
    """Personal data in `text`, in order, without overlaps. `column` may name what it holds."""
    text = plain(text)

    def weigh(rule: _Rule, start: int, end: int, checked: bool) -> Certainty | None:
        around = text[max(0, start - _CONTEXT_BEFORE) : end + _CONTEXT_AFTER]
        return rule(_Find(text[start:end], checked, f"{column} {around}"))

    kept: list[Match] = []
    for kind, name, rule in _KINDS:
        # The rule first, as if checked: what it drops in any case is not worth a library.
        found = [one for one in candidates(name, text) if weigh(rule, *one.span(), checked=True)]
        for start, end, checked in recognise(name, found) if found else ():
            certainty = weigh(rule, start, end, checked)
            free = all(end <= other.start or other.end <= start for other in kept)
            if certainty is not None and free:
                kept.append(Match(start, end, kind, certainty))
    return sorted(kept, key=lambda match: match.start)


def redacted(text: str, column: str = "") -> str:
    """`text` with a placeholder in the place of each find."""
    for match in reversed(personal_data(text, column)):
        text = text[: match.start] + PLACEHOLDERS[match.kind] + text[match.end :]
    return text


def detector() -> Detector:
    return Detector(PREFILTER, personal_data)


def library() -> str:
    """Name and version of the library that recognises, for the record."""
    from importlib.metadata import version

    return f"presidio-analyzer {version('presidio-analyzer')}"


def _registration(find: _Find) -> Certainty | None:
    """Resident and foreigner numbers. Those given since October 2020 end in a random digit, so a
    wrong check digit clears none; a bare number then must at least be a plausible birth."""
    if find.bare and not find.near("주민|등록번호|외국인|身份证|rrn|resident"):
        # One code in forty of all medicines would pass for the number of somebody born in 1988.
        if _is_korean_barcode(find.digits):
            return None
        if not find.checked and not _plausible_birth(find.digits):
            return None
    return "confirmed" if find.checked else "suspected"


def _plausible_birth(digits: str) -> bool:
    century = 1900 if digits[6] in "1256" else 2000
    try:
        born = date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return False
    today = date.today()
    return today.year - 100 <= born.year and born <= today


def _is_korean_barcode(digits: str) -> bool:
    """GS1's prefix of Korea with a right EAN-13 check digit: goods, and every Korean medicine."""
    weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return digits.startswith("880") and weighted % 10 == 0


def _passport(find: _Find) -> Certainty | None:
    if find.near("여권|护照|passport"):
        return "confirmed"
    # A letter with eight digits is also how samples and specimens are numbered.
    return None if find.text[1:].isdigit() else "suspected"


def _licence(find: _Find) -> Certainty | None:
    if find.near("면허|licen[cs]e"):
        return "confirmed"
    return "suspected" if "-" in find.text else None


def _card(find: _Find) -> Certainty | None:
    # One in thirty of all numbers of sixteen digits passes, such as hashes without a letter.
    return None if find.bare and not find.near("카드|card|visa|master") else "confirmed"


def _phone(find: _Find) -> Certainty | None:
    """A person's phone; numbers that only organisations have (080, 1588) are none."""
    import phonenumbers
    from phonenumbers import PhoneNumberType as Type

    kind = phonenumbers.number_type(phonenumbers.parse(find.text, "KR"))
    if kind in (Type.MOBILE, Type.PERSONAL_NUMBER, Type.FIXED_LINE_OR_MOBILE):
        return "confirmed"
    if kind in (Type.FIXED_LINE, Type.VOIP):
        named = find.near("전화|연락처|핸드폰|휴대|팩스|电话|手机|tel|phone|fax|mobile|contact")
        return "suspected" if named or not find.bare else None
    return None


def _business(find: _Find) -> Certainty | None:
    if find.near("사업자|business"):
        return "confirmed"
    return None if find.bare else "suspected"


def _email(_: _Find) -> Certainty | None:
    return "confirmed"


# Where two overlap, the first of this list wins.
_KINDS: tuple[tuple[str, Name, _Rule], ...] = (
    ("resident registration number", "resident", _registration),
    ("foreigner registration number", "foreigner", _registration),
    ("passport number", "passport", _passport),
    ("driving licence number", "licence", _licence),
    ("driving licence number", "named licence", _licence),
    ("credit card number", "card", _card),
    ("phone number", "phone", _phone),
    ("business registration number", "business", _business),
    ("e-mail address", "email", _email),
)
