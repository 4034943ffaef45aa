"""Is an answer about a chart right? Relaxed accuracy, decided from the texts alone.

As published with ChartQA (Masry et al. 2022, section 5): a number is right within 5 % of the
reference, everything else must be the same text. The paper leaves open what a number is. Here:

- Thousands separators do not count: `3,243,963` and `3 243 963` are 3243963. Any minus sign is one.
- The unit of an answer does not count: `$39`, `39 million euros` and `39명` answer 39. Before the
  number only a currency may stand, after it up to five words without a number of their own.
- A percent sign or a scale (`million`, `억`) may be read or not: `57%` answers 57 and 0.57, and
  `3.2 million` answers 3.2 and 3243963. Where answer and reference both have one it counts, so
  `2.5 billion` does not answer `2.5 million`.
- A reference with words of its own, as `65 years and older`, is a text.
- Years are numbers like others, as in published results, so 2008 answers 2015. `exact_years` is
  stricter: a reference that looks like a year must be met exactly.

Texts are compared without regard to case, width, blanks and a full stop at the end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

TOLERANCE = Decimal("0.05")

_WORDS_OF_A_UNIT = 5
_CURRENCY = r"(?P<currency>us\$|[$€£¥₩]|(?:usd|eur|gbp|jpy|krw|cny)\b)?"
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?) ?{_CURRENCY} ?(?P<inner_sign>-?)"
    r"(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?: \d{3})+(?!\d)|\d+)?(?P<fraction>\.\d+)?"
    r"(?P<rest>.*)"
)
_NUMBER_OF_ITS_OWN = re.compile(r"(?<![^\W\d])\d")
_COUNTER = re.compile(r" ?[가-힣]{1,2}")
_YEAR = re.compile(r"(?:1[89]|20)\d\d년?")
_MINUS = str.maketrans("−–—", "---")
_PERCENT = ("%", "percent", "per cent", "pct", "퍼센트", "프로")
_SCALES = {
    **dict.fromkeys(_PERCENT, Decimal("0.01")),
    **dict.fromkeys(("thousand", "k", "천"), Decimal(10) ** 3),
    **dict.fromkeys(("million", "mn", "m", "백만"), Decimal(10) ** 6),
    **dict.fromkeys(("billion", "bn", "b", "십억"), Decimal(10) ** 9),
    **dict.fromkeys(("trillion", "tn", "조"), Decimal(10) ** 12),
    "만": Decimal(10) ** 4,
    "십만": Decimal(10) ** 5,
    "천만": Decimal(10) ** 7,
    "억": Decimal(10) ** 8,
    "백억": Decimal(10) ** 10,
    "천억": Decimal(10) ** 11,
}
# A Latin scale ends where its word ends; a Korean one is followed by a counter without a blank.
_SCALE = re.compile(
    r" ?(?P<scale>%|(?:per ?cent|pct|thousand|million|billion|trillion|mn|bn|tn|k|m|b)\b"
    r"|천만|천억|백만|백억|십만|십억|천|만|억|조|퍼센트|프로)"
)


@dataclass(frozen=True)
class _Quantity:
    """A number with its scale (None where it has none) and the words after both."""

    value: Decimal
    scale: Decimal | None
    unit: str
    has_currency: bool


def is_right(answer: str, references: Sequence[str], *, exact_years: bool = False) -> bool:
    """Whether `answer` is right by any of the alternative references.

    Raises:
        ValueError: no reference is given.
    """
    if not references:
        raise ValueError("an answer cannot be judged without a reference")
    said = _plain(answer)
    quantity = _quantity(said)
    return any(_matches(said, quantity, _plain(reference), exact_years) for reference in references)


def _matches(said: str, quantity: _Quantity | None, reference: str, exact_years: bool) -> bool:
    if said == reference:
        return bool(reference)
    expected = _quantity(reference)
    if quantity is None or expected is None or not _is_number(expected):
        return False
    if exact_years and _YEAR.fullmatch(reference):
        return quantity.value == expected.value
    if quantity.scale is not None and expected.scale is not None:
        return _close(quantity.value * quantity.scale, expected.value * expected.scale)
    return any(
        _close(said_value, expected_value)
        for said_value in _readings(quantity)
        for expected_value in _readings(expected)
    )


def _is_number(expected: _Quantity) -> bool:
    """Not a text that happens to begin with a number, as `65 years and older` and `3 stars`."""
    unit = expected.unit
    return (
        not unit
        or expected.has_currency
        or expected.scale is not None
        or _COUNTER.fullmatch(unit) is not None
    )


def _readings(quantity: _Quantity) -> list[Decimal]:
    if quantity.scale is None:
        return [quantity.value]
    return [quantity.value, quantity.value * quantity.scale]


def _close(said: Decimal, expected: Decimal) -> bool:
    return abs(said - expected) <= TOLERANCE * abs(expected)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_MINUS)
    return " ".join(folded.split()).removesuffix(".")


def _quantity(text: str) -> _Quantity | None:
    """Read a text of :func:`_plain` that consists of one number and its unit."""
    found = _NUMBER.fullmatch(text)
    if found is None or not (found["whole"] or found["fraction"]):
        return None
    digits = (found["whole"] or "0").replace(",", "").replace(" ", "") + (found["fraction"] or "")
    value = Decimal(digits)
    if "-" in (found["sign"], found["inner_sign"]):
        value = -value
    rest = found["rest"]
    scaled = _SCALE.match(rest)
    scale = None
    if scaled:
        rest = rest[scaled.end() :]
        scale = _SCALES[scaled["scale"]]
    if rest[:1] in (".", ",") or _NUMBER_OF_ITS_OWN.search(rest):
        return None
    if len(rest.split()) > _WORDS_OF_A_UNIT:
        return None
    return _Quantity(value, scale, rest, found["currency"] is not None)
