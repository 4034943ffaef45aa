"""The whole demo, as `make run` runs it, watched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bogam.demo import DATASET, MODEL
from cards.records import RUN_FILE, RunRecord
from hub.outgoing import contacts, leaving, watched


def run_demo(work: Path, log: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-m", "bogam", "demo", "--work", str(work)],
        env=watched(environment, log, refuse=True),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_demo_improves_the_model_and_talks_to_nobody_else(tmp_path: Path) -> None:
    log = tmp_path / "contacts"
    first = run_demo(tmp_path / "work", log)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]

    (release,) = (tmp_path / "work").glob("run-*/tuning/release")
    record = RunRecord.read(release / RUN_FILE)
    gains = {one.metric: one for one in record.comparison}
    assert gains["character_f1"].low > 0.1
    assert gains["character_f1"].p_value < 0.01
    for repo_id in (DATASET, MODEL):
        assert f"checks hold for {repo_id}" in " ".join(first.stdout.split())

    seen = contacts(log)
    assert any(contact.stays for contact in seen), "the watch saw nothing at all"
    assert leaving(seen) == []

    second = run_demo(tmp_path / "work", log)
    assert second.returncode == 0, second.stdout[-3000:] + second.stderr[-3000:]
    assert "published 1" not in second.stdout
    assert second.stdout.count("unchanged, no new commit") == 3
    assert RunRecord.read(release / RUN_FILE) == record
    assert leaving(contacts(log)) == []
