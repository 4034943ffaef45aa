"""Which charts are the same one: saved again, scaled, or photographed off by a pixel or two.

Charts of one template resemble each other so much that tests made for photos take different ones
for copies. So pairs with nearly the same hash are laid over each other, and the tile where they
differ most decides. Of real charts of 800 pixels, copies at 0.5 to 1.4 of their size, as JPEG of
quality 60, or cut by three pixels differ there by 4.7 gray levels at most in 98 of 100 cases; the
same chart with a single bar shortened by an eighth differs by 10 or more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from loaders.image_files import ImageFacts, to_rgb
from loaders.near_images import group_pairs, resent_pairs

_WIDTH = 256
_TILES = 24
_MOST_GRAY_LEVELS = 5.0
_SHAPES_LIKE = 0.03
"""Share by which two heights may differ at the same width."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in one encoding. Charts that are the same one have the same `group`."""

    sha256: str
    facts: ImageFacts
    group: str


def group_charts(
    facts: Sequence[ImageFacts],
    load: Callable[[int], bytes],
    advance: Callable[[int], None] = lambda count: None,
) -> list[Chart]:
    """The charts with their groups, in the order given. No two may have the same bytes.

    A group is called by the smallest hash in it, so that neither names nor order decide.

    Args:
        load: the bytes of a chart once more; asked in order, and only for those that may have
            copies.
        advance: told how many charts were compared since it was last called.
    """
    candidates = [(pair.first, pair.second) for pair in resent_pairs(facts)]
    involved = sorted({position for pair in candidates for position in pair})
    advance(len(facts) - len(involved))
    layers: dict[int, Floats] = {}
    for position in involved:
        layers[position] = _layer(load(position))
        advance(1)
    same = [pair for pair in candidates if _agree(layers[pair[0]], layers[pair[1]])]
    groups = group_pairs(len(facts), same)
    smallest: dict[int, str] = {}
    for fact, group in zip(facts, groups, strict=True):
        smallest[group] = min(fact.sha256, smallest.get(group, fact.sha256))
    return [
        Chart(fact.sha256, fact, f"chart-{smallest[group][:16]}")
        for fact, group in zip(facts, groups, strict=True)
    ]


def _layer(data: bytes) -> Floats:
    """(height, 256) gray levels, smoothed."""
    import cv2

    image = to_rgb(Image.open(BytesIO(data))).convert("L")
    height = max(1, round(_WIDTH * image.height / image.width))
    small = np.asarray(image.resize((_WIDTH, height), Image.Resampling.BOX), dtype=np.float32)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1), dtype=np.float32)


def _agree(left: Floats, right: Floats) -> bool:
    import cv2

    if abs(left.shape[0] - right.shape[0]) > _SHAPES_LIKE * left.shape[0]:
        return False
    if left.shape != right.shape:
        right = np.asarray(cv2.resize(right, left.shape[::-1], interpolation=cv2.INTER_AREA))
    # What lies between the darkest and the lightest neighbour is no difference but a shift.
    difference = np.maximum(_outside(left, right), _outside(right, left))
    tiles = cv2.resize(difference, (_TILES, _TILES), interpolation=cv2.INTER_AREA)
    return float(tiles.max()) <= _MOST_GRAY_LEVELS


def _outside(layer: Floats, other: Floats) -> Floats:
    import cv2

    neighbours = np.ones((3, 3), np.uint8)
    darker = cv2.erode(other, neighbours) - layer
    lighter = layer - cv2.dilate(other, neighbours)
    return np.asarray(np.maximum(0, np.maximum(darker, lighter)), dtype=np.float32)
