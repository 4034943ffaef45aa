"""Discussions and pull requests: what people say about a repo, and changes they propose.

A pull request is a discussion with a ref of its own, `refs/pr/N`. Merging applies its files to
the branch as one commit, as long as nobody changed the same files there in the meantime.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from hub.server import revisions
from hub.server.accounts import Caller
from hub.server.card_rendering import render_card
from hub.server.commits import commit_tree
from hub.server.errors import HubError, bad_request, conflict, forbidden, revision_not_found
from hub.server.repositories import Repo, can_write
from hub.server.store.database import Transaction, timestamp
from hub.server.store.store import Store
from hub.server.store.tree_edits import TreeEditor
from hub.server.store.trees import FileEntry

PULL_REQUESTS = "refs/pr/"
TITLE_LENGTHS = range(3, 201)
_SELECT = (
    "SELECT discussions.*, accounts.name AS author FROM discussions"
    " JOIN accounts ON accounts.id = author_id "
)


@dataclass(frozen=True)
class Discussion:
    """A row of `discussions` with its author's name."""

    number: int
    author_id: int
    author: str
    title: str
    status: str
    is_pull_request: bool
    base_ref: str | None
    base_commit: str | None
    merge_commit: str | None
    created_at: str

    @property
    def ref(self) -> str:
        """Where a pull request's commits are."""
        return f"{PULL_REQUESTS}{self.number}"


def create(
    tx: Transaction,
    repo: Repo,
    caller: Caller,
    title: str,
    description: str,
    *,
    base_ref: str | None = None,
    status: str = "open",
) -> Discussion:
    """Open a discussion; with a base branch, a pull request that starts at its head.

    Raises 400 for a title that is too short or too long, and 404 for a missing branch.
    """
    title = title.strip()
    if len(title) not in TITLE_LENGTHS:
        raise bad_request("A title has 3 to 200 characters")
    number = tx.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM discussions WHERE repo_id = ?", (repo.id,)
    ).fetchone()[0]
    base = None
    if base_ref is not None:
        base = revisions.ref_target(tx, repo, base_ref)
        if base is None:
            raise revision_not_found(base_ref)
    tx.execute(
        "INSERT INTO discussions (repo_id, number, author_id, title, status, is_pull_request,"
        " base_ref, base_commit, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(repo.id, number, caller.user_id, title, status),
            *(base is not None, base_ref, base, timestamp()),
        ),
    )
    if base is not None:
        revisions.set_ref(tx, repo, f"{PULL_REQUESTS}{number}", base)
    add_event(tx, repo, number, caller, "comment", _comment(repo, description))
    return get(tx, repo, number)


def get(tx: Transaction, repo: Repo, number: int) -> Discussion:
    """Raises 404."""
    row = tx.execute(_SELECT + "WHERE repo_id = ? AND number = ?", (repo.id, number)).fetchone()
    if row is None:
        raise HubError(404, f"There is no discussion {number} in {repo.repo_id}")
    return Discussion(**{name: row[name] for name in Discussion.__dataclass_fields__})


def of_ref(tx: Transaction, repo: Repo, ref: str) -> Discussion | None:
    """The pull request that a ref belongs to."""
    number = ref.removeprefix(PULL_REQUESTS)
    return get(tx, repo, int(number)) if ref.startswith(PULL_REQUESTS) else None


def find(
    tx: Transaction, repo: Repo, *, kind: str, status: str, author: str | None
) -> list[Discussion]:
    """The discussions of a kind (all, discussion, pull_request) and status, newest first."""
    statuses = {"open": ("open", "draft"), "closed": ("closed", "merged")}.get(status)
    rows = tx.execute(_SELECT + "WHERE repo_id = ? ORDER BY number DESC", (repo.id,)).fetchall()
    found = [Discussion(**{n: row[n] for n in Discussion.__dataclass_fields__}) for row in rows]
    return [
        discussion
        for discussion in found
        if (kind == "all" or discussion.is_pull_request == (kind == "pull_request"))
        and (statuses is None or discussion.status in statuses)
        and (author is None or discussion.author.lower() == author.lower())
    ]


def events(tx: Transaction, repo: Repo, number: int) -> list[dict[str, Any]]:
    """What happened in a discussion, oldest first, as clients read it."""
    rows = tx.execute(
        "SELECT discussion_events.*, accounts.name AS author FROM discussion_events"
        " JOIN accounts ON accounts.id = author_id WHERE repo_id = ? AND number = ?"
        " ORDER BY position",
        (repo.id, number),
    ).fetchall()
    return [
        {
            "id": row["id"],
            "type": row["type"],
            "createdAt": row["created_at"],
            "author": {"name": row["author"], "type": "user"},
            "data": json.loads(row["data"]),
        }
        for row in rows
    ]


def add_event(
    tx: Transaction, repo: Repo, number: int, caller: Caller, type_: str, data: dict[str, Any]
) -> dict[str, Any]:
    """Write down that something happened; gives the event as :func:`events` does."""
    event_id = secrets.token_hex(12)
    tx.execute(
        "INSERT INTO discussion_events (id, repo_id, number, author_id, type, data, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event_id, repo.id, number, caller.user_id, type_, json.dumps(data), timestamp()),
    )
    return events(tx, repo, number)[-1]


def comment(tx: Transaction, repo: Repo, number: int, caller: Caller, text: str) -> dict[str, Any]:
    """Raises 400 for an empty comment."""
    if not text.strip():
        raise bad_request("A comment must not be empty")
    return add_event(
        tx, repo, get(tx, repo, number).number, caller, "comment", _comment(repo, text)
    )


def edit_comment(
    tx: Transaction, repo: Repo, number: int, caller: Caller, event_id: str, text: str | None
) -> dict[str, Any]:
    """Change a comment, or hide it when there is no text. Raises 403 and 404."""
    event = next((e for e in events(tx, repo, number) if e["id"] == event_id), None)
    if event is None or event["type"] != "comment":
        raise HubError(404, f"There is no comment {event_id}")
    is_author = event["author"]["name"] == caller.name
    if not is_author and (text is not None or not can_write(caller, repo)):
        raise forbidden("Only its author may change a comment", known_caller=caller.is_known)
    data = event["data"]
    data["history"].append(data["latest"])
    data["latest"] = {**_comment(repo, text or "")["latest"], "author": {"name": caller.name}}
    data["edited"], data["hidden"] = True, text is None
    tx.execute("UPDATE discussion_events SET data = ? WHERE id = ?", (json.dumps(data), event_id))
    return event


def rename(tx: Transaction, repo: Repo, number: int, caller: Caller, title: str) -> dict[str, Any]:
    """Raises 400 and 403."""
    discussion = _own(tx, repo, number, caller)
    title = title.strip()
    if len(title) not in TITLE_LENGTHS:
        raise bad_request("A title has 3 to 200 characters")
    _update(tx, repo, number, "title", title)
    data = {"from": discussion.title, "to": title}
    return add_event(tx, repo, number, caller, "title-change", data)


def change_status(
    tx: Transaction, repo: Repo, number: int, caller: Caller, status: str
) -> dict[str, Any]:
    """Open or close. Raises 400 and 403."""
    discussion = _own(tx, repo, number, caller)
    if status not in {"open", "closed"} or discussion.status == "merged":
        raise bad_request(f"The status cannot become {status}")
    _update(tx, repo, number, "status", status)
    return add_event(tx, repo, number, caller, "status-change", {"status": status})


def merge(tx: Transaction, store: Store, repo: Repo, number: int, caller: Caller) -> str:
    """Apply a pull request to its branch; gives the new commit's id.

    Raises 400 for what is no open pull request and 409 where both sides changed a file.
    """
    discussion = get(tx, repo, number)
    if discussion.base_ref is None or discussion.status != "open":
        raise bad_request("Only an open pull request can be merged")
    conflicts = conflicting_files(tx, store, repo, discussion)
    if conflicts:
        raise conflict(f"Both sides changed: {', '.join(conflicts[:10])}")
    head = revisions.ref_target(tx, repo, discussion.base_ref)
    if head is None:
        raise conflict(f"The branch of this pull request was deleted: {discussion.base_ref}")
    editor = TreeEditor(store.trees, tx, revisions.get_commit(tx, repo, head).tree)
    base, proposed, _ = _three_sides(tx, store, repo, discussion)
    for path in _changed(base, proposed):
        if path in proposed:
            editor.add(path, proposed[path])
        else:
            editor.remove(path)
    commit_id = commit_tree(
        tx,
        store,
        repo,
        discussion.base_ref,
        editor.write(),
        parent=head,
        author_id=caller.user_id,
        title=f"{discussion.title} (#{number})",
    )
    _update(tx, repo, number, "status", "merged")
    _update(tx, repo, number, "merge_commit", commit_id)
    add_event(tx, repo, number, caller, "status-change", {"status": "merged"})
    return commit_id


def conflicting_files(
    tx: Transaction, store: Store, repo: Repo, discussion: Discussion
) -> list[str]:
    """The files that the pull request and its branch both changed, each in its own way."""
    base, proposed, current = _three_sides(tx, store, repo, discussion)
    return [
        path
        for path in _changed(base, proposed)
        if current.get(path) not in (base.get(path), proposed.get(path))
    ]


def note_commit(
    tx: Transaction, repo: Repo, discussion: Discussion, caller: Caller, commit_id: str, title: str
) -> None:
    """Show a commit to a pull request among its events."""
    add_event(tx, repo, discussion.number, caller, "commit", {"subject": title, "oid": commit_id})


def _three_sides(
    tx: Transaction, store: Store, repo: Repo, discussion: Discussion
) -> tuple[dict[str, FileEntry], dict[str, FileEntry], dict[str, FileEntry]]:
    """The files where the pull request began, in it, and on its branch now."""
    head = revisions.ref_target(tx, repo, discussion.ref)
    current = revisions.ref_target(tx, repo, discussion.base_ref or "")
    assert discussion.base_commit is not None
    assert head is not None
    sides = []
    for commit_id in (discussion.base_commit, head, current):
        tree = revisions.get_commit(tx, repo, commit_id).tree if commit_id else None
        sides.append(dict(store.trees.files(tx, tree)) if tree else {})
    return sides[0], sides[1], sides[2]


def _changed(before: dict[str, FileEntry], after: dict[str, FileEntry]) -> list[str]:
    paths = sorted(before.keys() | after.keys())
    return [path for path in paths if before.get(path) != after.get(path)]


def _own(tx: Transaction, repo: Repo, number: int, caller: Caller) -> Discussion:
    discussion = get(tx, repo, number)
    if discussion.author_id != caller.user_id and not can_write(caller, repo):
        raise forbidden(
            "Only its author and those who may write to the repo may change a discussion",
            known_caller=caller.is_known,
        )
    return discussion


def _update(tx: Transaction, repo: Repo, number: int, column: str, value: str) -> None:
    tx.execute(
        f"UPDATE discussions SET {column} = ? WHERE repo_id = ? AND number = ?",
        (value, repo.id, number),
    )


def _comment(repo: Repo, text: str) -> dict[str, Any]:
    html = render_card(text, repo.url_path, "main").html
    latest = {"raw": text, "html": html, "updatedAt": timestamp()}
    return {"edited": False, "hidden": False, "latest": latest, "history": []}
