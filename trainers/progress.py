"""How far a run has come: a bar for who watches, lines in the log for who looks later."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from accelerate import PartialState
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

logger = logging.getLogger(__name__)


@contextmanager
def progress_bar(title: str, *, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on the standard error of the first process; call what it gives with steps done."""
    started = time.perf_counter()
    with _bar() as bar:
        task = bar.add_task(title, total=total)
        yield lambda steps: bar.advance(task, steps)
    logger.info("%s: %.1f s", title, time.perf_counter() - started)


class TrainingProgress(TrainerCallback):
    """A bar over the steps, and a line of the log for each logged loss."""

    def __init__(self) -> None:
        self._bar = _bar()
        self._task = self._bar.add_task("training", total=None)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._bar.update(self._task, total=state.max_steps, completed=state.global_step)
        self._bar.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._bar.update(self._task, completed=state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        logs = logs or {}
        shown = {
            key: logs[key]
            for key in ("loss", "eval_loss", "grad_norm", "learning_rate")
            if key in logs
        }
        if shown and state.is_world_process_zero:
            told = ", ".join(f"{key} {value:.4g}" for key, value in shown.items())
            logger.info("step %d of %d: %s", state.global_step, state.max_steps, told)
            self._bar.update(self._task, description=f"training, {told.partition(', grad')[0]}")

    def stop(self) -> None:
        """Take the bar away, also after an error."""
        self._bar.stop()


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not PartialState().is_main_process,
    )
