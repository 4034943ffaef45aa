"""Ctrl-C and SIGTERM in mid-training: finish the step, keep a checkpoint, stop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

logger = logging.getLogger(__name__)


class Interrupted(Exception):
    """A run was stopped by a signal; the message says how to go on."""


class StopOnSignal(TrainerCallback):
    """All processes stop after the same step, whichever of them got the signal.

    A second signal ends the process at once; what was written before stays whole. One that comes
    within `echo_seconds` does not count: on Ctrl-C, launchers send a signal of their own to
    processes that have had it from the terminal.
    """

    def __init__(self, echo_seconds: float = 1.0) -> None:
        self.received: float | None = None
        """When the first signal came, by the monotonic clock."""
        self.stopped = False
        self._echo_seconds = echo_seconds
        self._previous: dict[int, Any] = {}

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread may install handlers; its owner decides then
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._remember)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        asked = torch.tensor([int(self.received is not None)], device=PartialState().device)
        if bool(gather(asked).any()):
            self.stopped = True
            control.should_save = True
            control.should_training_stop = True

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.stopped:  # the checkpoint is written already, and a validation takes its time
            control.should_save = control.should_evaluate = control.should_log = False

    def restore(self) -> None:
        """Put back the handlers that were there before."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.received is not None:
            if now - self.received < self._echo_seconds:
                return
            self.restore()
            raise KeyboardInterrupt
        self.received = now
        logger.warning("signal %d: stopping after this step; once more to stop at once", number)
