"""One request on its way to the engine and back, also when its caller goes away."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import httpx2
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bogam.serving.admission import Admission
from bogam.serving.limits import Limits, Refusal

logger = logging.getLogger(__name__)

_DONE = b"data: [DONE]"
_MOST_DISCARDED = 256 << 20


@dataclass(frozen=True)
class Relay:
    """An ASGI endpoint that checks a request, waits for the engine and passes its answer on.

    Everything that is held for a request is held by this one call, so that it is given free
    however the call ends. A caller who leaves while waiting, or in the middle of a streamed
    answer, is not worked for any longer. The engine cannot be stopped in the middle of an answer
    that is not streamed; its place is held until it is through.
    """

    path: str
    """Of the engine."""
    read: Callable[[bytes], tuple[dict[str, Any], bool]]
    """Body -> what the engine is asked, and whether it streams; raises Refusal."""
    client: httpx2.AsyncClient
    admission: Admission
    limits: Limits
    check: Callable[[Request], None]
    """Raises Refusal for a caller who may not ask, or while there is no engine."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            self.check(request)
            with self.admission.enter():
                kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != "application/json":
                    # Also keeps other sites' pages out, which may send other types unasked.
                    raise Refusal(415, "invalid_request", "Content-Type must be application/json.")
                limits = self.limits
                body = await read_body(request, limits.request_bytes, limits.read_seconds)
                asked, streams = await anyio.to_thread.run_sync(self.read, body)
                await self._answer(asked, streams, scope, receive, send)
        except Refusal as refusal:
            await refusal.response()(scope, receive, send)
        except ClientDisconnect:
            logger.info("%s: the caller left before the request was whole", self.path)

    async def _answer(
        self, asked: dict[str, Any], streams: bool, scope: Scope, receive: Receive, send: Send
    ) -> None:
        entered = asyncio.Event()
        work = asyncio.create_task(self._work(asked, streams, entered, scope, receive, send))
        left = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
            if not streams and entered.is_set():
                await asyncio.wait({work})
            if work.done():
                work.result()
            else:
                logger.info("%s: the caller left", self.path)
        finally:
            work.cancel()
            left.cancel()
            await asyncio.gather(work, left, return_exceptions=True)

    async def _work(
        self,
        asked: dict[str, Any],
        streams: bool,
        entered: asyncio.Event,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        async with self.admission.slot():
            entered.set()
            if streams:
                await self._stream(asked, send)
                return
            response = await self._whole(asked)
        await response(scope, receive, send)

    async def _whole(self, asked: dict[str, Any]) -> Response:
        try:
            answer = await self.client.post(self.path, json=asked)
        except httpx2.HTTPError as error:
            raise _failure(error) from error
        if answer.status_code != 200:
            raise _refused_by_engine(answer.status_code, answer.content)
        return Response(answer.content, media_type="application/json")

    async def _stream(self, asked: dict[str, Any], send: Send) -> None:
        try:
            async with self.client.stream("POST", self.path, json=asked) as answer:
                if answer.status_code != 200:
                    raise _refused_by_engine(answer.status_code, await answer.aread())
                await send(
                    {
                        "type": "http.response.start",
                        "status": 200,
                        "headers": [
                            (b"content-type", b"text/event-stream; charset=utf-8"),
                            (b"cache-control", b"no-store"),
                        ],
                    }
                )
                await _pass_on(answer, send)
        except httpx2.HTTPError as error:
            raise _failure(error) from error


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """A request's body of up to `limit` bytes.

    Raises:
        Refusal: 413, it is larger; 408, it takes longer than `seconds` to arrive.
    """
    data, size = bytearray(), 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                size += len(piece)
                # Read on without keeping it: who is cut off in mid-sentence hears no answer.
                if size <= limit:
                    data += piece
                elif size > _MOST_DISCARDED:
                    break
    except TimeoutError:
        raise Refusal(408, "timeout", "the request did not arrive in time.") from None
    if size > limit:
        raise Refusal(
            413,
            "request_too_large",
            f"the request is larger than {limit / (1 << 20):.0f} MB. Send smaller pictures.",
        )
    return bytes(data)


async def _until_gone(receive: Receive) -> None:
    """End when the caller has left; nothing else comes after a request's body."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pass_on(answer: httpx2.Response, send: Send) -> None:
    """The engine's events; a failure in their middle becomes the last event."""
    tail = b""
    try:
        async for piece in answer.aiter_raw():
            tail = (tail + piece)[-64:]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        end = b"" if _DONE in tail else _DONE + b"\n\n"
    except httpx2.HTTPError as error:
        failure = _failure(error)
        end = b"data: " + failure.response().body + b"\n\n"
    await send({"type": "http.response.body", "body": end})


def _failure(error: httpx2.HTTPError) -> Refusal:
    if isinstance(error, httpx2.TimeoutException):
        return Refusal(504, "timeout", "the model took too long to answer.")
    logger.warning("the engine cannot be asked: %r", error)
    return Refusal(503, "engine_gone", "the model has stopped. Its log says why.", retry_after=30)


def _refused_by_engine(status: int, said: bytes) -> Refusal:
    """The engine's reason, where the request was to blame; its own failures stay in the log."""
    if 400 <= status < 500:
        try:
            told = json.loads(said)
        except ValueError:
            told = {}
        detail = told.get("detail") or (told.get("error") or {}).get("message")
        return Refusal(status, "refused_by_model", str(detail or "the model refuses the request."))
    logger.warning("the engine failed (%d): %s", status, said[:500].decode(errors="replace"))
    return Refusal(502, "engine_failed", "the model failed on this request. Its log says why.")
