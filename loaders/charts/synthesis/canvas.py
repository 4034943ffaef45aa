"""A small picture of matplotlib artists, in pixels from the lower left corner.

No `Axes`: its ticks and its layout take about as long as all the drawing. Every text is given the
room it may take and is made smaller until it fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

WIDTH, HEIGHT = 448, 336
"""Multiples of 28: whole patches of the vision towers that read them."""

INK, MUTED, GRID = "#1f2933", "#56616e", "#dfe3e8"
Across = Literal["left", "center", "right"]
LEFT: Across = "left"
CENTRE: Across = "center"

_DPI = 100
_POINTS = 72 / _DPI
_COMPRESSION = 4


class Canvas:
    """What is drawn later lies above what was drawn before."""

    def __init__(self, background: str) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.transforms import IdentityTransform

        self._figure = Figure(figsize=(WIDTH / _DPI, HEIGHT / _DPI), dpi=_DPI, facecolor=background)
        self._agg = FigureCanvasAgg(self._figure)
        self._pixels = IdentityTransform()
        self._drawn = 0

    def rectangle(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        from matplotlib.patches import Rectangle

        self._add(Rectangle((round(x), round(y)), round(width), round(height), facecolor=fill))

    def wedge(self, x: float, y: float, radius: float, start: float, end: float, fill: str) -> None:
        """Between two angles in degrees, anticlockwise from three o'clock."""
        from matplotlib.patches import Wedge

        self._add(Wedge((x, y), radius, start, end, facecolor=fill, edgecolor="white"))

    def line(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        width: float = 1.0,
        marker: str | None = None,
    ) -> None:
        from matplotlib.lines import Line2D

        across, up = zip(*points, strict=True)
        self._add(Line2D(across, up, color=colour, linewidth=width, marker=marker, markersize=4.5))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        colour: str = INK,
        across: Across = "center",
        up: Literal["bottom", "center", "top"] = "center",
        bold: bool = False,
        room: float = WIDTH,
        halo: str | None = None,
    ) -> None:
        """`size` is the height of the letters in pixels; they shrink until `room` is enough.

        Args:
            halo: colour of a rim that keeps the letters apart from what they lie on.
        """
        from matplotlib.patheffects import withStroke
        from matplotlib.text import Text

        width = text_width(text, size, bold)
        size *= min(1.0, room / width)
        font = _font(bold).copy()
        font.set_size(size * _POINTS)
        self._add(
            Text(
                x,
                y,
                text,
                color=colour,
                fontproperties=font,
                horizontalalignment=across,
                verticalalignment=up,
                parse_math=False,
                path_effects=None if halo is None else [withStroke(linewidth=2.5, foreground=halo)],
            )
        )

    def png(self) -> bytes:
        """RGBA, as ChartQA's own."""
        import numpy as np
        from PIL import Image

        self._agg.draw()
        data = BytesIO()
        image = Image.fromarray(np.asarray(self._agg.buffer_rgba()))
        image.save(data, "PNG", compress_level=_COMPRESSION)
        return data.getvalue()

    def _add(self, artist: Any) -> None:
        artist.set_transform(self._pixels)
        artist.set_zorder(self._drawn)
        self._drawn += 1
        self._figure.add_artist(artist)


@contextmanager
def plain_style() -> Iterator[None]:
    """Draw by matplotlib's own defaults, whatever settings a user keeps."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """In pixels."""
    from matplotlib.font_manager import get_font

    font = get_font(_font_file(bold))
    font.set_size(size * _POINTS, _DPI)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64


@lru_cache(maxsize=2)
def _font(bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=_font_file(bold))


def _font_file(bold: bool) -> str:
    """NanumGothic of the package, whose import would change global settings."""
    package = find_spec("koreanize_matplotlib")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("koreanize_matplotlib is not installed")
    name = "NanumGothicBold.ttf" if bold else "NanumGothic.ttf"
    return str(Path(package.origin).parent / "fonts" / name)
