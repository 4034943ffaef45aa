"""What our processes set up before the libraries are imported."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

SWITCHES = {
    "huggingface_hub": "HF_HUB_DISABLE_PROGRESS_BARS",
    "datasets": "HF_DATASETS_DISABLE_PROGRESS_BARS",
}


def test_progress_bars_are_for_terminals_and_not_for_logs() -> None:
    terminal, stderr = pty.openpty()
    try:
        assert _without_bars(subprocess.PIPE) == set(SWITCHES)
        assert _without_bars(stderr) == set()
        for library, switch in SWITCHES.items():
            assert _without_bars(subprocess.PIPE, **{switch: "0"}) == {*SWITCHES} - {library}
    finally:
        os.close(terminal)
        os.close(stderr)


def _without_bars(stderr: int, **environment: str) -> set[str]:
    code = (
        "from bogam.process import bars_for_terminals_only\n"
        "bars_for_terminals_only()\n"
        "import importlib\n"
        f"for library in {list(SWITCHES)}:\n"
        "    if importlib.import_module(library + '.utils').are_progress_bars_disabled():\n"
        "        print(library)"
    )
    others = {k: v for k, v in os.environ.items() if k not in SWITCHES.values()}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=others | environment,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=True,
    )
    return set(done.stdout.split())
