"""Gated repos: everybody sees them, those on their list may download."""

from __future__ import annotations

from hub.server.accounts import Caller
from hub.server.errors import gated
from hub.server.repositories import Repo
from hub.server.store.database import Transaction


def may_download(tx: Transaction, caller: Caller, repo: Repo) -> bool:
    """Whether the caller may read the files of a repo that it can see."""
    if repo.gated is None or caller.reads_as_member(repo.owner_id):
        return True
    row = tx.execute(
        "SELECT 1 FROM access_requests WHERE repo_id = ? AND user_id = ? AND status = 'accepted'",
        (repo.id, caller.user_id),
    ).fetchone()
    return row is not None


def require_download(tx: Transaction, caller: Caller, repo: Repo) -> None:
    """Raises 401 or 403 GatedRepo."""
    if not may_download(tx, caller, repo):
        raise gated(repo.kind, repo.repo_id, known_caller=caller.is_known)
