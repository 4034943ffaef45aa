"""From a folder of class folders to evidence: one usable picture file each, with its group.

Nothing of the pixels is kept here; files are read again when rows are made.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from cards.errors import BogamError
from loaders.forensics.classes import EvidenceClass
from loaders.image_files import (
    Gray,
    ImageFacts,
    ImageFile,
    RejectedFile,
    gray_thumbnail,
    list_files,
    read_images,
    relative_name,
)
from loaders.near_images import group_pairs, near_pairs
from loaders.notices import NoticeLog, Oddity
from loaders.rejects import Reason, RejectLog
from loaders.source import read_again

SYNTHESIS_FILE = "synthesis.json"
"""Stands in a source that was drawn; it describes the source and is no item of it."""
MIN_GROUPS = 3
"""Pictures that a class needs: one each to train on, to validate with and to test with."""

Stage = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
Contradictions = Literal["stop", "reject"]

_AUGMENTED = re.compile(r"(?P<original>.+)_aug_\d+$")
_EXTENSIONS = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "PNG": {".png"},
    "WEBP": {".webp"},
    "GIF": {".gif"},
    "BMP": {".bmp", ".dib"},
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A picture file that becomes a row; `name` is its path in the source, in NFC."""

    path: Path
    name: str
    label: int
    facts: ImageFacts
    group: str = ""
    """The same for all that show the same picture: the `document_id` of its rows."""

    def read_again(self) -> bytes:
        """The file's bytes once more; see :func:`loaders.source.read_again`."""
        return read_again(self.path.read_bytes, self.name, self.facts.sha256)


@dataclass(frozen=True)
class Contradiction:
    """Two files that show the same picture and lie in different classes."""

    first: str
    second: str
    same_bytes: bool


@dataclass(frozen=True)
class Survey:
    """What a source holds. `files` counts all of it, rejects too."""

    files: int
    evidence: tuple[Evidence, ...]
    contradictions: tuple[Contradiction, ...]
    groups_of_copies: int
    """Groups of more than one picture file."""
    other_folders: Counter[str]
    """{folder that is no class: files in it}."""
    is_drawn: bool
    """All pictures are drawings that this package made, byte for byte."""


def survey(
    root: Path,
    classes: Sequence[EvidenceClass],
    contradictions: Contradictions,
    rejects: RejectLog,
    notices: NoticeLog,
    stage: Stage,
) -> Survey:
    """Inspect every file below `root`, sort out what cannot be a row, and find the copies.

    Raises:
        BogamError: a class folder is missing, or holds too few pictures to be split; a list of
            drawings that cannot be read.
    """
    labels = _class_folders(root, classes)
    with stage("listing files", None) as advance:
        listed = [item for item in list_files(root) if item != root / SYNTHESIS_FILE]
        advance(len(listed))
    other_folders: Counter[str] = Counter()
    paths = list(_in_classes(listed, root, labels, other_folders, rejects))
    paths = list(_without_augmented(paths, root, rejects))
    found: list[Evidence] = []
    with stage("inspecting images", len(paths)) as advance:
        for path, image in zip(paths, read_images(paths, root), strict=True):
            if isinstance(image, ImageFile):
                label = labels[PurePosixPath(image.path).parts[0]]
                found.append(Evidence(path, image.path, label, image.facts))
            else:
                rejects.add(image.path, image.reason, image.detail)
            advance(1)
    found = list(_without_same_bytes(found, rejects))
    with stage("comparing pictures", len(found)) as advance:
        pairs = _pairs(found, advance)
    contradicting = _contradicting(found, pairs)
    if contradictions == "reject":
        found, pairs = _drop_contradicting(found, pairs, contradicting, rejects)
    evidence = _grouped(found, pairs)
    _note(evidence, root, pairs, () if contradictions == "reject" else contradicting, notices)
    _check_sizes(evidence, classes)
    members: dict[str, int] = defaultdict(int)
    for item in evidence:
        members[item.group] += 1
    return Survey(
        files=len(listed),
        evidence=tuple(evidence),
        contradictions=tuple(contradicting),
        groups_of_copies=sum(count > 1 for count in members.values()),
        other_folders=other_folders,
        is_drawn=_is_drawn(root, evidence),
    )


def _is_drawn(root: Path, evidence: Iterable[Evidence]) -> bool:
    manifest = root / SYNTHESIS_FILE
    if not manifest.is_file():
        return False
    try:
        drawings = frozenset(json.loads(manifest.read_bytes())["drawings"])
    except (ValueError, KeyError, TypeError) as error:
        raise BogamError(
            f"{manifest}: is not the list of drawings that `bogam synth` writes there. Make the "
            "drawings anew, or remove this file: the pictures then count as photos."
        ) from error
    return all(item.facts.sha256 in drawings for item in evidence)


def sha256(data: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _class_folders(root: Path, classes: Sequence[EvidenceClass]) -> dict[str, int]:
    """{folder name in NFC: label}."""
    if not root.is_dir():
        raise BogamError(
            f"{root}: is no folder. Give the folder that holds the class folders "
            f"({', '.join(known.folder for known in classes)})."
        )
    there = sorted(
        unicodedata.normalize("NFC", entry.name) for entry in root.iterdir() if entry.is_dir()
    )
    missing = [known.folder for known in classes if known.folder not in there]
    if missing:
        inner = [name for name in there if (root / name / missing[0]).is_dir()]
        hint = f"Is {root / inner[0]} meant?" if inner else "Name other folders with --classes."
        raise BogamError(
            f"{root}: no folder {', '.join(missing)}. Found {', '.join(there) or 'no folder'}. "
            f"Every class needs its folder. {hint}"
        )
    return {known.folder: number for number, known in enumerate(classes)}


def _in_classes(
    listed: Sequence[Path | RejectedFile],
    root: Path,
    labels: dict[str, int],
    other_folders: Counter[str],
    rejects: RejectLog,
) -> Iterator[Path]:
    for item in listed:
        if isinstance(item, RejectedFile):
            rejects.add(item.path, item.reason, item.detail)
            continue
        name = relative_name(item, root)
        folder, *inside = PurePosixPath(name).parts
        if folder in labels and inside:
            yield item
        else:
            if inside:
                other_folders[folder] += 1
            where = f"folder {folder} is no class" if inside else "lies in no folder"
            rejects.add(name, Reason.NOT_IN_LAYOUT, f"{where}; name classes with --classes")


def _without_augmented(paths: Sequence[Path], root: Path, rejects: RejectLog) -> Iterator[Path]:
    """Leave out `x_aug_3.jpg` where `x.jpg` is: a copy made by an earlier preparation."""
    originals = {path.with_suffix("") for path in paths}
    for path in paths:
        match = _AUGMENTED.match(path.stem)
        if match and path.with_name(match["original"]) in originals:
            detail = f"by its name an augmented copy of {match['original']}; copies are made anew"
            rejects.add(relative_name(path, root), Reason.DUPLICATE, detail)
        else:
            yield path


def _without_same_bytes(found: Sequence[Evidence], rejects: RejectLog) -> Iterator[Evidence]:
    """Of files with the same bytes in one class only the first, by name, stays."""
    first: dict[tuple[int, str], str] = {}
    for item in found:
        kept = first.setdefault((item.label, item.facts.sha256), item.name)
        if kept == item.name:
            yield item
        else:
            rejects.add(item.name, Reason.DUPLICATE, f"same bytes as {kept}")


@dataclass(frozen=True)
class _Pair:
    first: int
    second: int
    kind: Literal["same bytes", "resent", "cropped"]


def _pairs(found: Sequence[Evidence], advance: Callable[[int], None]) -> list[_Pair]:
    """Pairs of positions in `found` that show the same picture."""
    alike: dict[str, list[int]] = defaultdict(list)
    for position, item in enumerate(found):
        alike[item.facts.sha256].append(position)
    positions = [same[0] for same in alike.values()]
    pairs = [_Pair(same[0], more, "same bytes") for same in alike.values() for more in same[1:]]

    def gray(number: int) -> Gray:
        item = found[positions[number]]
        return gray_thumbnail(item.read_again(), item.facts)

    facts = [found[position].facts for position in positions]
    for near in near_pairs(facts, gray, advance):
        pairs.append(_Pair(positions[near.first], positions[near.second], near.kind))
    return pairs


def _contradicting(found: Sequence[Evidence], pairs: Sequence[_Pair]) -> list[Contradiction]:
    return [
        Contradiction(found[p.first].name, found[p.second].name, p.kind == "same bytes")
        for p in pairs
        if found[p.first].label != found[p.second].label
    ]


def _drop_contradicting(
    found: Sequence[Evidence],
    pairs: Sequence[_Pair],
    contradicting: Sequence[Contradiction],
    rejects: RejectLog,
) -> tuple[list[Evidence], list[_Pair]]:
    """Which of two classes is right cannot be told: neither file becomes a row."""
    other: dict[str, str] = {}
    for pair in contradicting:
        other.setdefault(pair.first, pair.second)
        other.setdefault(pair.second, pair.first)
    for name, twin in sorted(other.items()):
        rejects.add(name, Reason.FOLDER_MISMATCH, f"the same picture lies in another class: {twin}")
    kept = [position for position, item in enumerate(found) if item.name not in other]
    place = {position: number for number, position in enumerate(kept)}
    return [found[position] for position in kept], [
        _Pair(place[pair.first], place[pair.second], pair.kind)
        for pair in pairs
        if pair.first in place and pair.second in place
    ]


def _grouped(found: Sequence[Evidence], pairs: Sequence[_Pair]) -> list[Evidence]:
    """A group is called by the smallest hash in it, so that renaming a file changes nothing."""
    groups = group_pairs(len(found), [(pair.first, pair.second) for pair in pairs])
    smallest: dict[int, str] = {}
    for item, group in zip(found, groups, strict=True):
        digest = item.facts.sha256
        smallest[group] = min(digest, smallest.get(group, digest))
    return [
        replace(item, group=f"picture-{smallest[group][:16]}")
        for item, group in zip(found, groups, strict=True)
    ]


def _note(
    evidence: Sequence[Evidence],
    root: Path,
    pairs: Sequence[_Pair],
    contradicting: Sequence[Contradiction],
    notices: NoticeLog,
) -> None:
    """Write down what is odd about files that are used."""
    for item in evidence:
        facts = item.facts
        if item.path.suffix.lower() not in _EXTENSIONS[facts.format]:
            notices.add(item.name, Oddity.WRONG_EXTENSION, f"is {facts.format}")
        if item.path.relative_to(root).as_posix() != item.name:
            notices.add(item.name, Oddity.DECOMPOSED_NAME)
        if facts.orientation != 1:
            notices.add(item.name, Oddity.TURNED, f"Exif orientation {facts.orientation}")
        if facts.mode not in ("RGB", "L", "P", "1"):
            notices.add(item.name, Oddity.UNUSUAL_PIXELS, facts.mode)
    for pair in pairs:
        first, second = evidence[pair.first], evidence[pair.second]
        if first.label == second.label:
            notices.add(second.name, Oddity.NEAR_DUPLICATE, f"{pair.kind}: {first.name}")
    for contradiction in contradicting:
        how = "same bytes" if contradiction.same_bytes else "same picture"
        detail = f"{how} as {contradiction.first}"
        notices.add(contradiction.second, Oddity.LABELS_CONTRADICT, detail)


def _check_sizes(evidence: Sequence[Evidence], classes: Sequence[EvidenceClass]) -> None:
    for label, known in enumerate(classes):
        pictures = {item.group for item in evidence if item.label == label}
        if len(pictures) < MIN_GROUPS:
            raise BogamError(
                f"class {label} ({known.folder}): {len(pictures)} different usable pictures, but "
                f"training, validation and test need one each. Put at least {MIN_GROUPS} into "
                "its folder, or leave the class out with --classes."
            )
