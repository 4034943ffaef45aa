"""Small made-up charts: two to four lying bars under a title, in large fixed-pitch letters.

336 x 168 pixels, every letter in its column of 28 pixels, all in Korean: as little as a chart can
be, for models that are trained on two CPU cores.
"""

from __future__ import annotations

from io import BytesIO
from random import Random

from PIL import ImageColor

from loaders.charts.synthesis.chart import Chart, Series, Style, pick_categories, pick_values
from loaders.charts.synthesis.subjects import COLOURS, SUBJECTS, Categories, Subject
from loaders.medical_ocr.synthesis.page import Cell, Page
from loaders.medical_ocr.synthesis.page import Style as Print

MARK = "가상 자료"
"""Stands on every chart."""

COLUMNS, LINES = 12, 6
_PITCH = 3.5
"""Millimetres; 28 pixels at 203 dots an inch."""
_DPI = 203
_BARS = (4.5, 8.5)
"""Columns between which the bars lie: names before them, values behind them."""
_HIGHEST = 999
_LETTERS = "nanum-gothic"


def make_small_chart(seed: int, number: int) -> Chart:
    """Small chart `number`: whole values of at most three digits."""
    rng = Random(f"small chart {seed} {number}")
    subject, by = rng.choice(_possible())
    colours = rng.sample(COLOURS, 1)
    categories = pick_categories(rng, by, rng.randint(2, 4))
    series = Series(None, colours[0], tuple(pick_values(rng, subject, len(categories))))
    style = Style(
        background=rng.choice(("#ffffff", "#ffffff", "#f7f7f5", "#f3f7fb")),
        horizontal=True,
        grid=False,
        centred_title=False,
        marker="o",
    )
    return Chart("bar", "ko", subject, by, categories, (series,), (), style)


def draw_small(chart: Chart) -> bytes:
    """The chart as PNG."""
    letters = Print(_LETTERS, _LETTERS, False, 0.2, (0, 0, 0), (0.0, 0.0))
    page = Page(COLUMNS * _PITCH, LINES * _PITCH, _DPI, letters)
    page.pixels[:] = ImageColor.getrgb(chart.style.background)
    _write(page, 0, 0, _title(chart.subject, chart.by))
    (series,) = chart.series
    left, right = _BARS
    for line, (category, value) in enumerate(
        zip(chart.categories, series.values, strict=True), start=1
    ):
        _write(page, line, 0, category.ko)
        length = (right - left) * value / max(series.values)
        bar = Cell(left * _PITCH, (line + 0.15) * _PITCH, length * _PITCH, 0.7 * _PITCH)
        page.shade(bar, ImageColor.getrgb(series.colour.fill)[:3])
        text = chart.number(value)
        _write(page, line, COLUMNS - _width(text), text)
    _write(page, LINES - 1, 0, MARK)
    unit = chart.subject.unit.ko
    _write(page, LINES - 1, COLUMNS - _width(unit), unit)
    data = BytesIO()
    page.image().save(data, "PNG")
    return data.getvalue()


def _possible() -> list[tuple[Subject, Categories]]:
    """Subjects and what they are counted by, where everything fits."""
    return [
        (subject, by)
        for subject in SUBJECTS
        for by in subject.by
        if not subject.decimals
        and subject.high <= _HIGHEST
        and _width(_title(subject, by)) <= COLUMNS
        and max(_width(name.ko) for name in by.names) <= _BARS[0]
    ]


def _title(subject: Subject, by: Categories) -> str:
    return f"{by.one.ko}별 {subject.name.ko}"


def _width(text: str) -> float:
    return sum(map(Page.columns_of, text))


def _write(page: Page, line: float, column: float, text: str) -> None:
    page.pitched_label(text, column * _PITCH, line * _PITCH, _PITCH)
