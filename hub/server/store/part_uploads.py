"""Contents that arrive in parts.

All parts of an upload are written into one file at their places, so that nothing is copied when
the last one has come. Parts that come in order, as clients send them, are hashed on the way.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.server.errors import HubError, bad_request
from hub.server.store.blobs import READ_BYTES, SealedBlob

MOST_PARTS = 9_000


class _Upload:
    """What is known of an upload while this process runs."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.writing = 0
        self.hash = hashlib.sha256()
        self.hashed = 0
        """Bytes from the beginning that went into `hash`."""


class Part:
    """One part while it arrives."""

    def __init__(self, file: int, start: int, length: int, whole: _Upload) -> None:
        self.length = length
        self._file = file
        self._start = start
        self._written = 0
        self._upload = whole
        self._own_hash = hashlib.sha256()
        with whole.lock:
            self._running = whole.hash.copy() if whole.hashed == start else None

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            done = os.pwrite(self._file, view, self._start + self._written)
            self._own_hash.update(view[:done])
            if self._running is not None:
                self._running.update(view[:done])
            self._written += done
            view = view[done:]

    def finish(self) -> str:
        """The part's ETag. Raises 400 for a part that is too short."""
        if self._written != self.length:
            raise bad_request(f"The part has {self._written} bytes instead of {self.length}")
        with self._upload.lock:
            if self._running is not None and self._upload.hashed == self._start:
                self._upload.hash = self._running
                self._upload.hashed = self._start + self.length
            elif self._start < self._upload.hashed:
                # Sent again, perhaps differently: hash everything at the end.
                self._upload.hash, self._upload.hashed = hashlib.sha256(), 0
        return self._own_hash.hexdigest()


class PartUploads:
    """The uploads under `folder`. Their files outlive a restart; the hashes are made again."""

    def __init__(self, folder: Path, part_bytes: int) -> None:
        self._folder = folder
        self._part_bytes = part_bytes
        self._uploads: dict[str, _Upload] = {}
        self._lock = threading.Lock()
        folder.mkdir(exist_ok=True)

    def start(self) -> str:
        """The id of a new upload."""
        upload_id = secrets.token_hex(16)
        (self._folder / upload_id).touch(exist_ok=False)
        return upload_id

    def part_bytes(self, size: int) -> int:
        """The size of all parts but the last."""
        return max(self._part_bytes, -(-size // MOST_PARTS))

    def part_count(self, size: int) -> int:
        return -(-size // self.part_bytes(size))

    @contextmanager
    def part(self, upload_id: str, number: int, size: int) -> Iterator[Part]:
        """Write one part of an upload, counted from 1. Raises 400 or 404."""
        start = (number - 1) * self.part_bytes(size)
        if number < 1 or start >= size:
            raise bad_request(f"An upload of {size} bytes has no part {number}")
        upload = self._join(upload_id)
        try:
            file = os.open(self._folder / upload_id, os.O_WRONLY)
            try:
                yield Part(file, start, min(self.part_bytes(size), size - start), upload)
            finally:
                os.close(file)
        finally:
            with self._lock:
                upload.writing -= 1

    def seal(self, upload_id: str, size: int) -> SealedBlob:
        """The whole content, on the disk. Raises 404, 409 or 400 while parts are missing."""
        path = self._folder / upload_id
        with self._lock:
            upload = self._uploads.get(upload_id, _Upload())
            if upload.writing:
                raise HubError(409, "Parts of this upload are still arriving")
            if not path.exists():
                raise HubError(404, "There is no such upload")
            if path.stat().st_size != size:
                raise bad_request("Parts of this upload are missing")
            # From here on no part finds the file, so it cannot change any more.
            sealed_path = path.with_suffix(".sealed")
            path.rename(sealed_path)
            self._uploads.pop(upload_id, None)
        with sealed_path.open("rb", buffering=0) as file:
            file.seek(upload.hashed)
            while chunk := file.read(READ_BYTES):
                upload.hash.update(chunk)
            os.fsync(file.fileno())
        return SealedBlob(upload.hash.hexdigest(), size, None, sealed_path)

    def _join(self, upload_id: str) -> _Upload:
        with self._lock:
            if not (self._folder / upload_id).exists():
                raise HubError(404, "There is no such upload")
            upload = self._uploads.setdefault(upload_id, _Upload())
            upload.writing += 1
            return upload
