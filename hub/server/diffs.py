"""What a commit changed: files, and the lines of those that are text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import Indel

from hub.server.store.blobs import StoredBlob
from hub.server.store.database import Transaction
from hub.server.store.store import Store
from hub.server.store.trees import FileEntry, FolderEntry, TreeStore

CONTEXT_LINES = 3
TEXT_BYTES = 512 * 1024
MOST_LINES = 6000
"""Comparing takes time and room by the product of both sides."""


@dataclass(frozen=True)
class FileChange:
    """A file before and after; None where it was not there."""

    path: str
    before: FileEntry | None
    after: FileEntry | None
    former_path: str | None = None
    """Where the same content was before, for a file that moved."""

    @property
    def kind(self) -> str:
        """`added`, `removed`, `moved` or `changed`."""
        if self.former_path is not None:
            return "moved"
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True)
class Line:
    """A line with its numbers on both sides; the sign is `+`, `-` or a blank."""

    sign: str
    before: int | None
    after: int | None
    text: str


@dataclass(frozen=True)
class TextDiff:
    """The changed stretches of a text, each with some lines around it."""

    added: int = 0
    removed: int = 0
    hunks: list[list[Line]] = field(default_factory=list)


def changed_files(
    tx: Transaction, trees: TreeStore, before: str | None, after: str
) -> list[FileChange]:
    """The files in which two trees differ, in order of their paths; equal folders are not read."""
    changes = list(_changes(tx, trees, before, after, ""))
    gone = {c.before: c.path for c in changes if c.before is not None and c.after is None}
    moved = {
        gone[c.after]: FileChange(c.path, c.after, c.after, gone[c.after])
        for c in changes
        if c.before is None and c.after is not None and c.after in gone
    }
    new_paths = {change.path for change in moved.values()}
    kept = [c for c in changes if c.path not in new_paths and c.path not in moved]
    return sorted([*kept, *moved.values()], key=lambda change: change.path)


def diff_of_change(tx: Transaction, store: Store, change: FileChange) -> TextDiff | None:
    """The lines of a change; None where a side is no text, or too large to compare."""
    sides = []
    for entry in (change.before, change.after):
        blob = store.blobs.find(tx, entry.sha256) if entry is not None else None
        lines = [] if entry is None else _text_lines(entry, blob)
        if lines is None:
            return None
        sides.append(lines)
    return diff_lines(*sides)


def diff_lines(before: Sequence[str], after: Sequence[str]) -> TextDiff:
    """The lines that were removed and added, by the longest common subsequence."""
    lines: list[Line] = []
    added: list[Line] = []
    for code in Indel.opcodes(before, after):
        if code.tag == "equal":
            # Where both happen in one place, what was removed stands before what was added.
            lines += added
            added = []
            for offset in range(code.src_end - code.src_start):
                old, new = code.src_start + offset, code.dest_start + offset
                lines.append(Line(" ", old + 1, new + 1, before[old]))
        else:
            gone, come = range(code.src_start, code.src_end), range(code.dest_start, code.dest_end)
            lines += [Line("-", number + 1, None, before[number]) for number in gone]
            added += [Line("+", None, number + 1, after[number]) for number in come]
    lines += added
    return TextDiff(
        sum(line.sign == "+" for line in lines),
        sum(line.sign == "-" for line in lines),
        _hunks(lines),
    )


def _changes(
    tx: Transaction, trees: TreeStore, before: str | None, after: str | None, prefix: str
) -> Iterator[FileChange]:
    old = trees.get(tx, before) if before is not None else {}
    new = trees.get(tx, after) if after is not None else {}
    for name in sorted(old.keys() | new.keys()):
        left, right = old.get(name), new.get(name)
        if left == right:
            continue
        path = prefix + name
        if isinstance(left, FileEntry) or isinstance(right, FileEntry):
            yield FileChange(
                path,
                left if isinstance(left, FileEntry) else None,
                right if isinstance(right, FileEntry) else None,
            )
        if isinstance(left, FolderEntry) or isinstance(right, FolderEntry):
            yield from _changes(
                tx,
                trees,
                left.oid if isinstance(left, FolderEntry) else None,
                right.oid if isinstance(right, FolderEntry) else None,
                path + "/",
            )


def _text_lines(entry: FileEntry, blob: StoredBlob | None) -> list[str] | None:
    if blob is None or entry.size > TEXT_BYTES:
        return None
    content = blob.read()
    if b"\0" in content:
        return None
    try:
        # Not splitlines(): a form feed or U+2028 does not end a line of a file.
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        return None
    if lines[-1] == "":
        lines.pop()
    return lines if len(lines) <= MOST_LINES else None


def _hunks(lines: list[Line]) -> list[list[Line]]:
    changed = [number for number, line in enumerate(lines) if line.sign != " "]
    hunks: list[list[Line]] = []
    stop = 0
    for number in changed:
        start = max(number - CONTEXT_LINES, stop)
        if not hunks or number - CONTEXT_LINES > stop:
            hunks.append([])
        stop_now = min(number + CONTEXT_LINES + 1, len(lines))
        hunks[-1] += lines[start:stop_now] if stop_now > start else []
        stop = max(stop, stop_now)
    return hunks
