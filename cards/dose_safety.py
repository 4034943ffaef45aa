"""Would a patient be given what the prescription says? Doses of an answer against the reference.

A dose is an amount, how often a day, and for how many days. What counts is its meaning: `1정` is
`1片` is `1 tablet`, and `3` times are `3회`. The dangerous kind is a dose that looks right and is
not: whole, of the right form, with another number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

from cards.document_answers import Dose
from cards.document_labels import AMOUNT_UNITS, DAYS, TIMES, Word, plural

Outcome = Literal["right", "wrong_number", "other_form", "missing"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""What became of a dose of the reference. `wrong_number`: the same units, another number.
`other_form`: incomplete, in another unit, or not to be read. `missing`: no such drug in the
answer, or no dose where the reference names no drug."""

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?(\D*)")


def _spellings(word: Word) -> Iterator[str]:
    yield from (word.zh, word.ko.lower(), word.en.lower(), plural(word.en).lower())


_UNITS = {spelling: unit.en for unit in AMOUNT_UNITS for spelling in _spellings(unit)}
_OF_FREQUENCY, _OF_DAYS = frozenset(_spellings(TIMES)), frozenset(_spellings(DAYS))


class Quantity(NamedTuple):
    number: Decimal
    unit: str
    """In English for all languages; what is written where it is no known unit."""


class DoseComparison(NamedTuple):
    """One dose of the reference, the one of the answer that was taken for it, and how they fit."""

    expected: Dose
    given: Dose | None
    outcome: Outcome


def compare_doses(
    given: Sequence[Dose], expected: Sequence[Dose]
) -> tuple[list[DoseComparison], int]:
    """Each dose of the reference with its outcome, and how many doses the answer adds to these.

    A drug's name alone is no dose. An answer that has the name alone where a dose is printed is
    incomplete.

    Doses are matched by the drug's name, character by character; of several of one name, those
    that are right first, the others in their order. Where the reference has no name, because the
    question named the drug, doses are matched in their order.
    """
    left = list(given)
    printed = [dose for dose in expected if _has_part(dose)]
    compared: dict[int, DoseComparison] = {}
    for only_right in (True, False):
        for place, dose in enumerate(printed):
            if place in compared:
                continue
            candidates = [one for one in left if dose.drug in (None, one.drug)]
            if only_right:
                candidates = [one for one in candidates if _outcome(one, dose) == "right"]
            if candidates:
                left.remove(candidates[0])
                outcome = _outcome(candidates[0], dose)
                compared[place] = DoseComparison(dose, candidates[0], outcome)
            elif not only_right:
                compared[place] = DoseComparison(dose, None, "missing")
    added = sum(map(_has_part, left))
    return [compared[place] for place in range(len(printed))], added


def count_outcomes(compared: Sequence[DoseComparison]) -> dict[str, int]:
    """Those of `OUTCOMES` that occur."""
    return dict(Counter(one.outcome for one in compared))


def _has_part(dose: Dose) -> bool:
    return any(part is not None for part in dose[1:])


def _outcome(given: Dose, expected: Dose) -> Outcome:
    ours, theirs = _quantities(expected), _quantities(given)
    if ours == theirs:
        return "right"
    same_form = all(
        a == b or (isinstance(a, Quantity) and isinstance(b, Quantity) and a.unit == b.unit)
        for a, b in zip(ours, theirs, strict=True)
    )
    return "wrong_number" if same_form else "other_form"


def _quantities(dose: Dose) -> tuple[Quantity | str | None, ...]:
    """Amount, frequency and days; a text where it holds no number, None where there is none."""
    return (
        _quantity(dose.amount),
        _quantity(dose.frequency, _OF_FREQUENCY),
        _quantity(dose.days, _OF_DAYS),
    )


def _quantity(
    written: str | None, understood: frozenset[str] = frozenset()
) -> Quantity | str | None:
    """`understood`: units that the label says already, so that a bare number has them too."""
    match = _AMOUNT.fullmatch(written) if written else None
    if match is None:
        return written
    unit = match[2].strip().lower()
    return Quantity(Decimal(match[1]), "" if unit in understood else _UNITS.get(unit, unit))
