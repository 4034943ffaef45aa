"""Sets our own processes up, before any Hugging Face library is imported."""

from __future__ import annotations

import os

from hub.environment import apply_to_process, closed_network

_PUBLIC_HUB = "https://huggingface.co"


def use_closed_network() -> None:
    """Talk to the Hub that HF_ENDPOINT names and to nobody else; without it, to the public one."""
    endpoint = os.environ.get("HF_ENDPOINT")
    environment = closed_network(endpoint or _PUBLIC_HUB)
    if endpoint is None:  # and leave alone how this machine reaches it
        for name in ("HF_ENDPOINT", "NO_PROXY", "no_proxy"):
            del environment[name]
    apply_to_process(environment)
