"""What changes a repo: commits, branches, tags, squashing."""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import Iterator
from typing import IO, Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.server import discussions, revisions
from hub.server.accounts import Caller
from hub.server.commits import apply_request, read_request
from hub.server.descriptions import read_text
from hub.server.errors import HubError, bad_request
from hub.server.http.call import Call, json_response, optional_text, stream_body
from hub.server.http.routing import api_routes
from hub.server.paths import checked_path
from hub.server.repositories import Repo, require_proposal, require_write
from hub.server.store.database import Transaction
from hub.server.store.trees import FileEntry
from hub.server.upload_rules import IgnoreRules, LfsRules

PREUPLOAD_FILES = 1000
COMMIT_BYTES = 4 * 1024**3
MEMORY_BYTES = 8 * 1024 * 1024


def preupload(call: Call) -> Response:
    """`POST preupload/{rev}`: how each file is to travel, and what is there now."""
    data = call.json()
    files = data.get("files")
    if not isinstance(files, list) or len(files) > PREUPLOAD_FILES:
        raise bad_request(f"files must be a list of at most {PREUPLOAD_FILES}")
    with call.store.database.read() as tx:
        repo = call.proposable_repo(tx, call.caller(tx))
        commit = revisions.find_commit(tx, repo, call.params["revision"])
        attributes = LfsRules(read_text(tx, call.store, commit, ".gitattributes") or "")
        ignore = data.get("gitIgnore")
        if ignore is None:
            ignore = read_text(tx, call.store, commit, ".gitignore") or ""
        ignored = IgnoreRules(str(ignore))
        answer = []
        for file in files:
            path, size, sample = _preupload_file(file)
            is_lfs = attributes.is_lfs(path, size, sample, call.store.settings.regular_bytes)
            item: dict[str, Any] = {
                "path": file["path"],
                "uploadMode": "lfs" if is_lfs else "regular",
                "shouldIgnore": ignored.is_ignored(path),
            }
            entry = call.store.trees.find(tx, commit.tree, path)
            if isinstance(entry, FileEntry):
                item["oid"] = entry.sha256 if entry.is_lfs else entry.oid
            answer.append(item)
    return json_response({"files": answer, "commitOid": commit.id})


async def commit(request: Request) -> Response:
    """`POST commit/{rev}`: the body may be large, so it waits on disk while it is read."""
    call = Call(request)
    await anyio.to_thread.run_sync(_check_commit, call)
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES, dir=str(call.store.blobs.temporary)) as body:
        await stream_body(request, body.write, COMMIT_BYTES)
        return await anyio.to_thread.run_sync(_commit, call, body)


def create_branch(call: Call) -> Response:
    """`POST branch/{name} {startingPoint?}`."""
    with call.store.database.write() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        start = optional_text(call.json(), "startingPoint")
        revisions.create_branch(tx, repo, call.params["branch"], start)
    return json_response({"success": True})


def delete_branch(call: Call) -> Response:
    """`DELETE branch/{name}`."""
    with call.store.database.write() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        revisions.delete_branch(tx, repo, call.params["branch"])
    return json_response({"success": True})


def create_tag(call: Call) -> Response:
    """`POST tag/{rev} {tag, message?}`."""
    data = call.json()
    with call.store.database.write() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        revisions.create_tag(
            tx, repo, str(data.get("tag")), call.params["revision"], str(data.get("message") or "")
        )
    return json_response({"success": True})


def delete_tag(call: Call) -> Response:
    """`DELETE tag/{name}`."""
    with call.store.database.write() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        revisions.delete_ref(tx, repo, revisions.TAGS + call.params["revision"])
    return json_response({"success": True})


def super_squash(call: Call) -> Response:
    """`POST super-squash/{ref} {message}`."""
    message = str(call.json().get("message") or "Squash history")
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        repo = call.writable_repo(tx, caller)
        revisions.squash(tx, repo, call.params["revision"], caller.user_id, message)
    return json_response({"success": True})


def routes() -> list[Route]:
    prefix = "/api/{kind:repo_kind}/{namespace:quoted}/{name:quoted}"
    return [
        Route(prefix + "/commit/{revision:quoted}", commit, methods=["POST"]),
        *api_routes(
            [
                ("POST", "/preupload/{revision:quoted}", preupload),
                ("POST", "/branch/{branch:quoted}", create_branch),
                ("DELETE", "/branch/{branch:quoted}", delete_branch),
                ("POST", "/tag/{revision:quoted}", create_tag),
                ("DELETE", "/tag/{revision:quoted}", delete_tag),
                ("POST", "/super-squash/{revision:quoted}", super_squash),
            ]
        ),
    ]


def _check_commit(call: Call) -> None:
    """Refuse before the body is read what would be refused after it."""
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        _commit_target(tx, call, caller, call.readable_repo(tx, caller))


def _commit_target(tx: Transaction, call: Call, caller: Caller, repo: Repo) -> str:
    """The ref that a commit is meant for, if the caller may change or propose to change it."""
    ref, _ = revisions.writable_ref(tx, repo, call.params["revision"])
    pull_request = discussions.of_ref(tx, repo, ref)
    is_own = pull_request is not None and pull_request.author_id == caller.user_id
    if is_own or call.flag("create_pr"):
        require_proposal(caller, repo)
    else:
        require_write(caller, repo)
    return ref


def _commit(call: Call, body: IO[bytes]) -> Response:
    body.seek(0)
    request = read_request(call.store, _lines(body, 2 * call.store.settings.regular_bytes))
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        repo = call.readable_repo(tx, caller)
        ref = _commit_target(tx, call, caller, repo)
        answer: dict[str, Any] = {"success": True, "hookOutput": ""}
        pull_request = discussions.of_ref(tx, repo, ref)
        if call.flag("create_pr"):
            pull_request = discussions.create(
                tx, repo, caller, request.title, request.message, base_ref=ref
            )
            ref = pull_request.ref
            number = pull_request.number
            answer["pullRequestUrl"] = f"{call.base_url}{repo.url_path}/discussions/{number}"
        commit_id = apply_request(tx, call.store, repo, caller, ref, request)
        if pull_request is not None:
            discussions.note_commit(tx, repo, pull_request, caller, commit_id, request.title)
    answer["commitOid"] = commit_id
    answer["commitUrl"] = f"{call.base_url}{repo.url_path}/commit/{commit_id}"
    return json_response(answer)


def _lines(body: IO[bytes], limit: int) -> Iterator[bytes]:
    while line := body.readline(limit + 1):
        if len(line) > limit:
            raise HubError(413, f"A file of more than {limit // 2} bytes must travel by LFS")
        yield line


def _preupload_file(file: object) -> tuple[str, int, bytes]:
    if not isinstance(file, dict):
        raise bad_request("Each of files must be an object")
    try:
        sample = base64.b64decode(file.get("sample") or "")
        return checked_path(file.get("path")), int(file["size"]), sample
    except (binascii.Error, KeyError, OverflowError, TypeError, ValueError) as error:
        raise bad_request(f"Each of files needs path, size and sample: {error}") from error
