"""Repos made, described, moved, deleted."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from hub.server import repositories, revisions
from hub.server.accounts import Caller
from hub.server.commits import commit_tree
from hub.server.descriptions import EXPANDABLE, describe, used_storage
from hub.server.errors import bad_request, header_text, repo_not_found
from hub.server.gating import require_download
from hub.server.http.call import Call, json_response, optional_text, text_field
from hub.server.http.routing import api_routes, route
from hub.server.repositories import Kind, Repo
from hub.server.store.database import Transaction
from hub.server.store.trees import regular_entry
from hub.server.upload_rules import gitattributes


def create(call: Call) -> Response:
    """`POST /api/repos/create`; 409 with the usual body when the repo exists."""
    data = call.json()
    kind = repositories.checked_kind(data.get("type"))
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        owner = optional_text(data, "organization") or caller.name
        name = text_field(data, "name")
        existing = repositories.find(tx, kind, owner, name)
        if existing is not None and repositories.can_read(caller, existing):
            return json_response(
                {"error": f"You already created this {kind} repo", **created(call, existing)},
                409,
                {"X-Error-Message": header_text(f"You already created this {kind} repo")},
            )
        private = private_flag(data)
        repo = repositories.create(
            tx,
            caller,
            kind,
            owner,
            name,
            private=call.store.settings.private_by_default if private is None else private,
            sdk=optional_text(data, "sdk"),
        )
        _initial_commit(tx, call, repo, caller)
        return json_response(created(call, repo))


def delete(call: Call) -> Response:
    """`DELETE /api/repos/delete` with a JSON body."""
    data = call.json()
    call.params["kind"] = repositories.checked_kind(data.get("type"))
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        owner = optional_text(data, "organization") or caller.name
        repo = call.repo_named(tx, caller, owner, text_field(data, "name"))
        repositories.require_write(caller, repo)
        repositories.delete(tx, repo)
    return json_response({})


def move(call: Call) -> Response:
    """`POST /api/repos/move`."""
    data = call.json()
    call.params["kind"] = repositories.checked_kind(data.get("type"))
    old, new = text_field(data, "fromRepo").split("/"), text_field(data, "toRepo").split("/")
    if len(old) != 2 or len(new) != 2:
        raise bad_request("fromRepo and toRepo must have the form namespace/name")
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        repo = call.repo_named(tx, caller, *old)
        repositories.require_write(caller, repo)
        repositories.move(tx, caller, repo, *new)
        moved = repositories.find_by_number(tx, repo.id)
        assert moved is not None
        return json_response({"url": call.base_url + moved.url_path})


def settings(call: Call) -> Response:
    """`PUT settings {visibility?, private?, gated?}`."""
    data = call.json()
    with call.store.database.write() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        private = private_flag(data)
        if private is not None:
            tx.execute("UPDATE repos SET private = ? WHERE id = ?", (private, repo.id))
        if "gated" in data:
            if data["gated"] not in ("auto", "manual", False):
                raise bad_request("gated must be 'auto', 'manual' or false")
            tx.execute("UPDATE repos SET gated = ? WHERE id = ?", (data["gated"] or None, repo.id))
        changed = repositories.find_by_number(tx, repo.id)
        assert changed is not None
    return json_response({"private": changed.private, "gated": changed.gated or False})


def info(call: Call) -> Response:
    """`GET /api/{kinds}/{repo}[/revision/{rev}]`."""
    expand = call.values("expand")
    check_expand(call.kind, expand)
    with call.store.database.read() as tx:
        repo = call.readable_repo(tx, call.caller(tx))
        revision = call.params.get("revision")
        commit = None if revision is None else revisions.find_commit(tx, repo, revision)
        description = describe(
            tx, call.store, repo, commit, fields=expand or None, blobs=call.flag("blobs")
        )
    if call.flag("securityStatus"):
        description["securityRepoStatus"] = {"scansDone": False, "filesWithIssues": []}
    return json_response(description)


def auth_check(call: Call) -> Response:
    """`GET auth-check[/write]`."""
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        repo = call.readable_repo(tx, caller)
        if call.request.scope["path"].endswith("/write"):
            repositories.require_write(caller, repo)
        else:
            require_download(tx, caller, repo)
    return json_response({"success": True})


def list_own(call: Call) -> Response:
    """`GET /api/[organizations/{name}/]settings/repositories`: repos with what they take up."""
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        owner_id = repositories.writable_namespace(
            tx, caller, "model", call.params.get("account", caller.name)
        )
        rows = tx.execute(
            repositories.SELECT_REPOS + "WHERE owner_id = ? ORDER BY modified_at DESC", (owner_id,)
        ).fetchall()
        repos = [repositories.repo_from_row(row) for row in rows]
        return json_response(
            [
                {
                    "id": repo.repo_id,
                    "type": repo.kind,
                    "updatedAt": repo.modified_at,
                    "visibility": "private" if repo.private else "public",
                    "storage": used_storage(tx, repo),
                }
                for repo in repos
            ]
        )


def missing(call: Call) -> Response:
    """Calls about an id of one segment: no repo has one."""
    with call.store.database.read() as tx:
        raise repo_not_found(known_caller=call.caller(tx).is_known)


def routes() -> list[Route]:
    return [
        route("POST", "/api/repos/create", create),
        route("DELETE", "/api/repos/delete", delete),
        route("POST", "/api/repos/move", move),
        route("GET", "/api/settings/repositories", list_own),
        route("GET", "/api/organizations/{account:quoted}/settings/repositories", list_own),
        *api_routes(
            [
                ("GET", "", info),
                ("GET", "/revision/{revision:quoted}", info),
                ("PUT", "/settings", settings),
                ("GET", "/auth-check", auth_check),
                ("GET", "/auth-check/write", auth_check),
            ]
        ),
        route("GET", "/api/{kind:repo_kind}/{name:quoted}", missing),
        *(
            route(
                "GET",
                f"/api/{{kind:repo_kind}}/{{name:quoted}}/{call}/{{rest:quoted_path}}",
                missing,
            )
            for call in ("commits", "revision", "tree", "xet-write-token")
        ),
        route("GET", "/{name:quoted}/resolve/{rest:quoted_path}", missing),
    ]


def check_expand(kind: Kind, expand: list[str]) -> None:
    """Raises 400 for a field that no repo of the kind has."""
    for number, name in enumerate(expand):
        if name not in EXPANDABLE[kind]:
            options = "|".join(f'"{option}"' for option in sorted(EXPANDABLE[kind]))
            raise bad_request(f"Invalid option: expected one of {options} at expand[{number}]")


def _initial_commit(tx: Transaction, call: Call, repo: Repo, caller: Caller) -> None:
    """Rules for large files; a space also needs a card, which says what runs it."""
    files = {".gitattributes": gitattributes(repo.kind)}
    if repo.kind == "space":
        files["README.md"] = f"---\ntitle: {repo.name}\nsdk: {repo.sdk or 'static'}\n---\n"
    for text in files.values():
        call.store.blobs.publish(tx, call.store.blobs.seal(text.encode()))
    commit_tree(
        tx,
        call.store,
        repo,
        revisions.MAIN,
        call.store.trees.put(tx, {n: regular_entry(t.encode()) for n, t in files.items()}),
        parent=None,
        author_id=caller.user_id,
        title="initial commit",
    )


def created(call: Call, repo: Repo) -> dict[str, Any]:
    """What the clients read when a repo was made."""
    return {"url": call.base_url + repo.url_path, "name": repo.repo_id, "id": repo.public_id}


def private_flag(data: dict[str, Any]) -> bool | None:
    """What a request says about visibility: new clients by a word, old ones by a flag."""
    visibility = data.get("visibility")
    if visibility is not None:
        if visibility not in ("public", "private"):
            raise bad_request("visibility must be 'public' or 'private'")
        return bool(visibility == "private")
    private = data.get("private")
    return bool(private) if private is not None else None
