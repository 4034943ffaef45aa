"""Which machines a command and all its children talked to.

Two recorders. :func:`watched` makes every Python interpreter that inherits the environment write
down its connections and look-ups of names (audit hooks of `socket`); it needs nothing installed,
but does not see native code (hf_xet, gloo) nor interpreters started with -I, -E or -S.
:func:`strace_command` sees the connections of all processes and libraries in the kernel; it needs
strace, and knows no names. A name server on this machine hides look-ups from the second only.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hub.watch_site.sitecustomize import stays_here

_HOOK_FOLDER = Path(__file__).parent / "watch_site"
_STRACE_ADDRESS = re.compile(
    r'sin6?_port=htons\((\d+)\),.*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"'
)


@dataclass(frozen=True)
class Contact:
    """A connection to a host, or a look-up of its name."""

    kind: Literal["connect", "lookup"]
    host: str
    port: int | None
    stays: bool
    """Whether it concerns this machine alone."""
    process: str
    """The command line, or the number of the process where only that is known."""


def watched(environment: Mapping[str, str], log: Path, *, refuse: bool = False) -> dict[str, str]:
    """`environment` for a command whose Python processes write their contacts to `log`.

    refuse: let contacts with other machines fail, so that watching them lets nothing out.
    """
    path = os.pathsep.join(filter(None, (str(_HOOK_FOLDER), environment.get("PYTHONPATH"))))
    variables = {**environment, "PYTHONPATH": path, "BOGAM_CONNECTION_LOG": str(log.absolute())}
    return variables | ({"BOGAM_CONNECTION_REFUSE": "1"} if refuse else {})


def contacts(log: Path) -> list[Contact]:
    """What processes with the environment of :func:`watched` wrote; none wrote, none there."""
    if not log.exists():
        return []
    return [Contact(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]


def strace_command(log: Path) -> list[str]:
    """To be put before a command; :func:`strace_contacts` reads `log`."""
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    return ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "0", "-e", calls, "-o", str(log)]


def strace_contacts(log: Path) -> list[Contact]:
    """Connections and datagrams, in order; an address that was only asked for a route counts."""
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        process = f"process {line.split(maxsplit=1)[0]}"
        for port, host in _STRACE_ADDRESS.findall(line):
            stays = stays_here("connect", host)
            found.append(Contact("connect", host, int(port), stays, process))
    return found


def leaving(found: Iterable[Contact]) -> list[Contact]:
    """Contacts with other machines, each once, in order."""
    return [contact for contact in dict.fromkeys(found) if not contact.stays]
