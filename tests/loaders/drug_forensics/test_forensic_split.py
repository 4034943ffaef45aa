"""Splits keep pictures together and classes in proportion."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from loaders.forensics.evidence import Evidence
from loaders.forensics.split import RATIOS, split_evidence
from loaders.image_files import ImageFacts


def evidence(sizes: list[int], copies: float = 0.15, seed: int = 0) -> list[Evidence]:
    """As many files of each class as `sizes` says; some show the same picture as the one before."""
    rng = np.random.default_rng(seed)
    found: list[Evidence] = []
    for label, size in enumerate(sizes):
        group = ""
        for number in range(size):
            digest = rng.bytes(32).hex()
            if not group or rng.random() > copies:
                group = f"picture-{digest[:16]}"
            facts = ImageFacts("JPEG", "RGB", 9, 9, 1, False, digest, digest, 100, b"")
            found.append(Evidence(Path("x"), f"{label}/{number}", label, facts, group))
    return found


@pytest.mark.parametrize("sizes", [[700, 610, 380, 710], [40, 2000, 300, 900]])
def test_ratios_hold_over_all_and_in_each_class(sizes: list[int]) -> None:
    items = evidence(sizes)
    splits = split_evidence(items, seed=42)
    assert sum(map(len, splits.values())) == len(items)
    for split, ratio in RATIOS.items():
        assert len(splits[split]) / len(items) == pytest.approx(ratio, abs=0.01)
        labels = Counter(item.label for item in splits[split])
        for label, size in enumerate(sizes):
            assert labels[label] / size == pytest.approx(ratio, abs=max(0.01, 2.5 / size))


def test_no_group_stands_in_two_splits() -> None:
    splits = split_evidence(evidence([100, 90, 60, 110], copies=0.5), seed=1)
    groups = [{item.group for item in items} for items in splits.values()]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


@pytest.mark.parametrize("seed", range(5))
def test_even_the_smallest_class_is_in_every_split(seed: int) -> None:
    splits = split_evidence(evidence([300, 3, 5, 200], copies=0, seed=seed), seed=seed)
    for items in splits.values():
        assert {item.label for item in items} == {0, 1, 2, 3}


def test_order_of_files_does_not_matter_and_seed_does() -> None:
    items = evidence([60, 50, 40, 60])
    shuffled = items[:]
    random.Random(1).shuffle(shuffled)
    assert split_evidence(items, seed=3) == split_evidence(shuffled, seed=3)
    assert split_evidence(items, seed=3) != split_evidence(items, seed=4)


def test_classes_are_mixed_within_a_split() -> None:
    labels = [item.label for item in split_evidence(evidence([60, 60, 60, 60]), seed=3)["train"]]
    runs = 1 + sum(left != right for left, right in pairwise(labels))
    assert runs > 100
