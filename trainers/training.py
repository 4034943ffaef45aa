"""The training itself: adapter, trainer, resume, audit."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from peft import PeftModel
from transformers import PreTrainedModel, set_seed
from transformers.integrations import is_deepspeed_zero3_enabled, unset_hf_deepspeed_config

from cards.errors import BogamError
from cards.records import ParameterGroup, TrainingSummary
from trainers.base_model import LoadedBase
from trainers.checkpoints import latest_whole
from trainers.class_trainer import ClassTrainer, answer_loss
from trainers.interruption import Interrupted, StopOnSignal
from trainers.progress import TrainingProgress
from trainers.recipe_schema import Recipe
from trainers.run_data import RunData
from trainers.run_folder import RunFolder
from trainers.trainer import AnswerTrainer
from trainers.training_arguments import training_arguments
from trainers.training_audit import (
    Reference,
    WeightsBefore,
    answer_logits,
    check_movement,
    movement,
)
from trainers.training_summary import describe_groups, summarise_training
from trainers.tuning import as_the_base, group_rules, with_adapter

logger = logging.getLogger(__name__)

LOGITS_CHECKED = 4
"""Evaluation rows on which the saved model is compared with the trained one."""


class LoadBase(Protocol):
    """Load the recipe's base model once more."""

    def __call__(self, *, device: torch.device | None) -> LoadedBase: ...


@dataclass(frozen=True)
class Trained:
    """A tuned model in memory, and what is known of it. The adapter is in the run's folder."""

    model: PreTrainedModel | PeftModel
    summary: TrainingSummary
    groups: tuple[ParameterGroup, ...]
    reference: Reference


def train(
    recipe: Recipe,
    folder: RunFolder,
    base: LoadedBase,
    data: RunData,
    load: LoadBase,
    device: torch.device | None,
) -> Trained:
    """Tune `base`, from the last whole checkpoint where there is one.

    Under DeepSpeed ZeRO-3 the weights are spread over the processes, which only holds while
    training: `base` is then loaded again, spread, and once more whole for what follows.

    Raises:
        BogamError: the recipe does not fit the model, the loss is no number, or the audit of what
            training moved fails.
        Interrupted: a signal stopped it.
    """
    arguments = training_arguments(
        recipe, folder.checkpoints, base.compute_dtype, validates=data.validation is not None
    )
    is_spread = is_deepspeed_zero3_enabled()
    if is_spread:
        if recipe.quantisation is not None:
            raise BogamError(
                "DeepSpeed ZeRO-3 cannot spread 4-bit weights here. Train on the unquantised base "
                "(tuning.method=lora quantisation=null), or without ZeRO-3."
            )
        _refuse_rows_without_pictures(base, data)
        base.model.to("meta")  # frees the whole copy, whoever still holds it
        base = load(device=None)
    set_seed(recipe.schedule.seed)
    # Weights that ZeRO-3 gathers together must have one type; it keeps fp32 copies itself.
    model = with_adapter(base.model, recipe.tuning, in_float32=not is_spread)
    before = WeightsBefore.of(model)
    progress, stop = TrainingProgress(), StopOnSignal()
    loss = answer_loss(recipe.loss, data.train)
    make = AnswerTrainer if loss is None else partial(ClassTrainer, loss=loss)
    trainer = make(
        model,
        arguments,
        tokenizer=base.tokenizer,
        train_rows=data.train.rows,
        validation_rows=data.validation.rows if data.validation else None,
        rules=group_rules(base.model, recipe.tuning, recipe.optimiser),
        keep=recipe.schedule.keep,
        collator=data.collator,
        callbacks=[progress, stop],
    )
    checkpoint = latest_whole(folder.checkpoints)
    if checkpoint is not None:
        logger.info("going on after %s", checkpoint)
    try:
        trainer.train_from(checkpoint)
    finally:
        progress.stop()
        stop.restore()
    if stop.stopped:
        raise Interrupted(
            f"stopped after step {trainer.state.global_step} of {trainer.state.max_steps}, with "
            f"a checkpoint in {folder.checkpoints}. The same command goes on from there."
        )

    moved = movement(before, trainer.model)
    groups = describe_groups(trainer, moved)
    check_movement(groups, moved.frozen_unchanged)
    trainer.save_model(str(folder.adapter))
    if not is_spread:
        as_the_base(trainer.model)
    if base.processor is not None and trainer.is_world_process_zero():
        base.processor.save_pretrained(folder.adapter)
    checked = range(min(LOGITS_CHECKED, len(data.evaluation.ids)))
    examples = [data.evaluation.example(number) for number in checked]
    logits = answer_logits(trainer.model_wrapped if is_spread else trainer.model, examples)
    summary = summarise_training(trainer, data, moved)
    tuned = trainer.model
    if is_spread:
        unset_hf_deepspeed_config()
        # Only the first process writes the adapter, and small weights are not waited for before.
        trainer.accelerator.wait_for_everyone()
        tuned = PeftModel.from_pretrained(load(device=device).model, folder.adapter)
    reference = Reference(examples, logits, base.compute_dtype, base.model_class)
    return Trained(tuned, summary, groups, reference)


def _refuse_rows_without_pictures(base: LoadedBase, data: RunData) -> None:
    """Every process must call for the spread weights of the tower, or the others wait for ever."""
    if base.processor is None:
        return
    token = base.processor.image_token_id
    rows = [data.train.rows, *([data.validation.rows] if data.validation else [])]
    blind = sum(token not in ids for split in rows for ids in split["input_ids"])
    if blind:
        raise BogamError(
            f"DeepSpeed ZeRO-3 cannot train on rows without pictures beside rows with some; "
            f"{blind} have none. Leave them out of the dataset, or train without ZeRO-3."
        )
