"""A Hub server as a child process, for demos and tests."""

from __future__ import annotations

import http.client
import json
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from cards.errors import BogamError
from hub.server.store.database import make_root

START_SECONDS = 120.0
STOP_SECONDS = 15.0
PORTS = range(20_000, 32_768)
"""Below those that Linux gives to outgoing connections (`ip_local_port_range`), of which one could
take a port between its choice and the server's start."""


class HubProcess:
    """Serves the store in `root` on loopback while the `with` block runs.

    `endpoint` is what to set `HF_ENDPOINT` to. Without a port, a free one is taken; it stays
    the same when it is started again. `settings` are fields of
    :class:`hub.server.settings.Settings`; `tls` is a certificate and its key.
    Output of the server goes to `log_file`. Raises :class:`BogamError` when it does not start.
    """

    def __init__(
        self,
        root: Path,
        port: int | None = None,
        *,
        settings: dict[str, int] | None = None,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        self.root = root
        self.port = port or free_port()
        self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._tls = tls
        self.log_file = root / "server.log"
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        make_root(self.root)
        command = [sys.executable, "-m", "hub.server"]
        # However this process ends, the pipe to the server breaks, and the server ends too.
        command += ["--root", str(self.root), "--port", str(self.port), "--until-stdin-ends"]
        for name, value in self._settings.items():
            command += ["--setting", f"{name}={value}"]
        if self._tls is not None:
            command += ["--tls-cert", str(self._tls[0]), "--tls-key", str(self._tls[1])]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                log_text = self.log_file.read_text(errors="replace").strip()
                raise BogamError(f"The Hub server on {self.root} did not start: {log_text}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Let the server finish what it does and wait for its end."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._forget()

    def kill(self) -> None:
        """End the server at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._forget()

    def _forget(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._process = None

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        if self._tls is not None:
            trust = ssl.create_default_context(cafile=str(self._tls[0]))
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=5, context=trust
            )
        try:
            connection.request("GET", "/api/health")
            # Another server may have the port: only this one's answer counts.
            return bool(json.load(connection.getresponse()).get("pid") == self.pid)
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()


def free_port() -> int:
    """A port of loopback that nobody uses."""
    for port in secrets.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BogamError(f"All ports from {PORTS.start} to {PORTS.stop - 1} are in use.")
