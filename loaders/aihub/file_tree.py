"""The files of a folder tree, listed compactly and read one after another."""

from __future__ import annotations

import errno
import os
import stat
from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cards.errors import BogamError
from loaders.aihub.names import Problem
from loaders.rejects import Reason


class FileTree:
    """All files below a folder; links are listed but neither followed nor read.

    Args:
        path: of the folder.
        largest: files of more bytes are not read.

    Raises:
        BogamError: a folder cannot be listed.
    """

    def __init__(self, path: Path, largest: int) -> None:
        self.path = path
        self.largest = largest
        self.archives: list[Path] = []
        """The zips that were found; they are not among the files."""
        self._root = os.fsencode(path)
        names = bytearray()
        ends = array("q", [0])
        for name, is_file in _files_below(self._root):
            if is_file and name[-4:].lower() == b".zip" and not _is_litter(name):
                self.archives.append(path / os.fsdecode(name))
                continue
            names += name
            ends.append(len(names))
        self.archives.sort()
        self._names = bytes(names)
        self._ends = np.frombuffer(ends, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def names(self, first: int, last: int) -> list[bytes]:
        """Paths of the files `first` to `last` (exclusive), relative to the folder."""
        ends = self._ends[first : last + 1].tolist()
        names = self._names
        return [names[start:end] for start, end in pairwise(ends)]

    def read(
        self, entries: NDArray[np.int64], limit: int
    ) -> tuple[list[bytes], dict[int, Problem]]:
        """The contents of the first of these files: of so many that they fit into `limit` bytes.

        Returns:
            Contents, empty where there are none to be had; and for those by their number in
            `entries`, why.
        """
        contents: list[bytes] = []
        problems: dict[int, Problem] = {}
        for entry in entries.tolist():
            name = self._names[self._ends[entry] : self._ends[entry + 1]]
            data = self._read(self._root + b"/" + name)
            if isinstance(data, Problem):
                problems[len(contents)] = data
                data = b""
            contents.append(data)
            limit -= len(data)
            if limit <= 0:
                break
        return contents, problems

    def _read(self, path: bytes) -> bytes | Problem:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno == errno.ELOOP:
                return Problem(Reason.LINK, "a symbolic link")
            return Problem(Reason.UNREADABLE, error.strerror or "cannot be opened")
        try:
            data = os.read(handle, self.largest + 1)
            if not data:
                regular = stat.S_ISREG(os.fstat(handle).st_mode)
                reason = Reason.EMPTY_FILE if regular else Reason.UNREADABLE
                return Problem(reason, "0 bytes" if regular else "no regular file")
        except OSError as error:
            return Problem(Reason.UNREADABLE, error.strerror or "cannot be read")
        finally:
            os.close(handle)
        if len(data) > self.largest:
            return Problem(Reason.TOO_LARGE, f"more than {self.largest} bytes")
        return data


def _is_litter(name: bytes) -> bool:
    """macOS keeps the attributes of `x.zip` in a file `._x.zip`."""
    return name.rpartition(b"/")[2].startswith(b"._")


def _files_below(root: bytes) -> Iterator[tuple[bytes, bool]]:
    """Paths relative to `root` and whether they are regular files; links are not followed.

    Within a folder in the order of the inodes, which is about that on the disk.
    """
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root + b"/" + folder) as listing:
                entries = sorted(listing, key=os.DirEntry.inode)
        except OSError as error:
            raise BogamError(
                f"{os.fsdecode(root + b'/' + folder)}: cannot list this folder: "
                f"{error.strerror}. Make it readable."
            ) from error
        for entry in entries:
            name = folder + entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name + b"/")
            else:
                yield name, entry.is_file(follow_symlinks=False)
