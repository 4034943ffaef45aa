"""Contents taken out of a repo's whole history, as if they had never been committed.

For what must not exist any more, such as personal data found after publication. Every commit is
written anew without the files, so ids change; the bytes themselves go with the next garbage
collection, unless another repo holds them.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from hub.server import revisions
from hub.server.commits import refresh_listing
from hub.server.repositories import Repo
from hub.server.store.database import Transaction
from hub.server.store.store import Store
from hub.server.store.tree_edits import TreeEditor


@dataclass(frozen=True)
class LargeContent:
    """A large content of a repo and one of the places where it is, or was, found."""

    sha256: str
    size: int
    path: str
    ref: str | None
    """The branch or pull request at whose head it is; None when only the history has it."""
    created_at: str


def list_contents(tx: Transaction, store: Store, repo: Repo) -> list[LargeContent]:
    """The LFS contents that any commit of a repo names."""
    heads = [(target, ref) for ref, target in revisions.list_refs(tx, repo)]
    rows = tx.execute(
        "SELECT id FROM commits WHERE repo_id = ? ORDER BY number DESC", (repo.id,)
    ).fetchall()
    held = {
        row["sha256"]: row["created_at"]
        for row in tx.execute(
            "SELECT sha256, created_at FROM holdings WHERE repo_id = ?", (repo.id,)
        )
    }
    found: dict[str, LargeContent] = {}
    places: list[tuple[str, str | None]] = [*heads, *((row["id"], None) for row in rows)]
    for commit_id, ref in places:
        for path, entry in store.trees.files(tx, revisions.get_commit(tx, repo, commit_id).tree):
            if entry.is_lfs and entry.sha256 not in found and entry.sha256 in held:
                found[entry.sha256] = LargeContent(
                    entry.sha256, entry.size, path, ref, held[entry.sha256]
                )
    return sorted(found.values(), key=lambda content: content.path)


def erase(tx: Transaction, store: Store, repo: Repo, contents: Set[str]) -> None:
    """Write every commit anew without the files of these SHA-256, and move the refs."""
    rows = tx.execute(
        "SELECT * FROM commits WHERE repo_id = ? ORDER BY number", (repo.id,)
    ).fetchall()
    renamed: dict[str, str] = {}
    for row in rows:
        tree = _without(tx, store, row["tree"], contents)
        parent = renamed.get(row["parent"], row["parent"])
        renamed[row["id"]] = revisions.add_commit(
            tx,
            repo,
            tree=tree,
            parent=parent,
            author_id=row["author_id"],
            title=row["title"],
            message=row["message"],
            created_at=row["created_at"],
        )
    for ref, target in revisions.list_refs(tx, repo):
        revisions.set_ref(tx, repo, ref, renamed[target])
        if ref == revisions.MAIN:
            commit = revisions.get_commit(tx, repo, renamed[target])
            refresh_listing(tx, store, repo, commit.tree)
    changed = [(new, repo.id, old) for old, new in renamed.items() if new != old]
    for column in ("base_commit", "merge_commit"):
        tx.executemany(
            f"UPDATE discussions SET {column} = ? WHERE repo_id = ? AND {column} = ?", changed
        )
    tx.executemany(
        "DELETE FROM commits WHERE repo_id = ? AND id = ?", [(r, old) for _, r, old in changed]
    )
    tx.executemany(
        "DELETE FROM holdings WHERE repo_id = ? AND sha256 = ?",
        [(repo.id, sha256) for sha256 in contents],
    )


def _without(tx: Transaction, store: Store, tree: str, contents: Set[str]) -> str:
    doomed = [path for path, entry in store.trees.files(tx, tree) if entry.sha256 in contents]
    if not doomed:
        return tree
    editor = TreeEditor(store.trees, tx, tree)
    for path in doomed:
        editor.remove(path)
    return editor.write()
