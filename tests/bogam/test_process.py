"""What our processes set up before the libraries are imported."""

from __future__ import annotations

import os
import pty
import subprocess
import sys


def test_progress_bars_are_for_terminals_and_not_for_logs() -> None:
    terminal, stderr = pty.openpty()
    try:
        assert _bars_are_off(subprocess.PIPE)
        assert not _bars_are_off(stderr)
        assert not _bars_are_off(subprocess.PIPE, HF_HUB_DISABLE_PROGRESS_BARS="0")
    finally:
        os.close(terminal)
        os.close(stderr)


def _bars_are_off(stderr: int, **environment: str) -> bool:
    code = (
        "from bogam.process import bars_for_terminals_only\n"
        "bars_for_terminals_only()\n"
        "from huggingface_hub.utils import are_progress_bars_disabled\n"
        "print(are_progress_bars_disabled())"
    )
    others = {k: v for k, v in os.environ.items() if k != "HF_HUB_DISABLE_PROGRESS_BARS"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=others | environment,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=True,
    )
    return done.stdout.strip() == "True"
