"""Which images show the same picture: sent again, scaled, coded anew, or cut at the sides.

Two tests over all pairs of a set. PDQ within 31 of 256 bits is the same picture in another file
(the threshold its authors give). A cropped copy moves every bit of PDQ, so pairs whose coarse
layouts resemble each other are laid over one another, see `loaders/image_overlay.py`. Of 248
photos and screens, cut, scaled to 0.6 and saved at quality 65, 98-99 % are found that kept 0.85 of
their sides or more, 96 % that kept 0.78 and 73 % that kept 0.7. Mirrored copies are not looked for.

All pairs are compared, so the time grows with the square of the number of images. Memory grows
with the number of images (5 kB each), not of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from loaders.image_files import SKETCH_SIDE, Gray, ImageFacts, map_in_threads
from loaders.image_overlay import is_part, may_be_part

PDQ_THRESHOLD = 31
MIN_QUALITY = 50
"""Below this PDQ quality an image has no structure that could be told from another's."""

_VIEW = 0.85
"""Besides the whole, nine parts of this side length stand for an image."""
_LAYOUT_SIDE = 6
_LAYOUT_LIKE = 0.75
_NEIGHBOURS = 8
_CELLS = 8_000_000
"""Of the largest intermediate matrix: 32 MB of float32."""
_CACHED_ROWS = 64
_KEPT_PICTURES = 256

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
    words = _words(chosen)
    sketches = np.stack([np.frombuffer(f.sketch, np.uint8) for f in chosen])
    views = _views(sketches.reshape(-1, SKETCH_SIDE, SKETCH_SIDE))
    picture = lru_cache(maxsize=_KEPT_PICTURES)(gray)

    def is_cropped(pair: tuple[int, int]) -> bool:
        part, whole = pair
        return may_be_part(facts[part], facts[whole]) and is_part(
            facts[part], facts[whole], picture(part), picture(whole)
        )

    found: dict[tuple[int, int], Kind] = {}
    step = max(_CACHED_ROWS, _CELLS // len(usable) // _CACHED_ROWS * _CACHED_ROWS)
    for start in range(0, len(usable), step):
        block = slice(start, start + step)
        for left, right in _resent(words, block):
            found[_ordered(usable[left], usable[right])] = "resent"
        alike = [
            (int(usable[part]), int(usable[whole]))
            for part, whole in _alike(views, block)
            if _ordered(usable[part], usable[whole]) not in found
        ]
        for pair, cropped in zip(alike, map_in_threads(is_cropped, alike), strict=True):
            if cropped:
                found[_ordered(*pair)] = "cropped"
        advance(len(usable[block]))
    return sorted(NearPair(*pair, kind) for pair, kind in found.items())


def resent_pairs(facts: Sequence[ImageFacts]) -> list[NearPair]:
    """Only the pairs that show the same picture in another file; no cropped copies.

    For photos of paper strips on tables: laid over one another, different ones pass for cuts.
    """
    usable = np.array([i for i, fact in enumerate(facts) if fact.hash_quality >= MIN_QUALITY])
    if len(usable) < 2:
        return []
    words = _words([facts[i] for i in usable])
    step = max(_CACHED_ROWS, _CELLS // len(usable) // _CACHED_ROWS * _CACHED_ROWS)
    blocks = (slice(start, start + step) for start in range(0, len(usable), step))
    found = {
        _ordered(usable[left], usable[right])
        for block in blocks
        for left, right in _resent(words, block)
    }
    return sorted(NearPair(*pair, "resent") for pair in found)


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


def _words(facts: Sequence[ImageFacts]) -> npt.NDArray[np.uint64]:
    """(4, image): the PDQ hashes."""
    digests = b"".join(bytes.fromhex(fact.perceptual_hash) for fact in facts)
    return np.ascontiguousarray(np.frombuffer(digests, np.uint64).reshape(len(facts), 4).T)


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
    starts = (0.0, (SKETCH_SIDE - side) / 2, SKETCH_SIDE - side)
    whole = _cells(0.0, float(SKETCH_SIDE))
    parts = [_cells(start, start + side) for start in starts]
    grids = [(whole, whole)] + [(down, across) for down in parts for across in parts]
    pixels = sketches.astype(np.float32)
    views = [down @ pixels @ across.T for down, across in grids]
    layouts = np.stack(views).reshape(len(grids), len(pixels), -1)
    layouts -= layouts.mean(axis=2, keepdims=True)
    lengths = np.linalg.norm(layouts, axis=2, keepdims=True)
    layouts /= np.where(lengths > 1, lengths, np.inf)
    return np.asarray(layouts, dtype=np.float32)


def _cells(start: float, end: float) -> Floats:
    """(cell, pixel): how much of each pixel of a sketch's side lies in each cell of a layout."""
    edges = np.linspace(start, end, _LAYOUT_SIDE + 1)
    pixels = np.arange(SKETCH_SIDE)
    from_left = np.clip(edges[:, None] - pixels[None, :], 0, 1)
    return np.diff(from_left, axis=0).astype(np.float32) / np.float32(edges[1] - edges[0])


def _ordered(left: int | np.int64, right: int | np.int64) -> tuple[int, int]:
    return (int(left), int(right)) if left < right else (int(right), int(left))
