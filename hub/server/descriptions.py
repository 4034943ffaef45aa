"""A repo as the clients' `ModelInfo`, `DatasetInfo` and `SpaceInfo` want it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hub.server import revisions
from hub.server.card_metadata import README, CardMetadata, read_metadata
from hub.server.repositories import Repo
from hub.server.revisions import Commit
from hub.server.store.database import Transaction
from hub.server.store.store import Store
from hub.server.store.trees import FileEntry, lfs_pointer

_COMMON = frozenset(
    [
        "author",
        "cardData",
        "createdAt",
        "disabled",
        "downloads",
        "downloadsAllTime",
        "gated",
        "lastModified",
        "likes",
        "private",
        "resourceGroup",
        "sha",
        "siblings",
        "tags",
        "trendingScore",
        "usedStorage",
    ]
)
EXPANDABLE: dict[str, frozenset[str]] = {
    "model": _COMMON
    | frozenset(
        [
            "baseModels",
            "childrenModelCount",
            "config",
            "evalResults",
            "gguf",
            "inference",
            "inferenceProviderMapping",
            "library_name",
            "mask_token",
            "model-index",
            "pipeline_tag",
            "safetensors",
            "spaces",
            "transformersInfo",
            "widgetData",
        ]
    ),
    "dataset": _COMMON | frozenset(["citation", "description", "mainSize", "paperswithcode_id"]),
    "space": _COMMON | frozenset(["datasets", "models", "region", "runtime", "sdk", "subdomain"]),
}
"""What a client may ask for by `expand`; what this Hub does not know is left out of the answer."""

ALWAYS = frozenset({"_id", "id", "modelId"})
IN_LISTS = ALWAYS | frozenset(
    [
        "author",
        "createdAt",
        "downloads",
        "gated",
        "lastModified",
        "library_name",
        "likes",
        "pipeline_tag",
        "private",
        "sdk",
        "sha",
        "tags",
    ]
)


def describe(
    tx: Transaction,
    store: Store,
    repo: Repo,
    commit: Commit | None = None,
    *,
    fields: Collection[str] | None = None,
    blobs: bool = False,
) -> dict[str, Any]:
    """A repo at a commit (default: the head of main), all of it or only some fields.

    With `blobs`, the files come with their sizes and hashes.
    """
    if commit is None:
        head = revisions.ref_target(tx, repo, revisions.MAIN)
        commit = revisions.get_commit(tx, repo, head) if head is not None else None
        card = CardMetadata.from_json(repo.card)
    else:
        card = card_at(tx, store, repo, commit)
    tags = list(card.tags)
    if repo.kind == "space" and repo.sdk:
        tags.append(repo.sdk)
    description: dict[str, Any] = {
        "_id": repo.public_id,
        "id": repo.repo_id,
        "author": repo.owner,
        "sha": commit.id if commit else None,
        "lastModified": commit.created_at if commit else repo.modified_at,
        "createdAt": repo.created_at,
        "private": repo.private,
        "gated": repo.gated or False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": tags,
        "cardData": card.data or None,
    }
    if repo.kind == "model":
        description["modelId"] = repo.repo_id
        description["pipeline_tag"] = card.pipeline_tag
        description["library_name"] = card.library_name
        description["model-index"] = card.data.get("model-index")
    if repo.kind == "space":
        description["sdk"] = repo.sdk
    if fields is None or "siblings" in fields:
        description["siblings"] = _siblings(tx, store, commit, blobs) if commit else []
    if fields is None or "usedStorage" in fields:
        description["usedStorage"] = used_storage(tx, repo)
    return {
        key: value
        for key, value in description.items()
        if (fields is None or key in fields or key in ALWAYS) and value is not None
    }


def card_at(tx: Transaction, store: Store, repo: Repo, commit: Commit) -> CardMetadata:
    """What the card says at a commit."""
    if commit.id == revisions.ref_target(tx, repo, revisions.MAIN):
        return CardMetadata.from_json(repo.card)
    readme = read_text(tx, store, commit, README)
    return CardMetadata() if readme is None else read_metadata(repo.kind, readme)


def read_text(tx: Transaction, store: Store, commit: Commit, path: str) -> str | None:
    """A small text file of a commit; None when there is none."""
    entry = store.trees.find(tx, commit.tree, path)
    if not isinstance(entry, FileEntry) or entry.size > store.settings.regular_bytes:
        return None
    blob = store.blobs.find(tx, entry.sha256)
    return None if blob is None else blob.read().decode("utf-8", "replace")


def _siblings(tx: Transaction, store: Store, commit: Commit, blobs: bool) -> list[dict[str, Any]]:
    siblings = []
    for path, entry in store.trees.files(tx, commit.tree):
        sibling: dict[str, Any] = {"rfilename": path}
        if blobs:
            sibling |= {"size": entry.size, "blobId": entry.oid}
            if entry.is_lfs:
                sibling["lfs"] = {
                    "sha256": entry.sha256,
                    "size": entry.size,
                    "pointerSize": len(lfs_pointer(entry.sha256, entry.size)),
                }
        siblings.append(sibling)
    return siblings


def used_storage(tx: Transaction, repo: Repo) -> int:
    """Bytes of the LFS contents that any commit of the repo ever had."""
    row = tx.execute(
        "SELECT coalesce(sum(size), 0) FROM holdings JOIN blobs USING (sha256) WHERE repo_id = ?",
        (repo.id,),
    ).fetchone()
    size: int = row[0]
    return size
