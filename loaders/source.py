"""What a dataset was made from: enough to tell whether it is still the same."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from cards.errors import BogamError
from cards.records import Source


def describe_source(path: Path) -> Source:
    """A file by its size and SHA-256, a folder by the number and size of its files."""
    if path.is_file():
        return Source(path_name=path.name, bytes=path.stat().st_size, sha256=sha256_of(path))
    files = size = 0
    for status in _statuses(path):
        files += 1
        size += status.st_size
    return Source(path_name=path.resolve().name, bytes=size, files=files)


def is_unchanged(path: Path, described: Source, since: float) -> bool:
    """Whether `path` still is what `described` says.

    A file must have the same bytes. The files of a folder are counted and measured, and neither
    a file nor a folder in it may have changed after `since` (seconds, as `st_mtime`): the rule
    of `make`, which does not read them again.
    """
    if path.is_file():
        return path.stat().st_size == described.bytes and sha256_of(path) == described.sha256
    files = size = 0
    for status in _statuses(path, folders=True):
        if status.st_mtime > since:
            return False
        if not stat.S_ISDIR(status.st_mode):
            files += 1
            size += status.st_size
    return files == described.files and size == described.bytes


def read_again(read: Callable[[], bytes], item: str, sha256: str) -> bytes:
    """What `read` gives: the bytes of `item` that were inspected before, by their SHA-256.

    Raises:
        BogamError: they are gone, or others.
    """
    again = "Leave the source alone while it is being read, and start again."
    try:
        data = read()
    except OSError as error:
        raise BogamError(
            f"{item}: could be read before and cannot now: {error.strerror or error}. {again}"
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BogamError(f"{item}: has changed since it was inspected. {again}")
    return data


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _statuses(folder: Path, folders: bool = False) -> Iterator[os.stat_result]:
    """Of every file below; of every folder too, `folder` included, when `folders` is set."""
    if folders:
        yield folder.stat()
    waiting = [os.fspath(folder)]
    while waiting:
        current = waiting.pop()
        try:
            entries = list(os.scandir(current))
        except OSError as error:
            raise BogamError(
                f"{current}: cannot list this folder: {error.strerror}. Make it readable."
            ) from error
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
                if not folders:
                    continue
            yield entry.stat(follow_symlinks=False)
