"""Which talk stands in which split, and what the source's own splits leak."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cards.errors import BogamError
from loaders.medical_ocr.survey import Survey
from loaders.medical_ocr.talks import Talk
from loaders.rejects import Reason, RejectLog
from loaders.splits import DEFAULT_RATIOS, split_by_group

SplitRule = Literal["regroup", "source"]
_ORDER = tuple(DEFAULT_RATIOS)


@dataclass(frozen=True)
class Placed:
    """A talk with its group, in a split."""

    talk: Talk
    group: str


def place(
    survey: Survey, rule: SplitRule, seed: int, rejects: RejectLog
) -> dict[str, list[Placed]]:
    """{split: talks}. An augmented copy outside train becomes a reject.

    Raises:
        BogamError: the source's splits are wanted and an item has none, or nothing is left.
    """
    talks, groups = survey.talks, survey.groups
    if not talks:
        raise BogamError(
            f"{survey.files.root}: not one of {survey.raw_items} items can be used. "
            f"Reasons: {', '.join(f'{r} {n}' for r, n in rejects.counts.items())}."
        )
    if rule == "source":
        chosen = [_own_split(talk) for talk in talks]
    else:
        strata = [talk.document_type for talk in talks]
        chosen = split_by_group(groups, DEFAULT_RATIOS, seed, strata)
    placed: dict[str, list[Placed]] = defaultdict(list)
    for talk, group, split in zip(talks, groups, chosen, strict=True):
        if talk.augmented and split != "train":
            detail = f"an augmented copy of a page in {split}; copies are for training only"
            rejects.add(talk.item, Reason.NOT_NEEDED, detail)
        else:
            placed[split].append(Placed(talk, group))
    return {split: placed[split] for split in _ORDER if placed[split]}


def _own_split(talk: Talk) -> str:
    if talk.split is None:
        raise BogamError(
            f"{talk.item}: the source puts it in no split (no name like train_zh_ko.json, no "
            "folder train). Build with --splits regroup."
        )
    return talk.split


@dataclass(frozen=True)
class Leaks:
    """What the source's own splits share; all that was read counts, images or not."""

    patients: int
    """Patients with prescriptions in several splits."""
    prescriptions: dict[str, int]
    """{split other than train: its prescriptions whose patient is in train too}."""
    of: dict[str, int]
    """{split: prescriptions in it}."""
    photos: tuple[tuple[str, str], ...]
    """Pairs of photos in two splits that show the same picture."""
    same_bytes: int
    """Images with the same bytes in several splits."""
    copies: dict[str, int]
    """{split other than train: augmented copies in it}."""

    @property
    def any(self) -> bool:
        return bool(self.patients or self.photos or self.same_bytes or self.copies)


def find_leaks(survey: Survey) -> Leaks:
    read = [talk for talk in survey.reading.talks if talk.split is not None]
    splits_of: dict[str, set[str]] = defaultdict(set)
    for talk in read:
        if talk.person and talk.split:
            splits_of[talk.person].add(talk.split)
    of_image = {image: talk.split for talk in read for image in talk.images}
    held_out = [talk for talk in read if talk.split != "train"]
    return Leaks(
        patients=sum(len(splits) > 1 for splits in splits_of.values()),
        prescriptions=_counts(
            talk for talk in held_out if talk.person and "train" in splits_of[talk.person]
        ),
        of=_counts(talk for talk in read if talk.person),
        photos=tuple(
            pair for pair in survey.near if len({of_image.get(name) for name in pair} - {None}) > 1
        ),
        same_bytes=sum(
            len({of_image.get(name) for name in names} - {None}) > 1 for names in survey.same_bytes
        ),
        copies=_counts(talk for talk in held_out if talk.augmented),
    )


def _counts(talks: Iterable[Talk]) -> dict[str, int]:
    return dict(sorted(Counter(str(talk.split) for talk in talks).items()))
