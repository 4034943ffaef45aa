"""The server process."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from cards.errors import BogamError
from hub.listening import is_loopback, listening
from hub.server.app import create_app
from hub.server.settings import Settings
from hub.server.store.database import make_root
from hub.server.store.store import Store

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 75
"""Longer than the clients keep idle connections: the server must not close one that they use."""


def serve(
    root: Path,
    host: str = "127.0.0.1",
    port: int = 8088,
    *,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    allow_remote: bool = False,
    settings: Settings | None = None,
) -> None:
    """Serve the store in `root` until SIGINT or SIGTERM.

    With `tls_cert` and `tls_key` (PEM) over HTTPS. Raises :class:`BogamError` for an address
    that other machines reach without TLS, unless `allow_remote` says that this is meant, for
    one that cannot be had, and when another server has the store.
    """
    if (tls_cert is None) != (tls_key is None):
        raise BogamError("TLS needs both a certificate and its key.")
    if not is_loopback(host) and tls_cert is None and not allow_remote:
        raise BogamError(
            f"{host} can be reached from other machines, and without TLS tokens and data would "
            "travel in the clear. Give --tls-cert and --tls-key, or --allow-remote if something "
            "in front of this server encrypts."
        )
    with exclusive(root), listening(host, port) as listener:
        store = Store(root, settings or Settings())
        store.blobs.clear_temporary()
        scheme = "https" if tls_cert else "http"
        port = listener.getsockname()[1]
        logger.info("Hub on %s://%s:%d, store in %s; Ctrl-C ends it", scheme, host, port, root)
        try:
            config = uvicorn.Config(
                create_app(store),
                ssl_certfile=tls_cert,
                ssl_keyfile=tls_key,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                log_level="warning",
                access_log=False,
                server_header=False,
            )
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            # The server has ended in order before uvicorn passes Ctrl-C on.
            logger.info("stopped")
        finally:
            store.close()


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold the store's lock; the system frees it however the process ends."""
    make_root(root)
    file = os.open(root / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BogamError(
                f"{root}: another Hub server runs on this store. Use that one, or stop it first."
            ) from None
        yield
    finally:
        os.close(file)
