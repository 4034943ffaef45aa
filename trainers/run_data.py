"""The rows of a run: which are learnt, which are watched while learning, which are held out."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass

import datasets
from accelerate import PartialState

from trainers.base_model import LoadedBase
from trainers.dataset_source import DatasetSource, choose_rows, load_splits
from trainers.recipe_schema import Recipe
from trainers.training_set import (
    EvaluationSet,
    TrainingSet,
    encode_evaluation_set,
    encode_training_set,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunData:
    """Everything tokenised. `rows_used` counts by split what went into the run."""

    train: TrainingSet
    validation: TrainingSet | None
    evaluation: EvaluationSet
    rows_used: dict[str, int]


def read_run_data(recipe: Recipe, source: DatasetSource, base: LoadedBase) -> RunData:
    """Load the recipe's splits and tokenise them for the base model.

    Raises:
        BogamError: see `trainers.dataset_source` and `trainers.training_set`.
    """
    positions = base.model.config.get_text_config().max_position_embeddings
    state = PartialState()
    with contextlib.ExitStack() as stack:
        if not state.is_main_process:
            datasets.disable_progress_bars()
            stack.callback(datasets.enable_progress_bars)
        # One process of a machine downloads, the others find it in the cache.
        with state.local_main_process_first():
            splits = load_splits(source)
        section, schedule = recipe.dataset, recipe.schedule

        def encoded(split: str, key: str, at_most: int | None) -> TrainingSet:
            rows = choose_rows(
                splits, split, of=section.id, key=key, at_most=at_most, seed=schedule.seed
            )
            return encode_training_set(
                rows,
                base.tokenizer,
                split=split,
                system_prompt=recipe.system_prompt,
                max_length=min(schedule.max_length or positions, positions),
                on_too_long=schedule.on_too_long,
            )

        train = encoded(section.train_split, "dataset.train_split", section.max_train_samples)
        validation = (
            encoded(
                section.validation_split,
                "dataset.validation_split",
                section.max_validation_samples,
            )
            if section.validation_split is not None
            else None
        )
        held_out = recipe.evaluation
        evaluation = encode_evaluation_set(
            choose_rows(
                splits,
                held_out.split,
                of=section.id,
                key="evaluation.split",
                at_most=held_out.max_samples,
                seed=held_out.seed,
            ),
            base.tokenizer,
            split=held_out.split,
            system_prompt=recipe.system_prompt,
            max_length=positions,
            max_new_tokens=held_out.max_new_tokens,
        )
    rows_used = {section.train_split: len(train.rows)}
    if validation is not None and section.validation_split is not None:
        rows_used[section.validation_split] = len(validation.rows)
    rows_used[held_out.split] = len(evaluation.ids)
    logger.info(
        "rows: %s; training: %d answer tokens, longest row %d tokens, %d rows over the limit",
        ", ".join(f"{split} {rows}" for split, rows in rows_used.items()),
        train.label_tokens,
        train.longest,
        train.over_length,
    )
    return RunData(train, validation, evaluation, rows_used)
