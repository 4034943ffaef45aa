"""A recipe's schedule as `trl.SFTConfig`."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers.utils import is_liger_kernel_available
from trl import SFTConfig

from trainers.recipe_schema import Recipe


def training_arguments(
    recipe: Recipe, checkpoints: Path, compute_dtype: torch.dtype, *, validates: bool
) -> SFTConfig:
    """Arguments for `trainers.trainer.AnswerTrainer`. Reads DeepSpeed's config where there is one.

    Args:
        checkpoints: folder in which checkpoints stand.
        validates: whether there are rows for a validation loss.
    """
    schedule, optimiser = recipe.schedule, recipe.optimiser
    return SFTConfig(
        output_dir=str(checkpoints),
        use_cpu=not torch.cuda.is_available(),
        num_train_epochs=schedule.epochs,
        max_steps=schedule.max_steps or -1,
        per_device_train_batch_size=schedule.batch_size,
        per_device_eval_batch_size=recipe.evaluation.batch_size,
        gradient_accumulation_steps=schedule.accumulation,
        optim=optimiser.name,
        learning_rate=optimiser.lr,
        weight_decay=optimiser.weight_decay,
        max_grad_norm=optimiser.max_grad_norm,
        lr_scheduler_type=schedule.kind,
        warmup_steps=schedule.warmup,  # below 1 it is a share of all steps
        bf16=compute_dtype == torch.bfloat16,
        gradient_checkpointing=schedule.gradient_checkpointing,
        # Its kernels for norms, rotations and gates round otherwise than torch's, which only
        # bfloat16 hides; the head stays TRL's, which takes answers alone.
        use_liger_kernel=(
            torch.cuda.is_available()
            and compute_dtype == torch.bfloat16
            and is_liger_kernel_available()
        ),
        seed=schedule.seed,
        data_seed=schedule.seed,
        logging_steps=schedule.logging_steps,
        logging_nan_inf_filter=False,  # it would write the last good loss in place of NaN
        eval_strategy=_every(schedule.eval_steps) if validates else "no",
        eval_steps=schedule.eval_steps,
        prediction_loss_only=True,
        save_strategy=_every(schedule.save_steps),
        save_steps=schedule.save_steps or 500,
        load_best_model_at_end=schedule.keep_best,
        metric_for_best_model="eval_loss" if schedule.keep_best else None,
        greater_is_better=False if schedule.keep_best else None,
        dataloader_num_workers=schedule.workers,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        # Rows are tokenised already and never cut.
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        completion_only_loss=False,
    )


def _every(steps: int | None) -> str:
    return "epoch" if steps is None else "steps"
