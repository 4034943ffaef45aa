"""Files by revision and path, whole or in part."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from urllib.parse import quote

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hub.server import revisions
from hub.server.errors import HubError, entry_not_found, header_text
from hub.server.gating import require_download
from hub.server.http.call import Call, threaded
from hub.server.http.routing import page_routes
from hub.server.store.blobs import StoredBlob
from hub.server.store.trees import FileEntry

UNKNOWN_SIZE_BYTES = 50 * 1000**3
"""Clients refuse to download more over HTTP when they are told the size beforehand."""

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_AS_TEXT = frozenset({"text/html", "application/xhtml+xml", "application/javascript"})


class BlobResponse(Response):
    """A span of a blob, read piece by piece in a thread."""

    def __init__(
        self, blob: StoredBlob, span: range, status: int, headers: dict[str, str], media_type: str
    ) -> None:
        self._blob = blob
        self._span = span
        self.background = None
        self.status_code = status
        self.media_type = media_type
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        if scope["method"] != "HEAD":
            chunks = self._blob.chunks(self._span.start, len(self._span))
            while chunk := await anyio.to_thread.run_sync(_next, chunks):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def resolve(call: Call) -> Response:
    """`GET|HEAD /[datasets/]{repo}/resolve/{rev}/{path}`."""
    revision, path = call.params["revision"], call.params["path"]
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        repo = call.readable_repo(tx, caller)
        require_download(tx, caller, repo)
        commit = revisions.find_commit(tx, repo, revision)
        entry = call.store.trees.find(tx, commit.tree, path)
        if not isinstance(entry, FileEntry):
            raise entry_not_found(path, commit.id)
        blob = call.store.blobs.find(tx, entry.sha256)
    if blob is None:
        raise OSError(f"{repo.repo_id}: content {entry.sha256} of '{path}' is missing")
    return _respond(call.request, path, entry, blob, commit.id)


def routes() -> list[Route]:
    return page_routes(
        "/resolve/{revision:quoted}/{path:quoted_path}", threaded(resolve), "GET", "HEAD"
    )


def _respond(
    request: Request, path: str, entry: FileEntry, blob: StoredBlob, commit_id: str
) -> Response:
    etag = f'"{entry.sha256 if entry.is_lfs else entry.oid}"'
    headers = {
        "X-Repo-Commit": commit_id,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": _disposition(path),
        # Whatever was uploaded, it never runs as a page of this server.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    is_huge = request.method == "HEAD" and entry.size > UNKNOWN_SIZE_BYTES
    if entry.is_lfs:
        headers["X-Linked-ETag"] = etag
        if not is_huge:
            headers["X-Linked-Size"] = str(entry.size)
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    span = _span(request.headers, entry.size, headers)
    status = 200
    if span is None:
        span = range(entry.size)
    else:
        status = 206
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{entry.size}"
    if not is_huge:
        headers["Content-Length"] = str(len(span))
    return BlobResponse(blob, span, status, headers, _media_type(path))


def _span(request: Headers, size: int, headers: dict[str, str]) -> range | None:
    """The bytes asked for; None for all of them. Raises 416 for a start past the end.

    Several ranges in one request are answered with the whole file, as RFC 9110 allows.
    """
    match = _RANGE.fullmatch(request.get("range", "").strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None
    if start >= size or stop <= start:
        raise HubError(
            416,
            f"The file has {size} bytes",
            headers={**headers, "Content-Range": f"bytes */{size}"},
        )
    return range(start, stop)


def _disposition(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    plain = header_text(name).replace("\\", "_").replace('"', "_")
    return f"inline; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"


def _media_type(path: str) -> str:
    guessed, encoding = mimetypes.guess_type(path)
    if guessed is None or encoding is not None:
        return "application/octet-stream"
    return "text/plain" if guessed in _AS_TEXT else guessed


def _next(chunks: Iterator[bytes]) -> bytes:
    return next(chunks, b"")
