"""From a finished training to `run.json`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from cards import scoring
from cards.baseline import trivial_baseline
from cards.records import AnsweredSample, DatasetUse, RunRecord
from trainers.dataset_source import DatasetSource
from trainers.push import PublicationPlan
from trainers.recipe_schema import Recipe
from trainers.run_data import RunData
from trainers.run_environment import describe_environment
from trainers.run_folder import StartedRun
from trainers.training import Trained


def make_record(
    recipe: Recipe,
    run: StartedRun,
    dataset: DatasetSource,
    plan: PublicationPlan,
    data: RunData,
    trained: Trained,
    samples: tuple[AnsweredSample, ...],
    predictions: pa.Table,
    artifacts: dict[str, str],
) -> RunRecord:
    """Put the run together.

    Args:
        samples: see `trainers.samples`.
        predictions: with their score columns.
        artifacts: {path in the release: sha256}.
    """
    metrics, comparison = scoring.summarise(
        recipe.task,
        predictions,
        resamples=recipe.evaluation.resamples,
        seed=recipe.evaluation.seed,
    )
    baseline = trivial_baseline(
        recipe.task,
        predictions,
        resamples=recipe.evaluation.resamples,
        seed=recipe.evaluation.seed,
    )
    described = dataset.record
    return RunRecord(
        # Where somebody keeps their files is of no use to others.
        recipe=recipe.resolved() | {"output_dir": Path(recipe.output_dir).name},
        task=recipe.task,
        base_model=run.base_model,
        dataset=DatasetUse(
            id=run.dataset.id,
            revision=run.dataset.revision,
            splits=data.rows_used,
            rows_there=data.rows_there,
        ),
        licence=plan.licence.id,
        parameter_groups=trained.groups,
        training=trained.summary,
        metrics=metrics,
        comparison=comparison,
        baseline=baseline,
        environment=describe_environment(run.processes),
        seeds={
            "training": recipe.schedule.seed,
            "evaluation_rows": recipe.evaluation.seed,
            "bootstrap": recipe.evaluation.seed,
        },
        artifacts=artifacts,
        library_model_class=trained.reference.model_class.__name__,
        dataset_findings=described.findings if described else (),
        bootstrap_resamples=recipe.evaluation.resamples,
        languages=described.languages if described else (),
        domain=described.domain if described else "general",
        base_licence=plan.base_licence.id,
        dataset_licence=dataset.licence.id,
        samples=samples,
    )
