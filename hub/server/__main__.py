"""`python -m hub.server --root DIR --port N`: the server alone, without the command line."""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from cards.errors import BogamError
from hub.server.serve import serve
from hub.server.settings import Settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m hub.server", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder of the store")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8088)
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--until-stdin-ends", action="store_true", help="stop with the parent")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=NUMBER")
    arguments = parser.parse_args()
    names = {field.name for field in dataclasses.fields(Settings)}
    changes = dict(item.split("=", 1) for item in arguments.setting)
    if not changes.keys() <= names:
        parser.error(f"settings are {', '.join(sorted(names))}")
    numbers: dict[str, Any] = {name: int(value) for name, value in changes.items()}
    settings = dataclasses.replace(Settings(), **numbers)
    if arguments.until_stdin_ends:
        threading.Thread(target=_stop_when_stdin_ends, daemon=True).start()
    try:
        serve(
            arguments.root,
            arguments.host,
            arguments.port,
            tls_cert=arguments.tls_cert,
            tls_key=arguments.tls_key,
            settings=settings,
        )
    except BogamError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _stop_when_stdin_ends() -> None:
    # Not through sys.stdin, whose lock this thread would still hold when Python ends.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
