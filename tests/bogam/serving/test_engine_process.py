"""How the gateway talks to its engine."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from bogam.serving.engine_process import EngineProcess
from bogam.serving.limits import Limits

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def test_an_engine_that_closes_idle_connections_answers_the_next_request() -> None:
    engine = EngineProcess()
    opened = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_ANSWER)
        # As an idle server does: a second request on this connection gets no answer.
        await reader.read(1)
        writer.close()

    async def ask_twice() -> list[int]:
        server = await asyncio.start_unix_server(answer_once, engine.socket)
        async with server, engine.client(Limits()) as client:
            return [(await client.get("/health")).status_code for _ in range(2)]

    try:
        # In a thread of its own: a browser driven in this one has its event loop already.
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(asyncio.run, ask_twice()).result() == [200, 200]
    finally:
        engine.remove()
    assert opened == 2
