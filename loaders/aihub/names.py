"""What the path of a file says: question or answer, topic folders, whether to read it at all.

Layouts seen: `1.질문/<category>/<disease>/<intention>/HC-Q-0000001.json` beside `2.답변/...` or
`2.응답/...`, with or without folders above, split by category (`감염성질환_질문/...`), and plain
`q1.json` and `a1.json`. Names are UTF-8, composed or decomposed, or CP949.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from loaders.rejects import Reason


class Side(IntEnum):
    """Which half of a pair a file is."""

    QUESTION = 0
    ANSWER = 1


class Mark:
    """Bits for what was odd about an item that is used, or is still to be judged (FOLDER_...).

    Plain numbers: there is one for each file, and they end in arrays.
    """

    NONE: Final = 0
    BOM: Final = 1
    DECOMPOSED: Final = 2
    UPPER_CASE: Final = 4
    BLANKS: Final = 8
    INVISIBLE: Final = 16
    IN_LIST: Final = 32
    CP949: Final = 64
    UTF16: Final = 128
    FOLDER_DIFFERS: Final = 256
    FOLDER_AGREES: Final = 512


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an item cannot be used."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """What all files of one folder have in common."""

    path: str
    """As found, in Unicode; empty or with a slash at its end."""
    side: Side | None
    levels: tuple[str, ...]
    """Names of the folders below the questions or answers folder, composed and trimmed."""
    key: bytes
    """The levels once more, for hashing: the same in a tree, a zip, and under any folder."""
    marks: int
    problem: Problem | None


_SIDES = {"질문": Side.QUESTION, "답변": Side.ANSWER, "응답": Side.ANSWER}
_SIDE_FOLDER = re.compile(r"(?:\d+\s*[._)-]?\s*)?(?P<side>질문|답변|응답)")
_CATEGORY_AND_SIDE = re.compile(r"(?:\d+\s*[.)]\s*)?(?P<category>.+)_(?P<side>질문|답변|응답)")
_STEM = re.compile(r"(?:HC-)?(?P<side>[QA])[-_]?\d+", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)\D*$")
_LITTER = {".ds_store", "thumbs.db", "desktop.ini"}
_DRIVE = re.compile(r"[A-Za-z]:")


def decode_name(raw: bytes) -> str | None:
    """UTF-8 if it can be that, else CP949 (zips and trees made by Korean Windows), else None.

    Hangul in CP949 is practically never valid UTF-8, so the order decides rightly.
    """
    for encoding in ("utf-8", "cp949"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def describe_folder(raw: bytes) -> Folder:
    """Of a path up to its last slash; each level is decoded by itself."""
    names = [decode_name(level) for level in raw.split(b"/")[:-1]]
    known = [name for name in names if name is not None]
    path = "".join(f"{name}/" for name in known)
    if len(known) < len(names):
        shown = raw.decode("utf-8", "backslashreplace")
        problem = Problem(Reason.UNREADABLE_NAME, "neither UTF-8 nor CP949")
        return Folder(shown, None, (), raw, Mark.NONE, problem)
    found: Problem | None = None
    if ".." in known or (known and (known[0] == "" or _DRIVE.match(known[0]))):
        found = Problem(Reason.UNSAFE_PATH, "leads out of the archive")
    elif "__MACOSX" in known:
        found = Problem(Reason.JUNK, "macOS keeps attributes here")
    marks = Mark.NONE
    composed = [unicodedata.normalize("NFC", name) for name in known]
    if composed != known:
        marks |= Mark.DECOMPOSED
    levels = [name.strip() for name in composed]
    if levels != composed:
        marks |= Mark.BLANKS
    side, levels = _side_of(levels)
    return Folder(path, side, tuple(levels), "/".join(levels).encode(), marks, found)


def _side_of(levels: list[str]) -> tuple[Side | None, list[str]]:
    for depth, level in enumerate(levels):
        if match := _SIDE_FOLDER.fullmatch(level):
            return _SIDES[match["side"]], levels[depth + 1 :]
        if match := _CATEGORY_AND_SIDE.fullmatch(level):
            return _SIDES[match["side"]], [match["category"], *levels[depth + 1 :]]
    return None, levels


def describe_file(raw: bytes, folder: Folder) -> tuple[str, Side, int] | Problem:
    """Name without extension (composed), side and marks of a file that is to be read."""
    name = decode_name(raw)
    if name is None:
        return Problem(Reason.UNREADABLE_NAME, "neither UTF-8 nor CP949")
    if folder.problem is not None:
        return folder.problem
    if name.lower() in _LITTER or name.startswith(("._", "~$")):
        return Problem(Reason.JUNK, "left by the operating system or an editor")
    marks = folder.marks
    stem, dot, extension = name.rpartition(".")
    if not dot or extension.lower() != "json":
        return Problem(Reason.NOT_IN_LAYOUT, "no JSON file")
    if extension != "json":
        marks |= Mark.UPPER_CASE
    composed = unicodedata.normalize("NFC", stem)
    if composed != stem:
        marks |= Mark.DECOMPOSED
    side = folder.side
    if side is None:
        match = _STEM.fullmatch(composed)
        if match is None:
            return Problem(Reason.NOT_IN_LAYOUT, "below neither a questions nor an answers folder")
        side = Side.QUESTION if match["side"] in "qQ" else Side.ANSWER
    return composed, side, marks


def number_of(stem: str) -> str | None:
    """The last number in a name, without leading zeros: what pairs `q1` with `a1`."""
    match = _NUMBER.search(stem)
    return str(int(match[1])) if match else None
