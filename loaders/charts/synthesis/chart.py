"""A made-up chart before it is drawn: what it shows, in which style, and its values."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from loaders.charts.synthesis.subjects import (
    COLOURS,
    SHARES,
    SUBJECTS,
    Categories,
    Colour,
    Language,
    Subject,
    Words,
)

Kind = Literal["bar", "line", "pie", "grouped"]
KINDS: tuple[Kind, ...] = ("bar", "line", "pie", "grouped")

_STEPS = 30
"""Values lie on so many steps, no two of a chart on one, so that order can be seen."""
_SMALLEST_SLICE = 6


@dataclass(frozen=True)
class Series:
    """One colour of the chart. Values are integers; the chart says how many decimals they have."""

    name: Words | None
    colour: Colour
    values: tuple[int, ...]


@dataclass(frozen=True)
class Style:
    """What changes the look alone."""

    background: str
    horizontal: bool
    """Bars that lie; single bars only."""
    grid: bool
    centred_title: bool
    marker: Literal["o", "s", "D"]


@dataclass(frozen=True)
class Chart:
    """All that is drawn, and all that can be asked about."""

    kind: Kind
    language: Language
    subject: Subject
    by: Categories
    categories: tuple[Words, ...]
    series: tuple[Series, ...]
    slice_colours: tuple[Colour, ...]
    """Of a pie, one for each category; empty for the others."""
    style: Style

    def number(self, value: int, separators: bool = False) -> str:
        """A value as it is written: `12.5`, `1234` or, on the chart, `1,234`."""
        decimals = self.subject.decimals
        return f"{value / 10**decimals:{',' if separators else ''}.{decimals}f}"

    def said(self, words: Words) -> str:
        return words.in_language(self.language)


def make_chart(seed: int, number: int) -> Chart:
    """Chart `number`; kinds and languages take turns, everything else is drawn by lot."""
    rng = Random(f"chart {seed} {number}")
    kind = KINDS[number % len(KINDS)]
    language: Language = "ko" if number // len(KINDS) % 2 else "en"
    style = Style(
        background=rng.choice(("#ffffff", "#ffffff", "#f7f7f5", "#f3f7fb")),
        horizontal=rng.random() < 0.35,
        grid=rng.random() < 0.7,
        centred_title=rng.random() < 0.4,
        marker=rng.choice(("o", "s", "D")),
    )
    colours = rng.sample(COLOURS, len(COLOURS))
    subject = rng.choice(SHARES if kind == "pie" else _subjects(kind))
    by = rng.choice([known for known in subject.by if known.ordered or kind != "line"])
    count = rng.randint(*{"bar": (4, 7), "line": (5, 7), "pie": (3, 5), "grouped": (3, 4)}[kind])
    categories = pick_categories(rng, by, min(count, len(by.names)))
    if kind == "pie":
        shares = Series(None, colours[0], _shares(rng, len(categories)))
        slices = tuple(colours[: len(categories)])
        return Chart(kind, language, subject, by, categories, (shares,), slices, style)
    names: tuple[Words | None, ...] = (None,)
    if kind == "grouped" or (kind == "line" and rng.random() < 0.5):
        names = rng.choice(subject.groups)
    if kind == "line":
        names = names[:2]
    values = pick_values(rng, subject, len(names) * len(categories))
    series = tuple(
        Series(name, colours[place], tuple(values[place :: len(names)]))
        for place, name in enumerate(names)
    )
    return Chart(kind, language, subject, by, categories, series, (), style)


def _subjects(kind: Kind) -> list[Subject]:
    """A line runs through time."""
    return [
        subject for subject in SUBJECTS if kind != "line" or any(by.ordered for by in subject.by)
    ]


def pick_categories(rng: Random, by: Categories, count: int) -> tuple[Words, ...]:
    """Some of the names, neighbours where they have an order."""
    if not by.ordered:
        return tuple(rng.sample(by.names, count))
    start = rng.randint(0, len(by.names) - count)
    return by.names[start : start + count]


def pick_values(rng: Random, subject: Subject, count: int) -> list[int]:
    """Between `low` and `high`, each on a step of its own."""
    unit = 10**subject.decimals
    # The range itself varies, so that axes do not look alike.
    high = subject.low + (subject.high - subject.low) * rng.uniform(0.45, 1.0)
    step = (high - subject.low) / _STEPS
    return [
        round((subject.low + step * (place + rng.uniform(0.0, 0.5))) * unit)
        for place in rng.sample(range(_STEPS), count)
    ]


def _shares(rng: Random, count: int) -> tuple[int, ...]:
    """Different percentages that add up to 100."""
    while True:
        cuts = sorted(rng.sample(range(1, 100), count - 1))
        shares = [end - start for start, end in zip([0, *cuts], [*cuts, 100], strict=True)]
        if min(shares) >= _SMALLEST_SLICE and len(set(shares)) == count:
            return tuple(shares)
