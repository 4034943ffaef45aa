"""What a benchmark returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One measured quantity; `ratio` says how many times better it is than `baseline`."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    baseline: str | None = None
