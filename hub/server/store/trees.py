"""Folders of a commit as immutable trees, like git's, but with all that a listing needs.

A tree is stored under the hash of its entries. An entry of a file carries what the clients ask
for (size, git's object id, SHA-256), so that a listing reads one row per folder.
"""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from hub.server.store.database import Transaction

CACHED_ENTRIES = 200_000


class FileEntry(NamedTuple):
    """A file: `oid` is git's object id of what git would store (for LFS: of the pointer)."""

    oid: str
    size: int
    sha256: str
    is_lfs: bool


class FolderEntry(NamedTuple):
    """A folder: `oid` is the id of its tree."""

    oid: str


Entry = FileEntry | FolderEntry
Tree = dict[str, Entry]


def git_oid(kind: str, content: bytes) -> str:
    """Git's SHA-1 name of an object."""
    header = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def lfs_pointer(sha256: str, size: int) -> bytes:
    """The text that git would store for an LFS file.

    Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    """
    version = "https://git-lfs.github.com/spec/v1"
    return f"version {version}\noid sha256:{sha256}\nsize {size}\n".encode()


def lfs_entry(sha256: str, size: int) -> FileEntry:
    """The entry of a file that is an LFS object."""
    return FileEntry(git_oid("blob", lfs_pointer(sha256, size)), size, sha256, True)


def regular_entry(content: bytes) -> FileEntry:
    """The entry of a file that git would store itself."""
    sha256 = hashlib.sha256(content).hexdigest()
    return FileEntry(git_oid("blob", content), len(content), sha256, False)


class TreeStore:
    """Reads, writes and walks trees; keeps those read last in memory (they never change)."""

    def __init__(self) -> None:
        self._cache: OrderedDict[str, Tree] = OrderedDict()
        self._cached_entries = 0
        self._lock = threading.Lock()

    def get(self, tx: Transaction, oid: str) -> Tree:
        """The entries of a tree by name, sorted. Not to be changed by the caller."""
        with self._lock:
            cached = self._cache.get(oid)
            if cached is not None:
                self._cache.move_to_end(oid)
                return cached
        row = tx.execute("SELECT content FROM trees WHERE id = ?", (oid,)).fetchone()
        tree = _decode(row["content"])
        self._remember(oid, tree)
        return tree

    def exists(self, tx: Transaction, oid: str) -> bool:
        return tx.execute("SELECT 1 FROM trees WHERE id = ?", (oid,)).fetchone() is not None

    def is_intact(self, tx: Transaction, oid: str) -> bool:
        """Whether a stored tree is what its id says."""
        row = tx.execute("SELECT content FROM trees WHERE id = ?", (oid,)).fetchone()
        try:
            return row is not None and _tree_id(zlib.decompress(row["content"])) == oid
        except zlib.error:
            return False

    def put(self, tx: Transaction, tree: Tree) -> str:
        """Store a tree and give its id."""
        content = _encode(tree)
        oid = _tree_id(content)
        tx.execute(
            "INSERT INTO trees VALUES (?, ?) ON CONFLICT DO NOTHING",
            (oid, zlib.compress(content, 1)),
        )
        return oid

    def find(self, tx: Transaction, root: str, path: str) -> Entry | None:
        """The file or folder at a path below a root tree; the path "" is the root itself."""
        entry: Entry | None = FolderEntry(root)
        for name in path.split("/") if path else []:
            if not isinstance(entry, FolderEntry):
                return None
            entry = self.get(tx, entry.oid).get(name)
        return entry

    def walk(
        self, tx: Transaction, oid: str, prefix: str = "", *, recursive: bool, after: str = ""
    ) -> Iterator[tuple[str, Entry]]:
        """Every path and entry below a tree, folders before what is in them.

        With `after`, only what follows that path in this order; skipped folders are not read.
        """
        skip_to, _, rest = after.partition("/")
        for name, entry in self.get(tx, oid).items():
            if after and name < skip_to:
                continue
            is_last_seen = bool(after) and name == skip_to
            path = prefix + name
            if not is_last_seen:
                yield path, entry
            if recursive and isinstance(entry, FolderEntry):
                yield from self.walk(
                    tx, entry.oid, path + "/", recursive=True, after=rest if is_last_seen else ""
                )

    def files(self, tx: Transaction, root: str) -> Iterator[tuple[str, FileEntry]]:
        """Every file below a root tree."""
        for path, entry in self.walk(tx, root, recursive=True):
            if isinstance(entry, FileEntry):
                yield path, entry

    def _remember(self, oid: str, tree: Tree) -> None:
        with self._lock:
            if oid in self._cache or len(tree) > CACHED_ENTRIES:
                return
            self._cache[oid] = tree
            self._cached_entries += len(tree)
            while self._cached_entries > CACHED_ENTRIES:
                self._cached_entries -= len(self._cache.popitem(last=False)[1])


def _tree_id(content: bytes) -> str:
    return hashlib.sha256(b"tree\0" + content).hexdigest()[:40]


def _encode(tree: Tree) -> bytes:
    return orjson.dumps(sorted([name, *entry] for name, entry in tree.items()))


def _decode(content: bytes) -> Tree:
    tree: Tree = {}
    for name, *fields in orjson.loads(zlib.decompress(content)):
        tree[name] = FolderEntry(*fields) if len(fields) == 1 else FileEntry(*fields)
    return tree
