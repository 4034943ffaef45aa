"""Zips are read as Python's own `zipfile` reads them, and damaged ones are told from whole ones."""

from __future__ import annotations

import io
import pickle
import random
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cards.errors import BogamError
from loaders.aihub.names import Problem
from loaders.aihub.zip_directory import ZipDirectory
from loaders.rejects import Reason

LARGEST = 1 << 16


def _members(count: int) -> list[tuple[str, bytes]]:
    chance = random.Random(5)
    texts = [
        "".join(chance.choices("가나다라 마바사\n", k=chance.randrange(400))) for _ in range(count)
    ]
    return [(f"폴더{n % 3}/이름{n}.json", text.encode()) for n, text in enumerate(texts)]


def _zip(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.comment = b"PK\5\6 is not the end"
        archive.mkdir("폴더0")
        for name, data in members:
            archive.writestr(name, data)
    return path


def _read(directory: ZipDirectory) -> tuple[dict[str, bytes], dict[str, Problem]]:
    names = [name.decode() for name in directory.names(0, len(directory))]
    contents, problems = directory.read(np.arange(len(directory)), 1 << 40)
    bad = {names[number]: problem for number, problem in problems.items()}
    return {n: c for n, c in zip(names, contents, strict=True) if n not in bad}, bad


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_members_are_those_of_zipfile(method: int, tmp_path: Path) -> None:
    members = _members(500)
    directory = ZipDirectory(_zip(tmp_path / "a.zip", members, method), LARGEST)
    contents, problems = _read(directory)
    empty = {name for name, data in members if not data} | {"폴더0/"}
    assert contents == {name: data for name, data in members if data}
    assert set(problems) == empty
    assert {problem.reason for problem in problems.values()} == {Reason.EMPTY_FILE}


def test_a_directory_opens_again_in_another_process(tmp_path: Path) -> None:
    directory = ZipDirectory(_zip(tmp_path / "a.zip", _members(20)), LARGEST)
    assert _read(pickle.loads(pickle.dumps(directory))) == _read(directory)


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    members = [(f"{n}.json", b"x" * 1000) for n in range(10)]
    directory = ZipDirectory(_zip(tmp_path / "a.zip", members), LARGEST)
    for limit, count in ((3500, 3), (1, 1)):
        contents, problems = directory.read(np.arange(1, 11), limit)
        assert contents == [b"x" * 1000] * count
        assert problems == {}


def test_something_before_the_archive_is_skipped(tmp_path: Path) -> None:
    whole = _zip(tmp_path / "a.zip", _members(30)).read_bytes()
    (tmp_path / "b.zip").write_bytes(b"#!/bin/sh\n" * 100 + whole)
    assert _read(ZipDirectory(tmp_path / "b.zip", LARGEST)) == _read(
        ZipDirectory(tmp_path / "a.zip", LARGEST)
    )


def test_zip64_is_read(tmp_path: Path) -> None:
    """More than 65,535 entries make `zipfile` write the Zip64 records."""
    members = [(f"{n}.json", b"%d" % n) for n in range(66_000)]
    directory = ZipDirectory(_zip(tmp_path / "a.zip", members, zipfile.ZIP_STORED), LARGEST)
    assert len(directory) == 66_001
    contents, _ = directory.read(np.array([1, 65_537, 66_000]), 1 << 20)
    assert contents == [b"0", b"65536", b"65999"]


def test_offsets_beyond_four_gigabytes_are_read(tmp_path: Path) -> None:
    """A sparse file, so that nothing of the gap is written."""
    path = tmp_path / "a.zip"
    with path.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("first.json", b"{}")
        file.seek((4 << 30) + 5)
        archive.start_dir = file.tell()
        archive.writestr("last.json", b'{"last": 1}')
    directory = ZipDirectory(path, LARGEST)
    contents, problems = _read(directory)
    assert contents == {"first.json": b"{}", "last.json": b'{"last": 1}'}
    assert problems == {}


def _with_field(whole: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """Change a field of the entry of the directory for the member of this name."""
    at = whole.rindex(name) - 46 + offset
    return whole[:at] + value + whole[at + len(value) :]


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (8, b"\1\0", Reason.UNREADABLE),  # encrypted
        (10, b"\x09\0", Reason.UNREADABLE),  # deflate64
        (16, b"\0\0\0\0", Reason.CORRUPT),  # CRC-32
        (20, b"\5\0\0\0", Reason.CORRUPT),  # packed size: the data are cut
        (24, b"\x10\0\0\0", Reason.CORRUPT),  # stated size: smaller than what is packed
        (24, b"\xff\xff\xff\x7f", Reason.TOO_LARGE),
        (40, struct.pack("<H", stat.S_IFLNK | 0o777), Reason.LINK),
        (42, b"\xff\xff\xff\x7f", Reason.CORRUPT),  # offset: outside the file
        (42, b"\x07\0\0\0", Reason.CORRUPT),  # offset: into the middle of another member
    ],
)
def test_a_damaged_entry_costs_only_its_member(
    offset: int, value: bytes, reason: Reason, tmp_path: Path
) -> None:
    members = [(name, b"x" * 50 + data) for name, data in _members(9)]
    whole = _zip(tmp_path / "a.zip", members).read_bytes()
    name = members[4][0]
    (tmp_path / "b.zip").write_bytes(_with_field(whole, name.encode(), offset, value))
    contents, problems = _read(ZipDirectory(tmp_path / "b.zip", LARGEST))
    assert problems[name].reason is reason
    assert contents == {other: data for other, data in members if other != name}


def test_a_member_that_lies_about_its_size_takes_no_memory(tmp_path: Path) -> None:
    """Ten megabytes of blanks that claim to be 100 bytes."""
    path = _zip(tmp_path / "a.zip", [("bomb.json", b" " * (10 << 20)), ("b.json", b"{}")])
    (tmp_path / "b.zip").write_bytes(
        _with_field(path.read_bytes(), b"bomb.json", 24, struct.pack("<I", 100))
    )
    contents, problems = _read(ZipDirectory(tmp_path / "b.zip", LARGEST))
    assert contents == {"b.json": b"{}"}
    assert problems["bomb.json"].reason is Reason.CORRUPT


def _cut(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def _hollow(whole: bytes) -> bytes:
    """The directory is overwritten, its end stands."""
    start = struct.unpack_from("<I", whole, whole.index(b"PK\5\6") + 16)[0]
    return whole[:start] + b"\0" * 200 + whole[start + 200 :]


def _shifted(whole: bytes) -> bytes:
    at = whole.index(b"PK\5\6") + 16
    return whole[:at] + b"\xf0\xff\xff\x7f" + whole[at + 4 :]


def _volume(whole: bytes) -> bytes:
    at = whole.index(b"PK\5\6") + 4
    return whole[:at] + b"\2\0" + whole[at + 2 :]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_cut, "cut off"),
        (_hollow, "directory is damaged"),
        (_shifted, "damaged"),
        (_volume, "several volumes"),
        (lambda whole: b"", "empty"),
        (lambda whole: b"%PDF-1.7 " + bytes(100), "is no zip"),
    ],
)
def test_a_damaged_zip_is_refused_with_what_is_wrong(
    damage: object, told: str, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in _members(40):
            archive.writestr(name, data)
    assert callable(damage)
    path = tmp_path / "TL.zip"
    path.write_bytes(damage(buffer.getvalue()))
    with pytest.raises(BogamError, match=rf"TL\.zip: .*{told}"):
        ZipDirectory(path, LARGEST)
