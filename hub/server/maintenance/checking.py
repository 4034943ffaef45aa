"""`fsck`: every content hashed again, every reference followed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hub.server.store.blobs import BlobStore, StoredBlob
from hub.server.store.database import Database, Transaction
from hub.server.store.store import open_existing
from hub.server.store.trees import FileEntry, TreeStore

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all."""


@dataclass(frozen=True)
class Problem:
    """Something in the store that is not as it should be.

    Kinds: `database` (SQLite's own checks), `missing-blob`, `damaged-blob`, `dangling-ref`,
    `missing-commit`, `missing-tree`, `damaged-tree`, `not-held` (a commit names a content that
    its repo has no right to), `missing-chunk` (a xorb points into a content that is gone).
    """

    kind: str
    subject: str
    detail: str


@dataclass
class FsckReport:
    """What was checked and what was found."""

    blobs: int = 0
    bytes: int = 0
    commits: int = 0
    trees: int = 0
    orphan_files: int = 0
    """Files without a row: left by a crash, harmless, removed by `gc`."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.problems


def fsck(root: Path, on_progress: Progress | None = None) -> FsckReport:
    """Check the store in a folder, served or not.

    Raises :class:`cards.errors.BogamError` when there is no store.
    """
    database, blobs = open_existing(root)
    try:
        check = _Check(database, blobs, on_progress)
        check.database_itself()
        check.contents()
        check.history()
        check.chunks()
        check.orphans()
        return check.report
    finally:
        database.close()


class _Check:
    def __init__(self, database: Database, blobs: BlobStore, on_progress: Progress | None) -> None:
        self.report = FsckReport()
        self._database = database
        self._blobs = blobs
        self._on_progress = on_progress

    def database_itself(self) -> None:
        with self._database.read() as tx:
            for row in tx.execute("PRAGMA integrity_check"):
                if row[0] != "ok":
                    self._note("database", "integrity", row[0])
            for row in tx.execute("PRAGMA foreign_key_check"):
                self._note("database", row["table"], f"row {row['rowid']} refers to nothing")

    def contents(self) -> None:
        with self._database.read() as tx:
            names = [row[0] for row in tx.execute("SELECT sha256 FROM blobs ORDER BY sha256")]
            total = tx.execute("SELECT coalesce(sum(size), 0) FROM blobs").fetchone()[0]
        for sha256 in names:
            # One short transaction a blob: a long one would keep the log from being folded in.
            blob = self._find(sha256)
            if blob is None:
                continue
            problem = _content_problem(blob)
            # Garbage collection may have removed it just now; then its row is gone as well.
            if problem is not None and self._find(sha256) is not None:
                self._note(*problem)
            self.report.blobs += 1
            self.report.bytes += blob.size
            if self._on_progress is not None:
                self._on_progress(self.report.bytes, total)

    def history(self) -> None:
        with self._database.read() as tx:
            for row in tx.execute(
                "SELECT refs.* FROM refs LEFT JOIN commits"
                " ON commits.repo_id = refs.repo_id AND commits.id = commit_id"
                " WHERE commits.id IS NULL"
            ):
                self._note("dangling-ref", row["name"], f"commit {row['commit_id']} is missing")
            for row in tx.execute(
                "SELECT child.id, child.parent FROM commits AS child LEFT JOIN commits AS parent"
                " ON parent.repo_id = child.repo_id AND parent.id = child.parent"
                " WHERE child.parent IS NOT NULL AND parent.id IS NULL"
            ):
                self._note("missing-commit", row["parent"], f"the parent of {row['id']}")
            trees = _TreeCheck(tx, self.report)
            for row in tx.execute("SELECT repo_id, id, tree FROM commits ORDER BY repo_id"):
                self.report.commits += 1
                trees.check(row["repo_id"], row["tree"], f"commit {row['id']}")

    def chunks(self) -> None:
        with self._database.read() as tx:
            for row in tx.execute("SELECT hash, runs FROM xorbs"):
                for _, _, blob, _ in json.loads(row["runs"]):
                    if not tx.execute("SELECT 1 FROM blobs WHERE sha256 = ?", (blob,)).fetchone():
                        self._note("missing-chunk", row["hash"], f"its content {blob} is gone")

    def orphans(self) -> None:
        for folder in sorted(self._blobs.folder.iterdir()):
            for file in folder.iterdir():
                if self._find(folder.name + file.name) is None:
                    self.report.orphan_files += 1

    def _find(self, sha256: str) -> StoredBlob | None:
        with self._database.read() as tx:
            return self._blobs.find(tx, sha256)

    def _note(self, kind: str, subject: str, detail: str) -> None:
        self.report.problems.append(Problem(kind, subject, detail))


class _TreeCheck:
    """Every tree is checked once a repo, because what may be named depends on the repo."""

    def __init__(self, tx: Transaction, report: FsckReport) -> None:
        self._tx = tx
        self._report = report
        self._store = TreeStore()
        self._seen: set[tuple[int, str]] = set()

    def check(self, repo_id: int, oid: str, where: str) -> None:
        waiting = [(oid, where)]
        while waiting:
            tree_id, found_in = waiting.pop()
            if (repo_id, tree_id) in self._seen:
                continue
            self._seen.add((repo_id, tree_id))
            self._report.trees += 1
            if not self._store.is_intact(self._tx, tree_id):
                exists = self._store.exists(self._tx, tree_id)
                kind = "damaged-tree" if exists else "missing-tree"
                self._report.problems.append(Problem(kind, tree_id, f"in {found_in}"))
                continue
            for name, entry in self._store.get(self._tx, tree_id).items():
                if isinstance(entry, FileEntry):
                    self._check_file(repo_id, name, entry, found_in)
                else:
                    waiting.append((entry.oid, f"folder {name} of {found_in}"))

    def _check_file(self, repo_id: int, name: str, entry: FileEntry, where: str) -> None:
        row: sqlite3.Row | None = self._tx.execute(
            "SELECT size FROM blobs WHERE sha256 = ?", (entry.sha256,)
        ).fetchone()
        if row is None or row["size"] != entry.size:
            detail = f"'{name}' in {where} needs it with {entry.size} bytes"
            self._report.problems.append(Problem("missing-blob", entry.sha256, detail))
        elif entry.is_lfs and not self._is_held(repo_id, entry.sha256):
            detail = f"'{name}' in {where} names it without a right"
            self._report.problems.append(Problem("not-held", entry.sha256, detail))

    def _is_held(self, repo_id: int, sha256: str) -> bool:
        row = self._tx.execute(
            "SELECT 1 FROM holdings WHERE repo_id = ? AND sha256 = ?", (repo_id, sha256)
        ).fetchone()
        return row is not None


def _content_problem(blob: StoredBlob) -> tuple[str, str, str] | None:
    digest = hashlib.sha256()
    try:
        for chunk in blob.chunks():
            digest.update(chunk)
    except FileNotFoundError:
        return "missing-blob", blob.sha256, f"{blob.path} does not exist"
    except OSError as error:
        return "damaged-blob", blob.sha256, str(error)
    if digest.hexdigest() != blob.sha256:
        return "damaged-blob", blob.sha256, f"the content has the SHA-256 {digest.hexdigest()}"
    return None
