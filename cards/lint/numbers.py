"""Does every number of a card stand in a record?

A line that the records render is computed. On every other line each number must be one of the
record, as it is or rounded to the digits that are shown. Left alone are code, identifiers and
versions (`EXAONE-3.5`, `7.8B`, `2024-05-01`), whole numbers below 10 and years.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cards.lint.document import CardDocument
from cards.lint.finding import CardRepo, LintFinding

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_./#@:,+\-−])[-+−]?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?![A-Za-z0-9_]|[.,]\d|-[A-Za-z0-9]|/[\w])\s?(%|퍼센트|[kKMGT]i?B|GB|min|분|h\b|시간)?"
)
_NOT_PROSE = re.compile(
    r"`[^`]*`|\]\([^)]*\)|<[^>]*>|https?://\S+|^\s*\d+[.)]\s|\d{4}[.년]\s?\d{1,2}[.월]\S*"
    r"|(?:Apache|GPL|CC[ -]BY\S*|MPL|Python|[Vv]ersion|버전)(?: License)?,? \d[\d.]*"
)
_HASH = re.compile(r"[0-9a-f]{16,}")
_UNITS = {
    "k": (1e3, 2**10), "m": (1e6, 2**20), "g": (1e9, 2**30), "t": (1e12, 2**40),
    "분": (60,), "min": (60,), "시": (3600,), "h": (3600,), "%": (0.01,), "퍼": (0.01,),
}  # fmt: skip
_YEARS = (1900, 2100)
_CONVENTIONS = (95.0, 100.0)
"""Of intervals and of shares; no measurement."""


def check_numbers(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """Errors where the repo has a record of ours, warnings where other tools left results."""
    sources: list[Any] = [*repo.results.values()]
    if repo.record is not None:
        sources.append(repo.record.model_dump(mode="json"))
    if not sources:
        return
    pool = _pool(sources)
    computed = set((repo.rendered or "").splitlines())
    for line, text in document.prose:
        if text in computed:
            continue
        for shown, unit in _numbers(text):
            if not _is_in(pool, shown, unit):
                yield LintFinding(
                    "number-without-record",
                    "error" if repo.record is not None else "warning",
                    line,
                    f"{shown}{' ' + unit if unit else ''} stands in no record.",
                    "Correct it, or take it out; numbers of a card come from its records.",
                )
    yield from _check_model_index(document, repo, pool)


def _check_model_index(
    document: CardDocument, repo: CardRepo, pool: NDArray[np.float64]
) -> Iterator[LintFinding]:
    index = document.metadata.get("model-index")
    values = [value for key, value in _walk(index) if key == "value"]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        near = pool[np.searchsorted(pool, [abs(value), abs(value) / 100]).clip(0, len(pool) - 1)]
        shown = repr(float(value))
        if _is_in(pool, shown.lstrip("-"), "") or _is_in(pool, shown.lstrip("-"), "%"):
            continue
        if np.isclose(near, [abs(value), abs(value) / 100], rtol=1e-9).any():
            continue
        yield LintFinding(
            "number-without-record",
            "error" if repo.record is not None else "warning",
            document.key_line("model-index"),
            f"model-index: the value {value} stands in no record.",
            "Write the metadata again from the record.",
        )


def _numbers(line: str) -> Iterator[tuple[str, str]]:
    """(number as shown, unit) of what a line claims."""
    for match in _NUMBER.finditer(_NOT_PROSE.sub(" ", line)):
        shown, unit = match.group(1), match.group(2) or ""
        value = float(shown.replace(",", ""))
        is_year = "," not in shown and _YEARS[0] <= value <= _YEARS[1]
        if "." not in shown and unit == "" and (value < 10 or is_year):
            continue
        if value in _CONVENTIONS and unit in ("%", "퍼센트"):
            continue
        yield shown, unit


def _is_in(pool: NDArray[np.float64], shown: str, unit: str) -> bool:
    """Some number of the pool, in some unit, rounds to what is shown."""
    digits = len(shown.partition(".")[2])
    value, half = float(shown.replace(",", "")), 0.5 * 10.0**-digits
    factors: tuple[float, ...] = (1.0, *_UNITS.get(unit[:1].lower(), ()))
    if unit == "min":
        factors = (1.0, 60.0)
    for factor in factors:
        slack = 1e-9 * max(1.0, abs(value))
        low, high = (value - half - slack) * factor, (value + half + slack) * factor
        start = int(np.searchsorted(pool, low))
        if start < len(pool) and pool[start] <= high:
            return True
    return False


def _pool(sources: list[Any]) -> NDArray[np.float64]:
    """Every number of the records, those within texts too, without signs and in order."""
    found: set[float] = set()
    for _, value in _walk(sources):
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, int | float):
            found.add(abs(float(value)))
        elif isinstance(value, str) and not _HASH.search(value):
            found.update(
                float(match.group(1).replace(",", "")) for match in _NUMBER.finditer(value)
            )
    return np.array(sorted(number for number in found if np.isfinite(number)))


def _walk(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """(key, leaf) of nested mappings and lists; keys that are numbers are leaves too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield "", name
            yield from _walk(inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _walk(inner, key)
    else:
        yield key, value
