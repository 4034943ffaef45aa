"""Discussions and pull requests."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from hub.server import discussions, revisions
from hub.server.accounts import Caller
from hub.server.discussions import Discussion
from hub.server.http.call import Call, json_response
from hub.server.http.routing import api_routes
from hub.server.repositories import Repo, require_write
from hub.server.store.database import Transaction

PAGE_DISCUSSIONS = 50


def list_discussions(call: Call) -> Response:
    """`GET discussions?p&type&status&author`."""
    query = call.request.query_params
    page = query.get("p", "0")
    start = PAGE_DISCUSSIONS * (int(page) if re.fullmatch("[0-9]{1,9}", page) else 0)
    with call.store.database.read() as tx:
        repo = call.readable_repo(tx, call.caller(tx))
        found = discussions.find(
            tx,
            repo,
            kind=query.get("type", "all"),
            status=query.get("status", "all"),
            author=query.get("author"),
        )
    items = [_summary(repo, item) for item in found[start : start + PAGE_DISCUSSIONS]]
    return json_response({"discussions": items, "count": len(found), "start": start})


def create(call: Call) -> Response:
    """`POST discussions {title, description, pullRequest}`; pull requests begin as drafts."""
    data = call.json()
    is_pull_request = data.get("pullRequest") is True
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        repo = call.proposable_repo(tx, caller)
        discussion = discussions.create(
            tx,
            repo,
            caller,
            str(data.get("title") or ""),
            str(data.get("description") or ""),
            base_ref=revisions.MAIN if is_pull_request else None,
            status="draft" if is_pull_request else "open",
        )
    return json_response({"num": discussion.number, "pullRequest": is_pull_request})


def details(call: Call) -> Response:
    """`GET discussions/{n}`."""
    with call.store.database.read() as tx:
        repo = call.readable_repo(tx, call.caller(tx))
        discussion = discussions.get(tx, repo, _number(call))
        answer = _summary(repo, discussion)
        answer["events"] = discussions.events(tx, repo, discussion.number)
        if discussion.base_ref is not None:
            is_open = discussion.status in {"open", "draft"}
            answer["changes"] = {"base": discussion.base_ref}
            answer["filesWithConflicts"] = (
                discussions.conflicting_files(tx, call.store, repo, discussion) if is_open else []
            )
            if discussion.merge_commit is not None:
                answer["changes"]["mergeCommitId"] = discussion.merge_commit
    return json_response(answer)


def comment(call: Call) -> Response:
    """`POST discussions/{n}/comment {comment}`."""
    with call.store.database.write() as tx:
        repo, caller = _proposer(call, tx)
        event = discussions.comment(tx, repo, _number(call), caller, _text(call, "comment"))
    return json_response({"newMessage": event})


def rename(call: Call) -> Response:
    """`POST discussions/{n}/title {title}`."""
    with call.store.database.write() as tx:
        repo, caller = _proposer(call, tx)
        event = discussions.rename(tx, repo, _number(call), caller, _text(call, "title"))
    return json_response({"newTitle": event})


def change_status(call: Call) -> Response:
    """`POST discussions/{n}/status {status, comment?}`."""
    with call.store.database.write() as tx:
        repo, caller = _proposer(call, tx)
        number = _number(call)
        if _text(call, "comment"):
            discussions.comment(tx, repo, number, caller, _text(call, "comment"))
        event = discussions.change_status(tx, repo, number, caller, _text(call, "status"))
    return json_response({"newStatus": event})


def merge(call: Call) -> Response:
    """`POST discussions/{n}/merge {comment?}`."""
    with call.store.database.write() as tx:
        repo, caller = _proposer(call, tx)
        require_write(caller, repo)
        number = _number(call)
        if call.body and call.body != b"null" and _text(call, "comment"):
            discussions.comment(tx, repo, number, caller, _text(call, "comment"))
        commit_id = discussions.merge(tx, call.store, repo, number, caller)
    return json_response({"success": True, "mergeCommitId": commit_id})


def edit_comment(call: Call) -> Response:
    """`POST discussions/{n}/comment/{id}/edit {content}`."""
    return _change_comment(call, _text(call, "content"))


def hide_comment(call: Call) -> Response:
    """`POST discussions/{n}/comment/{id}/hide`."""
    return _change_comment(call, None)


def routes() -> list[Route]:
    one = "/discussions/{number:number}"
    return api_routes(
        [
            ("GET", "/discussions", list_discussions),
            ("POST", "/discussions", create),
            ("GET", one, details),
            ("POST", f"{one}/comment", comment),
            ("POST", f"{one}/title", rename),
            ("POST", f"{one}/status", change_status),
            ("POST", f"{one}/merge", merge),
            ("POST", f"{one}/comment/{{event:quoted}}/edit", edit_comment),
            ("POST", f"{one}/comment/{{event:quoted}}/hide", hide_comment),
        ]
    )


def _change_comment(call: Call, text: str | None) -> Response:
    with call.store.database.write() as tx:
        repo, caller = _proposer(call, tx)
        event = discussions.edit_comment(
            tx, repo, _number(call), caller, call.params["event"], text
        )
    return json_response({"updatedComment": event})


def _proposer(call: Call, tx: Transaction) -> tuple[Repo, Caller]:
    caller = call.caller(tx)
    return call.proposable_repo(tx, caller), caller


def _summary(repo: Repo, discussion: Discussion) -> dict[str, Any]:
    return {
        "num": discussion.number,
        "title": discussion.title,
        "status": discussion.status,
        "isPullRequest": bool(discussion.is_pull_request),
        "author": {"name": discussion.author, "type": "user"},
        "createdAt": discussion.created_at,
        "repo": {"name": repo.repo_id, "type": repo.kind},
    }


def _number(call: Call) -> int:
    return int(call.params["number"])


def _text(call: Call, key: str) -> str:
    return str(call.json().get(key) or "")
