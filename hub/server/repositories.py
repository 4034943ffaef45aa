"""Repos: found, made, moved, deleted, and who may do what with them."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Literal

from hub.server.accounts import Caller
from hub.server.errors import bad_request, conflict, forbidden, repo_not_found
from hub.server.paths import is_valid_name
from hub.server.store.database import Transaction, timestamp

Kind = Literal["model", "dataset", "space"]
KINDS: tuple[Kind, ...] = ("model", "dataset", "space")
FROM_REPOS = "FROM repos JOIN accounts ON accounts.id = owner_id "
SELECT_REPOS = f"SELECT repos.*, accounts.name AS owner {FROM_REPOS}"


@dataclass(frozen=True)
class Repo:
    """A row of `repos` with its owner's name."""

    id: int
    public_id: str
    kind: Kind
    owner_id: int
    owner: str
    name: str
    private: bool
    gated: str | None
    sdk: str | None
    created_at: str
    modified_at: str
    card: str
    """JSON of :class:`hub.server.card_metadata.CardMetadata` at the head of main."""

    @property
    def repo_id(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def url_path(self) -> str:
        """The path of its page: `/org/name`, `/datasets/org/name`."""
        return url_path(self.kind, self.owner, self.name)


def url_path(kind: Kind, owner: str, name: str) -> str:
    prefix = "" if kind == "model" else f"/{kind}s"
    return f"{prefix}/{owner}/{name}"


def can_read(caller: Caller, repo: Repo) -> bool:
    return not repo.private or caller.reads_as_member(repo.owner_id)


def can_write(caller: Caller, repo: Repo) -> bool:
    return caller.writes_for(repo.owner_id)


def checked_kind(kind: object) -> Kind:
    """The kind of repo that a request names; none means a model. Raises 400."""
    for known in KINDS:
        if kind == known:
            return known
    if kind is None:
        return "model"
    raise bad_request(f"Unknown repo type: {kind}")


def find(tx: Transaction, kind: Kind, owner: str, name: str) -> Repo | None:
    """The repo with this id, upper and lower case alike; rights are the caller's business."""
    row = tx.execute(
        SELECT_REPOS + "WHERE repos.kind = ? AND accounts.name = ? AND repos.name = ?",
        (kind, owner, name),
    ).fetchone()
    return repo_from_row(row) if row is not None else None


def find_by_number(tx: Transaction, number: int) -> Repo | None:
    """The repo with this row number, which survives a move."""
    row = tx.execute(SELECT_REPOS + "WHERE repos.id = ?", (number,)).fetchone()
    return repo_from_row(row) if row is not None else None


def find_moved(tx: Transaction, kind: Kind, owner: str, name: str) -> Repo | None:
    """The repo that had this id before it was moved."""
    row = tx.execute(
        "SELECT repo_id FROM former_names WHERE kind = ? AND namespace = ? AND name = ?",
        (kind, owner, name),
    ).fetchone()
    return find_by_number(tx, row["repo_id"]) if row else None


def require_write(caller: Caller, repo: Repo) -> None:
    """Raise unless the caller may change the repo. Seeing it was checked before."""
    if not can_write(caller, repo):
        raise forbidden(
            f"You don't have the rights to write to {repo.kind} {repo.repo_id}. "
            "A token with the role write, of a member of its namespace, is needed.",
            known_caller=caller.is_known,
        )


def require_proposal(caller: Caller, repo: Repo) -> None:
    """Raise unless the caller may propose changes: whoever sees a repo and may write at all."""
    if caller.role != "write":
        raise forbidden(
            f"A token with the role write is needed to propose changes to {repo.repo_id}",
            known_caller=caller.is_known,
        )


def create(
    tx: Transaction,
    caller: Caller,
    kind: Kind,
    owner: str,
    name: str,
    *,
    private: bool,
    sdk: str | None,
) -> Repo:
    """Make an empty repo, without a commit yet.

    Raises 403 for another's namespace and 400 for a bad name.
    """
    owner_id = writable_namespace(tx, caller, kind, owner)
    if not is_valid_name(name):
        raise bad_request(f"Invalid repo name: {name}")
    now = timestamp()
    cursor = tx.execute(
        "INSERT INTO repos (public_id, kind, owner_id, name, private, sdk, created_at, modified_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (secrets.token_hex(12), kind, owner_id, name, private, sdk, now, now),
    )
    # The name may have belonged to a repo that moved away: from now on it means the new one.
    tx.execute(
        "DELETE FROM former_names WHERE kind = ? AND namespace = ? AND name = ?",
        (kind, owner, name),
    )
    assert cursor.lastrowid is not None
    repo = find_by_number(tx, cursor.lastrowid)
    assert repo is not None
    return repo


def move(tx: Transaction, caller: Caller, repo: Repo, owner: str, name: str) -> None:
    """Give a repo another id; the old one leads to it from then on.

    Raises 409 when the new id is taken, 403 for another's namespace and 400 for a bad name.
    """
    owner_id = writable_namespace(tx, caller, repo.kind, owner)
    if not is_valid_name(name):
        raise bad_request(f"Invalid repo name: {name}")
    taken = find(tx, repo.kind, owner, name)
    if taken is not None and taken.id != repo.id:
        raise conflict(f"A {repo.kind} repository called {owner}/{name} already exists")
    tx.execute("UPDATE repos SET owner_id = ?, name = ? WHERE id = ?", (owner_id, name, repo.id))
    tx.execute(
        "INSERT OR REPLACE INTO former_names VALUES (?, ?, ?, ?)",
        (repo.kind, repo.owner, repo.name, repo.id),
    )
    tx.execute(
        "DELETE FROM former_names WHERE kind = ? AND namespace = ? AND name = ?",
        (repo.kind, owner, name),
    )


def delete(tx: Transaction, repo: Repo) -> None:
    """Remove the repo with its history; garbage collection removes its contents later."""
    tx.execute("DELETE FROM repos WHERE id = ?", (repo.id,))


def writable_namespace(tx: Transaction, caller: Caller, kind: Kind, owner: str) -> int:
    """The account id of a namespace in which the caller may make repos. Raises 401 or 403."""
    row = tx.execute("SELECT id FROM accounts WHERE name = ?", (owner,)).fetchone()
    if row is None or not caller.writes_for(row["id"]):
        raise forbidden(
            f'You don\'t have the rights to create a {kind} under the namespace "{owner}".',
            known_caller=caller.is_known,
        )
    owner_id: int = row["id"]
    return owner_id


def require_read(caller: Caller, repo: Repo | None) -> Repo:
    """The repo, or the answer that does not tell hidden from missing."""
    if repo is None or not can_read(caller, repo):
        raise repo_not_found(known_caller=caller.is_known)
    return repo


def repo_from_row(row: sqlite3.Row) -> Repo:
    """A row of a query that begins with `SELECT_REPOS`."""
    fields = {name: row[name] for name in Repo.__dataclass_fields__}
    fields["private"] = bool(row["private"])
    return Repo(**fields)
