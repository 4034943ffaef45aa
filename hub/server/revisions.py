"""Commits and what points at them: branches, tags, pull requests."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import orjson

from hub.server.errors import bad_request, conflict, forbidden, revision_not_found
from hub.server.paths import checked_ref_name
from hub.server.repositories import Repo
from hub.server.store.database import Transaction, timestamp

MAIN = "refs/heads/main"
BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
SYSTEM_AUTHOR = "system"

_SHORT_ID = re.compile(r"[0-9a-f]{7,40}")
_SELECT_COMMITS = (
    "SELECT commits.*, coalesce(accounts.name, 'system') AS author"
    " FROM commits LEFT JOIN accounts ON accounts.id = author_id "
)


@dataclass(frozen=True)
class Commit:
    """One state of a repo and how it came about."""

    id: str
    parent: str | None
    tree: str
    author: str
    title: str
    message: str
    created_at: str


def find_commit(tx: Transaction, repo: Repo, revision: str) -> Commit:
    """The commit that a branch, a tag, a ref or the beginning of an id names.

    Raises 404 RevisionNotFound.
    """
    for ref in (BRANCHES + revision, TAGS + revision, revision):
        commit_id = ref_target(tx, repo, ref)
        if commit_id is not None:
            return get_commit(tx, repo, commit_id)
    if _SHORT_ID.fullmatch(revision):
        rows = tx.execute(
            _SELECT_COMMITS + "WHERE repo_id = ? AND commits.id >= ? AND commits.id < ? LIMIT 2",
            (repo.id, revision, revision + "g"),
        ).fetchall()
        if len(rows) == 1:
            return _commit(rows[0])
    raise revision_not_found(revision)


def get_commit(tx: Transaction, repo: Repo, commit_id: str) -> Commit:
    """A commit that is known to exist."""
    row = tx.execute(
        _SELECT_COMMITS + "WHERE repo_id = ? AND commits.id = ?", (repo.id, commit_id)
    ).fetchone()
    return _commit(row)


def history(tx: Transaction, repo: Repo, commit_id: str, limit: int = -1) -> list[Commit]:
    """A commit and those before it, newest first."""
    rows = tx.execute(
        "WITH RECURSIVE line (id, depth) AS ("
        " SELECT ?2, 0 UNION ALL SELECT commits.parent, depth + 1 FROM line"
        " JOIN commits ON commits.repo_id = ?1 AND commits.id = line.id"
        " WHERE commits.parent IS NOT NULL LIMIT ?3) "
        + _SELECT_COMMITS
        + "JOIN line ON commits.id = line.id WHERE commits.repo_id = ?1 ORDER BY depth",
        (repo.id, commit_id, limit),
    ).fetchall()
    return [_commit(row) for row in rows]


def add_commit(
    tx: Transaction,
    repo: Repo,
    *,
    tree: str,
    parent: str | None,
    author_id: int | None,
    title: str,
    message: str = "",
    created_at: str | None = None,
) -> str:
    """Write a commit that nothing points at yet, and give its id. It is dated now by default."""
    created_at = created_at or timestamp()
    content = orjson.dumps([repo.public_id, parent, tree, author_id, title, message, created_at])
    commit_id = hashlib.sha256(b"commit\0" + content).hexdigest()[:40]
    tx.execute(
        "INSERT INTO commits (repo_id, id, parent, tree, author_id, title, message, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (repo.id, commit_id, parent, tree, author_id, title, message, created_at),
    )
    return commit_id


def ref_target(tx: Transaction, repo: Repo, ref: str) -> str | None:
    """The commit id at a full ref name such as `refs/heads/main`."""
    row = tx.execute(
        "SELECT commit_id FROM refs WHERE repo_id = ? AND name = ?", (repo.id, ref)
    ).fetchone()
    return row["commit_id"] if row else None


def set_ref(tx: Transaction, repo: Repo, ref: str, commit_id: str, message: str = "") -> None:
    """Let a ref point at a commit, whether or not it was there; a tag may have a message."""
    tx.execute(
        "INSERT INTO refs VALUES (?, ?, ?, ?)"
        " ON CONFLICT (repo_id, name) DO UPDATE SET commit_id = excluded.commit_id",
        (repo.id, ref, commit_id, message),
    )


def delete_ref(tx: Transaction, repo: Repo, ref: str) -> None:
    """Raises 404 RevisionNotFound."""
    cursor = tx.execute("DELETE FROM refs WHERE repo_id = ? AND name = ?", (repo.id, ref))
    if cursor.rowcount == 0:
        raise revision_not_found(ref)


def list_refs(tx: Transaction, repo: Repo) -> list[tuple[str, str]]:
    """Every full ref name with its commit id."""
    rows = tx.execute(
        "SELECT name, commit_id FROM refs WHERE repo_id = ? ORDER BY name", (repo.id,)
    ).fetchall()
    return [(row["name"], row["commit_id"]) for row in rows]


def writable_ref(tx: Transaction, repo: Repo, revision: str) -> tuple[str, str]:
    """The branch or pull request that a revision names, and its commit.

    Raises 404 RevisionNotFound, also for tags and commit ids: they do not move.
    """
    for ref in (BRANCHES + revision, revision):
        commit_id = ref_target(tx, repo, ref)
        if commit_id is not None and not ref.startswith(TAGS):
            return ref, commit_id
    raise revision_not_found(revision)


def create_branch(tx: Transaction, repo: Repo, name: str, start: str | None) -> None:
    """A branch at a revision (default: main). Raises 400, 404 or 409."""
    ref = BRANCHES + checked_ref_name(name)
    if ref_target(tx, repo, ref) is not None:
        raise conflict(f"Reference {ref} already exists")
    set_ref(tx, repo, ref, find_commit(tx, repo, start or "main").id)


def delete_branch(tx: Transaction, repo: Repo, name: str) -> None:
    """Raises 403 for main, which every repo has, and 404 for a missing branch."""
    if BRANCHES + name == MAIN:
        raise forbidden(f"Cannot delete {MAIN}", known_caller=True)
    delete_ref(tx, repo, BRANCHES + name)


def create_tag(tx: Transaction, repo: Repo, name: str, revision: str, message: str) -> None:
    """Raises 400, 404 or 409."""
    commit = find_commit(tx, repo, revision)
    ref = TAGS + checked_ref_name(name)
    if ref_target(tx, repo, ref) is not None:
        raise conflict(f"Reference {ref} already exists")
    set_ref(tx, repo, ref, commit.id, message)


def squash(tx: Transaction, repo: Repo, revision: str, author_id: int | None, message: str) -> None:
    """Replace a branch's history by one commit with the same files. Raises 400 or 404."""
    if ref_target(tx, repo, TAGS + revision) is not None:
        raise bad_request(f"Invalid reference for a branch: {revision} is a tag")
    ref, head = writable_ref(tx, repo, revision)
    tree = get_commit(tx, repo, head).tree
    commit_id = add_commit(tx, repo, tree=tree, parent=None, author_id=author_id, title=message)
    set_ref(tx, repo, ref, commit_id)


def _commit(row: dict[str, str]) -> Commit:
    return Commit(**{name: row[name] for name in Commit.__dataclass_fields__})
