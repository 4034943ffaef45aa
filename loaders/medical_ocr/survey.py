"""From a source to what can become rows: whole images, nothing twice, groups that stay together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loaders.image_files import ImageFacts, ImageFile, RejectedFile, read_images
from loaders.medical_ocr.defects import UNSOUND
from loaders.medical_ocr.readers import Reading, original_of, read_source
from loaders.medical_ocr.source_files import SourceFiles, sort_files
from loaders.medical_ocr.talks import Talk
from loaders.near_images import group_pairs, resent_pairs
from loaders.notices import NoticeLog, Oddity
from loaders.rejects import Reason, RejectLog

Stage = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
Labels = Literal["all", "sound"]

_UNUSUAL_MODES = {"CMYK", "I", "I;16", "I;16B", "LA", "PA", "RGBA"}


@dataclass(frozen=True)
class Survey:
    """What a source holds. Entry i of `groups` belongs to talk i."""

    files: SourceFiles
    reading: Reading
    facts: Mapping[str, ImageFacts]
    talks: tuple[Talk, ...]
    groups: tuple[str, ...]
    """The same for talks that must not stand in two splits: a `document_id`."""
    raw_items: int
    same_bytes: tuple[tuple[str, ...], ...]
    """Images under several names with the same bytes."""
    near: tuple[tuple[str, str], ...]
    """Pairs of photos that show the same picture in other bytes."""

    @property
    def is_made_up(self) -> bool:
        """Every page was drawn by our synthesis."""
        return all(talk.made_up for talk in self.talks)


def survey(
    root: Path,
    rejects: RejectLog,
    notices: NoticeLog,
    stage: Stage,
    *,
    labels: Labels,
    seed: int,
    records: str | None = None,
    images: str | None = None,
) -> Survey:
    """Read everything below `root` and sort out what cannot be a row.

    Raises:
        BogamError: nothing to read, or a records file that cannot be read.
    """
    with stage("listing files", None):
        files = sort_files(root, rejects, records, images)
    facts, bad = _inspect(files, stage)
    with stage("reading records", None):
        reading = read_source(files, facts, rejects, seed)
    orphans = [name for name in files.images if name not in reading.named]
    for name in orphans:
        rejects.add(name, Reason.NO_COUNTERPART, "no record names this image")
    talks = list(_usable(reading.talks, facts, bad, rejects, labels))
    talks = list(_without_duplicates(talks, facts, rejects))
    used = sorted({image for talk in talks for image in talk.images})
    _note_images(used, facts, notices)
    photos = sorted(
        {
            image
            for talk in talks
            if talk.document_type in ("receipt", "other") and not talk.person
            for image in talk.images
        }
    )
    with stage("comparing photos", None):
        near = tuple(_near(photos, facts))
    return Survey(
        files=files,
        reading=reading,
        facts=facts,
        talks=tuple(talks),
        groups=tuple(_groups(talks, facts, near)),
        raw_items=reading.items + len(orphans) + files.others,
        same_bytes=tuple(_same_bytes(used, facts)),
        near=near,
    )


def _inspect(
    files: SourceFiles, stage: Stage
) -> tuple[dict[str, ImageFacts], dict[str, RejectedFile]]:
    facts: dict[str, ImageFacts] = {}
    bad: dict[str, RejectedFile] = {}
    paths = [files.paths[name] for name in files.images]
    with stage("inspecting images", len(paths)) as advance:
        for image in read_images(paths, files.root):
            if isinstance(image, ImageFile):
                facts[image.path] = image.facts
            else:
                bad[image.path] = image
            advance(1)
    return facts, bad


def _usable(
    talks: Sequence[Talk],
    facts: Mapping[str, ImageFacts],
    bad: Mapping[str, RejectedFile],
    rejects: RejectLog,
    labels: Labels,
) -> Iterator[Talk]:
    for talk in talks:
        if not talk.images:
            continue  # rejected by its reader
        broken = next((bad[image] for image in talk.images if image not in facts), None)
        unsound = sorted(UNSOUND & set(talk.flags))
        if broken is not None:
            rejects.add(talk.item, broken.reason, f"{broken.path}: {broken.detail}")
        elif labels == "sound" and unsound:
            rejects.add(talk.item, Reason.UNSOUND_LABEL, ", ".join(unsound))
        else:
            yield talk


def _without_duplicates(
    talks: Sequence[Talk], facts: Mapping[str, ImageFacts], rejects: RejectLog
) -> Iterator[Talk]:
    seen: dict[object, str] = {}
    ids: dict[str, str] = {}
    for talk in talks:
        key = (tuple(facts[image].sha256 for image in talk.images), talk.turns)
        first = seen.setdefault(key, talk.item)
        if first != talk.item:
            rejects.add(talk.item, Reason.DUPLICATE, f"same picture and talk as {first}")
            continue
        first = ids.setdefault(talk.row_id, talk.item)
        if first != talk.item:
            rejects.add(talk.item, Reason.DUPLICATE, f"has the id of {first}")
            continue
        yield talk


def _note_images(
    images: Sequence[str], facts: Mapping[str, ImageFacts], notices: NoticeLog
) -> None:
    for name in images:
        if facts[name].orientation != 1:
            notices.add(name, Oddity.TURNED, f"Exif orientation {facts[name].orientation}")
        if facts[name].mode in _UNUSUAL_MODES:
            notices.add(name, Oddity.UNUSUAL_PIXELS, facts[name].mode)


def _near(photos: Sequence[str], facts: Mapping[str, ImageFacts]) -> Iterator[tuple[str, str]]:
    """Forms are left out: printed on one form, different documents look the same."""
    first = {facts[name].sha256: name for name in reversed(photos)}
    names = sorted(first.values())
    for pair in resent_pairs([facts[name] for name in names]):
        yield names[pair.first], names[pair.second]


def _same_bytes(
    images: Sequence[str], facts: Mapping[str, ImageFacts]
) -> Iterator[tuple[str, ...]]:
    by_hash: dict[str, list[str]] = defaultdict(list)
    for name in images:
        by_hash[facts[name].sha256].append(name)
    return (tuple(names) for names in by_hash.values() if len(names) > 1)


def _groups(
    talks: Sequence[Talk], facts: Mapping[str, ImageFacts], near: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """By person, by picture, by original of a copy. A group is called by its first row."""
    first: dict[object, int] = {}
    pairs: list[tuple[int, int]] = []
    for number, talk in enumerate(talks):
        keys: list[object] = [("bytes", facts[image].sha256) for image in talk.images]
        keys += [("name", original_of(image) or image) for image in talk.images]
        if talk.person:
            keys.append(("person", talk.person))
        for key in keys:
            pairs.append((first.setdefault(key, number), number))
    for left, right in near:
        ends = [first["bytes", facts[name].sha256] for name in (left, right)]
        pairs.append((ends[0], ends[1]))
    return (talks[number].row_id for number in group_pairs(len(talks), pairs))
