"""How figures look: size, colours, a font with Hangul. The same numbers give the same bytes.

Fonts come with `koreanize-matplotlib`, so no system font is needed for Hangul. Nothing global is
changed: figures are drawn without pyplot, under settings of their own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1f2933"
MUTED = "#7b8794"
GRID = "#e4e7eb"
ZERO_SHOT = "#9aa5b1"
TUNED = "#0b69a3"
VALIDATION = "#c65d21"

# A name of its own: a system's NanumGothic may be of another version.
_FAMILY = "NanumGothic of koreanize-matplotlib"
_STYLE: dict[str, Any] = {
    "font.family": [_FAMILY, "DejaVu Sans"],
    "font.size": 10,
    "axes.unicode_minus": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.dpi": 144,
}


def shortened(label: str, limit: int = 24) -> str:
    """At most `limit` characters, safe to draw."""
    # matplotlib reads a pair of dollar signs as mathematics.
    label = label.replace("$", "\\$")
    return label if len(label) <= limit else label[: limit - 1] + "…"


@contextmanager
def drawing(width: float, height: float) -> Iterator[tuple[Figure, io.BytesIO]]:
    """An empty figure in inches; when the block ends, the PNG is in the buffer."""
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    png = io.BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        fonts = font_manager.fontManager.ttflist
        if not any(font.name == _FAMILY for font in fonts):
            fonts.append(font_manager.FontEntry(fname=str(_font()), name=_FAMILY, size="scalable"))
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, png
        figure.savefig(
            png, format="png", metadata={"Software": f"matplotlib {matplotlib.__version__}"}
        )


def _font() -> Path:
    """NanumGothic of the package, whose import would change the global settings."""
    spec = find_spec("koreanize_matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("koreanize_matplotlib is not installed")
    return Path(spec.origin).parent / "fonts" / "NanumGothic.ttf"
