"""What a training took and moved, as the run record holds it."""

from __future__ import annotations

from typing import Any

from cards.errors import BogamError
from cards.records import LossPoint, ParameterGroup, TrainingSummary
from trainers.run_data import RunData
from trainers.run_environment import peak_memory_bytes
from trainers.trainer import AnswerTrainer
from trainers.training_audit import Movement


def summarise_training(trainer: AnswerTrainer, data: RunData, moved: Movement) -> TrainingSummary:
    """What the training took, over all sessions of the run."""
    epochs = float(trainer.state.epoch or 0)
    return TrainingSummary(
        steps=trainer.state.global_step,
        epochs=epochs,
        loss_history=loss_points(trainer.state.log_history),
        seconds=trainer.seconds,
        peak_memory_bytes=peak_memory_bytes(),
        samples_per_second=epochs * len(data.train.rows) / trainer.seconds,
        frozen_unchanged=moved.frozen_unchanged,
        label_tokens=data.train.label_tokens,
        longest_sample_tokens=data.train.longest,
        samples_over_length=data.train.over_length,
    )


def describe_groups(trainer: AnswerTrainer, moved: Movement) -> tuple[ParameterGroup, ...]:
    """The optimiser's groups with their first learning rate and how far they moved.

    Raises:
        BogamError: the optimiser that trained had other groups, rates or weight decay.
    """
    _check_optimiser(trainer)
    norms = trainer.group_norms(moved.update_norms)
    return tuple(
        ParameterGroup(
            name=group["name"],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            # Under ZeRO-3 a process holds a part of each weight only.
            parameters=sum(getattr(one, "ds_numel", one.numel()) for one in group["params"]),
            update_norm=norms[group["name"]],
        )
        for group in trainer.parameter_groups
    )


def _check_optimiser(trainer: AnswerTrainer) -> None:
    """Launchers may put an optimiser of their own in the place of the recipe's."""
    planned = [(one["name"], one["lr"], one["weight_decay"]) for one in trainer.parameter_groups]
    used = [
        (one.get("name"), one.get("initial_lr", one["lr"]), one["weight_decay"])
        for one in (trainer.optimizer.param_groups if trainer.optimizer is not None else [])
    ]
    if used != planned:
        raise BogamError(
            "training audit: the optimiser did not have the recipe's groups (name, learning rate, "
            f"weight decay): {used} in place of {planned}. What launcher or config replaced it?"
        )


def loss_points(history: list[dict[str, Any]]) -> tuple[LossPoint, ...]:
    """The trainer's log: one point a logged step, with the validation loss of that step."""
    validation = {entry["step"]: entry["eval_loss"] for entry in history if "eval_loss" in entry}
    return tuple(
        LossPoint(
            step=entry["step"],
            loss=entry["loss"],
            learning_rate=entry["learning_rate"],
            grad_norm=entry.get("grad_norm"),
            eval_loss=validation.get(entry["step"]),
        )
        for entry in history
        if "loss" in entry
    )
