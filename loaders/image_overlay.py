"""Whether one picture is a part of another: lay it on, find the best place, compare.

Two looks of growing cost. The first needs only the sketches of :class:`ImageFacts` and turns most
pairs away; the second needs the pictures themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from loaders.image_files import SKETCH_SIDE, Gray, ImageFacts

_SMALLEST_CROP = 0.6
_COARSE_SCALES = tuple(np.arange(1.0, _SMALLEST_CROP, -0.08).tolist())
"""Never more than 0.04 from the right one."""
_FINER_STEPS = (0.04, 0.02, 0.01)

_SKETCH_BAND = (0.5, 2.5)
_SKETCH_LIKE = 0.6
"""Correlation of sketches: 99.7 % of copies that kept 0.7 or more of their sides reach it, and
17 % of other pairs with a like layout."""

_DETAIL_SIDE = 96
_DETAIL_BAND = (0.8, 4.0)
_DETAIL_LIKE = 0.75
_TILES = 4
_TILES_LIKE = 0.7
"""Correlation of the pictures in their middle frequencies, over all and, because one strong line
can decide that, at the worst quarter of 4 x 4 tiles. Different pictures stay below 0.6 over all;
different talks in one chat program reach 0.9, but 0.65 by tiles."""
_FLAT = 1.5
"""Gray levels of standard deviation below which a tile shows nothing to compare."""

Floats = npt.NDArray[np.float32]
Band = tuple[float, float]
"""Standard deviations, in pixels, of the blur that is kept and of the one that is taken off."""


@dataclass(frozen=True)
class Overlay:
    """The best place of a picture on another at one scale: what lies under it, and itself."""

    likeness: float
    scale: float
    under: Floats
    over: Floats


def may_be_part(part: ImageFacts, whole: ImageFacts) -> bool:
    """False when the sketches already show that `part` is no part of `whole`."""
    best = _best(
        _sketch(part),
        _middle_frequencies(_sketch(whole), _SKETCH_BAND),
        _slimmer(part, whole),
        _COARSE_SCALES,
        _SKETCH_BAND,
    )
    return best is not None and best.likeness >= _SKETCH_LIKE


def is_part(part: ImageFacts, whole: ImageFacts, part_gray: Gray, whole_gray: Gray) -> bool:
    """Whether `part` is `whole`, or `whole` with its sides cut off; both upright and gray."""
    over = _reduced(part_gray)
    fine = _middle_frequencies(_reduced(whole_gray), _DETAIL_BAND)
    slimmer = _slimmer(part, whole)
    best = _best(over, fine, slimmer, _COARSE_SCALES, _DETAIL_BAND)
    if best is None:
        return False
    for step in _FINER_STEPS:
        scales = (best.scale - step, best.scale + step)
        nearer = _best(over, fine, slimmer, scales, _DETAIL_BAND)
        if nearer and nearer.likeness > best.likeness:
            best = nearer
    return best.likeness >= _DETAIL_LIKE and _tiles_agree(best.under, best.over)


def _slimmer(part: ImageFacts, whole: ImageFacts) -> float:
    return (part.width / part.height) / (whole.width / whole.height)


def _best(
    part: Floats, fine: Floats, slimmer: float, scales: Sequence[float], band: Band
) -> Overlay | None:
    overlays = [found for s in scales if (found := _overlay(part, fine, slimmer, s, band))]
    return max(overlays, key=lambda overlay: overlay.likeness, default=None)


def _overlay(
    part: Floats, fine: Floats, slimmer: float, scale: float, band: Band
) -> Overlay | None:
    """Lay `part` on the middle frequencies of the whole; None where it would not fit.

    Args:
        slimmer: proportions of `part` through those of the whole. A crop keeps the shape of
            pixels, so they tell how much more of one side is gone than of the other.
        scale: the larger of the shares of the whole's width and height that `part` covers.
    """
    import cv2

    height, width = fine.shape
    across, down = (scale, scale / slimmer) if slimmer >= 1 else (scale * slimmer, scale)
    if scale > 1 or min(across, down) < _SMALLEST_CROP:
        return None
    size = (round(width * across), round(height * down))
    over = _middle_frequencies(cv2.resize(part, size, interpolation=cv2.INTER_AREA), band)
    match = cv2.matchTemplate(fine, over, cv2.TM_CCOEFF_NORMED)
    _, likeness, _, (x, y) = cv2.minMaxLoc(match)
    return Overlay(likeness, scale, fine[y : y + size[1], x : x + size[0]], over)


def _tiles_agree(left: Floats, right: Floats) -> bool:
    correlations = []
    for rows in zip(np.array_split(left, _TILES), np.array_split(right, _TILES), strict=True):
        columns = (np.array_split(row, _TILES, axis=1) for row in rows)
        for here, there in zip(*columns, strict=True):
            spread = float(here.std() * there.std())
            if max(here.std(), there.std()) < _FLAT:
                continue
            together = float(((here - here.mean()) * (there - there.mean())).mean())
            correlations.append(together / spread if spread > 0 else 0.0)
    return bool(correlations) and float(np.percentile(correlations, 25)) >= _TILES_LIKE


def _sketch(facts: ImageFacts) -> Floats:
    square = np.frombuffer(facts.sketch, np.uint8).reshape(SKETCH_SIDE, SKETCH_SIDE)
    return square.astype(np.float32)


def _reduced(gray: Gray) -> Floats:
    """The picture with its longer side at 96 pixels, proportions kept."""
    image = Image.fromarray(gray)
    scale = _DETAIL_SIDE / max(image.size)
    width, height = (max(8, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def _middle_frequencies(picture: npt.NDArray[Any], band: Band) -> Floats:
    """Without the noise, which two files do not share, and the light, which all pictures do."""
    import cv2

    fine, coarse = (cv2.GaussianBlur(picture, (0, 0), blur) for blur in band)
    return np.asarray(fine - coarse, dtype=np.float32)
