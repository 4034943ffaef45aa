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
from functools import cache
from typing import TYPE_CHECKING, Any

from hub.gates.text_scan import Certainty, Detector, Match

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

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
"""What is looked for, with what stands in its place after redaction. Where two overlap, the first
of this list wins."""

# The forms, with one plain character for each kind of digit and dash. Python's re, presidio's
# regex and Arrow's RE2 all read them; what may stand around them is added where it matters.
_BIRTH = r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_REGISTRATION = rf"{_BIRTH}(?: ?- ?| )?[1-8]\d{{6}}"
_PASSPORT = r"[MSROD](?:\d{3}[A-Z]\d{4}|\d{8})"
_LICENCE = r"\d{2}(?:-\d{2}-\d{6}-|  ?\d{2} \d{6} |\d{8})\d{2}"
_REGIONS = "서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산"
_NAMED_LICENCE = rf"(?:{_REGIONS})[- ]?\d{{2}}-\d{{6}}-\d{{2}}"
_CARD = (
    r"(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|35\d{2}|6[0245]\d{2}|9\d{3})"
    r"(?:-\d{4}-\d{4}-\d{4}| \d{4} \d{4} \d{4}|\d{12})"
    r"|3[47]\d{2}(?:-\d{6}-\d{5}| \d{6} \d{5}|\d{11})"
)
_AREA = r"(?:\+82[-. ]{0,3}\(?0?|82[- ]\(?0?|\(?0)(?:2|[3-6]\d|1[016789]|70|50\d)"
_PHONE = (
    rf"{_AREA}(?:(?:\)[-. ]{{0,2}}|[-. ]{{1,3}})\d{{3,4}}[-. ]{{1,3}}\d{{4}}"
    r"|[-. )]{0,2}\d{7,8})"
    r"|\+[1-9]\d{0,2}[-. ()]{0,3}(?:\d{1,4}[-. ()]{0,3}){2,4}\d{2,4}"
)
_BUSINESS = r"\d{3}-\d{2}-\d{5}|\d{10}"
_EMAIL = r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}"

# One character for one, so that positions stay: full-width forms, blanks, and the many dashes.
_DASHES = "‐‑‒–—―−ー"
_BLANKS = "\u00a0\u2002\u2003\u2009\u202f\u3000"
_PLAIN = str.maketrans(
    {chr(full): chr(full - 0xFEE0) for full in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(_DASHES, "-")
    | dict.fromkeys(_BLANKS, " ")
)
_ODD = rf"[０-９＠]|[{_DASHES}{_BLANKS}] ?[0-9]{{4}}"

_CONTEXT_BEFORE = 30
_CONTEXT_AFTER = 15


@dataclass(frozen=True)
class _Find:
    """One find of one recogniser, with what a rule needs to weigh it."""

    text: str
    checked: bool
    """The recogniser validated it, by check digit or otherwise."""
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


@dataclass(frozen=True)
class _Kind:
    """How one kind of personal data looks, who checks it, and which finds count."""

    name: str
    form: str
    recogniser: EntityRecognizer
    rule: Callable[[_Find], Certainty | None]

    def finds(self, text: str, column: str) -> list[Match]:
        if not re.search(self.form, text, re.ASCII):
            return []
        matches = []
        for start, end, checked in _recognised(self.recogniser, self.form, text):
            around = text[max(0, start - _CONTEXT_BEFORE) : end + _CONTEXT_AFTER]
            certainty = self.rule(_Find(text[start:end], checked, f"{column} {around}"))
            if certainty is not None:
                matches.append(Match(start, end, self.name, certainty))
        return matches


def personal_data(text: str, column: str = "") -> list[Match]:
    """Personal data in `text`, in order, without overlaps. `column` may name what it holds."""
    plain = text.translate(_PLAIN)
    kept: list[Match] = []
    for kind in _kinds():
        for match in kind.finds(plain, column):
            if all(match.end <= other.start or other.end <= match.start for other in kept):
                kept.append(match)
    return sorted(kept, key=lambda match: match.start)


def redacted(text: str, column: str = "") -> str:
    """`text` with a placeholder in the place of each find."""
    for match in reversed(personal_data(text, column)):
        text = text[: match.start] + PLACEHOLDERS[match.kind] + text[match.end :]
    return text


def detector() -> Detector:
    numbers = (_REGISTRATION, _PASSPORT, _LICENCE, _NAMED_LICENCE, _CARD, _PHONE, _BUSINESS)
    return Detector("|".join((*numbers, _EMAIL, _ODD)), personal_data)


def library() -> str:
    """Name and version of the library that recognises, for the record."""
    from importlib.metadata import version

    return f"presidio-analyzer {version('presidio-analyzer')}"


def _recognised(recogniser: EntityRecognizer, form: str, text: str) -> list[tuple[int, int, bool]]:
    """(start, end, whether validated) of what one recogniser sees."""
    entity = recogniser.supported_entities[0]
    if entity != "PHONE_NUMBER":
        # The case of letters is part of a form; presidio would ignore it.
        results = recogniser.analyze(text, [entity], regex_flags=re.ASCII)
        return [(result.start, result.end, result.score == 1.0) for result in results]
    # phonenumbers joins what stands side by side, so it is shown one candidate at a time.
    found = []
    for candidate in re.finditer(_alone(form, after_letters=True), text, re.ASCII):
        if candidate.group().isdigit() and re.search("[A-Za-z]$", text[: candidate.start()]):
            continue
        for result in recogniser.analyze(candidate.group(), [entity]):
            found.append((candidate.start() + result.start, candidate.start() + result.end, True))
    return found


def _alone(form: str, after_letters: bool = False) -> str:
    """The form, neither after nor before what would make it part of a longer number or code."""
    thousands = "".join(rf"(?<!(?<!\d)\d{{{digits}}},)" for digits in (1, 2, 3))
    before = rf"(?<!\d)(?<!\d[-.:])(?<![A-Za-z]-){thousands}"
    if not after_letters:
        before += "(?<![A-Za-z])"
    return rf"{before}(?:{form})(?![A-Za-z\d])(?![-.]\d)"


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
    return "suspected" if find.bare and not find.near("카드|card") else "confirmed"


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


@cache
def _kinds() -> tuple[_Kind, ...]:
    """In the order of `PLACEHOLDERS`. Takes seconds: presidio imports spaCy."""
    import tldextract
    from presidio_analyzer import Pattern, PatternRecognizer
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        EmailRecognizer,
        KrBrnRecognizer,
        KrDriverLicenseRecognizer,
        KrFrnRecognizer,
        KrPassportRecognizer,
        KrRrnRecognizer,
        PhoneRecognizer,
    )

    class OfflineEmailRecognizer(EmailRecognizer):
        """Asks the list of domains that tldextract ships; the class above would fetch one."""

        domains = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())

        def validate_result(self, pattern_text: str) -> bool:
            return bool(self.domains(pattern_text).fqdn)

    def pattern(*forms: str) -> list[Any]:
        return [Pattern("form", form, 0.5) for form in forms]

    def registration(digit: str) -> list[Any]:
        # A bare one may also be a piece of a hash or of a long fraction.
        rest = rf"[{digit}]\d{{6}}"
        return pattern(
            rf"(?<!\d){_BIRTH}(?: ?- ?| ){rest}(?!\d)",
            _alone(f"{_BIRTH}{rest}"),
        )

    gaps = [("-", ""), (" ", "")]
    resident = KrRrnRecognizer(registration("1-4"), replacement_pairs=gaps)
    foreigner = KrFrnRecognizer(registration("5-8"), replacement_pairs=gaps)
    passport = KrPassportRecognizer(pattern(_alone(_PASSPORT)))
    licence = KrDriverLicenseRecognizer(pattern(_alone(_LICENCE)))
    named = PatternRecognizer("KR_DRIVER_LICENSE", patterns=pattern(rf"{_NAMED_LICENCE}(?!\d)"))
    card = CreditCardRecognizer(pattern(_alone(_CARD)))
    phone = PhoneRecognizer(supported_regions=("KR",))
    business = KrBrnRecognizer(pattern(_alone(_BUSINESS)))
    email = OfflineEmailRecognizer(pattern(rf"(?<![A-Za-z0-9._%+-]){_EMAIL}(?![A-Za-z0-9])"))
    return (
        _Kind("resident registration number", _REGISTRATION, resident, _registration),
        _Kind("foreigner registration number", _REGISTRATION, foreigner, _registration),
        _Kind("passport number", _PASSPORT, passport, _passport),
        _Kind("driving licence number", _LICENCE, licence, _licence),
        _Kind("driving licence number", _NAMED_LICENCE, named, _licence),
        _Kind("credit card number", _CARD, card, _card),
        _Kind("phone number", _PHONE, phone, _phone),
        _Kind("business registration number", _BUSINESS, business, _business),
        _Kind("e-mail address", _EMAIL, email, _email),
    )
