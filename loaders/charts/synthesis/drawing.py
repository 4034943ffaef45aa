"""Drawing a made-up chart: every value that can be asked about is written next to its mark."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from loaders.charts.synthesis.canvas import (
    CENTRE,
    GRID,
    HEIGHT,
    LEFT,
    MUTED,
    WIDTH,
    Canvas,
    text_width,
)
from loaders.charts.synthesis.chart import Chart

MARK = "Made-up data · 가상 자료"
"""Stands on every chart."""

_MARGIN = 16
_TITLE, _LABEL, _VALUE, _SMALL = 15, 12, 11.5, 10
_HEAD = 58
"""Pixels above the plot: title and unit, and a legend below them where there is one."""
_LEGEND = 20
_FOOT = 46
_TICKS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class _Plot:
    """The rectangle in which values are drawn, and the axis from 0 to `top` along one side."""

    left: float
    right: float
    bottom: float
    upper: float
    top: float
    step: float

    @property
    def height(self) -> float:
        return self.upper - self.bottom

    @property
    def width(self) -> float:
        return self.right - self.left

    def ticks(self) -> list[float]:
        return [self.step * place for place in range(round(self.top / self.step) + 1)]


def draw(chart: Chart) -> bytes:
    """The chart as PNG, RGBA, 448 x 336. Call it within :func:`canvas.plain_style`."""
    canvas = Canvas(chart.style.background)
    _head(canvas, chart)
    kinds: dict[str, Callable[[Canvas, Chart], None]] = {
        "bar": _lying_bars if chart.style.horizontal else _bars,
        "grouped": _bars,
        "line": _lines,
        "pie": _pie,
    }
    kinds[chart.kind](canvas, chart)
    canvas.text(WIDTH - _MARGIN, 8, MARK, _SMALL - 1, colour=MUTED, across="right", up="bottom")
    return canvas.png()


def _head(canvas: Canvas, chart: Chart) -> None:
    name = chart.said(chart.subject.name)
    if chart.language == "ko":
        title = f"{chart.by.one.ko}별 {name}"
        unit = f"단위: {chart.subject.unit.ko}"
    else:
        title = f"{name[0].upper()}{name[1:]} by {chart.by.one.en}"
        unit = f"in {chart.subject.unit.en}"
    centred = chart.style.centred_title
    x, across = (WIDTH // 2, CENTRE) if centred else (_MARGIN, LEFT)
    room = WIDTH - 2 * _MARGIN
    canvas.text(x, HEIGHT - 10, title, _TITLE, bold=True, across=across, up="top", room=room)
    canvas.text(x, HEIGHT - 30, unit, _SMALL, colour=MUTED, across=across, up="top")
    if len(chart.series) > 1:
        _legend(canvas, chart)


def _legend(canvas: Canvas, chart: Chart) -> None:
    entries = [
        (chart.said(series.name), series.colour.fill) for series in chart.series if series.name
    ]
    y = HEIGHT - _HEAD
    x: float = _MARGIN
    if chart.style.centred_title:
        total = sum(text_width(name, _LABEL) + 32 for name, _ in entries) - 18
        x = (WIDTH - total) / 2
    for name, fill in entries:
        canvas.rectangle(x, y - 5, 10, 10, fill)
        canvas.text(x + 14, y, name, _LABEL, across="left")
        x += text_width(name, _LABEL) + 32


def _plot(chart: Chart, *, upright: bool = True, left: float = 0) -> _Plot:
    """Room for the longest label of the value axis, and a round `top` above all values."""
    unit = 10**chart.subject.decimals
    largest = max(value for series in chart.series for value in series.values) / unit
    magnitude = 10 ** math.floor(math.log10(largest / 4))
    step = next(tick * magnitude for tick in _TICKS if tick * magnitude * 5 >= largest * 1.04)
    top = step * math.ceil(largest * 1.04 / step)
    if upright:
        left = _MARGIN + 6 + max(text_width(_tick(tick * step), _SMALL) for tick in range(6))
    head = _HEAD + (_LEGEND if len(chart.series) > 1 else 0)
    return _Plot(
        left=left,
        right=WIDTH - _MARGIN - (0 if upright else 34),
        bottom=_FOOT,
        upper=HEIGHT - head,
        top=top,
        step=step,
    )


def _tick(value: float) -> str:
    return f"{value:,.10g}"


def _value_axis(canvas: Canvas, chart: Chart, plot: _Plot) -> None:
    for tick in plot.ticks():
        y = plot.bottom + plot.height * tick / plot.top
        if chart.style.grid and tick:
            canvas.line([(plot.left, y), (plot.right, y)], GRID, 0.8)
        canvas.text(plot.left - 5, y, _tick(tick), _SMALL, colour=MUTED, across="right")
    canvas.line([(plot.left, plot.bottom), (plot.right, plot.bottom)], MUTED, 0.9)


def _category_axis(canvas: Canvas, chart: Chart, plot: _Plot, centres: list[float]) -> None:
    room = plot.width / len(centres) - 4
    for category, x in zip(chart.categories, centres, strict=True):
        canvas.text(x, plot.bottom - 5, chart.said(category), _LABEL, up="top", room=room)


def _bars(canvas: Canvas, chart: Chart) -> None:
    plot = _plot(chart)
    _value_axis(canvas, chart, plot)
    slot = plot.width / len(chart.categories)
    bar = slot * (0.6 if len(chart.series) == 1 else 0.84 / len(chart.series))
    centres = [plot.left + slot * (place + 0.5) for place in range(len(chart.categories))]
    unit = 10**chart.subject.decimals
    for number, series in enumerate(chart.series):
        shift = (number - (len(chart.series) - 1) / 2) * bar
        for centre, value in zip(centres, series.values, strict=True):
            height = plot.height * value / unit / plot.top
            x = centre + shift
            canvas.rectangle(x - bar / 2, plot.bottom, bar - 1, height, series.colour.fill)
            canvas.text(
                x,
                plot.bottom + height + 2,
                chart.number(value, separators=True),
                _VALUE,
                up="bottom",
                room=(slot if len(chart.series) == 1 else bar) - 1,
            )
    _category_axis(canvas, chart, plot, centres)


def _lying_bars(canvas: Canvas, chart: Chart) -> None:
    names = [chart.said(category) for category in chart.categories]
    left = _MARGIN + 6 + max(text_width(name, _LABEL) for name in names)
    plot = _plot(chart, upright=False, left=left)
    for tick in plot.ticks():
        x = plot.left + plot.width * tick / plot.top
        if chart.style.grid and tick:
            canvas.line([(x, plot.bottom), (x, plot.upper)], GRID, 0.8)
        canvas.text(x, plot.bottom - 5, _tick(tick), _SMALL, colour=MUTED, up="top")
    canvas.line([(plot.left, plot.bottom), (plot.left, plot.upper)], MUTED, 0.9)
    (series,) = chart.series
    slot = plot.height / len(names)
    unit = 10**chart.subject.decimals
    for place, (name, value) in enumerate(zip(names, series.values, strict=True)):
        y = plot.upper - slot * (place + 0.5)
        width = plot.width * value / unit / plot.top
        canvas.rectangle(plot.left, y - slot * 0.32, width, slot * 0.64, series.colour.fill)
        canvas.text(plot.left - 6, y, name, _LABEL, across="right")
        text = chart.number(value, separators=True)
        canvas.text(plot.left + width + 4, y, text, _VALUE, across="left")


def _lines(canvas: Canvas, chart: Chart) -> None:
    plot = _plot(chart)
    _value_axis(canvas, chart, plot)
    slot = plot.width / len(chart.categories)
    centres = [plot.left + slot * (place + 0.5) for place in range(len(chart.categories))]
    unit = 10**chart.subject.decimals
    for series in chart.series:
        points = [
            (x, plot.bottom + plot.height * value / unit / plot.top)
            for x, value in zip(centres, series.values, strict=True)
        ]
        canvas.line(points, series.colour.fill, 1.8, chart.style.marker)
    for series in chart.series:
        others = [other for other in chart.series if other is not series]
        for place, value in enumerate(series.values):
            y = plot.bottom + plot.height * value / unit / plot.top
            around = series.values[max(0, place - 1) : place + 2]
            # Where lines lie above a point its value goes below it, if there is room.
            in_a_dip = not others and 2 * value < around[0] + around[-1]
            below = in_a_dip or any(other.values[place] > value for other in others)
            below = below and y > plot.bottom + 18
            canvas.text(
                centres[place],
                y - 6 if below else y + 6,
                chart.number(value, separators=True),
                _VALUE,
                up="top" if below else "bottom",
                room=slot,
                halo=chart.style.background,
            )
    _category_axis(canvas, chart, plot, centres)


def _pie(canvas: Canvas, chart: Chart) -> None:
    (series,) = chart.series
    x, y, radius = WIDTH / 2, (HEIGHT - _HEAD + _FOOT - 14) / 2, 92.0
    start = 90.0
    for category, colour, share in zip(
        chart.categories, chart.slice_colours, series.values, strict=True
    ):
        end = start - 3.6 * share
        canvas.wedge(x, y, radius, end, start, colour.fill)
        middle = math.radians((start + end) / 2)
        right = math.cos(middle) >= 0
        canvas.text(
            x + (radius + 10) * math.cos(middle),
            y + (radius + 10) * math.sin(middle),
            f"{chart.said(category)} {share}%",
            _LABEL,
            across="left" if right else "right",
            room=WIDTH / 2 - abs((radius + 10) * math.cos(middle)) - _MARGIN / 2,
        )
        start = end
