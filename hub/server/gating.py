"""Gated repos: everybody who sees them may ask, those who were let in may download."""

from __future__ import annotations

import secrets
import sqlite3
from typing import Any

from hub.server.accounts import Caller
from hub.server.errors import HubError, bad_request, forbidden, gated
from hub.server.repositories import Repo
from hub.server.store.database import Transaction, timestamp

STATUSES = ("pending", "accepted", "rejected")


def may_download(tx: Transaction, caller: Caller, repo: Repo) -> bool:
    """Whether the caller may read the files of a repo that it can see."""
    if repo.gated is None or caller.reads_as_member(repo.owner_id):
        return True
    return request_status(tx, repo, caller.user_id) == "accepted"


def require_download(tx: Transaction, caller: Caller, repo: Repo) -> None:
    """Raises 401 or 403 GatedRepo."""
    if not may_download(tx, caller, repo):
        raise gated(repo.kind, repo.repo_id, known_caller=caller.is_known)


def request_status(tx: Transaction, repo: Repo, user_id: int | None) -> str | None:
    """How the request of a user stands; None when there is none."""
    row = tx.execute(
        "SELECT status FROM access_requests WHERE repo_id = ? AND user_id = ?",
        (repo.id, user_id),
    ).fetchone()
    return row["status"] if row else None


def ask(tx: Transaction, repo: Repo, caller: Caller) -> str:
    """Ask to be let in; `auto` repos say yes at once. Raises 400 and 401."""
    if caller.user_id is None:
        raise forbidden("Log in to ask for access", known_caller=False)
    if repo.gated is None:
        raise bad_request(f"{repo.repo_id} is not gated")
    status = request_status(tx, repo, caller.user_id)
    if status is None:
        status = "accepted" if repo.gated == "auto" else "pending"
        _set(tx, repo, caller.user_id, status, was_asked=True)
    return status


def grant(tx: Transaction, repo: Repo, user: str) -> None:
    """Let a user in who did not ask. Raises 400 when it is in already, 404 for no user."""
    if repo.gated is None:
        raise bad_request(f"{repo.repo_id} is not gated")
    user_id = _user_id(tx, user)
    if request_status(tx, repo, user_id) == "accepted":
        raise bad_request(f"{user} has access already")
    _set(tx, repo, user_id, "accepted", was_asked=False)


def handle(
    tx: Transaction, repo: Repo, *, user: str | None, request_id: str | None, status: str
) -> None:
    """Decide on a request, found by user or by id. Raises 400 and 404."""
    if status not in STATUSES:
        raise bad_request(f"status must be one of {', '.join(STATUSES)}")
    row = tx.execute(
        "SELECT user_id, status FROM access_requests WHERE repo_id = ? AND (id = ? OR user_id ="
        " (SELECT id FROM accounts WHERE name = ?))",
        (repo.id, request_id, user),
    ).fetchone()
    if row is None:
        raise HubError(404, "There is no such access request")
    if row["status"] == status:
        raise bad_request(f"The access request is {status} already")
    tx.execute(
        "UPDATE access_requests SET status = ? WHERE repo_id = ? AND user_id = ?",
        (status, repo.id, row["user_id"]),
    )


def list_requests(tx: Transaction, repo: Repo, status: str) -> list[dict[str, Any]]:
    """The requests in a status, as clients read them. Raises 404 for an unknown status."""
    if status not in STATUSES:
        raise HubError(404, f"There are no {status} requests")
    rows: list[sqlite3.Row] = tx.execute(
        "SELECT access_requests.*, accounts.name, accounts.full_name, accounts.email,"
        " accounts.public_id FROM access_requests JOIN accounts ON accounts.id = user_id"
        " WHERE repo_id = ? AND status = ? ORDER BY access_requests.created_at",
        (repo.id, status),
    ).fetchall()
    requests = []
    for row in rows:
        user = {"_id": row["public_id"], "user": row["name"], "fullname": row["full_name"]}
        if row["was_asked"]:
            user["email"] = row["email"]
        requests.append(
            {
                "requestId": row["id"],
                "status": row["status"],
                "timestamp": row["created_at"],
                "user": user,
            }
        )
    return requests


def _set(tx: Transaction, repo: Repo, user_id: int, status: str, *, was_asked: bool) -> None:
    tx.execute(
        "INSERT INTO access_requests VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (repo_id, user_id) DO UPDATE SET status = excluded.status",
        (secrets.token_hex(12), repo.id, user_id, status, was_asked, timestamp()),
    )


def _user_id(tx: Transaction, name: str) -> int:
    row = tx.execute("SELECT id FROM accounts WHERE name = ? AND kind = 'user'", (name,)).fetchone()
    if row is None:
        raise HubError(404, f"There is no user called {name}")
    user_id: int = row["id"]
    return user_id
