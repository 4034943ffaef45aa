"""A run that was stopped goes on as if nothing had happened, or says why it will not."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback

from cards.errors import BogamError
from trainers import checkpoints
from trainers.interruption import StopOnSignal


class SignalIn(TrainerCallback):
    """Sends this process signals in the middle of a step, as Ctrl-C or a scheduler would."""

    def __init__(self, step: int, *numbers: int) -> None:
        self.step = step
        self.numbers = numbers

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step - 1:
            for number in self.numbers:
                os.kill(os.getpid(), number)


def outcome(trainer: Any) -> tuple[list[float], dict[str, torch.Tensor]]:
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    weights = {
        name: parameter.detach().clone()
        for name, parameter in trainer.model.named_parameters()
        if parameter.requires_grad
    }
    return losses, weights


def assert_same(one: Any, other: Any) -> None:
    assert one[0] == other[0], "the losses differ"
    assert all(torch.equal(weight, other[1][name]) for name, weight in one[1].items())


@pytest.mark.parametrize(
    ("method", "numbers"),
    [
        ("lora", (signal.SIGINT, signal.SIGINT, signal.SIGTERM)),  # Ctrl-C under a launcher
        ("lora", (signal.SIGTERM,)),
        ("qlora", (signal.SIGINT,)),
    ],
)
def test_stopping_and_going_on_changes_no_bit(
    make_trainer: Callable[..., Any],
    exaone_twin: Path,
    method: str,
    numbers: tuple[int, ...],
    tmp_path: Path,
) -> None:
    """Four epochs of two steps with dropout, stopped in the middle of the second one."""
    changes: dict[str, Any] = {
        "tuning__method": method,
        "quantisation": {} if method == "qlora" else None,
        "schedule__epochs": 4,
        "schedule__save_steps": 100,
    }
    whole = make_trainer(exaone_twin, **changes)
    whole.train_from(None)
    shutil.rmtree(tmp_path / "checkpoints")

    stop = StopOnSignal(echo_seconds=600)
    first = make_trainer(exaone_twin, callbacks=[SignalIn(3, *numbers), stop], **changes)
    first.train_from(None)
    stop.restore()
    assert stop.stopped
    assert first.state.global_step == 3

    checkpoint = checkpoints.latest_whole(tmp_path / "checkpoints")
    assert checkpoint is not None and checkpoints.step_of(checkpoint) == 3
    second = make_trainer(exaone_twin, **changes)
    second.train_from(checkpoint)
    assert second.state.global_step == 8
    assert second.seconds > checkpoints.seconds_behind(checkpoint) > 0
    assert_same(outcome(whole), outcome(second))


def test_a_second_signal_ends_it_at_once(
    make_trainer: Callable[..., Any], exaone_twin: Path, tmp_path: Path
) -> None:
    stop = StopOnSignal(echo_seconds=0)
    signals = SignalIn(3, signal.SIGINT, signal.SIGINT)
    trainer = make_trainer(exaone_twin, callbacks=[signals, stop])
    with pytest.raises(KeyboardInterrupt):
        trainer.train_from(None)
    stop.restore()
    assert checkpoints.latest_whole(tmp_path / "checkpoints") == (
        tmp_path / "checkpoints" / "checkpoint-2"
    )


def test_a_damaged_last_checkpoint_costs_only_itself(
    make_trainer: Callable[..., Any], exaone_twin: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoints"
    whole = make_trainer(exaone_twin, schedule__keep=5)
    whole.train_from(None)
    expected = outcome(whole)

    for damage in ("no manifest", "cut file", "missing file"):
        last = folder / "checkpoint-4"
        if damage == "no manifest":
            (last / checkpoints.MANIFEST_FILE).unlink()
        elif damage == "cut file":
            os.truncate(last / "optimizer.pt", 100)
        else:
            (last / "adapter_model.safetensors").unlink()
        checkpoint = checkpoints.latest_whole(folder)
        assert checkpoint == folder / "checkpoint-2", damage
        again = make_trainer(exaone_twin, schedule__keep=5)
        again.train_from(checkpoint)
        assert_same(expected, outcome(again))
        assert checkpoints.latest_whole(folder) == last


def test_being_killed_while_writing_leaves_no_half_checkpoint(
    make_trainer: Callable[..., Any],
    exaone_twin: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "checkpoints"
    trainer = make_trainer(exaone_twin)
    real = trainer._save_rng_state

    def killed(output_dir: str) -> None:
        if trainer.state.global_step == 4:
            raise SystemExit("killed")
        real(output_dir)

    monkeypatch.setattr(trainer, "_save_rng_state", killed)
    with pytest.raises(SystemExit):
        trainer.train_from(None)
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-2"]

    again = make_trainer(exaone_twin)
    again.train_from(checkpoints.latest_whole(folder))
    assert checkpoints.latest_whole(folder) == folder / "checkpoint-4"
    assert not (folder / checkpoints.WRITING).exists()


def test_old_checkpoints_make_room(
    make_trainer: Callable[..., Any], exaone_twin: Path, tmp_path: Path
) -> None:
    trainer = make_trainer(exaone_twin, schedule__save_steps=1, schedule__keep=2)
    trainer.train_from(None)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["checkpoint-3", "checkpoint-4"]


def test_the_best_checkpoint_is_kept(tmp_path: Path) -> None:
    for step in range(1, 6):
        (tmp_path / f"checkpoint-{step}").mkdir()
    checkpoints.rotate(tmp_path, 2, best=tmp_path / "checkpoint-1")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["checkpoint-1", "checkpoint-5"]


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    assert checkpoints.latest_whole(tmp_path / "nothing here") is None


class TestRunFolder:
    """Whether a folder is taken up again is decided before anything is loaded."""

    @pytest.fixture
    def started(self, recipe_for: Callable[..., Any]) -> Callable[..., Any]:
        from cards.records import Revision
        from trainers.run_folder import StartedRun

        def make(commit: str = "a" * 40, processes: int = 1, **changes: Any) -> StartedRun:
            return StartedRun.of(
                recipe_for("org/base", **changes),
                Revision(id="org/base", revision="b" * 40),
                Revision(id="org/data", revision=commit),
                processes,
            )

        return make

    @pytest.fixture
    def folder(self, started: Callable[..., Any], tmp_path: Path) -> Any:
        from trainers.run_folder import RunFolder

        folder = RunFolder(tmp_path / "run")
        folder.begin(started())
        folder.checkpoints.mkdir()
        return folder

    def test_the_same_run_goes_on(self, folder: Any, started: Callable[..., Any]) -> None:
        folder.check(started())

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"schedule__epochs": 5}, r"schedule\.epochs: 2\.0 before, 5\.0 now"),
            ({"tuning__rank": 8}, r"tuning\.rank: 4 before, 8 now"),
            ({"commit": "c" * 40}, r"dataset\.revision: a+ before, c+ now"),
            ({"processes": 2}, r"processes: 1 before, 2 now"),
        ],
    )
    def test_another_run_is_refused_and_the_change_named(
        self, folder: Any, started: Callable[..., Any], change: dict[str, Any], told: str
    ) -> None:
        with pytest.raises(BogamError, match=told):
            folder.check(started(**change))

    def test_where_and_how_it_is_measured_may_change(
        self, folder: Any, started: Callable[..., Any]
    ) -> None:
        folder.check(started(evaluation__batch_size=1, publication__repo="org/tiny"))

    def test_a_start_that_came_to_nothing_does_not_bind(
        self, folder: Any, started: Callable[..., Any]
    ) -> None:
        folder.checkpoints.rmdir()
        folder.check(started(schedule__epochs=5))

    def test_results_without_a_recipe_are_not_touched(
        self, folder: Any, started: Callable[..., Any]
    ) -> None:
        folder.started.unlink()
        with pytest.raises(BogamError, match=r"no recipe\.json"):
            folder.check(started())

    def test_zero_shot_answers_are_made_again_when_they_could_differ(
        self, started: Callable[..., Any], recipe_for: Callable[..., Any]
    ) -> None:
        evaluation = recipe_for("org/base").evaluation
        kept = started().zero_shot_fingerprint(evaluation)
        assert kept == started(processes=2).zero_shot_fingerprint(
            evaluation.model_copy(update={"batch_size": 1})
        )
        assert kept != started(system_prompt="새 지시").zero_shot_fingerprint(evaluation)
        assert kept != started().zero_shot_fingerprint(
            evaluation.model_copy(update={"max_new_tokens": 9})
        )
