"""Python runs this at its start when the folder is on PYTHONPATH: see `hub/outgoing.py`.

Writes a line of JSON to the file named by BOGAM_CONNECTION_LOG for every connection and every
look-up of a name. Uses the standard library alone, as any interpreter may load it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

_VARIABLE = "BOGAM_CONNECTION_LOG"
_CONNECTIONS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


def _record(log: str) -> None:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        host: Any
        if event in _CONNECTIONS:
            kind, address = "connect", arguments[1]
            if not isinstance(address, tuple) or not isinstance(address[0], str):
                return  # no address of a network: a Unix socket, or already connected
            host, port = address[0], address[1]
        elif event in _LOOKUPS:
            kind, host = "lookup", arguments[0]
            port = arguments[1] if event == "socket.getaddrinfo" else None
            if host is None:
                return  # an address to listen on
        else:
            return
        line = {
            "kind": kind,
            "host": host.decode("idna") if isinstance(host, bytes) else str(host),
            "port": port if isinstance(port, int) else None,
            "process": " ".join(sys.orig_argv)[:300],
            "pid": os.getpid(),
        }
        # One write of an appended line: lines of several processes do not mix.
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, json.dumps(line).encode() + b"\n")
        finally:
            os.close(descriptor)

    sys.addaudithook(hook)


if _VARIABLE in os.environ:
    _record(str(Path(os.environ[_VARIABLE]).absolute()))
