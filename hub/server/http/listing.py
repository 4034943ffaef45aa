"""Lists of models, datasets and spaces."""

from __future__ import annotations

import re

from starlette.responses import Response
from starlette.routing import Route

from hub.server.descriptions import ALWAYS, IN_LISTS, describe
from hub.server.errors import bad_request
from hub.server.http.call import Call, json_response, next_link
from hub.server.http.repos import check_expand
from hub.server.http.routing import route
from hub.server.listing import PAGE_REPOS, Query, find_repos


def list_repos(call: Call) -> Response:
    """`GET /api/{models|datasets|spaces}`: a page; the next one is in the `Link` header."""
    parameters = call.request.query_params
    expand = call.values("expand")
    check_expand(call.kind, expand)
    query = Query(
        kind=call.kind,
        author=parameters.get("author"),
        search=parameters.get("search"),
        tags=[*call.values("filter"), *call.values("pipeline_tag")],
        gated=call.flag("gated") if "gated" in parameters else None,
        sort=parameters.get("sort", "createdAt"),
        ascending=parameters.get("direction") == "1",
        limit=_limit(parameters.get("limit")),
        cursor=parameters.get("cursor"),
    )
    fields = set(expand) | ALWAYS if expand else set(IN_LISTS)
    if call.flag("full"):
        fields |= {"siblings", "cardData"}
    if call.flag("cardData"):
        fields.add("cardData")
    with call.store.database.read() as tx:
        repos, cursor = find_repos(tx, call.caller(tx), query)
        answer = [describe(tx, call.store, repo, fields=fields) for repo in repos]
    headers = {"Link": next_link(call, cursor=cursor)} if cursor is not None else {}
    return json_response(answer, headers=headers)


def routes() -> list[Route]:
    return [route("GET", "/api/{kind:repo_kind}", list_repos)]


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_REPOS
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise bad_request("limit must be a positive number")
    return min(int(text), PAGE_REPOS)
