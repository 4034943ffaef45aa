"""Requests for access to gated repos, and the decisions on them."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from hub.server import gating
from hub.server.http.call import Call, json_response, optional_text
from hub.server.http.routing import api_routes


def ask(call: Call) -> Response:
    """`POST user-access-request`: the caller wants to be let in."""
    with call.store.database.write() as tx:
        caller = call.caller(tx)
        status = gating.ask(tx, call.readable_repo(tx, caller), caller)
    return json_response({"status": status})


def list_requests(call: Call) -> Response:
    """`GET user-access-request/{pending|accepted|rejected}`."""
    with call.store.database.read() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        return json_response(gating.list_requests(tx, repo, call.params["status"]))


def handle(call: Call) -> Response:
    """`POST user-access-request/handle {user | requestId, status}`."""
    data = call.json()
    with call.store.database.write() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        gating.handle(
            tx,
            repo,
            user=optional_text(data, "user"),
            request_id=optional_text(data, "requestId"),
            status=str(data.get("status")),
        )
    return json_response({"success": True})


def grant(call: Call) -> Response:
    """`POST user-access-request/grant {user}`."""
    with call.store.database.write() as tx:
        repo = call.writable_repo(tx, call.caller(tx))
        gating.grant(tx, repo, str(call.json().get("user")))
    return json_response({"success": True})


def routes() -> list[Route]:
    requests = "/user-access-request"
    return api_routes(
        [
            ("POST", requests, ask),
            ("POST", f"{requests}/handle", handle),
            ("POST", f"{requests}/grant", grant),
            ("GET", f"{requests}/{{status:quoted}}", list_requests),
        ]
    )
