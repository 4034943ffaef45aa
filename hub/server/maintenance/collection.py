"""`gc`: what no commit needs any more is removed, also while the store is served.

Everything younger than the grace time stays: it may belong to an upload that is under way. Rows
go first, in one transaction. Files go afterwards, each inside a write transaction that sees that
no row needs them; uploads move their files into place inside one too, so the two cannot cross,
and a crash in between leaves rubbish at worst.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cards.errors import BogamError
from hub.server.settings import Settings
from hub.server.store.blobs import BlobStore
from hub.server.store.database import Database, Transaction, timestamp_before
from hub.server.store.store import open_existing
from hub.server.store.trees import FileEntry, TreeStore


@dataclass
class GcReport:
    """What was removed."""

    commits: int = 0
    trees: int = 0
    blobs: int = 0
    bytes: int = 0
    """Of contents that are gone, in the database and in files."""
    stale_files: int = 0
    """Unfinished uploads and files without a row."""
    xorbs: int = 0
    new_store_id: bool = False
    """Clients with hf-xet were given a new address, and so a new cache."""


def gc(root: Path, *, grace_seconds: float = Settings.grace_seconds) -> GcReport:
    """Remove what nothing refers to from the store in a folder.

    Raises :class:`BogamError` when there is no store or another collection runs on it.
    """
    database, blobs = open_existing(root)
    try:
        with _only_one(root):
            collection = _Collection(root, database, blobs, grace_seconds)
            collection.remove_rows()
            collection.remove_files()
            return collection.report
    finally:
        database.close()


class _Collection:
    def __init__(
        self, root: Path, database: Database, blobs: BlobStore, grace_seconds: float
    ) -> None:
        self.report = GcReport()
        self._root = root
        self._database = database
        self._blobs = blobs
        self._cutoff = timestamp_before(grace_seconds)
        self._grace = grace_seconds
        self._removed_files = 0

    def remove_rows(self) -> None:
        with self._database.write() as tx:
            self.report.commits = _remove_dangling_commits(tx, self._cutoff)
        needed = _Needed()
        with self._database.read() as tx:
            needed.mark(tx)
        with self._database.write() as tx:
            # What was committed since the long walk above.
            needed.mark(tx)
            self._remove_holdings(tx, needed)
            self._remove_trees(tx, needed)
            removed = self._remove_blobs(tx, needed)
            self._remove_xorbs(tx, removed)

    def remove_files(self) -> None:
        for folder in sorted(self._blobs.folder.iterdir()):
            with self._database.write() as tx:
                for file in folder.iterdir():
                    row = tx.execute(
                        "SELECT content IS NULL AS on_disk FROM blobs WHERE sha256 = ?",
                        (folder.name + file.name,),
                    ).fetchone()
                    if row is None or not row["on_disk"]:
                        file.unlink()
                        self.report.stale_files += 1
        # A blob that was removed above was counted as a file as well.
        self.report.stale_files -= self._removed_files
        with self._database.write() as tx:
            known = {f"{row[0]}-{row[1]}" for row in tx.execute("SELECT user_id, hash FROM xorbs")}
            self._remove_old_files(self._root / "xorbs", keep=known)
        self._remove_old_files(self._root / "uploads")
        self._remove_old_files(self._blobs.temporary)

    def _remove_holdings(self, tx: Transaction, needed: _Needed) -> None:
        rows = tx.execute(
            "SELECT repo_id, sha256 FROM holdings WHERE created_at <= ?", (self._cutoff,)
        ).fetchall()
        tx.executemany(
            "DELETE FROM holdings WHERE repo_id = ? AND sha256 = ?",
            [tuple(row) for row in rows if not needed.is_held(*row)],
        )

    def _remove_trees(self, tx: Transaction, needed: _Needed) -> None:
        # A tree is written in the transaction of its commit: without one, no grace is needed.
        ids = [row[0] for row in tx.execute("SELECT id FROM trees")]
        unneeded = [(id_,) for id_ in ids if id_ not in needed.trees]
        tx.executemany("DELETE FROM trees WHERE id = ?", unneeded)
        self.report.trees = len(unneeded)

    def _remove_blobs(self, tx: Transaction, needed: _Needed) -> set[str]:
        rows = tx.execute(
            "SELECT sha256, size, content IS NULL AS on_disk FROM blobs WHERE created_at <= ?"
            " AND NOT EXISTS (SELECT 1 FROM holdings WHERE holdings.sha256 = blobs.sha256)",
            (self._cutoff,),
        ).fetchall()
        unneeded = [row for row in rows if not needed.has_blob(row["sha256"])]
        tx.executemany("DELETE FROM blobs WHERE sha256 = ?", [(r["sha256"],) for r in unneeded])
        self.report.blobs = len(unneeded)
        self.report.bytes = sum(row["size"] for row in unneeded)
        self._removed_files = sum(row["on_disk"] for row in unneeded)
        return {row["sha256"] for row in unneeded}

    def _remove_xorbs(self, tx: Transaction, removed: set[str]) -> None:
        """Clients name old xorbs for ever, unless the store's id says that it is another one."""
        old = tx.execute(
            "SELECT user_id, hash, runs FROM xorbs WHERE created_at <= ?", (self._cutoff,)
        ).fetchall()
        abandoned = [row for row in old if row["runs"] == "[]"]
        broken = any(blob in removed for row in old for _, _, blob, _ in json.loads(row["runs"]))
        dropped = old if broken else abandoned
        tx.executemany(
            "DELETE FROM xorbs WHERE user_id = ? AND hash = ?",
            [(row["user_id"], row["hash"]) for row in dropped],
        )
        if broken:
            tx.execute("UPDATE store SET value = ? WHERE key = 'id'", (secrets.token_hex(16),))
        self.report.xorbs, self.report.new_store_id = len(dropped), broken

    def _remove_old_files(self, folder: Path, keep: Set[str] = frozenset()) -> None:
        for file in folder.iterdir() if folder.exists() else ():
            try:
                if file.name not in keep and time.time() - file.stat().st_mtime >= self._grace:
                    file.unlink()
                    self.report.stale_files += 1
            except FileNotFoundError:
                # The server finished with it in this moment.
                continue


class _Needed:
    """The trees and contents of every commit; marking again adds what is new."""

    def __init__(self) -> None:
        self.trees: set[str] = set()
        self._blobs: set[bytes] = set()
        self._held: defaultdict[int, set[bytes]] = defaultdict(set)
        self._last_commit = 0
        self._seen: set[tuple[int, str]] = set()
        self._store = TreeStore()

    def mark(self, tx: Transaction) -> None:
        rows = tx.execute(
            "SELECT number, repo_id, tree FROM commits WHERE number > ? ORDER BY number",
            (self._last_commit,),
        ).fetchall()
        for row in rows:
            self._mark_tree(tx, row["repo_id"], row["tree"])
            self._last_commit = row["number"]

    def has_blob(self, sha256: str) -> bool:
        """Whether any commit needs a content."""
        return bytes.fromhex(sha256) in self._blobs

    def is_held(self, repo_id: int, sha256: str) -> bool:
        """Whether a commit of this repo names a large content."""
        return bytes.fromhex(sha256) in self._held[repo_id]

    def _mark_tree(self, tx: Transaction, repo_id: int, root: str) -> None:
        waiting = [root]
        while waiting:
            oid = waiting.pop()
            if (repo_id, oid) in self._seen:
                continue
            self._seen.add((repo_id, oid))
            self.trees.add(oid)
            for entry in self._store.get(tx, oid).values():
                if isinstance(entry, FileEntry):
                    digest = bytes.fromhex(entry.sha256)
                    self._blobs.add(digest)
                    if entry.is_lfs:
                        self._held[repo_id].add(digest)
                else:
                    waiting.append(entry.oid)


def _remove_dangling_commits(tx: Transaction, cutoff: str) -> int:
    """Old commits that no ref, no unmerged pull request and no young commit leads to."""
    tx.execute(
        "WITH RECURSIVE live (repo_id, id) AS ("
        " SELECT repo_id, commit_id FROM refs"
        " UNION SELECT repo_id, base_commit FROM discussions"
        "  WHERE base_commit IS NOT NULL AND status != 'merged'"
        " UNION SELECT repo_id, id FROM commits WHERE created_at > ?1"
        " UNION SELECT live.repo_id, commits.parent FROM live JOIN commits"
        "  ON commits.repo_id = live.repo_id AND commits.id = live.id"
        "  WHERE commits.parent IS NOT NULL)"
        " DELETE FROM commits WHERE created_at <= ?1"
        " AND (repo_id, id) NOT IN (SELECT repo_id, id FROM live)",
        (cutoff,),
    )
    # The cursor does not count for a statement that begins with WITH.
    removed: int = tx.execute("SELECT changes()").fetchone()[0]
    return removed


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    file = os.open(root / "gc.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BogamError(
                f"{root}: another garbage collection runs on this store. Wait until it is done."
            ) from None
        yield
    finally:
        os.close(file)
