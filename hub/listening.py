"""Where a server of ours listens: on loopback, unless told otherwise."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from cards.errors import BogamError


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there. Raises :class:`BogamError` for an address that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        # create_server() repeats the address in its text; a name that is unknown has no true errno.
        code = error.errno or 0
        reason = os.strerror(code) if code > 0 else error.strerror
        raise BogamError(
            f"Cannot listen on {host}:{port}: {reason}. "
            "Does another program use the port? Give a free one with --port."
        ) from error
    # Accepted connections inherit it. asyncio sets it only where a socket says that it is TCP,
    # which these do not; an answer in two pieces would wait 40 ms for the other side's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener:
        yield listener
