"""The ASGI application: routes, the answer to refusals, and what every answer carries."""

from __future__ import annotations

import logging
import secrets
import sqlite3

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Host, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.server.errors import HubError, disk_full, header_text, is_disk_full
from hub.server.http import (
    accounts,
    browse,
    clients,
    contents,
    discussions,
    gating,
    lfs,
    listing,
    pages,
    repos,
    resolve,
    write,
    xet,
)
from hub.server.http.routing import RawPathMiddleware, register_convertors
from hub.server.store.part_uploads import PartUploads
from hub.server.store.store import Store
from hub.server.xet.xorbs import XorbStore

logger = logging.getLogger(__name__)


def create_app(store: Store) -> ASGIApp:
    """The application over an open store."""
    register_convertors()
    app = Starlette(
        routes=[
            # `datasets` asks this name, if it leads here, for every dataset it loads.
            Host("datasets-server.{domain}", Router()),
            *clients.routes(),
            *accounts.routes(),
            *lfs.routes(),
            *xet.routes(),
            *listing.routes(),
            *repos.routes(),
            *browse.routes(),
            *write.routes(),
            *discussions.routes(),
            *gating.routes(),
            *contents.routes(),
            *resolve.routes(),
            *clients.unknown_routes(),
            *pages.routes(),
        ],
        exception_handlers={
            HubError: _refusal,
            HTTPException: _no_route,
            ClientDisconnect: _gone,
            OSError: _disk_failure,
            sqlite3.OperationalError: _disk_failure,
            Exception: _failure,
        },
    )
    app.state.store = store
    app.state.xorbs = XorbStore(store.root / "xorbs")
    app.state.part_uploads = PartUploads(store.root / "uploads", store.settings.part_bytes)
    # Outside of Starlette's own middleware, whose answers to failures are meant as well.
    return RequestIdMiddleware(RawPathMiddleware(app))


class RequestIdMiddleware:
    """Gives every answer an `X-Request-Id`: the client's own, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id") or headers.get(b"x-amzn-trace-id")
        request_id = header_text(given.decode("latin-1")) if given else secrets.token_hex(12)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode("ascii")),
                ]
            await send(message)

        await self._app(scope, receive, send_with_id)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError)
    return pages.error_page(request, error) or error.response()


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refusal = HubError(error.status_code, error.detail, headers=dict(error.headers or {}))
    return pages.error_page(request, refusal) or refusal.response()


async def _gone(request: Request, error: Exception) -> Response:
    # The client hung up in the middle of a body: what came was dropped, nobody reads this.
    return HubError(400, "The body ended too early").response()


async def _disk_failure(request: Request, error: Exception) -> Response:
    if not is_disk_full(error):
        raise error
    logger.error("%s %s: the disk is full", request.method, request.url.path)
    return disk_full().response()


async def _failure(request: Request, error: Exception) -> Response:
    # Starlette raises the error again after this answer, so the server logs its traceback.
    return HubError(500, "Internal error: see the server's log").response()
