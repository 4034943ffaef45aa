"""The figures of a classification task: confusion, classes, calibration, abstention.

Classes are labelled by their Korean and their English name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cards.answer_classes import AnswerClass
from cards.calibration import AbstentionCurve, ReliabilityBin
from cards.figure_style import GRID, INK, MUTED, TUNED, VALIDATION, ZERO_SHOT, drawing, shortened
from cards.records import Metric
from cards.tasks import SIDES, Side

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES: dict[Side, str] = {"zero_shot": "Zero-shot", "tuned": "Tuned"}
_COLOURS: dict[Side, str] = {"zero_shot": ZERO_SHOT, "tuned": TUNED}
_UNREADABLE = "읽을 수 없음\nunparsed"
# Side by side above this many classes, the numbers in the cells could not be read.
_CLASSES_ABREAST = 8


def confusion_matrices(
    matrices: Mapping[Side, NDArray[np.int64]], classes: Sequence[AnswerClass]
) -> bytes:
    """Examples by class (rows) and answer (columns), before and after tuning.

    matrices: (classes, classes + 1), the last column for answers that could not be read; it is
    drawn where either model has any. Colour is the share of the row, so that rare classes show.
    """
    unreadable = any(matrix[:, -1].any() for matrix in matrices.values())
    columns = len(classes) + unreadable
    cell = 0.86 if len(classes) <= 5 else 0.62
    abreast = len(classes) <= _CLASSES_ABREAST
    width, height = columns * cell + 1.5, len(classes) * cell + 1.5
    size = (2 * width - 0.9, height) if abreast else (width, 2 * height)
    with drawing(*size) as (figure, png):
        panels = figure.subplots(*((1, 2) if abreast else (2, 1)), squeeze=False).flat
        for panel, (axes, side) in enumerate(zip(panels, SIDES, strict=True)):
            labelled = panel == 0 or not abreast
            _confusion(axes, matrices[side][:, :columns], classes, labelled)
            right = np.trace(matrices[side]) / matrices[side].sum()
            axes.set_title(f"{_NAMES[side]} · 정확도 {right:.1%}")
    return png.getvalue()


def class_bars(
    classes: Sequence[AnswerClass],
    zero_shot: Mapping[str, Metric],
    tuned: Mapping[str, Metric],
) -> bytes:
    """Precision, recall and F1 of each class with 95 % intervals, before and after tuning.

    zero_shot, tuned: metrics by name, of which `precision/<class>` and so on are drawn.
    """
    shown = [one for one in classes if f"f1/{one.name}" in tuned]
    panels = (("precision", "정밀도 · Precision"), ("recall", "재현율 · Recall"), ("f1", "F1"))
    with drawing(9.0, 0.62 * len(shown) + 1.0) as (figure, png):
        for place, (name, title) in enumerate(panels):
            axes = figure.add_subplot(1, 3, place + 1)
            for offset, side, metrics in zip((-0.19, 0.19), SIDES, (zero_shot, tuned), strict=True):
                chosen = [metrics[f"{name}/{one.name}"] for one in shown]
                _bars_with_intervals(axes, chosen, offset, side)
            axes.set_title(title)
            axes.set_xlim(0, 1.02)
            axes.set_yticks(range(len(shown)), [_label(one) for one in shown] if not place else [])
            axes.set_ylim(len(shown) - 0.45, -0.55)
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x")
            if place == 0:
                handles, names = axes.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=2)
    return png.getvalue()


def reliability_diagram(bins: Mapping[Side, Sequence[ReliabilityBin]]) -> bytes:
    """Accuracy by confidence, and below how many examples have that confidence."""
    with drawing(7.6, 4.3) as (figure, png):
        grid = figure.add_gridspec(2, 2, height_ratios=(3, 1))
        most = max(one.count for side in SIDES for one in bins[side])
        for column, side in enumerate(SIDES):
            axes = figure.add_subplot(grid[0, column])
            _reliability(axes, bins[side], side)
            axes.set_title(_NAMES[side])
            below = figure.add_subplot(grid[1, column], sharex=axes)
            middles = [(one.low + one.high) / 2 for one in bins[side]]
            below.bar(middles, [one.count for one in bins[side]], 0.09, color=_COLOURS[side])
            below.set_ylim(0, most * 1.08)
            below.set_xlabel("확신도 · confidence")
            if column == 0:
                axes.set_ylabel("정확도 · accuracy")
                below.set_ylabel("예제 · examples")
                axes.legend(loc="upper left")
            else:
                axes.tick_params(labelleft=False)
                below.tick_params(labelleft=False)
    return png.getvalue()


def abstention_curves(curves: Mapping[Side, AbstentionCurve]) -> bytes:
    """Accuracy where only the most confident answers are taken, with pointwise 95 % bands."""
    with drawing(7.0, 3.6) as (figure, png):
        axes = figure.add_subplot()
        for side in SIDES:
            curve = curves[side]
            axes.fill_between(
                curve.coverages, curve.low, curve.high, color=_COLOURS[side], alpha=0.2, linewidth=0
            )
            axes.plot(
                curve.coverages,
                curve.accuracy,
                color=_COLOURS[side],
                linewidth=1.8,
                label=_NAMES[side],
            )
        axes.set_xlim(1.0, float(curves["tuned"].coverages.min()))
        axes.set_ylim(0, 1.02)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set_xlabel(
            "모델에 맡긴 비율(확신이 높은 것부터) · share left to the model, surest first"
        )
        axes.set_ylabel("정확도 · accuracy")
        axes.grid()
        axes.legend(loc="lower right")
        axes.set_title("기권 곡선 · Abstention")
    return png.getvalue()


def _confusion(
    axes: Axes, matrix: NDArray[np.int64], classes: Sequence[AnswerClass], labelled: bool
) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    colours = LinearSegmentedColormap.from_list("share", ["#ffffff", TUNED])
    axes.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(matrix):
        axes.text(
            column,
            row,
            f"{count:,}",
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.55 else (INK if count else MUTED),
        )
    labels = [_label(one) for one in classes]
    answers = [*labels, _UNREADABLE][: matrix.shape[1]]
    axes.set_xticks(range(len(answers)), answers, rotation=35, ha="right", fontsize=8)
    axes.set_yticks(range(len(labels)), labels if labelled else [], fontsize=9)
    axes.set_xticks(np.arange(len(answers)) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels)) + 0.5, minor=True)
    axes.grid(which="minor", color=GRID)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("모델의 답 · answer")
    if labelled:
        axes.set_ylabel("정답 · truth")


def _bars_with_intervals(axes: Axes, metrics: Sequence[Metric], offset: float, side: Side) -> None:
    values = [metric.value for metric in metrics]
    axes.barh(
        [place + offset for place in range(len(metrics))],
        values,
        height=0.34,
        color=_COLOURS[side],
        label=_NAMES[side],
        xerr=[
            [max(0.0, metric.value - metric.low) for metric in metrics],
            [max(0.0, metric.high - metric.value) for metric in metrics],
        ],
        error_kw={"ecolor": INK, "elinewidth": 1, "capsize": 2},
    )


def _reliability(axes: Axes, bins: Sequence[ReliabilityBin], side: Side) -> None:
    filled = [one for one in bins if one.count]
    middles = [(one.low + one.high) / 2 for one in filled]
    axes.bar(middles, [one.accuracy for one in filled], 0.09, color=_COLOURS[side])
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":")
    axes.plot(
        middles,
        [one.confidence for one in filled],
        color=VALIDATION,
        linestyle="none",
        marker="_",
        markersize=14,
        markeredgewidth=2,
        label="평균 확신도 · mean confidence",
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.tick_params(labelbottom=False)
    axes.grid(axis="y")


def _label(one: AnswerClass) -> str:
    return f"{shortened(one.korean, 16)}\n{shortened(one.name, 20)}"
