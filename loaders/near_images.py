"""Which images show the same picture: sent again, scaled, coded anew, or cut at the sides.

Two tests over all pairs of a set. PDQ within 31 of 256 bits is the same picture in another file
(the threshold its authors give). A cropped copy moves every bit of PDQ, so pairs whose coarse
layouts resemble each other are laid over one another and compared in detail. Both
compare all pairs: with 20,000 images that takes a fifth of the time that decoding them takes, with
100,000 as much. Memory grows with the number of images (3 kB each), not of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from loaders.image_files import SKETCH_SIDE, Gray, ImageFacts

PDQ_THRESHOLD = 31
MIN_QUALITY = 50
"""Below this PDQ quality an image has no structure that could be told from another's."""

_VIEW = 0.85
"""Besides the whole, nine parts of this side length stand for an image."""
_LAYOUT_SIDE = 6
_LAYOUT_LIKE = 0.75
_NEIGHBOURS = 8
_SMALLEST_CROP = 0.6
_DETAIL_SIDE = 96
_DETAIL_LIKE = 0.75
_TILES = 4
_TILES_LIKE = 0.65
"""Correlation of the overlaid pictures without their low frequencies, over all and, because one
strong line can decide that, at the worst quarter of 4 x 4 tiles. Of photos cut to 0.7-1.0 of their
sides, scaled to 0.6 and saved at quality 60, 97 % pass both. Different pictures stay below 0.4
over all; different talks in one chat program reach 0.87 over all but 0.46 by tiles."""
_FLAT = 1.5
"""Gray levels of standard deviation below which a tile shows nothing to compare."""
_CELLS = 8_000_000
"""Of the largest intermediate matrix: 32 MB of float32."""
_CACHED_ROWS = 64

Floats = npt.NDArray[np.float32]
Kind = Literal["resent", "cropped"]


@dataclass(frozen=True, order=True)
class NearPair:
    """Positions of two images in the sequence that was given, `first` < `second`."""

    first: int
    second: int
    kind: Kind


def near_pairs(
    facts: Sequence[ImageFacts],
    gray: Callable[[int], Gray],
    advance: Callable[[int], None] = lambda count: None,
) -> list[NearPair]:
    """All pairs of images that show the same picture, in order.

    Images with too little structure (see `MIN_QUALITY`) are in no pair.

    Args:
        facts: of every image of the set, none twice with the same bytes.
        gray: hands out the upright gray picture of an image once more, see
            :func:`loaders.image_files.gray_thumbnail`; asked only for pairs that look alike.
        advance: told how many images were compared since it was last called.
    """
    usable = np.array([i for i, fact in enumerate(facts) if fact.hash_quality >= MIN_QUALITY])
    if len(usable) < 2:
        advance(len(facts))
        return []
    advance(len(facts) - len(usable))
    chosen = [facts[i] for i in usable]
    digests = b"".join(bytes.fromhex(fact.perceptual_hash) for fact in chosen)
    words = np.ascontiguousarray(np.frombuffer(digests, np.uint64).reshape(len(chosen), 4).T)
    sketches = np.stack([np.frombuffer(f.sketch, np.uint8) for f in chosen])
    views = _views(sketches.reshape(-1, SKETCH_SIDE, SKETCH_SIDE))
    detail = lru_cache(maxsize=512)(lambda position: _detail(gray(position)))

    found: dict[tuple[int, int], Kind] = {}
    step = max(_CACHED_ROWS, _CELLS // len(usable) // _CACHED_ROWS * _CACHED_ROWS)
    for start in range(0, len(usable), step):
        block = slice(start, start + step)
        for left, right in _resent(words, block):
            found[_ordered(usable[left], usable[right])] = "resent"
        for part, whole in _alike(views, block):
            pair = _ordered(usable[part], usable[whole])
            if pair not in found and _is_part(detail(usable[part]), detail(usable[whole])):
                found[pair] = "cropped"
        advance(len(usable[block]))
    return sorted(NearPair(*pair, kind) for pair, kind in found.items())


def group_pairs(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """The group of each of `count` items, when the items of a pair belong together.

    A group is called by the position of its first item.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), (count, count))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    return [int(first[number]) for number in component]


def _resent(words: npt.NDArray[np.uint64], block: slice) -> Iterator[tuple[int, int]]:
    """Pairs within the PDQ threshold whose first member lies in the block.

    Args:
        words: (4, image), a hash in four parts.
    """
    for start in range(block.start, min(block.stop, words.shape[1]), _CACHED_ROWS):
        later = words[:, start:]
        distance = np.zeros((len(later[0, :_CACHED_ROWS]), later.shape[1]), np.uint16)
        for word in later:
            distance += np.bitwise_count(word[:_CACHED_ROWS, None] ^ word[None, :])
        for left, right in np.argwhere(distance <= PDQ_THRESHOLD) + start:
            if left < right:
                yield int(left), int(right)


def _alike(views: Floats, block: slice) -> Iterator[tuple[int, int]]:
    """(part, whole) pairs of the block's images with those whose layout is nearest to them."""
    whole = views[0, block]
    likeness = whole @ views[0].T
    for view in views[1:]:
        np.maximum(likeness, whole @ view.T, out=likeness)
    own = np.arange(len(whole))
    likeness[own, own + block.start] = -1
    rows, columns = np.nonzero(likeness >= _LAYOUT_LIKE)
    order = np.lexsort((columns, -likeness[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    for row, column in zip(rows[rank < _NEIGHBOURS], columns[rank < _NEIGHBOURS], strict=True):
        yield int(row) + block.start, int(column)


def _views(sketches: npt.NDArray[np.uint8]) -> Floats:
    """(view, image, cell): layouts of the whole and its parts, mean 0 and length 1."""
    side = SKETCH_SIDE * _VIEW
    starts = [0.0, (SKETCH_SIDE - side) / 2, SKETCH_SIDE - side]
    boxes = [(0.0, 0.0, float(SKETCH_SIDE), float(SKETCH_SIDE))]
    boxes += [(x, y, x + side, y + side) for y in starts for x in starts]
    layouts = np.empty((len(boxes), len(sketches), _LAYOUT_SIDE**2), np.float32)
    for number, sketch in enumerate(sketches):
        image = Image.fromarray(sketch)
        for view, box in enumerate(boxes):
            small = image.resize((_LAYOUT_SIDE, _LAYOUT_SIDE), Image.Resampling.BOX, box)
            layouts[view, number] = np.asarray(small).ravel()
    layouts -= layouts.mean(axis=2, keepdims=True)
    lengths = np.linalg.norm(layouts, axis=2, keepdims=True)
    layouts /= np.where(lengths > 0, lengths, 1)
    return layouts


def _detail(gray: Gray) -> Floats:
    """The picture with its longer side at 96, proportions kept."""
    image = Image.fromarray(gray)
    scale = _DETAIL_SIDE / max(image.size)
    width, height = (max(8, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32)


def _is_part(part: Floats, whole: Floats) -> bool:
    """Whether `part` is `whole`, or `whole` with its sides cut off, at one scale."""
    import cv2

    height, width = whole.shape
    # A crop keeps the shape of pixels: its proportions say how much more of one side is gone.
    slimmer = (part.shape[1] / part.shape[0]) / (width / height)
    fine = _without_low_frequencies(whole)
    best, there, laid_best = 0.0, fine, fine
    for larger in np.arange(1.0, _SMALLEST_CROP, -0.02):
        across, down = (larger, larger / slimmer) if slimmer >= 1 else (larger * slimmer, larger)
        if min(across, down) < _SMALLEST_CROP:
            break
        size = (round(width * across), round(height * down))
        laid = _without_low_frequencies(cv2.resize(part, size, interpolation=cv2.INTER_AREA))
        match = cv2.matchTemplate(fine, laid, cv2.TM_CCOEFF_NORMED)
        _, value, _, (x, y) = cv2.minMaxLoc(match)
        if value > best:
            best, laid_best = value, laid
            there = fine[y : y + size[1], x : x + size[0]]
    return best >= _DETAIL_LIKE and _tiles_agree(there, laid_best)


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


def _without_low_frequencies(picture: npt.NDArray[Any]) -> Floats:
    import cv2

    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), 3), dtype=np.float32)


def _ordered(left: np.int64, right: np.int64) -> tuple[int, int]:
    return (int(left), int(right)) if left < right else (int(right), int(left))
