"""What is in a repo: folders, paths, refs, history."""

from __future__ import annotations

import base64
from html import escape
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.routing import Route

from hub.server import revisions
from hub.server.errors import HubError, bad_request, entry_not_found
from hub.server.http.call import Call, json_response, next_link
from hub.server.http.routing import api_routes
from hub.server.last_commits import last_commits
from hub.server.repositories import Repo
from hub.server.revisions import BRANCHES, TAGS, Commit
from hub.server.store.database import Transaction
from hub.server.store.trees import Entry, FileEntry, FolderEntry, lfs_pointer

PAGE_ENTRIES = 1000
EXPANDED_PAGE_ENTRIES = 50
PAGE_COMMITS = 100
PATHS = 1000


def tree(call: Call) -> Response:
    """`GET tree/{rev}[/{path}]`: the entries of a folder, page by page."""
    path = call.params.get("path", "").strip("/")
    expand = call.flag("expand")
    limit = EXPANDED_PAGE_ENTRIES if expand else PAGE_ENTRIES
    after = _decode_cursor(call.request.query_params.get("cursor"))
    with call.store.database.read() as tx:
        repo = call.readable_repo(tx, call.caller(tx))
        commit = revisions.find_commit(tx, repo, call.params["revision"])
        folder = call.store.trees.find(tx, commit.tree, path)
        if not isinstance(folder, FolderEntry):
            raise entry_not_found(path, commit.id)
        walk = call.store.trees.walk(tx, folder.oid, recursive=call.flag("recursive"), after=after)
        page: list[tuple[str, Entry]] = []
        has_more = False
        for name, entry in walk:
            if len(page) == limit:
                has_more = True
                break
            page.append((name, entry))
        prefix = f"{path}/" if path else ""
        items = _items(call, tx, repo, commit, [(prefix + n, e) for n, e in page], expand)
    headers = {"X-Repo-Commit": commit.id}
    if has_more:
        headers["Link"] = next_link(call, cursor=_encode_cursor(page[-1][0]))
    return json_response(items, headers=headers)


def paths_info(call: Call) -> Response:
    """`POST paths-info/{rev}`: entries of those paths that exist; a form or JSON."""
    if call.request.headers.get("content-type", "").startswith("application/json"):
        data = call.json()
        paths, expand = data.get("paths", []), data.get("expand") is True
    else:
        form = parse_qs(call.body.decode("utf-8", "replace"))
        paths = form.get("paths", [])
        expand = form.get("expand", [""])[0].lower() == "true"
    if isinstance(paths, str):
        paths = [paths]
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise bad_request("paths must be a list of texts")
    if len(paths) > PATHS:
        raise HubError(413, f"At most {PATHS} paths can be asked for at once")
    with call.store.database.read() as tx:
        repo = call.readable_repo(tx, call.caller(tx))
        commit = revisions.find_commit(tx, repo, call.params["revision"])
        found: list[tuple[str, Entry]] = []
        for path in dict.fromkeys(path.strip("/") for path in paths):
            entry = call.store.trees.find(tx, commit.tree, path) if path else None
            if entry is not None:
                found.append((path, entry))
        items = _items(call, tx, repo, commit, found, expand)
    for item in items:
        if "lfs" in item:
            # Clients want a Xet hash before they ask for a copy of a content to another repo.
            # Any name of the content will do; they download by other calls.
            item["xetHash"] = item["lfs"]["oid"]
    return json_response(items)


def refs(call: Call) -> Response:
    """`GET refs[?include_prs=1]`."""
    with call.store.database.read() as tx:
        repo = call.readable_repo(tx, call.caller(tx))
        found = revisions.list_refs(tx, repo)
    answer: dict[str, list[dict[str, str]]] = {"branches": [], "tags": [], "converts": []}
    for ref, commit_id in found:
        for group, prefix in (("branches", BRANCHES), ("tags", TAGS)):
            if ref.startswith(prefix):
                answer[group].append(_ref(ref.removeprefix(prefix), ref, commit_id))
    if call.flag("include_prs"):
        answer["pullRequests"] = [
            _ref(ref.removeprefix("refs/"), ref, commit_id)
            for ref, commit_id in found
            if ref.startswith("refs/pr/")
        ]
    return json_response(answer)


def commits(call: Call) -> Response:
    """`GET commits/{rev}`: the history, newest first, page by page."""
    formatted = "formatted" in call.values("expand")
    with call.store.database.read() as tx:
        repo = call.readable_repo(tx, call.caller(tx))
        cursor = call.request.query_params.get("cursor")
        start = revisions.find_commit(tx, repo, cursor or call.params["revision"])
        page = revisions.history(tx, repo, start.id, PAGE_COMMITS)
    headers = {}
    if page[-1].parent is not None:
        headers["Link"] = next_link(call, cursor=page[-1].parent)
    return json_response([_commit(commit, formatted) for commit in page], headers=headers)


def routes() -> list[Route]:
    return api_routes(
        [
            ("GET", "/tree/{revision:quoted}", tree),
            ("GET", "/tree/{revision:quoted}/{path:quoted_path}", tree),
            ("POST", "/paths-info/{revision:quoted}", paths_info),
            ("GET", "/refs", refs),
            ("GET", "/commits/{revision:quoted}", commits),
        ]
    )


def _items(
    call: Call,
    tx: Transaction,
    repo: Repo,
    commit: Commit,
    entries: list[tuple[str, Entry]],
    expand: bool,
) -> list[dict[str, Any]]:
    items = [_item(path, entry) for path, entry in entries]
    if expand:
        changed = last_commits(tx, call.store.trees, repo, commit, [path for path, _ in entries])
        for item in items:
            last = changed[item["path"]]
            item["lastCommit"] = {"id": last.id, "title": last.title, "date": last.created_at}
            if item["type"] == "file":
                # Nothing is scanned here, and clients need the three keys.
                item["securityFileStatus"] = {
                    "status": "unscanned",
                    "avScan": None,
                    "pickleImportScan": None,
                }
    return items


def _item(path: str, entry: Entry) -> dict[str, Any]:
    if isinstance(entry, FolderEntry):
        return {"type": "directory", "path": path, "oid": entry.oid, "size": 0}
    item: dict[str, Any] = {"type": "file", "path": path, "oid": entry.oid, "size": entry.size}
    if entry.is_lfs:
        item["lfs"] = lfs_info(entry)
    return item


def lfs_info(entry: FileEntry) -> dict[str, Any]:
    """How an LFS file is described beside its size and git id."""
    return {
        "oid": entry.sha256,
        "size": entry.size,
        "pointerSize": len(lfs_pointer(entry.sha256, entry.size)),
    }


def _ref(name: str, ref: str, commit_id: str) -> dict[str, str]:
    return {"name": name, "ref": ref, "targetCommit": commit_id}


def _commit(commit: Commit, formatted: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": commit.id,
        "title": commit.title,
        "message": commit.message,
        "date": commit.created_at,
        "authors": [{"user": commit.author, "avatar": ""}],
    }
    if formatted:
        item["formatted"] = {"title": escape(commit.title), "message": escape(commit.message)}
    return item


def _encode_cursor(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode()


def _decode_cursor(cursor: str | None) -> str:
    try:
        path = base64.urlsafe_b64decode(cursor or "").decode()
    except ValueError as error:
        raise bad_request("Invalid cursor") from error
    return path
