"""The same held-out rows before both models: what is asked when, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
from peft import PeftModel
from transformers import PreTrainedModel

from cards.class_predictions import with_classes
from trainers.base_model import LoadedBase
from trainers.class_run import answer_classes, check_answers, classify
from trainers.evaluation import evaluate_model, kept_or_new, predictions_table
from trainers.recipe_schema import Recipe
from trainers.run_data import RunData
from trainers.run_folder import RunFolder, StartedRun

Compare = Callable[[PreTrainedModel | PeftModel], pa.Table]
"""The tuned model -> predictions of both, without their score columns."""


def comparison(
    recipe: Recipe,
    folder: RunFolder,
    run: StartedRun,
    base: LoadedBase,
    data: RunData,
    load_whole: Callable[[], LoadedBase],
) -> Compare:
    """Ask the base model what only it can be asked before training; the rest after it.

    Both models are held in the same precision. Answers in words are asked for before training and
    kept in the run's folder. Classes are scored by both models after it, one batch after the
    other, which need be made only once.

    Args:
        load_whole: loads the base model without quantisation.

    Raises:
        BogamError: a row of a classification task is answered by none of its classes.
    """
    classes = answer_classes(recipe) if recipe.task == "classification" else ()
    if classes:
        labels = check_answers(base, data, classes)
        if recipe.evaluation.mode == "score":
            return partial(
                classify, data.evaluation, recipe.evaluation, classes, labels, load_whole
            )
    ask = partial(evaluate_model, base.tokenizer, data.evaluation, recipe.evaluation)
    zero_shot = kept_or_new(
        folder.zero_shot,
        run.zero_shot_fingerprint(recipe.evaluation),
        data.evaluation.ids,
        partial(ask, "zero-shot", base.model),
    )

    def compare(tuned: PreTrainedModel | PeftModel) -> pa.Table:
        predictions = predictions_table(data.evaluation, zero_shot, ask("tuned", tuned))
        return with_classes(predictions, classes) if classes else predictions

    return compare
