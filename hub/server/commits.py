"""A commit request: lines of JSON in, one atomic step of a branch out.

Contents are stored first, where nothing refers to them yet. Reading the branch, checking the
expected parent, building the tree and moving the branch are then one transaction, so that of
two writers neither can undo the other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from hub.server import revisions
from hub.server.accounts import Caller
from hub.server.card_metadata import README, CardMetadata, read_metadata
from hub.server.errors import HubError, bad_request, entry_not_found, unprocessable
from hub.server.holdings import hold_readable
from hub.server.paths import checked_path
from hub.server.repositories import Repo
from hub.server.store.blobs import SealedBlob
from hub.server.store.database import Transaction, timestamp
from hub.server.store.store import Store
from hub.server.store.tree_edits import TreeEditor
from hub.server.store.trees import FileEntry, git_oid, lfs_entry

PENDING_BYTES = 8 * 1024 * 1024
STALE_PARENT = "The branch was updated since you opened this page. Please refresh and try again."


@dataclass(frozen=True)
class LfsFile:
    """A file whose content was uploaded before. Copies do not say their size."""

    sha256: str
    size: int | None


@dataclass(frozen=True)
class Deletion:
    """A file or a folder that goes."""


Change = FileEntry | LfsFile | Deletion


@dataclass
class CommitRequest:
    """The parsed body of a commit call; regular contents are in the store already."""

    title: str = ""
    message: str = ""
    parent_commit: str | None = None
    changes: list[tuple[str, Change]] = field(default_factory=list)


def read_request(store: Store, lines: Iterable[bytes]) -> CommitRequest:
    """Parse a body and store the regular contents in it.

    Raises 400 for what is no commit and 422 for a path that cannot be.
    """
    request: CommitRequest | None = None
    pending: list[SealedBlob] = []
    for line in lines:
        if not line.strip():
            continue
        key, value = _parse_line(line)
        if key == "header":
            request = CommitRequest(
                title=str(value.get("summary") or ""),
                message=str(value.get("description") or ""),
                parent_commit=str(value["parentCommit"]) if value.get("parentCommit") else None,
            )
            continue
        if request is None:
            raise bad_request("A commit must begin with its header")
        path = value.get("path")
        if key == "file":
            content = _decode(path, value)
            sealed = store.blobs.seal(content)
            entry = FileEntry(git_oid("blob", content), sealed.size, sealed.sha256, False)
            request.changes.append((checked_path(path), entry))
            pending.append(sealed)
            if sum(blob.size for blob in pending) >= PENDING_BYTES:
                _publish(store, pending)
        elif key == "lfsFile":
            request.changes.append((checked_path(path), _lfs_file(path, value)))
        elif key in {"deletedFile", "deletedFolder"}:
            # Clients name a folder with a slash at its end.
            folder = path.rstrip("/") if isinstance(path, str) else path
            request.changes.append((checked_path(folder), Deletion()))
        else:
            raise bad_request(f"Unknown operation in a commit: {key}")
    _publish(store, pending)
    if request is None or not request.title:
        raise bad_request("A commit must have a summary")
    return request


def apply_request(
    tx: Transaction, store: Store, repo: Repo, caller: Caller, ref: str, request: CommitRequest
) -> str:
    """Move a ref by one commit and give its id.

    Raises 412 when the branch is not where the caller believes, 404 for the deletion of what is
    not there, 422 when the changes do not fit together or a content is missing.
    """
    head = revisions.ref_target(tx, repo, ref)
    if request.parent_commit is not None and request.parent_commit != head:
        raise HubError(412, STALE_PARENT)
    tree = revisions.get_commit(tx, repo, head).tree if head is not None else None
    editor = TreeEditor(store.trees, tx, tree)
    for path, change in request.changes:
        if isinstance(change, Deletion):
            if not editor.remove(path):
                raise entry_not_found(path)
        elif isinstance(change, LfsFile):
            blob = hold_readable(tx, store, repo, caller, change.sha256)
            if blob is None or change.size not in {None, blob.size}:
                raise unprocessable(
                    f"'{path}' refers to content that was not uploaded to this repo: "
                    f"{change.sha256}"
                )
            editor.add(path, lfs_entry(blob.sha256, blob.size))
        else:
            editor.add(path, change)
    return commit_tree(
        tx,
        store,
        repo,
        ref,
        editor.write(),
        parent=head,
        author_id=caller.user_id,
        title=request.title,
        message=request.message,
    )


def commit_tree(
    tx: Transaction,
    store: Store,
    repo: Repo,
    ref: str,
    tree: str,
    *,
    parent: str | None,
    author_id: int | None,
    title: str,
    message: str = "",
) -> str:
    """Commit a finished tree to a ref; on main, the repo's listing follows its card."""
    commit_id = revisions.add_commit(
        tx, repo, tree=tree, parent=parent, author_id=author_id, title=title, message=message
    )
    revisions.set_ref(tx, repo, ref, commit_id)
    if ref == revisions.MAIN:
        refresh_listing(tx, store, repo, tree)
    return commit_id


def refresh_listing(tx: Transaction, store: Store, repo: Repo, tree: str) -> None:
    """Read the card at the head of main and note what the listing needs of it."""
    entry = store.trees.find(tx, tree, README)
    metadata = CardMetadata()
    if isinstance(entry, FileEntry):
        blob = store.blobs.find(tx, entry.sha256)
        if blob is not None and blob.size <= store.settings.regular_bytes:
            metadata = read_metadata(repo.kind, blob.read().decode("utf-8", "replace"))
    tx.execute(
        "UPDATE repos SET modified_at = ?, card = ? WHERE id = ?",
        (timestamp(), metadata.to_json(), repo.id),
    )
    tx.execute("DELETE FROM repo_tags WHERE repo_id = ?", (repo.id,))
    tx.executemany(
        "INSERT INTO repo_tags VALUES (?, ?) ON CONFLICT DO NOTHING",
        ((repo.id, tag) for tag in metadata.tags),
    )


def _parse_line(line: bytes) -> tuple[str, dict[str, object]]:
    try:
        item = orjson.loads(line)
        return str(item["key"]), dict(item["value"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise bad_request(f"A line of the commit is not JSON of key and value: {error}") from error


def _decode(path: object, value: dict[str, object]) -> bytes:
    content = value.get("content")
    if not isinstance(content, str):
        raise bad_request(f"The file {path!r} has no content")
    if value.get("encoding", "utf-8") != "base64":
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise bad_request(f"The content of {path!r} is not base64: {error}") from error


def _lfs_file(path: object, value: dict[str, object]) -> LfsFile:
    oid, size = value.get("oid"), value.get("size")
    if value.get("algo") != "sha256" or not isinstance(oid, str):
        raise bad_request(f"The LFS file {path!r} must be named by a sha256 oid")
    return LfsFile(oid, size if isinstance(size, int) else None)


def _publish(store: Store, pending: list[SealedBlob]) -> None:
    if pending:
        with store.database.write() as tx:
            for sealed in pending:
                store.blobs.publish(tx, sealed)
        pending.clear()
