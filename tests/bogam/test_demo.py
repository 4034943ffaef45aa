"""The whole demo, as `make run` runs it, watched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bogam.demo.projects import projects
from cards.records import RUN_FILE, RunRecord
from hub.outgoing import contacts, leaving, watched

PROJECTS = projects(5000)
GAINS = {
    "medical-qa": ("character_f1", 0.1),
    "medical-ocr": ("field_f1", 0.1),
    "chartqa": ("relaxed_accuracy", 0.05),
    "drug-forensics": ("accuracy", 0.1),
}
"""By how much the tuned model must be better at least, at the low end of the interval."""


def run_demo(work: Path, log: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-m", "bogam", "demo", "--work", str(work)],
        env=watched(environment, log, refuse=True),
        capture_output=True,
        text=True,
        check=False,
    )


def records(work: Path) -> dict[str, RunRecord]:
    found = {}
    for project in PROJECTS:
        (release,) = (work / project.name).glob("run-*/tuning/release")
        found[project.name] = RunRecord.read(release / RUN_FILE)
    return found


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_demo_improves_every_model_and_talks_to_nobody_else(tmp_path: Path) -> None:
    log = tmp_path / "contacts"
    first = run_demo(tmp_path / "work", log)
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]

    made = records(tmp_path / "work")
    for name, (metric, least) in GAINS.items():
        (gain,) = (one for one in made[name].comparison if one.metric == metric)
        assert gain.low > least, name
        assert gain.p_value < 0.01, name
    said = " ".join(first.stdout.split())
    for project in PROJECTS:
        for repo_id in (project.dataset, project.model):
            assert f"checks hold for {repo_id}" in said
            assert f"0 errors, 0 warnings for {repo_id}" in said

    seen = contacts(log)
    assert any(contact.stays for contact in seen), "the watch saw nothing at all"
    assert leaving(seen) == []

    second = run_demo(tmp_path / "work", log)
    assert second.returncode == 0, second.stdout[-3000:] + second.stderr[-3000:]
    assert "published 1" not in second.stdout
    assert second.stdout.count("unchanged, no new commit") == 8  # four datasets, four base models
    assert records(tmp_path / "work") == made
    assert leaving(contacts(log)) == []
