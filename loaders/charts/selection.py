"""Which records become rows: each once, of a slice if one is asked for, of one split only."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import xxhash

from cards.errors import BogamError
from loaders.charts.layouts import SPLITS, Question
from loaders.charts.same_charts import Chart
from loaders.rejects import Reason, RejectLog

_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")


@dataclass(frozen=True)
class SharedChart:
    """A chart of which more than one split has a copy."""

    first: str
    second: str
    """Raw items of two splits that show it."""
    same_bytes: bool


def parse_share(text: str) -> Decimal:
    """The share that `1%` means, above 0 and up to 1.

    Raises:
        BogamError: not of this form.
    """
    found = _SHARE.fullmatch(text.strip())
    share = Decimal(found[1]) / 100 if found else Decimal(0)
    if not 0 < share <= 1:
        raise BogamError(f"--slice: cannot read {text!r}. Write a share of the charts: 1%, 12.5%.")
    return share


def without_repeats(questions: Sequence[Question], rejects: RejectLog) -> list[Question]:
    """Of records of one part that repeat each other word for word only the first."""
    first: dict[tuple[str, str, str, str, tuple[str, ...]], str] = {}
    kept = []
    for question in questions:
        key = (
            question.split,
            question.part,
            question.picture.sha256,
            question.text,
            question.labels,
        )
        original = first.setdefault(key, question.item)
        if original == question.item:
            kept.append(question)
        else:
            rejects.add(question.item, Reason.DUPLICATE, f"same record as {original}")
    return kept


def draw_slice(
    questions: Sequence[Question], share: Decimal, seed: int, rejects: RejectLog
) -> list[Question]:
    """All records of a random share of each split's charts, at least one chart of each.

    What is drawn depends on the charts' bytes and on `seed` alone, and a larger share contains a
    smaller one.
    """
    charts: dict[str, set[str]] = defaultdict(set)
    for question in questions:
        charts[question.split].add(question.picture.sha256)
    drawn = {
        split: set(
            sorted(of_split, key=lambda digest: (_rank(digest, seed), digest))[
                : math.ceil(share * len(of_split))
            ]
        )
        for split, of_split in charts.items()
    }
    kept = []
    for question in questions:
        if question.picture.sha256 in drawn[question.split]:
            kept.append(question)
        else:
            rejects.add(question.item, Reason.NOT_NEEDED, "its chart was not drawn for the slice")
    return kept


def find_shared(questions: Sequence[Question], charts: Mapping[str, Chart]) -> list[SharedChart]:
    """One pair for each chart that a split shares with a later one.

    Args:
        charts: by the SHA-256 of their bytes.
    """
    places: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for question in questions:
        digest = question.picture.sha256
        by_split = places[charts[digest].group]
        by_split[question.split].setdefault(digest, question.picture.item)
    shared = []
    for by_split in places.values():
        splits = [split for split in SPLITS.values() if split in by_split]
        for position, split in enumerate(splits):
            for later in splits[position + 1 :]:
                shared.append(_pair(by_split[split], by_split[later]))
    return shared


def only_in_last_split(
    questions: Sequence[Question], charts: Mapping[str, Chart], rejects: RejectLog
) -> list[Question]:
    """Leave out what a model must not learn: rows whose chart also stands in a later split.

    Test stays whole, and validation but for charts of test, so that results stay comparable.
    """
    order = list(SPLITS.values())
    last: dict[str, int] = defaultdict(int)
    for question in questions:
        group = charts[question.picture.sha256].group
        last[group] = max(last[group], order.index(question.split))
    kept = []
    for question in questions:
        split = order[last[charts[question.picture.sha256].group]]
        if question.split == split:
            kept.append(question)
        else:
            rejects.add(question.item, Reason.DUPLICATE, f"its chart also stands in {split}")
    return kept


def _pair(first: Mapping[str, str], second: Mapping[str, str]) -> SharedChart:
    for digest, item in first.items():
        if digest in second:
            return SharedChart(item, second[digest], same_bytes=True)
    return SharedChart(next(iter(first.values())), next(iter(second.values())), same_bytes=False)


def _rank(digest: str, seed: int) -> int:
    return xxhash.xxh3_64_intdigest(digest.encode(), seed)
