"""Which machines a command and all its children talked to.

Two recorders. :func:`watched` makes every Python interpreter that inherits the environment write
down its connections and look-ups of names (audit hooks of `socket`); it needs nothing installed,
but does not see native code (hf_xet, gloo) nor interpreters started with -I, -E or -S.
:func:`strace_command` sees the connections of all processes and libraries in the kernel; it needs
strace, and knows no names. A name server on this machine hides look-ups from the second only.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_HOOK_FOLDER = Path(__file__).parent / "watch_site"
_VARIABLE = "BOGAM_CONNECTION_LOG"
_STRACE_IPV4 = re.compile(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')
_STRACE_IPV6 = re.compile(
    r'sin6_port=htons\((\d+)\),.*?inet_pton\(AF_INET6, "([^"]+)"|'
    r'inet_pton\(AF_INET6, "([^"]+)".*?sin6_port=htons\((\d+)\)'
)


@dataclass(frozen=True)
class Contact:
    """A connection to a host, or a look-up of its name."""

    kind: Literal["connect", "lookup"]
    host: str
    port: int | None
    process: str
    """The command line, or the number of the process where only that is known."""

    @property
    def stays(self) -> bool:
        """Whether it concerns this machine alone."""
        if self.host in ("", "localhost", socket.gethostname()):
            return True
        try:
            address = ipaddress.ip_address(self.host.partition("%")[0])
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified or self.kind == "lookup"


def watched(environment: Mapping[str, str], log: Path) -> dict[str, str]:
    """`environment` for a command whose Python processes write their contacts to `log`."""
    path = os.pathsep.join(filter(None, (str(_HOOK_FOLDER), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path, _VARIABLE: str(log.absolute())}


def contacts(log: Path) -> list[Contact]:
    """What processes with the environment of :func:`watched` wrote; none wrote, none there."""
    if not log.exists():
        return []
    lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    return [Contact(one["kind"], one["host"], one["port"], one["process"]) for one in lines]


def strace_command(log: Path) -> list[str]:
    """To be put before a command; :func:`strace_contacts` reads `log`."""
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "0", "-e", calls, "-o", str(log)]


def strace_contacts(log: Path) -> list[Contact]:
    """Connections and datagrams, in order; an address that was only asked for a route counts."""
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        process = f"process {line.split(maxsplit=1)[0]}"
        for port, host in _STRACE_IPV4.findall(line):
            found.append(Contact("connect", host, int(port), process))
        for port, host, host_first, port_last in _STRACE_IPV6.findall(line):
            found.append(Contact("connect", host or host_first, int(port or port_last), process))
    return found


def leaving(found: Iterable[Contact]) -> list[Contact]:
    """Contacts with other machines, each once, in order."""
    return [contact for contact in dict.fromkeys(found) if not contact.stays]
