"""Sets our own processes up, before any Hugging Face library is imported."""

from __future__ import annotations

import os

from hub.environment import apply_to_process, closed_network

_PUBLIC_HUB = "https://huggingface.co"


def use_closed_network() -> None:
    """Talk to the Hub that HF_ENDPOINT names, the public one by default, and to nobody else."""
    apply_to_process(closed_network(os.environ.get("HF_ENDPOINT", _PUBLIC_HUB)))
