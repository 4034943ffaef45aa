"""Sets our own processes up, before any Hugging Face library is imported."""

from __future__ import annotations

import os
import sys

from hub.environment import apply_to_process, closed_network

_PUBLIC_HUB = "https://huggingface.co"


def use_closed_network() -> None:
    """Talk to the Hub that HF_ENDPOINT names, the public one by default, and to nobody else."""
    apply_to_process(closed_network(os.environ.get("HF_ENDPOINT", _PUBLIC_HUB)))


def bars_for_terminals_only() -> None:
    """Keep progress bars out of logs and pipes, here and in the processes this one starts."""
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
