"""ChartQA as its authors hand it on: a folder for each split, JSON beside a folder of PNG.

    ChartQA Dataset/train/train_human.json, train_augmented.json    [{imgname, query, label}, ...]
    ChartQA Dataset/train/png/<imgname>

Raw items are the records and the files in `png`; whatever else lies there is rejected file by file.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from cards.errors import BogamError
from loaders.charts.layouts import (
    SPLITS,
    Contents,
    Layout,
    Part,
    Picture,
    Question,
    Stage,
    UnusableRecord,
    answer_labels,
    question_text,
)
from loaders.image_files import RejectedFile, list_files, map_in_threads, relative_name
from loaders.rejects import Reason, RejectLog

DATASET_FOLDER = "ChartQA Dataset"
PICTURES = "png"
SYNTHESIS_FILE = "synthesis.json"
"""Lies beside made-up charts and says how they were made; no raw item."""

_PARTS: dict[str, Part] = {"human": "human", "augmented": "machine"}
_NOT_READ = {"tables": "the data behind a chart", "annotations": "where a chart's marks lie"}


class OriginalLayout(Layout):
    """A folder that holds `train`, `val` and `test`, or some of them."""

    def __init__(self, source: Path, base: Path) -> None:
        self._source = source
        self._base = base

    @classmethod
    def find(cls, source: Path) -> OriginalLayout | None:
        """The layout in `source` or in its folder `ChartQA Dataset`; None where there is none."""
        for base in (source, source / DATASET_FOLDER):
            if any(path.is_file() for split in SPLITS for path in _record_files(base, split)):
                return cls(source, base)
        return None

    def read(self, rejects: RejectLog, stage: Stage) -> Contents:
        pictures, items = self._pictures(rejects, stage)
        questions: list[Question] = []
        for split in SPLITS:
            for file, part in zip(_record_files(self._base, split), _PARTS.values(), strict=True):
                if not file.is_file():
                    continue
                name = relative_name(file, self._source)
                entries = _entries(file, name)
                items += len(entries)
                for number, entry in enumerate(entries, 1):
                    item = f"{name}#{number}"
                    try:
                        questions.append(_question(item, split, part, entry, pictures))
                    except UnusableRecord as verdict:
                        rejects.add(item, verdict.reason, verdict.detail)
        return Contents(items, questions, list(pictures.values()))

    @property
    def made_up(self) -> bool:
        return (self._base / SYNTHESIS_FILE).is_file()

    def bytes_of(self, picture: Picture) -> bytes:
        if not isinstance(picture.place, Path):
            raise TypeError(f"{picture.item} is of another layout")
        return picture.place.read_bytes()

    def _pictures(
        self, rejects: RejectLog, stage: Stage
    ) -> tuple[dict[tuple[str, str], Picture], int]:
        """{(split, file name): picture} of the folders `png`; how many files there are in all."""
        found: list[tuple[str, Path]] = []
        files = 0
        for split, path, verdict in self._files():
            files += 1
            if verdict is None:
                found.append((split, path))
            else:
                rejects.add(verdict.path, verdict.reason, verdict.detail)
        pictures: dict[tuple[str, str], Picture] = {}
        with stage("reading charts", len(found)) as advance:
            digests = map_in_threads(lambda pair: _digest(pair[1]), found)
            for (split, path), digest in zip(found, digests, strict=True):
                item = relative_name(path, self._source)
                name = PurePosixPath(item).name
                if isinstance(digest, OSError):
                    rejects.add(item, Reason.UNREADABLE, digest.strerror or str(digest))
                else:
                    pictures[split, name] = Picture(item, SPLITS[split], name, digest, path)
                advance(1)
        return pictures, files

    def _files(self) -> Iterator[tuple[str, Path, RejectedFile | None]]:
        """(split, path, why it is no chart) of every file but those of records."""
        no_items = {path for split in SPLITS for path in _record_files(self._base, split)}
        no_items.add(self._base / SYNTHESIS_FILE)
        for entry in list_files(self._source):
            if isinstance(entry, RejectedFile):
                yield "", self._source, entry
            elif entry not in no_items:
                split, folder, *inside = _below(entry, self._base)
                if split in SPLITS and folder == PICTURES and len(inside) == 1:
                    yield split, entry, None
                    continue
                name = relative_name(entry, self._source)
                if split in SPLITS and folder in _NOT_READ:
                    verdict = RejectedFile(name, Reason.NOT_NEEDED, _NOT_READ[folder])
                else:
                    verdict = RejectedFile(name, Reason.NOT_IN_LAYOUT, "no part of ChartQA")
                yield "", entry, verdict


def _below(path: Path, base: Path) -> Sequence[str]:
    """At least two parts of the path below `base`; empty ones where it lies elsewhere."""
    parts = path.relative_to(base).parts if path.is_relative_to(base) else ()
    return parts if len(parts) >= 2 else ("", "")


def _record_files(base: Path, split: str) -> list[Path]:
    return [base / split / f"{split}_{part}.json" for part in _PARTS]


def _digest(path: Path) -> str | OSError:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return error


def _entries(file: Path, name: str) -> list[Any]:
    again = "Fetch it again; nothing was built."
    try:
        entries = orjson.loads(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise BogamError(f"{name}: cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise BogamError(
            f"{name}: is no JSON: {error.msg} at line {error.lineno}. {again}"
        ) from error
    if not isinstance(entries, list):
        raise BogamError(
            f"{name}: holds a {type(entries).__name__} where a list of records is due. {again}"
        )
    return entries


def _question(
    item: str, split: str, part: Part, entry: Any, pictures: dict[tuple[str, str], Picture]
) -> Question:
    if not isinstance(entry, dict):
        raise UnusableRecord(Reason.WRONG_TYPE, f"no object but {type(entry).__name__}")
    missing = [key for key in ("imgname", "query", "label") if key not in entry]
    if missing:
        raise UnusableRecord(Reason.MISSING_KEY, ", ".join(missing))
    text, labels = question_text(entry["query"]), answer_labels(entry["label"])
    name = entry["imgname"]
    if not isinstance(name, str):
        raise UnusableRecord(Reason.WRONG_TYPE, f"imgname is no text but {type(name).__name__}")
    if "/" in name or "\\" in name:
        raise UnusableRecord(Reason.UNSAFE_PATH, f"imgname leads out of {PICTURES}")
    picture = pictures.get((split, unicodedata.normalize("NFC", name)))
    if picture is None:
        raise UnusableRecord(Reason.NO_COUNTERPART, f"no file {PICTURES}/{name}")
    return Question(item, SPLITS[split], part, text, labels, picture)
