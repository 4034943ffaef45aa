"""Ctrl-C, and worse, leave no half dataset, and the next run starts where it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from cards.errors import BogamError
from loaders.medical_qa_sample import write_sample

# Whoever starts the tests in the background has them, and their children, ignore Ctrl-C.
SCRIPT = """
import signal
import sys
from pathlib import Path
from loaders.dataset_folder import build
signal.signal(signal.SIGINT, signal.default_int_handler)
print("started", flush=True)
build("medical-qa", Path(sys.argv[1]), Path(sys.argv[2]))
"""
PATIENCE = 240
QUESTIONS = 36_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "TL.zip"
    write_sample(path, questions=QUESTIONS)
    return path


def _wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        assert process.poll() is None, "it ended before it could be interrupted"
        time.sleep(0.002)
    raise AssertionError("nothing to interrupt came up")


@pytest.fixture
def building(source: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A build in a process group of its own, as in a terminal."""
    command = [sys.executable, "-c", SCRIPT, str(source), str(tmp_path / "out")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def _stages(folder: Path) -> dict[str, Callable[[], Any]]:
    partial = folder / "out.partial"
    return {
        "reading": lambda: _filled(partial / "scratch"),
        "writing": lambda: list(partial.glob("data.incomplete/*.parquet")),
    }


def _filled(scratch: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in scratch.glob("*.arrow") if path.stat().st_size]
    return []  # one went while it was looked at


@pytest.mark.system
@pytest.mark.parametrize("stage", ["reading", "writing"])
def test_ctrl_c_leaves_no_half_dataset(
    stage: str,
    building: subprocess.Popen[str],
    tmp_path: Path,
    still_running: Callable[..., list[psutil.Process]],
) -> None:
    _wait_for(_stages(tmp_path)[stage], building)
    building.send_signal(signal.SIGSTOP)  # or it might end while it is looked at
    workers = psutil.Process(building.pid).children(recursive=True)
    os.killpg(building.pid, signal.SIGINT)
    building.send_signal(signal.SIGCONT)
    _, errors = building.communicate(timeout=PATIENCE)
    assert building.returncode != 0
    assert errors.count("KeyboardInterrupt") == 1, errors
    assert list(tmp_path.iterdir()) == []
    assert not still_running(workers)


@pytest.mark.system
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="on one core nothing is handed out")
def test_what_a_killed_build_left_is_cleared_away(
    building: subprocess.Popen[str],
    source: Path,
    tmp_path: Path,
    build_qa: Callable[..., Any],
    still_running: Callable[..., list[psutil.Process]],
) -> None:
    _wait_for(_stages(tmp_path)["reading"], building)
    building.send_signal(signal.SIGSTOP)  # its workers go on until they find nobody who listens
    workers = psutil.Process(building.pid).children(recursive=True)
    assert workers
    with pytest.raises(BogamError, match="another build is writing it"):
        build_qa(source, "out")
    building.kill()
    building.communicate(timeout=PATIENCE)
    assert not (tmp_path / "out").exists()
    assert not still_running(workers), "they notice and end by themselves"
    built = build_qa(source, "out")
    assert built.record.rows == QUESTIONS
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
