"""The figures of the cards, as PNG, drawn as `cards.figure_style` has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cards.figure_style import MUTED, TUNED, VALIDATION, ZERO_SHOT, drawing, shortened
from cards.records import Histogram, LossPoint, Metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN_BARS = 15


def loss_curve(points: Sequence[LossPoint]) -> bytes:
    """Training loss by step, and the loss on held-out rows where it was measured."""
    from matplotlib.ticker import MaxNLocator

    with drawing(7.0, 3.2) as (figure, png):
        axes = figure.add_subplot()
        axes.plot(
            [point.step for point in points],
            [point.loss for point in points],
            color=TUNED,
            linewidth=1.6,
            marker="o" if len(points) < 30 else None,
            markersize=3,
            label="학습 · training",
        )
        held_out = [
            (point.step, point.eval_loss) for point in points if point.eval_loss is not None
        ]
        if held_out:
            steps, losses = zip(*held_out, strict=True)
            axes.plot(
                steps,
                losses,
                color=VALIDATION,
                linewidth=1.6,
                linestyle="--",
                marker="s",
                markersize=4,
                label="검증 · held out",
            )
            axes.legend(loc="upper right")
        axes.set_title("답 토큰의 평균 손실 · Mean loss of answer tokens")
        axes.set_xlabel("단계 · step")
        axes.set_ylabel("nats / token")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y")
    return png.getvalue()


def before_and_after(
    titles: Mapping[str, str],
    zero_shot: Mapping[str, Metric],
    tuned: Mapping[str, Metric],
) -> bytes:
    """Each metric before and after tuning with its 95 % interval.

    titles: {metric: label}. Metrics of the scale 0 to 1 share one axis, each of the others has
    its own.
    """
    shared = [name for name in titles if tuned[name].unit == "0-1"]
    panels = ([shared] if shared else []) + [[name] for name in titles if name not in shared]
    heights = [len(names) for names in panels]
    with drawing(7.0, 0.5 * sum(heights) + 0.35 * len(panels) + 0.6) as (figure, png):
        grid = figure.add_gridspec(len(panels), 1, height_ratios=heights)
        for row, names in enumerate(panels):
            axes = figure.add_subplot(grid[row])
            _dumbbells(axes, [titles[name] for name in names], names, zero_shot, tuned)
            if names is shared:
                axes.set_xlim(-0.02, 1.03)
            else:
                axes.set_xlim(left=0)
            if row == 0:
                axes.set_title("튜닝 전후 · Before and after (95 %)")
                figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return png.getvalue()


def distributions(statistics: Mapping[str, Mapping[str, int]], titles: Mapping[str, str]) -> bytes:
    """Rows by value, one panel a subject, in the record's order.

    A subject with more than 15 values shows the 15 most frequent and the sum of the rest. One
    with a single value is left out, unless none has more.
    """
    varied = {subject: values for subject, values in statistics.items() if len(values) > 1}
    panels = {subject: _bars(values) for subject, values in (varied or statistics).items()}
    heights = [len(bars) for bars in panels.values()]
    bars_height = 0.28 * sum(heights) + 0.25 * len(panels)
    drawn_titles = []
    with drawing(7.0, bars_height + 2 * len(panels)) as (figure, png):
        grid = figure.add_gridspec(len(panels), 1, height_ratios=heights)
        for row, (subject, bars) in enumerate(panels.items()):
            axes = figure.add_subplot(grid[row])
            labels = [shortened(label) for label, _ in bars]
            values = [value for _, value in bars]
            positions = range(len(bars))
            axes.barh(positions, values, color=TUNED, height=0.68)
            axes.set_yticks(positions, labels)
            axes.set_ylim(len(bars) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0)
            axes.set_xlim(0, max([*values, 1]) * 1.14)
            for position, value in zip(positions, values, strict=True):
                axes.annotate(
                    f"{value:,}",
                    (value, position),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    color=MUTED,
                    fontsize=9,
                )
            axes.xaxis.set_visible(False)
            axes.spines["bottom"].set_visible(False)
            drawn_titles.append(axes.set_title(titles[subject], wrap=True))
        # Only what was laid out, with room to spare, knows how many lines a title takes.
        figure.draw_without_rendering()
        titles_height = sum(title.get_window_extent().height for title in drawn_titles)
        figure.set_size_inches(7.0, bars_height + titles_height / figure.dpi)
    return png.getvalue()


def histograms(measured: Mapping[str, Histogram], titles: Mapping[str, str]) -> bytes:
    """How many texts or pictures lie in each range, one panel a measure, two panels a row."""
    rows = -(-len(measured) // 2)
    with drawing(7.6, 2.4 * rows + 0.2) as (figure, png):
        panels = figure.subplots(rows, 2, squeeze=False)
        for axes in panels.flat[len(measured) :]:
            axes.set_axis_off()
        for axes, (name, histogram) in zip(panels.flat, measured.items(), strict=False):
            places = range(len(histogram.counts))
            axes.bar(places, histogram.counts, width=1.0, color=TUNED, edgecolor="white")
            axes.set_xticks(
                [place - 0.5 for place in range(len(histogram.edges))],
                [f"{edge:,}" for edge in histogram.edges],
                rotation=45,
                fontsize=8,
            )
            axes.set_title(titles[name], fontsize=10)
            axes.grid(axis="y")
    return png.getvalue()


def _dumbbells(
    axes: Axes,
    labels: Sequence[str],
    names: Sequence[str],
    zero_shot: Mapping[str, Metric],
    tuned: Mapping[str, Metric],
) -> None:
    for side, metrics, colour, offset in (
        ("zero-shot", zero_shot, ZERO_SHOT, -0.13),
        ("tuned", tuned, TUNED, 0.13),
    ):
        chosen = [metrics[name] for name in names]
        axes.errorbar(
            [metric.value for metric in chosen],
            [position + offset for position in range(len(chosen))],
            xerr=[
                [max(0.0, metric.value - metric.low) for metric in chosen],
                [max(0.0, metric.high - metric.value) for metric in chosen],
            ],
            fmt="o",
            color=colour,
            markersize=6,
            elinewidth=2,
            capsize=3,
            label=side,
        )
    axes.set_yticks(range(len(names)), labels)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _bars(values: Mapping[str, int]) -> list[tuple[str, int]]:
    if len(values) <= _SHOWN_BARS:
        return list(values.items())
    ranked = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    rest = ranked[_SHOWN_BARS - 1 :]
    return [
        *ranked[: _SHOWN_BARS - 1],
        (f"그 밖의 {len(rest)}개 · {len(rest)} others", sum(value for _, value in rest)),
    ]
