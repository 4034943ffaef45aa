"""The names of a stretch of entries: which files are read, and what their paths say.

This runs once for every file there is, so a file whose folder is known costs two look-ups, and
everything else is done for all files at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from loaders.aihub.names import (
    Folder,
    Problem,
    Side,
    describe_file,
    describe_folder,
    number_of,
)

Refuse = Callable[[str, Problem], None]


class Folders:
    """The folders met so far, numbered."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.known: list[Folder] = []
        self._places: dict[bytes, int] = {}
        self._plain: dict[bytes, int] = {}
        self._keys: list[int] = []

    def list_files(self, names: list[bytes], prefix: str, refuse: Refuse) -> FileList:
        """The files that are to be read; the others are refused.

        Args:
            names: of a stretch of entries; one that ends with a slash is no file.
            prefix: comes before all paths.
        """
        files = FileList(self, prefix)
        entries, places, stems = files.entries, files.places, files.stems
        plain = self._plain.get
        for entry, name in enumerate(names):
            cut = name.rfind(b"/") + 1
            base = name[cut:]
            place = plain(name[:cut])
            if (
                place is not None
                and base[-5:] == b".json"
                and base[:1].isalnum()
                and base.isascii()
            ):
                entries.append(entry)
                places.append(place)
                stems.append(base[:-5])
            elif base:
                self._look_twice(files, entry, name, refuse)
        return files

    def _look_twice(self, files: FileList, entry: int, name: bytes, refuse: Refuse) -> None:
        """A file in a folder that is new or odd, or with a name that is."""
        if b"\\" in name and b"/" not in name:
            name = name.replace(b"\\", b"/")  # some Windows tools
        cut = name.rfind(b"/") + 1
        place = self._place(name[:cut])
        folder = self.known[place]
        described = describe_file(name[cut:], folder)
        found = name[cut:].decode("utf-8", "backslashreplace")
        if isinstance(described, Problem):
            refuse(files.prefix + folder.path + found, described)
            return
        files.odd[len(files.entries)] = (found, described[1], described[2])
        files.entries.append(entry)
        files.places.append(place)
        files.stems.append(described[0].encode())

    def _place(self, raw: bytes) -> int:
        """The number of a folder."""
        if raw in self._places:
            return self._places[raw]
        place = self._places[raw] = len(self.known)
        folder = describe_folder(raw)
        self.known.append(folder)
        self._keys.append(xxhash.xxh3_64_intdigest(folder.key, self._seed))
        if folder.side is not None and folder.problem is None:
            self._plain[raw] = place
        return place

    def hashes(self, places: NDArray[np.int64], names: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Of folder and name together, with the seed: equal wherever the folder lies."""
        keys = np.array(self._keys, dtype=np.uint64)[places]
        return _mix(keys ^ _mix(names))


@dataclass
class FileList:
    """Files that are to be read; the lists are of equal length."""

    folders: Folders
    prefix: str
    entries: list[int] = field(default_factory=list)
    """Counted from the begin of the stretch."""
    places: list[int] = field(default_factory=list)
    """Number of the folder."""
    stems: list[bytes] = field(default_factory=list)
    """Names without extension, composed, in UTF-8."""
    odd: dict[int, tuple[str, Side, int]] = field(default_factory=dict)
    """Name as found, side and marks of the files for which the folder does not say it all."""

    def __len__(self) -> int:
        return len(self.entries)

    def path(self, number: int) -> str:
        """The path as found."""
        folder = self.folders.known[self.places[number]]
        name = self.odd[number][0] if number in self.odd else f"{self.stems[number].decode()}.json"
        return self.prefix + folder.path + name

    def paths(self, numbers: NDArray[np.int64]) -> pa.StringArray:
        folders = pa.array([self.prefix + folder.path for folder in self.folders.known])
        folders = folders.take(pa.array(self.place[numbers]))
        names = pc.binary_join_element_wise(self.ids(numbers), pa.scalar(".json"), "")
        if self.odd:
            where = {number: row for row, number in enumerate(numbers.tolist())}
            mask = np.zeros(len(numbers), dtype=np.bool_)
            replaced = {where[n]: odd[0] for n, odd in self.odd.items() if n in where}
            mask[list(replaced)] = True
            by_row = pa.array([replaced[row] for row in sorted(replaced)], pa.string())
            names = pc.replace_with_mask(names, pa.array(mask), by_row)
        return pc.binary_join_element_wise(folders, names, "")

    def ids(self, numbers: NDArray[np.int64]) -> pa.StringArray:
        """The stems."""
        return pa.array(self.stems, pa.binary()).take(pa.array(numbers)).cast(pa.string())

    @cached_property
    def place(self) -> NDArray[np.int64]:
        return np.array(self.places, dtype=np.int64)

    @cached_property
    def sides(self) -> NDArray[np.int8]:
        of_folders = [-1 if folder.side is None else folder.side for folder in self.folders.known]
        sides = np.array(of_folders, dtype=np.int8)[self.place]
        for number, (_, side, _) in self.odd.items():
            sides[number] = side
        return sides

    @cached_property
    def marks(self) -> NDArray[np.uint16]:
        of_folders = [folder.marks for folder in self.folders.known]
        marks = np.array(of_folders, dtype=np.uint16)[self.place]
        for number, (_, _, mark) in self.odd.items():
            marks[number] = mark
        return marks

    @cached_property
    def name_hashes(self) -> NDArray[np.uint64]:
        digest = xxhash.xxh3_64_intdigest
        return np.array([digest(stem) for stem in self.stems], dtype=np.uint64)

    @cached_property
    def ranks(self) -> NDArray[np.uint64]:
        """Hash of seed, folder and name."""
        return self.folders.hashes(self.place, self.name_hashes)

    @cached_property
    def number_hashes(self) -> NDArray[np.uint64]:
        """Hash of seed, folder and the number in the name: equal for `q1` and its `a1`."""
        digest = xxhash.xxh3_64_intdigest
        numbers = [digest(f"{number_of(stem.decode())}#".encode()) for stem in self.stems]
        return self.folders.hashes(self.place, np.array(numbers, dtype=np.uint64))


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A permutation of 64-bit numbers that spreads every bit over all.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
