"""The engine as a child of the gateway: started, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import httpx2

from bogam.serving.engines import EngineCall
from bogam.serving.limits import Limits
from cards.errors import BogamError

logger = logging.getLogger(__name__)

_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.2
_LOG_TAIL = 2000
_LONGEST_SOCKET = 107
"""See unix(7)."""

State = Literal["loading", "ready", "failed"]


class EngineProcess:
    """One engine, reached through a socket in a folder that only this user may enter.

    Raises:
        BogamError: the folder for temporary files has too long a name for a socket.
    """

    def __init__(self, *, on_ready: Callable[[], None] = lambda: None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bogam-serve-"))
        self.socket = self.folder / "engine.sock"
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET:
            self.remove()
            raise BogamError(
                f"{self.folder}: too long a path for a socket, which may have {_LONGEST_SOCKET} "
                "bytes. Set TMPDIR to a shorter one, such as /tmp."
            )
        self.state: State = "loading"
        self.exit_code: int | None = None
        """Of an engine that ended by itself."""
        self.last_words = ""
        """The end of what such an engine has written."""
        self._on_ready = on_ready
        self.log_file = self.folder / "engine.log"
        self._process: asyncio.subprocess.Process | None = None

    def client(self, limits: Limits) -> httpx2.AsyncClient:
        """Talks to the engine. A new connection a request: closing one tells it to stop, and one
        that was kept could be closed by an idle engine just when the next request takes it."""
        limit = httpx2.Limits(max_keepalive_connections=0)
        return httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(uds=str(self.socket), limits=limit),
            base_url="http://engine",
            timeout=httpx2.Timeout(limits.answer_seconds, connect=5.0),
            trust_env=False,
        )

    async def run(self, call: EngineCall, client: httpx2.AsyncClient) -> None:
        """Start it, say when it is ready, and return when it has ended by itself."""
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *call.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        ended = asyncio.create_task(self._process.wait())
        try:
            while not ended.done() and self.state == "loading":
                await asyncio.wait({ended}, timeout=_POLL_SECONDS)
                if await _is_healthy(client):
                    self.state = "ready"
                    self._on_ready()
            self.exit_code = await ended
            self.last_words = self._log_tail()
        finally:
            self.state = "failed"
            ended.cancel()

    async def stop(self) -> None:
        """End the engine and its own children."""
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                _signal_group(process.pid, signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                logger.warning("the engine did not end in %.0f seconds; killed", _STOP_SECONDS)
                _signal_group(process.pid, signal.SIGKILL)
                await process.wait()

    def remove(self) -> None:
        """Remove its files."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _log_tail(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:].strip()


async def _is_healthy(client: httpx2.AsyncClient) -> bool:
    try:
        answer = await client.get("/health", timeout=2.0)
    except httpx2.HTTPError:
        return False
    return answer.status_code == 200


def _signal_group(pid: int, number: signal.Signals) -> None:
    os.killpg(pid, number)
