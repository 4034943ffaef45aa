"""Python runs this at its start when the folder is on PYTHONPATH: see `hub/outgoing.py`.

Writes a line of JSON to the file named by BOGAM_CONNECTION_LOG for every connection and every
look-up of a name, and refuses those of other machines where BOGAM_CONNECTION_REFUSE is set. Uses
the standard library alone, as any interpreter may load it.
"""

import errno
import ipaddress
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

_LOG = "BOGAM_CONNECTION_LOG"
_REFUSE = "BOGAM_CONNECTION_REFUSE"
_CONNECTIONS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


def _watch(log: str, refuse: bool) -> None:
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
        name = host.decode("idna") if isinstance(host, bytes) else str(host)
        stays = stays_here(kind, name)
        line = {
            "kind": kind,
            "host": name,
            "port": port if isinstance(port, int) else None,
            "stays": stays,
            "process": " ".join(sys.orig_argv)[:300],
        }
        # One write of an appended line: lines of several processes do not mix.
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, json.dumps(line).encode() + b"\n")
        finally:
            os.close(descriptor)
        if refuse and not stays:
            if kind == "lookup":
                raise socket.gaierror(socket.EAI_NONAME, f"{name}: not asked for, it would leave")
            raise OSError(errno.ENETUNREACH, f"{name}: not connected, it would leave")

    sys.addaudithook(hook)


def stays_here(kind: str, host: str) -> bool:
    """Whether a contact concerns this machine alone. A look-up of a number asks nobody."""
    if host in ("", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return kind == "lookup" or address.is_loopback or address.is_unspecified or _is_own(address)


def _is_own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Only an address of this machine can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


if __name__ == "sitecustomize" and _LOG in os.environ:
    _watch(str(Path(os.environ[_LOG]).absolute()), _REFUSE in os.environ)
