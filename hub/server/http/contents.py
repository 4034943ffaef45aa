"""Large contents as such: copied to another repo, listed, erased."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from hub.server import repositories, revisions
from hub.server.commits import commit_tree
from hub.server.erasure import erase, list_contents
from hub.server.errors import bad_request, conflict
from hub.server.gating import require_download
from hub.server.holdings import hold, may_name
from hub.server.http.call import Call, json_response, text_field
from hub.server.http.repos import created, private_flag
from hub.server.http.routing import api_routes


def duplicate_repo(call: Call) -> Response:
    """`POST duplicate {repository, visibility?}`: a new repo with the files at main's head."""
    data = call.json()
    owner, _, name = text_field(data, "repository").partition("/")
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        source = call.readable_repo(tx, caller)
        require_download(tx, caller, source)
        if repositories.find(tx, source.kind, owner, name) is not None:
            raise conflict(f"A {source.kind} repository called {owner}/{name} already exists")
        private = private_flag(data)
        copy = repositories.create(
            tx,
            caller,
            source.kind,
            owner,
            name,
            private=source.private if private is None else private,
            sdk=source.sdk,
        )
        tree = revisions.find_commit(tx, source, "main").tree
        for _, entry in call.store.trees.files(tx, tree):
            if entry.is_lfs:
                hold(tx, copy, entry.sha256)
        commit_tree(
            tx,
            call.store,
            copy,
            revisions.MAIN,
            tree,
            parent=None,
            author_id=caller.user_id,
            title=f"Duplicate from {source.repo_id}",
        )
        return json_response(created(call, copy))


def duplicate_contents(call: Call) -> Response:
    """`POST lfs-files/duplicate {target, files}`: let another repo name contents of this one."""
    data = call.json()
    target, files = data.get("target"), data.get("files")
    if not isinstance(target, dict) or not isinstance(files, list):
        raise bad_request("target and files are needed")
    failed = []
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        source = call.readable_repo(tx, caller)
        require_download(tx, caller, source)
        call.params["kind"] = repositories.checked_kind(target.get("type"))
        owner, _, name = text_field(target, "name").partition("/")
        destination = call.repo_named(tx, caller, owner, name)
        repositories.require_write(caller, destination)
        for file in files:
            sha256 = str(file.get("sha256")) if isinstance(file, dict) else ""
            if may_name(tx, source, caller, sha256):
                hold(tx, destination, sha256)
            else:
                failed.append({"sha256": sha256, "error": f"not in {source.repo_id}"})
    return json_response({"failed": failed})


def list_large_contents(call: Call) -> Response:
    """`GET lfs-files`."""
    with call.store.database.read() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        contents = list_contents(tx, call.store, repo)
    return json_response(
        [
            {
                "fileOid": content.sha256,
                "oid": content.sha256,
                "filename": content.path,
                "pushedAt": content.created_at,
                "ref": content.ref,
                "size": content.size,
            }
            for content in contents
        ]
    )


def erase_contents(call: Call) -> Response:
    """`POST lfs-files/batch {deletions: {sha, rewriteHistory}}`."""
    deletions = call.json().get("deletions")
    if not isinstance(deletions, dict) or not isinstance(deletions.get("sha"), list):
        raise bad_request("deletions must name the contents by their SHA-256")
    if deletions.get("rewriteHistory") is False:
        raise bad_request("Without rewriting the history, files without content would be left")
    with call.store.database.write() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        erase(tx, call.store, repo, {str(sha256) for sha256 in deletions["sha"]})
    return json_response({"success": True})


def routes() -> list[Route]:
    return api_routes(
        [
            ("POST", "/duplicate", duplicate_repo),
            ("POST", "/lfs-files/duplicate", duplicate_contents),
            ("GET", "/lfs-files", list_large_contents),
            ("POST", "/lfs-files/batch", erase_contents),
        ]
    )
