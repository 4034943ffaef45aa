"""The members of a zip, read in place: nothing is extracted, no member is opened by itself.

Python's `zipfile` spends most of its time on an object and a seek for each member, which for
hundreds of thousands of small files is several times the cost of inflating them. Here the file is
mapped into memory, the fields of the central directory are gathered as arrays, and members are
inflated straight from the map.

Format: PKWARE APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to
4.3.16 (ends of the central directory), 4.5.3 (Zip64 extra field).
"""

from __future__ import annotations

import mmap
import stat
import struct
from array import array
from pathlib import Path

import numpy as np
from isal import isal_zlib
from isal.igzip_lib import IsalError
from numpy.typing import NDArray

from cards.errors import BogamError
from loaders.aihub.names import Problem
from loaders.rejects import Reason

_END = b"PK\5\6"
_END64 = b"PK\6\6"
_LOCATOR64 = b"PK\6\7"
_ENTRY = int.from_bytes(b"PK\1\2", "little")
_LOCAL = int.from_bytes(b"PK\3\4", "little")
_FIXED = 46
_FIELDS = np.dtype(
    {
        "names": "system flags method crc packed size name extra mode offset".split(),  # noqa: SIM905
        "formats": "u1 <u2 <u2 <u4 <u4 <u4 <u2 <u2 <u2 <u4".split(),  # noqa: SIM905
        "offsets": [5, 8, 10, 16, 20, 24, 28, 30, 40, 42],
        "itemsize": _FIXED,
    }
)
_STORED, _DEFLATED = 0, 8
_UNIX = 3
_IN_EXTRA = 0xFFFFFFFF
_STEP = 1 << 16


class ZipDirectory:
    """One zip file.

    Args:
        path: of the zip.
        largest: members of more bytes are not read.

    Raises:
        BogamError: no zip, cut off, in several volumes, or its directory is damaged.
    """

    def __init__(self, path: Path, largest: int) -> None:
        self.path = path
        self.largest = largest
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise BogamError(f"{path}: the file is empty. Download it again.") from None
        except OSError as error:
            raise BogamError(f"{path}: cannot be read: {error.strerror}.") from error
        self._bytes = np.frombuffer(self._map, dtype=np.uint8)
        count, size, start, self._shift = self._find_directory()
        self._end = start
        self._positions = self._walk(count, size, start)

    def __len__(self) -> int:
        """Entries of the directory, those of folders included."""
        return len(self._positions)

    def __reduce__(self) -> tuple[type[ZipDirectory], tuple[Path, int]]:
        """For platforms that do not fork: a map cannot be sent, another process opens its own."""
        return ZipDirectory, (self.path, self.largest)

    def names(self, first: int, last: int) -> list[bytes]:
        """Names of the entries `first` to `last` (exclusive), as they stand in the file.

        Those of folders end with a slash.
        """
        at = self._positions[first:last]
        lengths = self._gather(at + 28, "<u2")
        view = self._map
        return [
            view[start : start + length]
            for start, length in zip((at + _FIXED).tolist(), lengths.tolist(), strict=True)
        ]

    def read(
        self, entries: NDArray[np.int64], limit: int
    ) -> tuple[list[bytes], dict[int, Problem]]:
        """The contents of the first of these entries: of so many that they fit into `limit` bytes.

        Checked against the size and the CRC-32 that the directory states. A member that states a
        small size cannot blow up memory: neither its packed nor its stated size may exceed
        `largest`, and deflate packs at most about a thousandfold.

        Returns:
            Contents, empty where there are none to be had; and for those by their number in
            `entries`, why.
        """
        fields, starts, problems = self._locate(entries)
        sizes = fields["size"].astype(np.int64)
        sizes[list(problems)] = 0
        count = max(1, int(np.searchsorted(sizes.cumsum(), limit, side="right")))
        ends = starts + fields["packed"]
        contents: list[bytes] = []
        view = memoryview(self._map)
        inflate, crc32 = isal_zlib.decompress, isal_zlib.crc32
        for start, end, size, crc, method in zip(
            starts[:count].tolist(),
            ends[:count].tolist(),
            sizes[:count].tolist(),
            fields["crc"][:count].tolist(),
            fields["method"][:count].tolist(),
            strict=True,
        ):
            data = b""
            try:
                if method == _DEFLATED and size:
                    data = inflate(view[start:end], -15, size)
                elif size:
                    data = bytes(view[start:end])
            except IsalError:  # type: ignore[misc]  # its stub declares an instance
                problems[len(contents)] = Problem(Reason.CORRUPT, "the packed data are damaged")
            else:
                if len(data) != size or (size and crc32(data) != crc):
                    data = b""
                    problems[len(contents)] = Problem(Reason.CORRUPT, "wrong size or CRC-32")
            contents.append(data)
        return contents, {number: why for number, why in problems.items() if number < count}

    def _find_directory(self) -> tuple[int, int, int, int]:
        """Entries, bytes and start of the directory; bytes that stand before the archive."""
        data = self._map
        end = self._find_end()
        disk, start_disk, _, count, size, start = struct.unpack_from("<4H2I", data, end + 4)
        stop = end
        locator = end - 20
        if locator >= 0 and data[locator : locator + 4] == _LOCATOR64:
            (at,) = struct.unpack_from("<Q", data, locator + 8)
            if at + 56 > locator or data[at : at + 4] != _END64:
                at = locator - 56  # something stands before the archive
            if at < 0 or data[at : at + 4] != _END64:
                raise BogamError(f"{self.path}: the Zip64 directory is damaged. Download it again.")
            disk, start_disk = struct.unpack_from("<2I", data, at + 16)
            count, size, start = struct.unpack_from("<3Q", data, at + 32)
            stop = at
        if disk or start_disk:
            raise BogamError(
                f"{self.path}: one of several volumes of a zip. Join the volumes first."
            )
        shift = stop - size - start
        if shift < 0:
            raise BogamError(
                f"{self.path}: the zip is damaged: its directory should begin at byte {start}, "
                f"which is not in the file. Download it again."
            )
        return count, size, start + shift, shift

    def _find_end(self) -> int:
        """Where the end record begins: its comment, which may hold anything, ends the file."""
        data = self._map
        end = len(data)
        while (end := data.rfind(_END, max(0, len(data) - 22 - 0xFFFF), end)) >= 0:
            comment = int.from_bytes(data[end + 20 : end + 22], "little")
            if end + 22 + comment == len(data):
                return end
            end += len(_END) - 1
        if data[:4] == b"PK\3\4":
            raise BogamError(
                f"{self.path}: the zip is cut off, or something was added to it: its end is not "
                "where it should be. Download it again, or join its parts first."
            )
        raise BogamError(f"{self.path}: is no zip file.")

    def _walk(self, count: int, size: int, start: int) -> NDArray[np.int64]:
        """Where each entry of the directory begins."""
        if count * _FIXED > size:
            raise self._damaged(0, count)
        data = self._map
        lengths = struct.Struct("<3H").unpack_from
        positions = array("q")
        at, end = start, start + size
        for number in range(count):
            if at + _FIXED > end:
                raise self._damaged(number, count)
            positions.append(at)
            name, extra, comment = lengths(data, at + 28)
            at += _FIXED + name + extra + comment
        result = np.frombuffer(positions, dtype=np.int64)
        for first in range(0, count, _STEP):
            if (self._gather(result[first : first + _STEP], "<u4") != _ENTRY).any():
                raise self._damaged(first, count)
        return result

    def _damaged(self, number: int, count: int) -> BogamError:
        return BogamError(
            f"{self.path}: the zip's directory is damaged (entry {number} of {count}). "
            "Download it again."
        )

    def _gather(self, at: NDArray[np.int64], kind: str) -> NDArray[np.int64]:
        """Little-endian numbers at these places."""
        wide = np.dtype(kind).itemsize
        picked: NDArray[np.uint8] = self._bytes[at[:, None] + np.arange(wide)]
        return picked.view(kind).ravel().astype(np.int64)

    def _locate(
        self, entries: NDArray[np.int64]
    ) -> tuple[NDArray[np.void], NDArray[np.int64], dict[int, Problem]]:
        """Fields of the entries, where their data begin, and what keeps some from being read."""
        at = self._positions[entries]
        fields = self._bytes[at[:, None] + np.arange(_FIXED)].view(_FIELDS).ravel()
        problems: dict[int, Problem] = {}

        def refuse(which: NDArray[np.bool_], reason: Reason, detail: str) -> None:
            for number in np.flatnonzero(which).tolist():
                problems.setdefault(number, Problem(reason, detail))

        link = (fields["mode"] & 0o170000) == stat.S_IFLNK
        refuse(link & (fields["system"] == _UNIX), Reason.LINK, "a symbolic link")
        refuse((fields["flags"] & 1) == 1, Reason.UNREADABLE, "encrypted")
        known = (fields["method"] == _STORED) | (fields["method"] == _DEFLATED)
        refuse(~known, Reason.UNREADABLE, "packed by a method other than deflate")
        refuse(fields["size"] == 0, Reason.EMPTY_FILE, "0 bytes")
        big = np.maximum(fields["size"], fields["packed"]) > self.largest
        refuse(big, Reason.TOO_LARGE, f"more than {self.largest} bytes")

        offsets = fields["offset"].astype(np.int64)
        for number in np.flatnonzero(fields["offset"] == _IN_EXTRA).tolist():
            offsets[number] = self._offset_in_extra(int(at[number]), fields[number])
        offsets += self._shift
        outside = (offsets < 0) | (offsets + 30 > self._end)
        offsets[outside] = 0
        outside |= self._gather(offsets, "<u4") != _LOCAL
        starts = (
            offsets + 30 + self._gather(offsets + 26, "<u2") + self._gather(offsets + 28, "<u2")
        )
        outside |= starts + fields["packed"] > self._end
        refuse(outside, Reason.CORRUPT, "the archive points to a place that holds no member")
        return fields, starts, problems

    def _offset_in_extra(self, at: int, fields: np.void) -> int:
        """From the Zip64 extra field: of size, packed and offset it holds those that overflow."""
        start = at + _FIXED + int(fields["name"])
        extra = self._map[start : start + int(fields["extra"])]
        skip = 8 * ((fields["size"] == _IN_EXTRA) + (fields["packed"] == _IN_EXTRA))
        while len(extra) >= 4:
            kind, length = struct.unpack_from("<2H", extra)
            if kind == 1 and length >= skip + 8:
                return int.from_bytes(extra[4 + skip : 12 + skip], "little")
            extra = extra[4 + length :]
        return -1 - self._shift
