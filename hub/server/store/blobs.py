"""Contents by their SHA-256: small ones in the database, others in a folder.

A blob exists when its row exists. The file is written under a temporary name, forced to the
disk, renamed and its folder forced to the disk, all before the row is committed, so a row
without its file cannot happen and a file without its row is merely rubbish for the next
garbage collection.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from hub.server.store.database import Transaction, timestamp

READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class SealedBlob:
    """A whole content that waits to be published: in memory or in a temporary file."""

    sha256: str
    size: int
    content: bytes | None
    temporary: Path | None

    def discard(self) -> None:
        """Forget the content."""
        if self.temporary is not None:
            self.temporary.unlink(missing_ok=True)


@dataclass(frozen=True)
class StoredBlob:
    """Where a published content is."""

    sha256: str
    size: int
    content: bytes | None
    path: Path

    def is_present(self) -> bool:
        """Whether the content is where it should be, judged by its size."""
        if self.content is not None:
            return True
        return self.path.exists() and self.path.stat().st_size == self.size

    def read(self, start: int = 0, length: int | None = None) -> bytes:
        """`length` bytes (default: all the rest) from `start`."""
        return b"".join(self.chunks(start, length))

    def chunks(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The same in pieces of at most a mebibyte."""
        left = self.size - start if length is None else min(length, self.size - start)
        if self.content is not None:
            yield self.content[start : start + left]
            return
        with self.path.open("rb", buffering=0) as file:
            file.seek(start)
            while left > 0:
                chunk = file.read(min(READ_BYTES, left))
                if not chunk:
                    raise OSError(f"{self.path}: ends {left} bytes too early")
                left -= len(chunk)
                yield chunk


class BlobWriter:
    """Takes a content piece by piece, hashes it, and spills to a temporary file when it grows."""

    def __init__(self, folder: Path, inline_bytes: int) -> None:
        self._folder = folder
        self._inline_bytes = inline_bytes
        self._buffer = bytearray()
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Removes the temporary file unless the content was sealed."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        if self._file is not None:
            # Closing writes what is buffered, which a full disk refuses; nobody needs it now.
            with contextlib.suppress(OSError):
                self._file.close()

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self.size += len(data)
        if self._file is None and self.size <= self._inline_bytes:
            self._buffer += data
            return
        if self._file is None:
            self._path = self._folder / secrets.token_hex(16)
            self._file = self._path.open("xb", buffering=READ_BYTES)
            self._file.write(self._buffer)
            self._buffer.clear()
        self._file.write(data)

    def seal(self) -> SealedBlob:
        """The whole content, on the disk if it has a file."""
        sha256 = self._hash.hexdigest()
        if self._file is None:
            return SealedBlob(sha256, self.size, bytes(self._buffer), None)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sealed = SealedBlob(sha256, self.size, None, self._path)
        self._file = self._path = None
        return sealed


class BlobStore:
    """The contents under `root`."""

    def __init__(self, root: Path, inline_bytes: int) -> None:
        self.folder = root / "blobs"
        self.temporary = root / "temporary"
        self._inline_bytes = inline_bytes
        self.temporary.mkdir(exist_ok=True)
        if not self.folder.exists():
            # Every subfolder now, so that a blob never has to wait for its parent's fsync.
            building = root / f"blobs-{secrets.token_hex(4)}"
            for number in range(256):
                (building / f"{number:02x}").mkdir(parents=True)
            sync_folder(building)
            building.rename(self.folder)
            sync_folder(root)

    def path(self, sha256: str) -> Path:
        """The file of a content that is not in the database."""
        return self.folder / sha256[:2] / sha256[2:]

    def writer(self) -> BlobWriter:
        return BlobWriter(self.temporary, self._inline_bytes)

    def seal(self, content: bytes) -> SealedBlob:
        """A content that is at hand as a whole."""
        with self.writer() as writer:
            writer.write(content)
            return writer.seal()

    def publish(self, tx: Transaction, sealed: SealedBlob) -> None:
        """Make the content readable; durable as soon as the transaction is.

        The rename happens inside the write transaction because garbage collection removes
        files inside one too: the two can never cross. A content that is known already is
        kept, unless its file was lost; then this one takes its place.
        """
        if self._is_stored(tx, sealed):
            sealed.discard()
        elif sealed.temporary is not None:
            path = self.path(sealed.sha256)
            sealed.temporary.rename(path)
            sync_folder(path.parent)
        # A known content counts as new again, so that garbage collection spares it.
        tx.execute(
            "INSERT INTO blobs VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET"
            " content = coalesce(content, excluded.content), created_at = excluded.created_at",
            (sealed.sha256, sealed.size, sealed.content, timestamp()),
        )

    def _is_stored(self, tx: Transaction, sealed: SealedBlob) -> bool:
        known = self.find(tx, sealed.sha256)
        return known is not None and known.is_present()

    def clear_temporary(self) -> None:
        """Remove what a server left that did not end well. Only while no server runs."""
        for file in self.temporary.iterdir():
            file.unlink()

    def find(self, tx: Transaction, sha256: str) -> StoredBlob | None:
        """The published content with this hash. Knowing a hash is no right to read it."""
        row = tx.execute("SELECT size, content FROM blobs WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None:
            return None
        return StoredBlob(sha256, row["size"], row["content"], self.path(sha256))


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk: a rename lasts only after this."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
