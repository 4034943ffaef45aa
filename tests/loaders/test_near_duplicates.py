"""Texts that are the same or nearly so are found; others are left apart."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest

from loaders.clean_text import comparable
from loaders.near_duplicates import THRESHOLD, Clusters, find_clusters

SYLLABLES = [chr(0xAC00 + 28 * number) for number in range(300)]


def _find(texts: list[str]) -> Clusters:
    batches = (texts[start : start + 100] for start in range(0, len(texts), 100))
    return find_clusters(batches, lambda numbers: [texts[number] for number in numbers])


def _overlap(a: str, b: str) -> float:
    """Jaccard index of the pairs of neighbouring letters, the end being one."""
    one, other = ({x + y for x, y in zip(t, t[1:] + "\0", strict=True)} for t in (a, b))
    return len(one & other) / len(one | other)


def _variants(chance: random.Random, base: str, count: int) -> list[str]:
    made = []
    for _ in range(count):
        letters = list(base)
        for _ in range(chance.randrange(6)):
            letters[chance.randrange(len(letters))] = chance.choice(SYLLABLES)
        made.append("".join(letters))
    return made


def test_clusters_are_those_of_comparing_each_with_each() -> None:
    chance = random.Random(3)
    texts = []
    for _ in range(60):
        base = "".join(chance.choices(SYLLABLES, k=chance.randrange(10, 60)))
        texts += _variants(chance, base, chance.randrange(1, 12))
    chance.shuffle(texts)
    expected = {frozenset([number]) for number in range(len(texts))}
    cluster_of = {number: frozenset([number]) for number in range(len(texts))}
    for a, b in combinations(range(len(texts)), 2):
        if _overlap(texts[a], texts[b]) >= THRESHOLD and cluster_of[a] is not cluster_of[b]:
            merged = cluster_of[a] | cluster_of[b]
            expected -= {cluster_of[a], cluster_of[b]}
            expected.add(merged)
            for number in merged:
                cluster_of[number] = merged
    near = _find(texts).near
    found = {frozenset(np.flatnonzero(near == cluster).tolist()) for cluster in set(near.tolist())}
    assert found == expected
    assert max(map(len, found)) > 5


def test_a_bucket_too_large_for_all_pairs_is_resolved_too() -> None:
    """Two hundred variants each of two long texts that share their first half."""
    chance = random.Random(4)
    half, *ends = ("".join(chance.choices(SYLLABLES, k=120)) for _ in range(3))
    texts = [
        f"{half}{end}{chance.choice(SYLLABLES)}{number}" for end in ends for number in range(200)
    ]
    near = _find(texts).near
    assert len(set(near[:200])) == len(set(near[200:])) == 1
    assert near[0] != near[-1]


def test_blanks_and_punctuation_make_no_difference() -> None:
    texts = ["눈이 아파요?", "눈이  아파요", "눈이아파요!!", "귀가 아파요?", "?", "!"]
    clusters = _find(texts)
    assert len(set(clusters.same[:3])) == 1
    assert len({clusters.same[0], clusters.same[3], clusters.same[4]}) == 3
    assert clusters.same[4] == clusters.same[5]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_texts_does_not_matter(seed: int) -> None:
    chance = random.Random(seed)
    texts = _variants(chance, "".join(chance.choices(SYLLABLES, k=30)), 300)
    order = chance.sample(range(len(texts)), len(texts))
    straight, shuffled = _find(texts), _find([texts[number] for number in order])
    pairs = set(zip(straight.near[order].tolist(), shuffled.near.tolist(), strict=True))
    assert len(pairs) == len(set(straight.near.tolist())) == len(set(shuffled.near.tolist()))


def test_no_texts_are_no_clusters() -> None:
    assert _find([]).near.tolist() == []
    assert comparable("") == ""
