"""Evidence to training, validation and test: by picture, in proportion, every class in each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import xxhash

from loaders.forensics.evidence import Evidence
from loaders.splits import split_by_group

RATIOS = {"train": 0.7225, "validation": 0.1275, "test": 0.15}
"""15 % to test with and, of the rest, 15 % to validate with."""


def split_evidence(evidence: Sequence[Evidence], seed: int) -> dict[str, list[Evidence]]:
    """{split: its evidence}, in an order that mixes the classes.

    All that shares a group is in one split. Classes are spread in proportion, and where that
    leaves a split without a class, the class's smallest group is moved there from training.
    Split and order depend on the bytes of the files and on `seed` alone.
    """
    groups = [item.group for item in evidence]
    chosen = split_by_group(groups, RATIOS, seed, [str(item.label) for item in evidence])
    split_of = dict(zip(groups, chosen, strict=True))
    _fill(evidence, split_of, seed)
    ordered = sorted(evidence, key=lambda item: (_rank(item.facts.sha256, seed), item.label))
    return {split: [item for item in ordered if split_of[item.group] == split] for split in RATIOS}


def _fill(evidence: Sequence[Evidence], split_of: dict[str, str], seed: int) -> None:
    """Give every split something of every class, as long as training keeps something too."""
    members = Counter(item.group for item in evidence)
    groups: dict[int, set[str]] = defaultdict(set)
    for item in evidence:
        groups[item.label].add(item.group)
    for label in sorted(groups):
        for split in RATIOS:
            if any(split_of[group] == split for group in groups[label]):
                continue
            donors = Counter(split_of[group] for group in groups[label])
            donor = max(RATIOS, key=lambda name: donors[name])
            if donors[donor] > 1:
                moved = min(
                    (group for group in groups[label] if split_of[group] == donor),
                    key=lambda group: (members[group], _rank(group, seed)),
                )
                split_of[moved] = split


def _rank(text: str, seed: int) -> int:
    return xxhash.xxh3_64_intdigest(text.encode(), seed)
