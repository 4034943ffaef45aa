"""The files of a source by what they hold: records, annotations, made-up documents, images."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from cards.errors import BogamError
from loaders.image_files import RejectedFile, list_files, relative_name
from loaders.medical_ocr.cord import is_annotation
from loaders.medical_ocr.llava import is_record_list
from loaders.medical_ocr.synthesis.writer import DOCUMENTS_FILE, SYNTHESIS_FILE
from loaders.medical_ocr.talks import Fault
from loaders.rejects import Reason, RejectLog

_IMAGE_SUFFIXES = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".heic",
}  # fmt: skip
_SPLIT_NAMES = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation",
    "validation": "validation", "dev": "validation", "test": "test", "eval": "test",
}  # fmt: skip
_BOM = b"\xef\xbb\xbf"
_RECORDS_NAME = re.compile(r".+_zh_ko\.json")


@dataclass
class SourceFiles:
    """Names are relative to the source, with `/`, in NFC; each kind is sorted."""

    root: Path
    records: dict[str, list[Any]] = field(default_factory=dict)
    annotations: dict[str, Any] = field(default_factory=dict)
    documents: list[str] = field(default_factory=list)
    """Files of made-up documents, one a line."""
    images: list[str] = field(default_factory=list)
    others: int = 0
    """Files that were rejected: of no kind that is read here, or unreadable."""
    paths: dict[str, Path] = field(default_factory=dict)

    def find_image(self, recorded: str, file: str) -> tuple[str | None, bool]:
        """(name of the image, whether it lies where `file` says).

        Where nothing lies at the recorded place, the bare file name decides: in the split's folder
        beside `file`, then below the folder of `file`, then anywhere, if it is there once.
        """
        folder = posixpath.dirname(file)
        recorded = unicodedata.normalize("NFC", recorded.replace("\\", "/"))
        for base in ("", folder):
            place = posixpath.normpath(posixpath.join(base, recorded))
            if place in self._known:
                return place, True
        name = posixpath.basename(recorded)
        beside = split_folder(file)
        if beside is not None:
            place = posixpath.join(beside, name)
            if place in self._known:
                return place, False
        alike = self._by_name.get(name, [])
        near = [place for place in alike if place.startswith(f"{folder}/")] if folder else alike
        for places in (near, alike):
            if len(places) == 1:
                return places[0], False
        return None, False

    def images_named(self, stem: str) -> list[str]:
        """Images called `stem` or `stem_<something>`, whatever their folder."""
        return [
            name
            for name in self.images
            if (own := PurePosixPath(name).stem) == stem or own.startswith(f"{stem}_")
        ]

    def index(self) -> None:
        """To be called when all images are known."""
        self._known = set(self.images)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for name in self.images:
            self._by_name[posixpath.basename(name)].append(name)


def split_folder(file: str) -> str | None:
    """`x/train` for the records `x/train_zh_ko.json` or `x/train.json`."""
    split = _split_word(file)
    return None if split is None else posixpath.join(posixpath.dirname(file), split)


def split_of(name: str) -> str | None:
    """The split that the name of a records file, or else of an image's folder, gives."""
    word = _split_word(name) or posixpath.basename(posixpath.dirname(name)).lower()
    return _SPLIT_NAMES.get(word)


def _split_word(file: str) -> str | None:
    if not file.endswith(".json"):
        return None
    word = PurePosixPath(file).stem.split("_")[0]
    return word if word.lower() in _SPLIT_NAMES else None


def sort_files(
    root: Path, rejects: RejectLog, records: str | None = None, images: str | None = None
) -> SourceFiles:
    """Tell the files of `root` apart by their content; images by their name's ending.

    Args:
        records: the only file of records to read, instead of every one that is found.
        images: the only folder to look for images in.

    Raises:
        BogamError: `root` is no folder, a file or folder given by name is missing, or a file that
            should hold records cannot be read.
    """
    if not root.is_dir():
        raise BogamError(f"{root}: is no folder. Give the folder that holds records and images.")
    for option, wanted in (("--records", records), ("--images", images)):
        if wanted is not None and not (root / wanted).exists():
            raise BogamError(f"{option} {wanted}: not found in {root}. Give a path below --source.")
    found = SourceFiles(root)
    for item in list_files(root):
        if isinstance(item, RejectedFile):
            found.others += 1
            rejects.add(item.path, item.reason, item.detail)
            continue
        name = relative_name(item, root)
        found.paths[name] = item
        if item.suffix.lower() in _IMAGE_SUFFIXES:
            if images is None or _is_below(name, images):
                found.images.append(name)
        elif records is not None:
            if name == posixpath.normpath(records):
                found.records[name] = _records(item, name)
        else:
            fault = _sort(found, item, name)
            if fault is not None:
                found.others += 1
                rejects.add(name, *fault)
    found.index()
    if not (found.records or found.annotations or found.documents):
        raise BogamError(
            f"{root}: no records found: neither LLaVA records (a JSON list of objects with "
            f"conversations), nor CORD annotations, nor {DOCUMENTS_FILE}. "
            "Name the file with --records if it lies elsewhere."
        )
    return found


def _is_below(name: str, folder: str) -> bool:
    folder = posixpath.normpath(folder)
    return folder == "." or name.startswith(f"{folder}/")


def _sort(found: SourceFiles, path: Path, name: str) -> Fault | None:
    """Put a file that is no image where it belongs, or say why it belongs nowhere."""
    if path.name == DOCUMENTS_FILE:
        found.documents.append(name)
        return None
    if path.name == SYNTHESIS_FILE:
        return None
    if path.suffix.lower() != ".json":
        return Fault(Reason.NOT_IN_LAYOUT, "neither records nor an image")
    value = load_json(path)
    if isinstance(value, Fault):
        beside = split_folder(name)
        if _RECORDS_NAME.fullmatch(path.name) or (beside and (found.root / beside).is_dir()):
            raise _unreadable(name, value)
        return value
    if is_record_list(value):
        found.records[name] = value
    elif is_annotation(value):
        found.annotations[name] = value
    else:
        return Fault(Reason.NOT_IN_LAYOUT, "JSON of another form")
    return None


def _records(path: Path, name: str) -> list[Any]:
    value = load_json(path)
    if isinstance(value, Fault):
        raise _unreadable(name, value)
    if not is_record_list(value):
        raise BogamError(
            f"{name}: holds no LLaVA records. A JSON list of objects with id, image and "
            "conversations is expected."
        )
    return list(value)


def _unreadable(name: str, fault: Fault) -> BogamError:
    return BogamError(
        f"{name}: should hold records and cannot be read: {fault.reason.value}, {fault.detail}. "
        "Repair the file (JSON in UTF-8), or take it out of the source."
    )


def load_json(path: Path) -> Any | Fault:
    """Parsed JSON in UTF-8, with or without byte order mark."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return Fault(Reason.UNREADABLE, error.strerror or "cannot be read")
    if not data.strip():
        return Fault(Reason.EMPTY_FILE, "0 bytes" if not data else "only blanks")
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        return Fault(Reason.UNREADABLE_ENCODING, f"no UTF-8 at byte {error.start:,}")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Fault(Reason.BROKEN_JSON, f"line {error.lineno}, column {error.colno}: {error.msg}")


def read_lines(path: Path) -> Sequence[tuple[int, Any | Fault]]:
    """(line number from 1, parsed JSON) of every line that is not blank.

    Raises:
        BogamError: the file cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise BogamError(f"{path}: cannot be read: {error.strerror}. Make it readable.") from error
    parsed: list[tuple[int, Any | Fault]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            parsed.append((number, orjson.loads(line)))
        except orjson.JSONDecodeError as error:
            parsed.append((number, Fault(Reason.BROKEN_JSON, f"column {error.colno}: {error.msg}")))
    return parsed
