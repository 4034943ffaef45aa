"""Checks of models and datasets alike: files against hashes, README and figures against records."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from cards.card import CARD_FILE, CARD_FORMAT, Card, record_digest
from cards.records import VERIFY_FILE, Record

# Written by the Hub, by its client or by a verifier, not by a release.
_HUB_FILES = (".gitattributes", ".cache/", VERIFY_FILE)
# Between two versions of matplotlib: the share of pixels that may differ, and by how much.
_PIXEL_SHARE = 0.01
_PIXEL_STEP = 32


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `name` says which number, file or line."""

    name: str
    ok: bool
    expected: str
    found: str


def compare(name: str, expected: object, found: object) -> Check:
    return Check(name, expected == found, str(expected), str(found))


def check_files(folder: Path, artifacts: Mapping[str, str], others: set[str]) -> Iterator[Check]:
    """Hash every recorded file, and name the files that are neither recorded nor in `others`."""
    for path, digest in artifacts.items():
        if not (folder / path).is_file():
            yield Check(f"{path}: sha256", False, digest, "no such file")
            continue
        found = file_digest(folder / path)
        if found != digest:
            found += ", another file than the record names; what is computed from it is of this one"
        yield compare(f"{path}: sha256", digest, found)
    known = {*artifacts, *others}
    strangers = [
        path
        for path in sorted(
            file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
        )
        if path not in known and not path.startswith(_HUB_FILES)
    ]
    yield Check("files that no record names", not strangers, "none", ", ".join(strangers) or "none")


def check_record_file(path: Path, record: Record) -> Check:
    """The file holds what its record says and nothing that reading it would drop."""
    return compare(f"{path.name}: sha256", record_digest(record), file_digest(path))


def check_card(folder: Path, card: Card) -> Iterator[Check]:
    """Compare README, figures and metadata files with a card rendered from the records."""
    yield from _check_lines(CARD_FILE, folder / CARD_FILE, card.readme)
    for path, data in card.files.items():
        if path.endswith(".png"):
            yield check_figure(path, data, folder / path)
        else:
            yield from _check_lines(path, folder / path, data.decode())


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_lines(name: str, path: Path, expected: str) -> Iterator[Check]:
    """Down to the number, line by line."""
    if not path.is_file():
        yield Check(name, False, "a file made from the records", "no such file")
        return
    found = path.read_bytes().decode(errors="replace")
    if found == expected:
        yield Check(name, True, "as rendered from the records", "the same")
        return
    written = re.search(r"Card format (\d+)\s*$", found)
    if written and int(written.group(1)) != CARD_FORMAT:
        yield Check(
            name,
            False,
            f"card format {CARD_FORMAT}, which this version of bogam writes",
            f"card format {written.group(1)}: check it with the version that wrote it",
        )
        return
    old, new = expected.splitlines(), found.splitlines()
    for tag, start, stop, new_start, new_stop in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        for offset in range(max(stop - start, new_stop - new_start)):
            before = old[start + offset] if start + offset < stop else None
            after = new[new_start + offset] if new_start + offset < new_stop else None
            line = new_start + offset + 1
            yield Check(f"{name}, line {line}", False, *_around_difference(before, after))
    if old == new:
        yield Check(name, False, "line ends as rendered", "other line ends")


def _around_difference(before: str | None, after: str | None) -> tuple[str, str]:
    """The two lines, cut to the words around the first character that differs."""
    if before is None:
        return "no such line", (after or "")[:100]
    if after is None:
        return before[:100], "no such line"
    place = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    start = max(0, before.rfind(" ", 0, max(0, place - 30)) + 1)
    return before[start : place + 40], after[start : place + 40]


def check_figure(name: str, expected: bytes, path: Path) -> Check:
    """Equal pixels; nearly equal ones where another version of matplotlib drew the figure."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        return Check(name, False, "a figure", "no such file")
    data = path.read_bytes()
    if data == expected:
        return Check(name, True, "pixels as drawn from the records", "the same")
    ours = Image.open(io.BytesIO(expected))
    try:
        theirs = Image.open(io.BytesIO(data))
        theirs.load()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        found = f"not that figure: it cannot be read as a picture ({error})"
        return Check(name, False, "the figure drawn from the records", found)
    if theirs.size != ours.size:
        return Check(name, False, f"{ours.size} pixels", f"{theirs.size} pixels")
    step = np.abs(
        np.asarray(ours.convert("RGB"), np.int16) - np.asarray(theirs.convert("RGB"), np.int16)
    ).max(axis=2)
    software = theirs.info.get("Software")
    if software == ours.info.get("Software"):
        different = int(np.count_nonzero(step))
        return Check(
            name, different == 0, "pixels as drawn from the records", f"{different} differ"
        )
    different_share = float((step > _PIXEL_STEP).mean())
    return Check(
        name,
        different_share <= _PIXEL_SHARE,
        "nearly the same pixels as drawn from the records",
        f"{different_share:.2%} differ; drawn by {software}",
    )
