"""A sheet of pictures that a model got wrong, for whoever may see the pictures.

Never part of a card: a card may be read by more people than the evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cards.classification_card import WrongAnswer
from cards.figure_style import GRID, MUTED, drawing, shortened
from cards.thumbnails import PIXELS, on_white, thumbnail

if TYPE_CHECKING:
    from matplotlib.patches import Rectangle

_COLUMNS = 4


def error_sheet(wrong: Sequence[WrongAnswer], pictures: Mapping[str, bytes]) -> bytes:
    """PNG with a picture, its true class and the answer for each of `wrong`, at least one.

    pictures: {row id: encoded image}; a row without one keeps its place and its words.
    """
    rows = -(-len(wrong) // _COLUMNS)
    with drawing(2.6 * _COLUMNS, 3.3 * rows + 0.2) as (figure, png):
        panels = figure.subplots(rows, _COLUMNS, squeeze=False)
        for number, axes in enumerate(panels.flat):
            axes.set_axis_off()
            if number >= len(wrong):
                continue
            one = wrong[number]
            data = pictures.get(one.id)
            if data is None:
                axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
                axes.add_patch(_frame())
                axes.text(0.5, 0.5, "그림 없음 · no picture", ha="center", va="center", color=MUTED)
            else:
                axes.imshow(on_white(thumbnail(data), (PIXELS, PIXELS)))
            sure = "" if one.confidence is None else f" · {one.confidence:.1%}"
            axes.set_title(
                f"{shortened(one.id, 30)}\n정답 {shortened(one.label, 30)}\n"
                f"답 {shortened(one.answer, 30)}{sure}",
                fontsize=8,
            )
    return png.getvalue()


def _frame() -> Rectangle:
    from matplotlib.patches import Rectangle

    return Rectangle((0, 0), 1, 1, facecolor="white", edgecolor=GRID)
