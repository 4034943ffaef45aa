"""Which repo may name which content: knowing a hash is no right to read what it stands for.

A repo holds a content that was uploaded to it, whole, by somebody who may write to it. A commit
may also name what the committer can download from another repo, which is how copies work.
"""

from __future__ import annotations

from hub.server.accounts import Caller
from hub.server.gating import may_download
from hub.server.repositories import Repo, can_read, find_by_number
from hub.server.store.blobs import StoredBlob
from hub.server.store.database import Transaction, timestamp
from hub.server.store.store import Store


def hold(tx: Transaction, repo: Repo, sha256: str) -> None:
    """Note that a published content was uploaded to a repo."""
    tx.execute(
        "INSERT INTO holdings VALUES (?, ?, ?)"
        " ON CONFLICT (repo_id, sha256) DO UPDATE SET created_at = excluded.created_at",
        (repo.id, sha256, timestamp()),
    )


def hold_readable(
    tx: Transaction, store: Store, repo: Repo, caller: Caller, sha256: str
) -> StoredBlob | None:
    """The content, held by the repo from now on, if the caller may name it there."""
    if not may_name(tx, repo, caller, sha256):
        return None
    blob = store.blobs.find(tx, sha256)
    if blob is None or not blob.is_present():
        return None
    hold(tx, repo, sha256)
    return blob


def may_name(tx: Transaction, repo: Repo, caller: Caller, sha256: str) -> bool:
    """Whether the repo holds the content, or the caller may download it from one that does."""
    holders = tx.execute("SELECT repo_id FROM holdings WHERE sha256 = ?", (sha256,)).fetchall()
    numbers = [row["repo_id"] for row in holders]
    if repo.id in numbers:
        return True
    for number in numbers:
        other = find_by_number(tx, number)
        if other is not None and can_read(caller, other) and may_download(tx, caller, other):
            return True
    return False
