"""The rows of a run: which are learnt, which are watched while learning, which are held out."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import datasets
from accelerate import PartialState

from cards.tasks import find_task
from trainers.base_model import LoadedBase
from trainers.collator import AnswerCollator
from trainers.dataset_source import DatasetSource, choose_rows, load_splits
from trainers.evaluation_set import EvaluationSet, encode_evaluation_set
from trainers.online_augmentation import augmented, refuse_copies, with_copies
from trainers.recipe_schema import Recipe
from trainers.training_set import TrainingSet, encode_training_set

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunData:
    """Everything tokenised. `rows_used` counts by split what went into the run, `rows_there` what
    could have."""

    train: TrainingSet
    validation: TrainingSet | None
    evaluation: EvaluationSet
    rows_used: dict[str, int]
    rows_there: dict[str, int]
    samples: EvaluationSet | None = None
    """The validation rows that the base model answers for the log, see `trainers.samples`."""
    collator: AnswerCollator | None = None
    """Of a vision-language model; None for text, of which the trainer makes batches itself."""


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

        processing_class = base.processor or base.tokenizer

        def chosen(
            split: str,
            key: str,
            at_most: int | None,
            *,
            seed: int = schedule.seed,
            row_columns: Sequence[str] = (),
        ) -> datasets.Dataset:
            return choose_rows(
                splits,
                split,
                of=section.id,
                key=key,
                at_most=at_most,
                seed=seed,
                with_images=base.processor is not None,
                row_columns=row_columns,
            )

        def learnt(rows: datasets.Dataset, split: str) -> TrainingSet:
            return encode_training_set(
                rows,
                processing_class,
                split=split,
                system_prompt=recipe.system_prompt,
                max_length=min(schedule.max_length or positions, positions),
                on_too_long=schedule.on_too_long,
            )

        held_out = recipe.evaluation
        asked = partial(
            encode_evaluation_set,
            processing_class=processing_class,
            system_prompt=recipe.system_prompt,
            max_length=positions,
            max_new_tokens=held_out.max_new_tokens,
        )

        learning = chosen(section.train_split, "dataset.train_split", section.max_train_samples)
        copies: tuple[int, ...] = ()
        if recipe.augmentation is not None:
            refuse_copies(source)
            learning, copies = with_copies(learning, recipe.augmentation, recipe.classes or ())
        train = learnt(learning, section.train_split)
        if recipe.augmentation is not None:
            train = augmented(train, recipe.augmentation, copies)
        validation = samples = None
        if section.validation_split is not None:
            watched = chosen(
                section.validation_split,
                "dataset.validation_split",
                section.max_validation_samples,
            )
            validation = learnt(watched, section.validation_split)
            if schedule.samples_logged:
                samples = asked(
                    watched.select(range(min(schedule.samples_logged, len(watched)))),
                    split=section.validation_split,
                )
        evaluation_rows = chosen(
            held_out.split,
            "evaluation.split",
            held_out.max_samples,
            seed=held_out.seed,
            row_columns=find_task(recipe.task).row_columns,
        )
        evaluation = asked(
            evaluation_rows,
            split=held_out.split,
            turns=held_out.turns,
            row_columns=find_task(recipe.task).row_columns,
        )
    # Copies made while training are not rows of the dataset.
    originals = sum(not copies[row] for row in train.rows["row"]) if copies else len(train.rows)
    rows_used = {section.train_split: originals}
    if validation is not None and section.validation_split is not None:
        rows_used[section.validation_split] = len(validation.rows)
    rows_used[held_out.split] = len(evaluation_rows)
    logger.info(
        "rows: %s; training: %d answer tokens, longest row %d tokens, %d rows over the limit",
        ", ".join(f"{split} {rows}" for split, rows in rows_used.items()),
        train.label_tokens,
        train.longest,
        train.over_length,
    )
    collator = None
    if base.processor is not None:
        collator = AnswerCollator(
            base.tokenizer.pad_token_id,
            base.processor,
            {
                one.images.split: one.images
                for one in (train, validation)
                if one is not None and one.images is not None
            },
        )
    rows_there = {split: len(splits[split]) for split in rows_used}
    return RunData(train, validation, evaluation, rows_used, rows_there, samples, collator)
