"""Questions that the client libraries ask on their own account."""

from __future__ import annotations

import os

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hub.server.card_metadata import CardError, parse_head
from hub.server.errors import HubError
from hub.server.http.call import Call, json_response, threaded
from hub.server.http.routing import route

_ALL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def health(call: Call) -> Response:
    """`GET /api/health`: the server answers, its database can be read, and which process it is."""
    with call.store.database.read() as tx:
        tx.execute("SELECT 1 FROM store").fetchone()
    return json_response({"status": "ok", "pid": os.getpid()})


def validate_yaml(call: Call) -> Response:
    """`POST /api/validate-yaml {content, repoType}`: whether a card's head can be used."""
    content = str(call.json().get("content") or "")
    errors, warnings = [], []
    try:
        if not parse_head(content):
            warnings.append({"message": "empty or missing yaml metadata in repo card"})
    except CardError as error:
        errors.append({"message": str(error)})
    if call.request.headers.get("accept", "").startswith("text/plain") and errors:
        return PlainTextResponse(errors[0]["message"], 400)
    return json_response({"errors": errors, "warnings": warnings}, 400 if errors else 200)


def agent_harnesses(call: Call) -> Response:
    """`GET /api/agent-harnesses`: this Hub knows of none."""
    return json_response({"standardEnvVars": [], "harnesses": {}})


def telemetry(call: Call) -> Response:
    """`HEAD /api/telemetry/...`: answered, so that clients go on, and kept nowhere."""
    return Response(status_code=200)


def unknown(call: Call) -> Response:
    """A call that this Hub does not offer: plainly 404, with no hint at a missing repo."""
    raise HubError(404, "This Hub does not offer that call")


def unknown_routes() -> list[Route]:
    """Must follow all other calls and precede the pages, which take any two names for a repo."""
    return [
        Route(f"/{word}/{{rest:quoted_path}}", threaded(unknown), methods=_ALL_METHODS)
        for word in ("api", "oauth", "lfs", "xet")
    ]


def routes() -> list[Route]:
    return [
        route("GET", "/api/health", health),
        route("POST", "/api/validate-yaml", validate_yaml),
        route("GET", "/api/agent-harnesses", agent_harnesses),
        route("GET", "/api/telemetry/{rest:quoted_path}", telemetry),
    ]
