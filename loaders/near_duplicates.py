"""Texts that are the same, or nearly, among hundreds of thousands: which belong together.

Two texts are the same when their letters and digits are. They are nearly the same when the sets of
pairs of neighbouring letters of the two overlap by at least `THRESHOLD` (Jaccard index).

Candidates come from MinHash (Broder 1997) with banding: two texts are compared when all numbers of
one band of their sketches agree, which happens to 99 % of the pairs that overlap by 0.8 and to
nearly all that overlap by more. The comparison itself is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from loaders.clean_text import comparable

THRESHOLD = 0.8

_BANDS, _ROWS = 12, 5
_ALL_PAIRS = 32
"""In a bucket of up to so many texts each is compared with each; in a larger one every text is
compared with the first, those that differ from it with the first of them, and so on."""
_ROUNDS = 256
_PAIRS_AT_ONCE = 1 << 16
_TEXTS_AT_ONCE = 1 << 13

_Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Clusters:
    """Entry i of each array belongs to text i."""

    same: NDArray[np.int64]
    """Equal for the same texts; counts from 0."""
    near: NDArray[np.int64]
    """Equal for texts that a chain of the same and nearly the same connects; counts from 0."""


def find_clusters(
    batches: Iterable[list[str]], fetch: Callable[[NDArray[np.int64]], list[str]]
) -> Clusters:
    """Which of the texts belong together; the result depends on the texts alone.

    Memory grows by about 60 bytes a text, whatever its length, and by its length only for texts
    that have a candidate.

    Args:
        batches: all texts, in order.
        fetch: the texts with these numbers, once more.
    """
    hashes: list[NDArray[np.uint64]] = []
    keys: list[NDArray[np.uint32]] = []
    for batch in batches:
        letters = [comparable(text) for text in batch]
        digests = [xxhash.xxh3_64_intdigest(text.encode()) for text in letters]
        hashes.append(np.array(digests, dtype=np.uint64))
        keys.append(_band_keys(letters))
    if not hashes:
        none = np.zeros(0, dtype=np.int64)
        return Clusters(none, none)
    _, first, same = np.unique(np.concatenate(hashes), return_index=True, return_inverse=True)
    bands = np.concatenate(keys)[first]
    del hashes, keys
    near = _link(bands, lambda numbers: fetch(first[numbers]))
    return Clusters(same, near[same])


def _band_keys(texts: list[str]) -> NDArray[np.uint32]:
    """Of each text and band one number, which near duplicates are likely to share."""
    pairs, starts = _letter_pairs(texts)
    keys = np.empty((len(texts), _BANDS), dtype=np.uint32)
    factors = np.random.default_rng(0).integers(0, 1 << 32, _BANDS * _ROWS, dtype=np.uint32) | 1
    for band in range(_BANDS):
        key = np.zeros(len(texts), dtype=np.uint64)
        for factor in factors[band * _ROWS : (band + 1) * _ROWS]:
            smallest = np.minimum.reduceat(pairs * factor, starts)
            key = (key ^ smallest) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(32)
        keys[:, band] = key.astype(np.uint32)
    return keys


def _letter_pairs(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Hashes of the pairs of neighbouring letters of all texts, and where each text's begin.

    Each text has at least one: it is taken to end with a letter of its own.
    """
    letters = np.frombuffer("".join(f"{text}\0" for text in texts).encode("utf-32-le"), np.uint32)
    ends = np.flatnonzero(letters == 0)
    starts = np.concatenate([[0], ends[:-1] + 1])
    keep = np.ones(len(letters), dtype=np.bool_)
    keep[ends[ends > starts]] = False
    following = np.append(letters[1:], np.uint32(0))
    mixed = letters.astype(np.uint64) << np.uint64(32) | following
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    hashed = (mixed >> np.uint64(32)).astype(np.uint32)[keep]
    kept_before = np.concatenate([[0], np.cumsum(keep)])
    return hashed, kept_before[starts]


def _link(
    bands: NDArray[np.uint32], fetch: Callable[[NDArray[np.int64]], list[str]]
) -> NDArray[np.int64]:
    """Cluster of each text; the texts are different from one another."""
    candidates = np.zeros(len(bands), dtype=np.bool_)
    for band in bands.T:
        candidates[_buckets(band)[0]] = True
    overlap = _Overlap(np.flatnonzero(candidates), fetch)
    clusters = np.arange(len(bands))
    for band in bands.T:
        members, bucket = _buckets(band)
        large = np.bincount(bucket)[bucket] > _ALL_PAIRS
        links = [
            *_links_in_small(members[~large], bucket[~large], overlap, clusters),
            *_links_in_large(members[large], bucket[large], overlap, clusters),
        ]
        clusters = _merge(clusters, links)
    return clusters


def _buckets(keys: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the texts that share their key with another, by key; the number of the key."""
    order = np.argsort(keys, kind="stable")
    _, bucket, sizes = np.unique(keys[order], return_inverse=True, return_counts=True)
    shared = sizes[bucket] > 1
    _, bucket = np.unique(bucket[shared], return_inverse=True)
    return order[shared], bucket


def _links_in_small(
    members: NDArray[np.int64],
    bucket: NDArray[np.int64],
    overlap: _Overlap,
    clusters: NDArray[np.int64],
) -> Iterator[_Pairs]:
    """Compare each with each, by their distance in the bucket."""
    for distance in range(1, _ALL_PAIRS):
        near = bucket[distance:] == bucket[:-distance]
        if not near.any():
            return
        yield overlap.links((members[:-distance][near], members[distance:][near]), clusters)


def _links_in_large(
    members: NDArray[np.int64],
    bucket: NDArray[np.int64],
    overlap: _Overlap,
    clusters: NDArray[np.int64],
) -> Iterator[_Pairs]:
    """Compare with a leader of each bucket, then what is not near it with another one."""
    for _ in range(_ROUNDS):
        if not len(members):
            return
        _, first, place = np.unique(bucket, return_index=True, return_inverse=True)
        leaders = members[first][place]
        yield (found := overlap.links((leaders, members), clusters))
        done = np.zeros(len(clusters), dtype=np.bool_)
        done[found[1]] = True
        rest = ~done[members] & (clusters[leaders] != clusters[members])
        members, bucket = members[rest], bucket[rest]


def _merge(clusters: NDArray[np.int64], links: list[_Pairs]) -> NDArray[np.int64]:
    """The clusters after the links are drawn, numbered from 0."""
    left = np.concatenate([clusters[:0], *(clusters[pair[0]] for pair in links)])
    right = np.concatenate([clusters[:0], *(clusters[pair[1]] for pair in links)])
    count = len(clusters)
    edges = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    merged = connected_components(edges, directed=False)[1][clusters]
    return np.unique(merged, return_inverse=True)[1].astype(np.int64)


def _bit_sets(pairs: NDArray[np.uint32], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Of each text a set of 256 bits, one bit for each letter pair; some share a bit."""
    bits = np.zeros((len(lengths), 4), dtype=np.uint64)
    bit = np.uint64(1) << (pairs & 63).astype(np.uint64)
    word = pairs >> 6 & 3
    for number in range(4):
        in_word = np.where(word == number, bit, np.uint64(0))
        bits[:, number] = np.bitwise_or.reduceat(in_word, np.cumsum(lengths) - lengths)
    return bits


class _Overlap:
    """The letter pairs of the texts that have candidates, for comparing them exactly."""

    def __init__(
        self, numbers: NDArray[np.int64], fetch: Callable[[NDArray[np.int64]], list[str]]
    ) -> None:
        self._numbers = numbers
        pairs = [np.zeros(0, dtype=np.uint32)]
        lengths = [np.zeros(0, dtype=np.int64)]
        bits = [np.zeros((0, 4), dtype=np.uint64)]
        for start in range(0, len(numbers), _TEXTS_AT_ONCE):
            texts = [comparable(text) for text in fetch(numbers[start : start + _TEXTS_AT_ONCE])]
            hashed, starts = _letter_pairs(texts)
            text = np.repeat(np.arange(len(texts)), np.diff(np.append(starts, len(hashed))))
            unique = np.unique(text.astype(np.uint64) << np.uint64(32) | hashed)
            pairs.append(unique.astype(np.uint32))
            lengths.append(np.bincount((unique >> np.uint64(32)).astype(np.int64)))
            bits.append(_bit_sets(pairs[-1], lengths[-1]))
        self._pairs = np.concatenate(pairs)
        self._lengths = np.concatenate(lengths)
        self._starts: NDArray[np.int64] = np.cumsum(self._lengths) - self._lengths
        self._bits = np.concatenate(bits)
        self._hidden = self._lengths - np.bitwise_count(self._bits).sum(axis=1, dtype=np.int64)

    def links(self, pairs: _Pairs, clusters: NDArray[np.int64]) -> _Pairs:
        """Of these pairs of texts those that are near and not yet in one cluster."""
        new = clusters[pairs[0]] != clusters[pairs[1]]
        left, right = pairs[0][new], pairs[1][new]
        near = [np.zeros(0, dtype=np.bool_)]
        for start in range(0, len(left), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            a = np.searchsorted(self._numbers, left[part])
            b = np.searchsorted(self._numbers, right[part])
            # Common letter pairs have a common bit, unless a bit stands for several of them.
            common = np.bitwise_count(self._bits[a] & self._bits[b]).sum(axis=1, dtype=np.int64)
            common += np.minimum(self._hidden[a], self._hidden[b])
            chosen = self._overlap_enough(a, b, common)
            chosen[chosen] = self._overlap_enough(a[chosen], b[chosen])
            near.append(chosen)
        chosen = np.concatenate(near)
        return left[chosen], right[chosen]

    def _overlap_enough(
        self, a: NDArray[np.int64], b: NDArray[np.int64], common: NDArray[np.int64] | None = None
    ) -> NDArray[np.bool_]:
        """Whether the Jaccard index is large enough; without `common`, that is counted."""
        if common is None:
            both = np.sort(np.concatenate([self._tagged(a), self._tagged(b)]))
            twice = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
            common = np.bincount(twice.astype(np.int64), minlength=len(a))
        return common >= THRESHOLD * (self._lengths[a] + self._lengths[b] - common)

    def _tagged(self, texts: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The letter pairs of these texts, each with the number of its text's place here."""
        lengths = self._lengths[texts]
        place = np.repeat(np.arange(len(texts)), lengths)
        inside = np.arange(len(place)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        pairs: NDArray[np.uint32] = self._pairs[self._starts[texts][place] + inside]
        return place.astype(np.uint64) << np.uint64(32) | pairs
