"""The gateway: the page, its data, and OpenAI's interface before an engine."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bogam.serving.admission import Admission
from bogam.serving.chat_requests import AskedAs, read_chat_request, read_label_request
from bogam.serving.documents import questions_about_documents, read_fields
from bogam.serving.engine_process import State
from bogam.serving.examples import Example
from bogam.serving.limits import Limits, Refusal
from bogam.serving.relay import Relay, read_body

_PAGE = {"": "text/html", "page.js": "text/javascript", "page.css": "text/css"}
_FIELDS_BYTES = 1 << 20


@dataclass(frozen=True)
class Gateway:
    """What the gateway serves, and to whom."""

    model: AskedAs
    description: Mapping[str, Any]
    """See :func:`bogam.serving.served_model.describe`."""
    card: Path | None
    """README.md of a model in a folder."""
    examples: Sequence[Example]
    limits: Limits
    api_key: str | None
    scores_labels: bool
    names: Sequence[str] | None
    """Host names that it answers to; None for any. On loopback no other site may have a name of
    its own lead here."""
    framed_by: Sequence[str] = ()
    """Sites that may show the page within theirs."""


def create_app(
    gateway: Gateway,
    client: httpx2.AsyncClient,
    state: Callable[[], State],
    *,
    lifespan: Any = None,
) -> Starlette:
    """The app; `state` says how the engine behind `client` is."""
    admission, limits = Admission(gateway.limits), gateway.limits

    def may_ask(request: Request) -> None:
        _check_key(request, gateway.api_key)
        if state() != "ready":
            raise _not_ready(state())

    def chat(body: bytes) -> tuple[dict[str, Any], bool]:
        return read_chat_request(body, gateway.model, limits)

    def labels(body: bytes) -> tuple[dict[str, Any], bool]:
        return read_label_request(body, gateway.model, limits), False

    def relay(path: str, read: Callable[[bytes], tuple[dict[str, Any], bool]]) -> Route:
        endpoint = Relay(path, read, client, admission, limits, may_ask)
        return Route(path, endpoint=endpoint, methods=["POST"])

    def health(request: Request) -> Response:
        ready = state() == "ready"
        told = {"status": "ok" if ready else state(), "model": gateway.model.name}
        return JSONResponse(told | {"requests": admission.present}, 200 if ready else 503)

    def models(request: Request) -> Response:
        _check_key(request, gateway.api_key)
        one = {"id": gateway.model.name, "object": "model", "created": 0, "owned_by": "bogam"}
        return JSONResponse({"object": "list", "data": [one]})

    def description(request: Request) -> Response:
        return JSONResponse(
            {
                **gateway.description,
                "needs_key": gateway.api_key is not None,
                "max_tokens": gateway.model.new_tokens,
                "request_bytes": limits.request_bytes,
                "examples": len(gateway.examples),
                "document_questions": questions_about_documents(),
            }
        )

    def example(request: Request) -> Response:
        _check_key(request, gateway.api_key)
        number = request.path_params["number"]
        if number >= len(gateway.examples):
            raise Refusal(404, "not_found", f"no example {number}.")
        return JSONResponse(gateway.examples[number].to_json())

    async def fields(request: Request) -> Response:
        _check_key(request, gateway.api_key)
        text = await read_body(request, _FIELDS_BYTES, limits.read_seconds)
        return JSONResponse(read_fields(text.decode(errors="replace")))

    def card(request: Request) -> Response:
        if gateway.card is None:
            raise Refusal(404, "not_found", "this model's card is on its Hub.")
        return PlainTextResponse(gateway.card.read_text(encoding="utf-8"))

    routes = [
        Route("/health", health),
        Route("/v1/models", models),
        relay("/v1/chat/completions", chat),
        Route("/api/model", description),
        Route("/api/examples/{number:int}", example),
        Route("/api/fields", fields, methods=["POST"]),
        Route("/card", card),
        *(Route(f"/{name}", _page_file(name, kind)) for name, kind in _PAGE.items()),
    ]
    if gateway.scores_labels:
        routes.append(relay("/v1/label_scores", labels))
    middleware = [Middleware(_SafeHeaders, framed_by=gateway.framed_by)]
    if gateway.names is not None:
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(gateway.names)))
    return Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={Refusal: _refuse},
        lifespan=lifespan,
    )


def _page_file(name: str, kind: str) -> Callable[[Request], Response]:
    content = files(__package__).joinpath("page", name or "index.html").read_bytes()
    return lambda request: Response(content, media_type=kind)


def _check_key(request: Request, key: str | None) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if key is None:
        return
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), key.encode()):
        raise Refusal(401, "invalid_api_key", "this server asks for its API key.")


def _not_ready(state: State) -> Refusal:
    if state == "loading":
        return Refusal(503, "loading", "the model is being loaded. Try again soon.", retry_after=5)
    return Refusal(503, "engine_gone", "the model has stopped. Its log says why.", retry_after=30)


def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


class _SafeHeaders:
    """Adds the headers that every answer has: only what this server itself sends may run or be
    shown, and pictures that the user chose."""

    def __init__(self, app: ASGIApp, framed_by: Sequence[str]) -> None:
        self._app = app
        framers = " ".join(("'self'", *framed_by))
        policy = (
            "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; "
            f"frame-ancestors {framers}"
        )
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
