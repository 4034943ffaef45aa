"""Splits by group."""

import random
from collections import Counter

import numpy as np
import pytest

from loaders.splits import allot_groups, split_by_group

RATIOS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def _groups(rows: int, largest: int) -> list[str]:
    chance = random.Random(3)
    groups: list[str] = []
    while len(groups) < rows:
        groups += [f"g{len(groups)}"] * chance.randint(1, largest)
    return groups


def _splits_of_groups(groups: list[str]) -> dict[str, str]:
    strata = [f"class {int(group[1:]) % 4}" for group in groups]
    return dict(zip(groups, split_by_group(groups, RATIOS, 1, strata), strict=True))


def test_no_group_stands_in_two_splits_and_shares_are_kept() -> None:
    groups = _groups(4000, 9)
    splits = split_by_group(groups, RATIOS, seed=1)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))
    counts = Counter(splits)
    for split, share in RATIOS.items():
        assert counts[split] / len(groups) == pytest.approx(share, abs=0.005)


def test_the_order_of_the_rows_does_not_matter() -> None:
    groups = _groups(800, 6)
    placed = dict(zip(groups, split_by_group(groups, RATIOS, seed=1), strict=True))
    shuffled = random.Random(8).sample(groups, len(groups))
    again = dict(zip(shuffled, split_by_group(shuffled, RATIOS, seed=1), strict=True))
    assert placed == again


def test_another_seed_splits_otherwise() -> None:
    groups = _groups(800, 6)
    assert split_by_group(groups, RATIOS, seed=1) != split_by_group(groups, RATIOS, seed=2)


def test_every_stratum_has_the_shares_of_the_whole() -> None:
    groups = [f"g{number}" for number in range(3000)]
    strata = ["rare" if number % 30 == 0 else "common" for number in range(3000)]
    splits = split_by_group(groups, RATIOS, seed=4, strata=strata)
    rare = Counter(s for s, stratum in zip(splits, strata, strict=True) if stratum == "rare")
    assert rare["train"] == pytest.approx(80, abs=2)
    assert rare["validation"] == pytest.approx(10, abs=2)
    assert rare["test"] == pytest.approx(10, abs=2)


def test_strata_of_a_single_group_are_spread_too() -> None:
    groups = [f"g{number}" for number in range(2000)]
    counts = Counter(split_by_group(groups, RATIOS, seed=2, strata=groups))
    assert counts == {"train": 1600, "validation": 200, "test": 200}


@pytest.mark.parametrize(("rows", "largest"), [(2000, 5), (400, 2), (120, 1)])
def test_a_corrected_source_leaves_the_others_in_their_splits(rows: int, largest: int) -> None:
    """Or a model that learned from one release would be measured on what it learned."""
    groups = _groups(rows, largest)
    before = _splits_of_groups(groups)
    names = sorted(before)
    gone = set(random.Random(5).sample(names, len(names) // 40))
    new = [f"g{number}" for number in range(10_000, 10_000 + len(names) // 30)]
    after = _splits_of_groups([*(one for one in groups if one not in gone), *new])
    moved = [name for name in names if name in after and after[name] != before[name]]
    assert len(moved) <= 0.04 * len(names)
    into_test = [name for name in moved if after[name] == "test" and before[name] == "train"]
    assert into_test == []


def test_few_rows_have_the_shares_of_every_stratum_too() -> None:
    names = [f"g{number}" for number in range(199)]
    splits = _splits_of_groups(names)
    counts = Counter((int(name[1:]) % 4, split) for name, split in splits.items())
    for stratum in range(4):
        assert 4 <= counts[stratum, "test"] <= 6
        assert 4 <= counts[stratum, "validation"] <= 6


def test_a_giant_group_costs_the_other_splits_nothing() -> None:
    groups = ["giant"] * 500 + [f"g{number}" for number in range(500)]
    counts = Counter(split_by_group(groups, RATIOS, seed=1))
    assert counts == {"train": 800, "validation": 100, "test": 100}


def test_shares_that_do_not_add_up_are_refused() -> None:
    one = np.array([1])
    with pytest.raises(ValueError, match="add up to 1"):
        allot_groups(one, one.astype(np.uint64), [0.8, 0.1], one)
