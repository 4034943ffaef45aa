"""One request, as the handlers see it.

Handlers are plain functions that run in a thread, where the database and the disk may take
their time; the event loop only moves bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
import orjson
from starlette.requests import Request
from starlette.responses import Response

from hub.server import repositories
from hub.server.accounts import ANONYMOUS, Caller, caller_of_session, caller_of_token
from hub.server.errors import HubError, bad_request, invalid_credentials
from hub.server.repositories import Kind, Repo, require_proposal, require_read, require_write
from hub.server.store.database import Transaction
from hub.server.store.store import Store

BODY_BYTES = 16 * 1024 * 1024
SPOOL_BYTES = 1024 * 1024
SESSION_COOKIE = "hub_session"

Handler = Callable[["Call"], Response]


class Call:
    """A request with its body read, and the store that answers it."""

    def __init__(self, request: Request, body: bytes = b"") -> None:
        self.request = request
        self.body = body
        self.store: Store = request.app.state.store
        self.params: dict[str, str] = request.path_params

    @property
    def kind(self) -> Kind:
        """The kind of repo that the path is about."""
        kind: Kind = self.request.path_params["kind"]
        return kind

    @property
    def base_url(self) -> str:
        """How the client reaches this server, without a slash at the end."""
        return str(self.request.base_url).rstrip("/")

    def flag(self, name: str) -> bool:
        """Whether a query parameter is set to something true."""
        return self.request.query_params.get(name, "").lower() in {"1", "true"}

    def values(self, name: str) -> list[str]:
        """A query parameter that may be repeated, also in the form `name[]`."""
        query = self.request.query_params
        return query.getlist(name) + query.getlist(f"{name}[]")

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty body is an empty one. Raises 400."""
        try:
            data = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise bad_request(f"The body is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise bad_request("The body must be a JSON object")
        return data

    def token(self) -> str | None:
        """The token of the request, unchecked. Raises 401 for another kind of credentials."""
        header = self.request.headers.get("authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise invalid_credentials()
        return token.strip()

    def caller(self, tx: Transaction) -> Caller:
        """Who asks: by token, or, to look only, by the session of a browser."""
        token = self.token()
        if token is not None:
            return caller_of_token(tx, token)
        cookie = self.request.cookies.get(SESSION_COOKIE)
        if cookie is not None and self.request.method in {"GET", "HEAD"}:
            claims = self.store.signer.verify("session", cookie)
            if claims is not None:
                return caller_of_session(tx, claims["user"], claims["token"])
        return ANONYMOUS

    def readable_repo(self, tx: Transaction, caller: Caller) -> Repo:
        """The repo in the path.

        Raises 401 or 404 RepoNotFound, and 307 to where it is now when it was moved.
        """
        return self.repo_named(tx, caller, self.params["namespace"], self.params["name"])

    def writable_repo(self, tx: Transaction, caller: Caller) -> Repo:
        """The same for a caller who wants to change it; raises 401 or 403 besides."""
        repo = self.readable_repo(tx, caller)
        require_write(caller, repo)
        return repo

    def proposable_repo(self, tx: Transaction, caller: Caller) -> Repo:
        """The same for a caller who wants to propose a change or say something about it."""
        repo = self.readable_repo(tx, caller)
        require_proposal(caller, repo)
        return repo

    def repo_named(self, tx: Transaction, caller: Caller, namespace: str, name: str) -> Repo:
        repo = repositories.find(tx, self.kind, namespace, name)
        if repo is None:
            moved = repositories.find_moved(tx, self.kind, namespace, name)
            if moved is not None and repositories.can_read(caller, moved):
                raise self._redirect(f"/{namespace}/{name}", f"/{moved.repo_id}")
        return require_read(caller, repo)

    def _redirect(self, old: str, new: str) -> HubError:
        raw_path: str = self.request.scope["path"]
        query = self.request.scope["query_string"].decode("ascii")
        location = raw_path.replace(old, new, 1) + (f"?{query}" if query else "")
        return HubError(307, f"Moved to {new[1:]}", headers={"Location": location})


def threaded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that reads the body, then runs the handler in a thread."""

    async def endpoint(request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES:
                raise HubError(413, f"The body is larger than {BODY_BYTES} bytes")
        return await anyio.to_thread.run_sync(handler, Call(request, bytes(body)))

    return endpoint


async def stream_body(
    request: Request, write: Callable[[bytes], object], limit: int | None = None
) -> None:
    """Hand a body of any size to `write` in large pieces, in a thread. Raises 413."""
    buffer = bytearray()
    total = 0
    async for chunk in request.stream():
        buffer += chunk
        total += len(chunk)
        if limit is not None and total > limit:
            raise HubError(413, f"The body is larger than {limit} bytes")
        if len(buffer) >= SPOOL_BYTES:
            await anyio.to_thread.run_sync(write, bytes(buffer))
            buffer.clear()
    if buffer:
        await anyio.to_thread.run_sync(write, bytes(buffer))


def text_field(data: dict[str, Any], key: str) -> str:
    """A field that must be there as text. Raises 400."""
    value = optional_text(data, key)
    if value is None:
        raise bad_request(f"{key} is missing")
    return value


def optional_text(data: dict[str, Any], key: str) -> str | None:
    """A field that may be missing or null. Raises 400 when it is anything but text."""
    value = data.get(key)
    if value is not None and not isinstance(value, str):
        raise bad_request(f"{key} must be a text")
    return value


def json_response(
    data: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(orjson.dumps(data), status, headers, media_type="application/json")


def next_link(call: Call, **changes: str) -> str:
    """The `Link` header to the same call with other query parameters."""
    query = [item for item in call.request.query_params.multi_items() if item[0] not in changes]
    path = call.request.scope["path"]
    url = f"{call.base_url}{path}?{urlencode(query + list(changes.items()))}"
    return f'<{url}>; rel="next"'
