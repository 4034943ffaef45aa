"""A served model under load: `benchmarks/serving_load.py` fails where a promise is broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPO_ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.system
def test_32_clients_get_deliberate_answers_only_and_memory_stays() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "serving_load"],
        cwd=REPO_ROOT,
        capture_output=True,
        text=True,
        timeout=840,
    )
    assert done.returncode == 0, done.stderr
    assert "turned away with 429" in done.stdout
