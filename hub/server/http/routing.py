"""Routes match the path as it was sent, because a revision may hold a quoted slash."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.server.http.call import Handler, threaded
from hub.server.repositories import Kind

PLURALS: dict[str, Kind] = {"models": "model", "datasets": "dataset", "spaces": "space"}


class KindConvertor(Convertor[Kind]):
    """`models`, `datasets` or `spaces`."""

    regex = "models|datasets|spaces"

    def convert(self, value: str) -> Kind:
        return PLURALS[value]

    def to_string(self, value: Kind) -> str:
        return f"{value}s"


class QuotedSegment(Convertor[str]):
    """One segment, in which `%2F` is a slash of the value."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


class QuotedPath(QuotedSegment):
    """All that is left, with quoted or plain slashes."""

    regex = ".+"


class SmallNumber(Convertor[int]):
    """A number that the database can hold."""

    regex = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


class RawPathMiddleware:
    """Shows the routes the path as it was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("ascii", "replace")}
        await self._app(scope, receive, send)


def register_convertors() -> None:
    """Make `{kind:repo_kind}`, `{rev:quoted}`, `{path:quoted_path}`, `{n:number}` known."""
    register_url_convertor("number", SmallNumber())
    register_url_convertor("repo_kind", KindConvertor())
    register_url_convertor("quoted", QuotedSegment())
    register_url_convertor("quoted_path", QuotedPath())


def api_routes(calls: Iterable[tuple[str, str, Handler]]) -> list[Route]:
    """Routes below `/api/models/org/name`, `/api/datasets/...`, from (method, rest, handler)."""
    prefix = "/api/{kind:repo_kind}/{namespace:quoted}/{name:quoted}"
    return [route(method, prefix + rest, handler) for method, rest, handler in calls]


def page_routes(rest: str, endpoint: Callable[..., Any], *methods: str) -> list[Route]:
    """Routes below `/org/name`, `/datasets/org/name` and `/spaces/org/name`."""
    return [
        Route(prefix + rest, _with_kind(endpoint, kind), methods=list(methods))
        for prefix, kind in (
            ("/datasets/{namespace:quoted}/{name:quoted}", "dataset"),
            ("/spaces/{namespace:quoted}/{name:quoted}", "space"),
            ("/{namespace:quoted}/{name:quoted}", "model"),
        )
    ]


def route(method: str, path: str, handler: Handler) -> Route:
    return Route(path, threaded(handler), methods=[method])


def _with_kind(endpoint: Callable[..., Any], kind: str) -> Callable[..., Any]:
    async def with_kind(request: Any) -> Any:
        request.path_params["kind"] = kind
        return await endpoint(request)

    return with_kind
