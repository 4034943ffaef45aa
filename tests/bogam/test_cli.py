"""The command line as a person meets it: quick, helpful, and one clear line when it must refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cards.records import DatasetRecord

HEAVY = ("accelerate", "datasets", "evaluate", "pandas", "peft", "torch", "transformers", "trl")


def run(
    *arguments: str, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bogam", *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        f"import sys; import bogam.cli\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_every_dataset_has_a_build_command_with_its_builders_options(tmp_path: Path) -> None:
    from loaders import DATASETS

    listing = run("build", "--help", cwd=tmp_path)
    assert all(name in listing.stdout for name in DATASETS)

    options = run("build", "medical-qa", "--help", cwd=tmp_path)
    assert "--pairing [topic|number]" in options.stdout


def test_a_made_up_set_is_built_and_built_again_from_what_is_there(tmp_path: Path) -> None:
    made = run("synth", "medical-qa", "--out", "TL.zip", "--questions", "300", cwd=tmp_path)
    assert made.returncode == 0, made.stderr

    command = ("build", "medical-qa", "--source", "TL.zip", "--out", "qa", "--made-up")
    first = run(*command, cwd=tmp_path)
    record = (tmp_path / "qa/dataset.json").read_bytes()
    second = run(*command, cwd=tmp_path)

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "rows of train" in first.stdout
    assert DatasetRecord.read(tmp_path / "qa/dataset.json").licence == "cc0-1.0"
    assert "kept as it is" in second.stderr
    assert (tmp_path / "qa/dataset.json").read_bytes() == record


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("build", "medical-qa", "--source", "none.zip", "--out", "qa"), "none.zip: not found"),
        (("publish", "nowhere", "--repo", "org/x"), "nowhere"),
        (("verify", "org/never-made"), "org/never-made"),
        (("hub", "serve", "--host", "0.0.0.0"), "--tls-cert"),
        (("hub", "token", "create", "nobody"), "there is no Hub"),
        (("hub", "token", "create", "nobody", "--root", "r"), "user add NAME --root r"),
        (("hub", "key", "add", "nobody", "key", "--root", "r"), "no public Ed25519 key"),
        (("hub", "serve", "--port", "70000"), "65535"),
        (("synth", "medical-qa", "--out", "x.zip", "--questions", "0"), "--questions"),
        (("build", "medical-q", "--source", "a", "--out", "b"), "No such command"),
    ],
)
def test_a_wrong_input_is_one_clear_line_and_exit_code_2(
    arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    # A port that nobody listens on: what needs a Hub says that there is none.
    done = run(*arguments, cwd=tmp_path, environment={"HF_ENDPOINT": "http://127.0.0.1:9"})

    assert done.returncode == 2, done.stderr
    assert told in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_env_prints_what_a_shell_can_evaluate(tmp_path: Path) -> None:
    hub = ("--endpoint", "http://127.0.0.1:8123", "--token", "hf_x", "--home", "my hub")
    exports = run("env", *hub, cwd=tmp_path)
    shown = subprocess.run(
        ["sh", "-c", f'{exports.stdout}\necho "$HF_ENDPOINT\n$HF_TOKEN\n$HF_HOME"'],
        capture_output=True,
        text=True,
        check=True,
    )

    assert shown.stdout.splitlines() == ["http://127.0.0.1:8123", "hf_x", str(tmp_path / "my hub")]
