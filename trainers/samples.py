"""What the base model makes of a few validation rows, for whoever follows a run.

Answers that are cut, in another language or about another picture show here before training has
cost anything.
"""

from __future__ import annotations

import logging

from accelerate import PartialState

from cards.records import AnsweredSample
from trainers.base_model import LoadedBase
from trainers.evaluation import evaluate_model, kept_or_new
from trainers.evaluation_set import EvaluationSet
from trainers.recipe_schema import EvaluationSection
from trainers.run_folder import RunFolder, StartedRun

logger = logging.getLogger(__name__)


def answer_samples(
    base: LoadedBase,
    samples: EvaluationSet | None,
    evaluation: EvaluationSection,
    folder: RunFolder,
    run: StartedRun,
) -> tuple[AnsweredSample, ...]:
    """Greedy answers of the base model, written to the log. Called by all processes together.

    Args:
        samples: see `trainers.run_data.RunData`; None for no such rows.
        folder: keeps the answers for a run that is taken up again.
    """
    if samples is None:
        return ()
    answers = kept_or_new(
        folder.samples,
        run.zero_shot_fingerprint(evaluation),
        samples.ids,
        lambda: evaluate_model(base.tokenizer, samples, evaluation, "samples", base.model),
    )
    answered = tuple(
        AnsweredSample(id=id, prompt=prompt, reference=reference, answer=answer)
        for id, prompt, reference, answer in zip(
            samples.ids, samples.prompts, samples.references, answers.texts, strict=True
        )
    )
    if PartialState().is_main_process:
        for sample in answered:
            logger.info(
                "before training, row %s is answered: %s (reference: %s)",
                sample.id,
                sample.answer,
                sample.reference,
            )
    return answered
