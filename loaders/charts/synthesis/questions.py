"""Questions about a made-up chart; every answer is computed from the values that are drawn.

Questions of the machine part ask for one value, as ChartQA's do. Those of the human part compare,
add, count and look at colours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from loaders.charts.layouts import Part
from loaders.charts.synthesis.chart import Chart, Series

_FIRST_SYLLABLE = 0xAC00
_FINALS = 28
"""Ways for a syllable to end, the first of them with a vowel (Unicode, 3.12)."""


@dataclass(frozen=True)
class MadeUpQuestion:
    """`labels` are all right answers, the usual one first."""

    part: Part
    text: str
    labels: tuple[str, ...]


def ask(chart: Chart, rng: Random, of_each_part: int) -> list[MadeUpQuestion]:
    """So many questions of the human part, then of the machine part; none asked twice."""
    human = [make(chart, rng) for make in _comparisons(chart)]
    rng.shuffle(human)
    lookups = [
        _lookup(chart, series, place)
        for series in chart.series
        for place in range(len(chart.categories))
    ]
    return [*human[:of_each_part], *rng.sample(lookups, min(of_each_part, len(lookups)))]


def with_particle(word: str, after_consonant: str, after_vowel: str, in_brackets: str = "") -> str:
    """A word that ends in Hangul, with the form of a particle that its last sound asks for.

    Args:
        in_brackets: what stands between word and particle and does not decide, as `(남성)`.
    """
    closed = (ord(word[-1]) - _FIRST_SYLLABLE) % _FINALS != 0
    return word + in_brackets + (after_consonant if closed else after_vowel)


def _comparisons(chart: Chart) -> list[Callable[[Chart, Random], MadeUpQuestion]]:
    if len(chart.series) > 1:
        return [_extreme, _difference, _sum, _series_total, _colour]
    if chart.kind == "pie":
        return [_extreme, _difference, _sum, _higher, _slice_colour]
    return [_extreme, _difference, _sum, _count_above, _higher]


def _lookup(chart: Chart, series: Series, place: int) -> MadeUpQuestion:
    answer = chart.number(series.values[place])
    name, category = chart.subject.name, chart.categories[place]
    group = _in_brackets(chart, series)
    if chart.language == "ko":
        subject = with_particle(f"{category.ko}의 {name.ko}", "은", "는", group)
        return MadeUpQuestion("machine", f"{subject} 얼마입니까?", (answer,))
    of_category = chart.by.of.format(category.en)
    return MadeUpQuestion("machine", f"What was the {name.en} {of_category}{group}?", (answer,))


def _in_brackets(chart: Chart, series: Series) -> str:
    """Names one of several series."""
    if series.name is None:
        return ""
    return f"({series.name.ko})" if chart.language == "ko" else f" ({series.name.en})"


def _extreme(chart: Chart, rng: Random) -> MadeUpQuestion:
    series = rng.choice(chart.series)
    highest = rng.random() < 0.5
    value = max(series.values) if highest else min(series.values)
    category = chart.said(chart.categories[series.values.index(value)])
    group = _in_brackets(chart, series)
    if chart.language == "ko":
        name = with_particle(chart.subject.name.ko, "이", "가", group)
        size = "큰" if highest else "작은"
        text = f"{name} 가장 {size} {with_particle(chart.by.one.ko, '은', '는')} 무엇입니까?"
    else:
        size = "highest" if highest else "lowest"
        text = f"Which {chart.by.one.en} had the {size} {chart.subject.name.en}{group}?"
    return MadeUpQuestion("human", text, (category,))


def _two(chart: Chart, rng: Random) -> tuple[Series, int, int]:
    """A series and two of its places, the larger value first."""
    series = rng.choice(chart.series)
    first, second = rng.sample(range(len(chart.categories)), 2)
    if series.values[first] < series.values[second]:
        first, second = second, first
    return series, first, second


def _difference(chart: Chart, rng: Random) -> MadeUpQuestion:
    series, first, second = _two(chart, rng)
    one, other = (chart.said(chart.categories[place]) for place in (first, second))
    group = _in_brackets(chart, series)
    if chart.language == "ko":
        pair = f"{with_particle(one, '과', '와')} {other}"
        text = f"{pair}의 {chart.subject.name.ko}{group} 차이는 얼마입니까?"
    else:
        text = (
            f"What is the difference in {chart.subject.name.en}{group} between {one} and {other}?"
        )
    answer = chart.number(series.values[first] - series.values[second])
    return MadeUpQuestion("human", text, (answer,))


def _sum(chart: Chart, rng: Random) -> MadeUpQuestion:
    series, first, second = _two(chart, rng)
    one, other = (chart.said(chart.categories[place]) for place in (first, second))
    group = _in_brackets(chart, series)
    if chart.language == "ko":
        name = with_particle(chart.subject.name.ko, "을", "를", group)
        text = f"{with_particle(one, '과', '와')} {other}의 {name} 더하면 얼마입니까?"
    else:
        text = f"What do {one} and {other} add up to in {chart.subject.name.en}{group}?"
    answer = chart.number(series.values[first] + series.values[second])
    return MadeUpQuestion("human", text, (answer,))


def _count_above(chart: Chart, rng: Random) -> MadeUpQuestion:
    """Halfway between two values, so that nothing hangs on how exactly one reads."""
    (series,) = chart.series
    ordered = sorted(series.values)
    place = rng.randrange(1, len(ordered))
    limit = (ordered[place - 1] + ordered[place]) // 2
    above = str(sum(value > limit for value in series.values))
    if chart.language == "ko":
        name = with_particle(chart.subject.name.ko, "이", "가")
        one = with_particle(chart.by.one.ko, "은", "는")
        return MadeUpQuestion(
            "human", f"{name} {chart.number(limit)}보다 큰 {one} 몇 개입니까?", (above,)
        )
    return MadeUpQuestion(
        "human",
        f"For how many {chart.by.many} was the {chart.subject.name.en} above "
        f"{chart.number(limit)}?",
        (above,),
    )


def _higher(chart: Chart, rng: Random) -> MadeUpQuestion:
    (series,) = chart.series
    first, second = rng.sample(range(len(chart.categories)), 2)
    one, other = chart.categories[first], chart.categories[second]
    yes = series.values[first] > series.values[second]
    name = chart.subject.name
    if chart.language == "ko":
        subject = with_particle(f"{one.ko}의 {name.ko}", "이", "가")
        return MadeUpQuestion(
            "human", f"{subject} {other.ko}보다 큽니까?", ("예" if yes else "아니요",)
        )
    of_one, of_other = (chart.by.of.format(words.en) for words in (one, other))
    return MadeUpQuestion(
        "human",
        f"Was the {name.en} {of_one} higher than {of_other}?",
        ("Yes" if yes else "No",),
    )


def _series_total(chart: Chart, rng: Random) -> MadeUpQuestion:
    """Of one category, over all series."""
    place = rng.randrange(len(chart.categories))
    total = chart.number(sum(series.values[place] for series in chart.series))
    category = chart.categories[place]
    name = chart.subject.name
    if chart.language == "ko":
        subject = with_particle(f"{category.ko}의 {name.ko}", "을", "를")
        return MadeUpQuestion("human", f"{subject} 모두 더하면 얼마입니까?", (total,))
    of_category = chart.by.of.format(category.en)
    return MadeUpQuestion(
        "human", f"What is the sum of the {name.en} {of_category} over all groups?", (total,)
    )


def _colour(chart: Chart, rng: Random) -> MadeUpQuestion:
    series = rng.choice(chart.series)
    assert series.name is not None  # asked of charts with several series only
    return _colour_of(chart, chart.said(series.name), series.colour.names(chart.language))


def _slice_colour(chart: Chart, rng: Random) -> MadeUpQuestion:
    place = rng.randrange(len(chart.categories))
    colour = chart.slice_colours[place]
    return _colour_of(chart, chart.said(chart.categories[place]), colour.names(chart.language))


def _colour_of(chart: Chart, what: str, names: tuple[str, ...]) -> MadeUpQuestion:
    if chart.language == "ko":
        text = f"{with_particle(what, '을', '를')} 나타내는 색은 무엇입니까?"
    else:
        text = f"Which color stands for {what}?"
    return MadeUpQuestion("human", text, names)
