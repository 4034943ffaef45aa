"""Which commit changed a path last."""

from __future__ import annotations

from collections.abc import Sequence

from hub.server import revisions
from hub.server.repositories import Repo
from hub.server.revisions import Commit
from hub.server.store.database import Transaction
from hub.server.store.trees import TreeStore


def last_commits(
    tx: Transaction, trees: TreeStore, repo: Repo, commit: Commit, paths: Sequence[str]
) -> dict[str, Commit]:
    """For each path that exists in a commit, the newest commit in whose parent it differs."""
    found: dict[str, Commit] = {}
    waiting = {path: trees.find(tx, commit.tree, path) for path in paths}
    line = revisions.history(tx, repo, commit.id)
    for newer, older in zip(line, [*line[1:], None], strict=True):
        if not waiting:
            break
        if older is not None and older.tree == newer.tree:
            continue
        for path, entry in list(waiting.items()):
            before = trees.find(tx, older.tree, path) if older is not None else None
            if before != entry:
                found[path] = newer
                del waiting[path]
    return found
