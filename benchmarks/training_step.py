"""One training step on the CPU: ours, TRL as it is, and the plain Trainer.

On the models of `benchmarks.training_subjects`, with LoRA on q_proj and v_proj. All compute the
same losses from the same batches; decoding pictures is not part of a step.
"""

from __future__ import annotations

import gc
import math
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measurement
from benchmarks.training_subjects import BATCH, SUBJECTS, Subject

STEPS = 3
LEARNING_RATE = 2e-4
BASELINE = "TRL SFTTrainer as is"
OURS = "AnswerTrainer"
BY_HAND = "answers by hand, no trainer"


def run() -> list[Measurement]:
    """Time of a step and memory on top of the loaded model; equal losses, or it raises."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several would spin while they wait for each other
    try:
        return [row for name, make in SUBJECTS.items() for row in _compared(name, make)]
    finally:
        torch.set_num_threads(threads)


def _compared(subject: str, make: Callable[[Path], Subject]) -> list[Measurement]:
    ways = (BASELINE, "plain Trainer", OURS, BY_HAND)
    measured = {name: _measure(name, make) for name in ways}
    reference = measured[BASELINE]
    rows = []
    for name, own in measured.items():
        for a, b in zip(reference.losses, own.losses, strict=True):
            if not math.isclose(a, b, rel_tol=1e-5):
                raise AssertionError(f"{name} computes other losses: {own} against {reference}")
        against = None if name == BASELINE else BASELINE
        faster = reference.seconds / own.seconds if against else None
        leaner = reference.megabytes / own.megabytes if against else None
        title = f"{subject}: {name}"
        rows.append(Measurement(f"{title}: step", own.seconds, "CPU s", faster, against))
        rows.append(Measurement(f"{title}: memory", own.megabytes, "MB", leaner, against))
    return rows


@dataclass(frozen=True)
class _Run:
    seconds: float
    """Of the processor, for the quickest step: what else the machine does counts little."""
    megabytes: float
    """Peak of the process over what was resident before the first step."""
    losses: list[float]


def _measure(name: str, make: Callable[[Path], Subject]) -> _Run:
    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        subject = make(Path(folder) / "base")
        train = _by_hand(subject) if name == BY_HAND else _with_trainer(name, subject, folder)
        Path("/proc/self/clear_refs").write_text("5")  # peak := what is resident now
        before = _peak_megabytes()
        seconds, losses = train()
        added = _peak_megabytes() - before
    return _Run(min(seconds), added, losses)


def _with_trainer(
    name: str, subject: Subject, folder: str
) -> Callable[[], tuple[list[float], list[float]]]:
    from transformers import PrinterCallback, Trainer, TrainerCallback
    from trl import SFTConfig, SFTTrainer
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    from trainers.parameter_groups import GroupRule
    from trainers.trainer import AnswerTrainer

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            self.started = time.process_time()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            self.seconds.append(time.process_time() - self.started)

    clock = Clock()
    arguments = SFTConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=False,
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        lr_scheduler_type="constant",
        gradient_checkpointing=False,
        remove_unused_columns=subject.collator is None,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer: Any
    if name == "plain Trainer":
        trainer = Trainer(
            subject.model,
            arguments,
            train_dataset=subject.rows,
            data_collator=subject.collator or DataCollatorForLanguageModeling(pad_token_id=0),
            callbacks=[clock],
        )
    elif name == BASELINE:
        trainer = SFTTrainer(
            subject.model,
            arguments,
            train_dataset=subject.rows,
            data_collator=subject.collator,
            processing_class=subject.tokenizer,
            callbacks=[clock],
        )
    else:
        trainer = AnswerTrainer(
            subject.model,
            arguments,
            tokenizer=subject.tokenizer,
            train_rows=subject.rows,
            validation_rows=None,
            rules=[GroupRule("adapter", ".*", LEARNING_RATE, 0.0)],
            keep=1,
            collator=subject.collator,
            callbacks=[clock],
        )
    trainer.remove_callback(PrinterCallback)

    def train() -> tuple[list[float], list[float]]:
        trainer.train()
        history = trainer.state.log_history
        return clock.seconds, [entry["loss"] for entry in history if "loss" in entry]

    return train


def _by_hand(subject: Subject) -> Callable[[], tuple[list[float], list[float]]]:
    """The least that must be computed: no trainer, only answers through the head."""
    import torch

    model, rows = subject.model, subject.rows
    if subject.collator is None:
        inputs = {name: torch.tensor(rows[name][:]) for name in ("input_ids", "labels")}
    else:
        inputs = subject.collator(list(rows))
    labels = inputs.pop("labels")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=0.0)

    def train() -> tuple[list[float], list[float]]:
        seconds, losses = [], []
        model.train()
        for _ in range(STEPS):
            started = time.process_time()
            hidden = model.base_model.model.model(**inputs).last_hidden_state[:, :-1]
            scored = labels[:, 1:] != -100
            logits = model.base_model.model.lm_head(hidden[scored])
            loss = torch.nn.functional.cross_entropy(logits, labels[:, 1:][scored])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            seconds.append(time.process_time() - started)
            losses.append(loss.item())
        return seconds, losses

    return train


def _peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    if match is None:
        raise RuntimeError("this system does not tell a process's peak memory")
    return int(match.group(1)) / 1024
