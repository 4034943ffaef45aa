"""How personal numbers look. Python's re, presidio's regex and Arrow's RE2 read these forms."""

from __future__ import annotations

import re
from typing import Literal

Name = Literal[
    "resident",
    "foreigner",
    "passport",
    "licence",
    "named licence",
    "card",
    "phone",
    "business",
    "email",
]

_BIRTH = r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_REGIONS = "서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산"
_AREA = r"(?:\+82[-. ]{0,3}\(?0?|82[- ]\(?0?|\(?0)(?:2|[3-6]\d|1[016789]|70|50\d)"

_REGISTRATION = rf"{_BIRTH}(?: ?- ?| )?[1-8]\d{{6}}"
_PASSPORT = r"[MSROD](?:\d{3}[A-Z]\d{4}|\d{8})"
_LICENCE = r"\d{2}(?:-\d{2}-\d{6}-|  ?\d{2} \d{6} |\d{8})\d{2}"
_NAMED_LICENCE = rf"(?:{_REGIONS})[- ]?\d{{2}}-\d{{6}}-\d{{2}}"
_CARD = (
    r"(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|35\d{2}|6[0245]\d{2}|9\d{3})"
    r"(?:-\d{4}-\d{4}-\d{4}| \d{4} \d{4} \d{4}|\d{12})"
    r"|3[47]\d{2}(?:-\d{6}-\d{5}| \d{6} \d{5}|\d{11})"
)
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


def plain(text: str) -> str:
    """The same text, character for character, with ASCII digits, letters, blanks and dashes."""
    return text.translate(_PLAIN)


def _alone(form: str, after_letters: bool = False) -> str:
    """The form, neither after nor before what would make it part of a longer number or code."""
    thousands = "".join(rf"(?<!(?<!\d)\d{{{digits}}},)" for digits in (1, 2, 3))
    before = rf"(?<!\d)(?<!\d[-.:])(?<![A-Za-z]-){thousands}"
    if not after_letters:
        before += "(?<![A-Za-z])"
    return rf"{before}(?:{form})(?![A-Za-z\d])(?![-.]\d)"


def _registration(digit: str) -> tuple[str, str]:
    """Written with a gap, and bare, which may also be a piece of a hash or of a long fraction.

    digit: the character class of the seventh digit, which tells residents from foreigners.
    """
    rest = rf"[{digit}]\d{{6}}"
    return rf"(?<!\d){_BIRTH}(?: ?- ?| ){rest}(?!\d)", _alone(f"{_BIRTH}{rest}")


FORMS: dict[Name, tuple[str, tuple[str, ...]]] = {
    "resident": (_REGISTRATION, _registration("1-4")),
    "foreigner": (_REGISTRATION, _registration("5-8")),
    "passport": (_PASSPORT, (_alone(_PASSPORT),)),
    "licence": (_LICENCE, (_alone(_LICENCE),)),
    "named licence": (_NAMED_LICENCE, (rf"{_NAMED_LICENCE}(?!\d)",)),
    "card": (_CARD, (_alone(_CARD),)),
    "phone": (_PHONE, (_alone(_PHONE, after_letters=True),)),
    "business": (_BUSINESS, (_alone(_BUSINESS),)),
    "email": (_EMAIL, (rf"(?<![A-Za-z0-9._%+-]){_EMAIL}(?![A-Za-z0-9])",)),
}
"""{name: (the form itself, patterns that also mind what stands around it)}"""

PREFILTER = "|".join([*dict.fromkeys(form for form, _ in FORMS.values()), _ODD])
"""RE2: in every text that holds one of the forms, also where its characters are not plain."""


def candidates(name: Name, text: str) -> list[re.Match[str]]:
    """Whatever has the form in a plain text."""
    form, patterns = FORMS[name]
    if not re.search(form, text, re.ASCII):  # many times as fast as minding what stands around
        return []
    found = (match for one in patterns for match in re.finditer(one, text, re.ASCII))
    return [match for match in found if name != "phone" or not _is_tail_of_code(match)]


def _is_tail_of_code(match: re.Match[str]) -> bool:
    """A bare number right after a letter, unlike HP010-1234-5678."""
    before = match.string[match.start() - 1 : match.start()]
    return match.group().isdigit() and before.isascii() and before.isalpha()
