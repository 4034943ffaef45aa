"""Xorbs that were sent, and where their chunks are now.

A client remembers the xorbs it once sent and names them in later shards without sending them
again, so they must stay findable. The bytes need not stay twice: once a file was put together,
a chunk is a span of that file's blob, and a xorb whose chunks are all found loses its own file.

Xorbs belong to the user who sent them. Nobody can name, or spoil, those of another.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hub.server.store.blobs import StoredBlob
from hub.server.store.database import Transaction, timestamp
from hub.server.xet.formats import FormatError, Frame, read_chunk, read_frames


@dataclass
class Run:
    """Chunks `first` to `end` (not included) are one span of a blob that begins at `offset`."""

    first: int
    end: int
    blob: str
    offset: int


class Xorb:
    """A xorb while shards are worked on."""

    def __init__(self, hash_: str, lengths: array[int], runs: list[Run], file: Path) -> None:
        self.hash = hash_
        self.lengths = lengths
        self.runs = runs
        self.file = file
        self._frames: list[Frame] = []

    @property
    def is_settled(self) -> bool:
        """Whether every chunk is found in a blob."""
        return sum(run.end - run.first for run in self.runs) == len(self.lengths)

    def raw_bytes(self, first: int, end: int) -> int:
        """The length of some chunks. Raises :class:`FormatError` where there are none."""
        if not 0 <= first < end <= len(self.lengths):
            raise FormatError(f"the xorb {self.hash} has no chunks {first} to {end}")
        return sum(self.lengths[first:end])

    def locate(self, first: int, end: int, blob: str, offset: int) -> None:
        """Note that some chunks are found in a blob; what was known already is kept."""
        while first < end:
            run = self._run_of(first)
            stop = min(end, run.end if run is not None else self._next_run(first))
            span = sum(self.lengths[first:stop])
            if run is None:
                self._add(Run(first, stop, blob, offset))
            first, offset = stop, offset + span

    def read(
        self,
        first: int,
        end: int,
        find_blob: Callable[[str], StoredBlob | None],
        reload: Callable[[str], Xorb],
    ) -> Iterator[bytes]:
        """The raw bytes of some chunks, from blobs or from the xorb's own file.

        When that file is gone, another shard may have found all chunks in the meantime: `reload`
        gives the xorb as it is now. Raises :class:`FormatError`.
        """
        while first < end:
            run = self._run_of(first)
            stop = min(end, run.end if run is not None else self._next_run(first))
            if run is None:
                file = self._open()
                if file is None:
                    self.runs = reload(self.hash).runs
                    if self._run_of(first) is None:
                        raise FormatError(f"the data of the xorb {self.hash} are gone")
                    continue
                with file:
                    for frame in self._frames[first:stop]:
                        yield read_chunk(file, frame)
            else:
                blob = find_blob(run.blob)
                if blob is None:
                    raise FormatError(f"the content {run.blob} is gone")
                start = run.offset + sum(self.lengths[run.first : first])
                yield from blob.chunks(start, sum(self.lengths[first:stop]))
            first = stop

    def _open(self) -> BinaryIO | None:
        """The xorb's own file with its frames known; None when it is gone."""
        try:
            file = self.file.open("rb")
        except FileNotFoundError:
            return None
        if not self._frames:
            self._frames = read_frames(file)
        return file

    def _run_of(self, number: int) -> Run | None:
        return next((run for run in self.runs if run.first <= number < run.end), None)

    def _next_run(self, number: int) -> int:
        """Where the next chunk stands that is found in a blob; past the last if none is."""
        return min(
            (run.first for run in self.runs if run.first > number), default=len(self.lengths)
        )

    def _add(self, run: Run) -> None:
        last = self.runs[-1] if self.runs else None
        if (
            last is not None
            and (last.end, last.blob) == (run.first, run.blob)
            and last.offset + sum(self.lengths[last.first : last.end]) == run.offset
        ):
            last.end = run.end
        else:
            self.runs.append(run)


class XorbStore:
    """The xorbs under `folder`, by user."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def add(self, tx: Transaction, user_id: int, hash_: str, file: Path) -> bool:
        """Take a xorb that lies in a temporary file; False when it was there.

        It is not forced to the disk: until its shard is accepted nothing was promised.
        Raises :class:`FormatError`.
        """
        with file.open("rb") as content:
            frames = read_frames(content)
        known = self.find(tx, user_id, hash_)
        if known is not None and (known.is_settled or known.file.exists()):
            file.unlink()
            return False
        file.rename(self._file(user_id, hash_))
        self._save(tx, user_id, hash_, array("I", [frame.raw_bytes for frame in frames]), [])
        return True

    def find(self, tx: Transaction, user_id: int, hash_: str) -> Xorb | None:
        """A xorb that this user sent."""
        row = tx.execute(
            "SELECT lengths, runs FROM xorbs WHERE user_id = ? AND hash = ?", (user_id, hash_)
        ).fetchone()
        if row is None:
            return None
        lengths = array("I")
        lengths.frombytes(row["lengths"])
        runs = [Run(*run) for run in json.loads(row["runs"])]
        return Xorb(hash_, lengths, runs, self._file(user_id, hash_))

    def save(self, tx: Transaction, user_id: int, xorb: Xorb) -> None:
        """Write down where a xorb's chunks are."""
        self._save(tx, user_id, xorb.hash, xorb.lengths, xorb.runs)

    def forget(self, tx: Transaction, user_id: int, hash_: str) -> None:
        """Drop a xorb that turned out bad, so that it can be sent again."""
        tx.execute("DELETE FROM xorbs WHERE user_id = ? AND hash = ?", (user_id, hash_))
        self._file(user_id, hash_).unlink(missing_ok=True)

    def _file(self, user_id: int, hash_: str) -> Path:
        return self._folder / f"{user_id}-{hash_}"

    def _save(
        self, tx: Transaction, user_id: int, hash_: str, lengths: array[int], runs: list[Run]
    ) -> None:
        rows = json.dumps([[run.first, run.end, run.blob, run.offset] for run in runs])
        tx.execute(
            "INSERT INTO xorbs VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_id, hash)"
            " DO UPDATE SET lengths = excluded.lengths, runs = excluded.runs",
            (user_id, hash_, lengths.tobytes(), rows, timestamp()),
        )
