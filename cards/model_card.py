"""The card of a tuned model: a pure function of `run.json` and `predictions.parquet`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cards import figures
from cards.card import (
    FIGURES_FOLDER,
    Card,
    compose,
    metric_value,
    p_value,
    record_digest,
)
from cards.citations import citations
from cards.errors import BogamError
from cards.eval_results import eval_results
from cards.licences import check_publication, find_licence, with_text_in
from cards.model_metadata import method_of, model_metadata, question_of
from cards.records import Comparison, Metric, RunRecord
from cards.row_description import is_made_up
from cards.slices import (
    FEW_DOCUMENTS,
    MOST_RESAMPLES,
    Interval,
    Slicing,
    slice_metric,
)
from cards.tasks import SIDES, Bilingual, Floats, Task, find_task

if TYPE_CHECKING:
    import pyarrow as pa

_EXAMPLE_LENGTH = 300


def render_model_card(run: RunRecord, predictions: pa.Table) -> Card:
    """README and figures of a tuned model.

    predictions: with score columns, as :func:`cards.scoring.score` returns them. Raise
    :class:`BogamError` when the licence forbids the push that `run.publication` describes or is
    looser than those of base and dataset, or when a metric lacks its counterpart.
    """
    task = find_task(run.task)
    _check_complete(run, task)
    licence = with_text_in(find_licence(run.licence), run.artifacts)
    made_from = {
        "기반 모델 · Base model": run.base_licence,
        "데이터 · Data": run.dataset_licence,
    }
    sources = {
        part: with_text_in(find_licence(name), run.artifacts)
        for part, name in made_from.items()
        if name is not None
    }
    repo_id = run.publication.repo_id if run.publication else None
    if run.publication:
        check_publication(
            licence,
            run.publication.repo_id,
            private=run.publication.private,
            made_from=tuple(sources.values()),
        )
    name = (repo_id or str(run.recipe.get("name", run.dataset.id))).rpartition("/")[2]
    splits = sorted(set(predictions["split"].to_pylist()))
    measured = [metric for metric in task.metrics if metric.name in run.metrics["tuned"]]
    gains = _gains(task, predictions)
    shown = [one for one in run.comparison if any(one.metric == metric.name for metric in measured)]
    files = {
        f"{FIGURES_FOLDER}/metrics.png": figures.before_and_after(
            {
                metric.name: ("↑ " if metric.higher_is_better else "↓ ") + metric.title.both("\n")
                for metric in measured
            },
            run.metrics["zero_shot"],
            run.metrics["tuned"],
        )
    }
    if run.training.loss_history:
        files[f"{FIGURES_FOLDER}/loss.png"] = figures.loss_curve(run.training.loss_history)
    if task.figures is not None:
        for figure, png in task.figures(run, predictions).items():
            files[f"{FIGURES_FOLDER}/{figure}"] = png
    files |= eval_results(run, task)
    slicings = slice_metric(
        task, predictions, resamples=run.bootstrap_resamples, seed=run.seeds.get("bootstrap", 0)
    )
    readme = compose(
        model_metadata(run, task, licence, name, splits),
        "model_card.md.jinja",
        run=run,
        name=name,
        repo_id=repo_id,
        licence=licence,
        chain=[*sources.items(), ("이 모델 · This model", licence)],
        made_up=is_made_up(run.dataset_findings),
        evaluated={
            "rows": predictions.num_rows,
            "splits": splits,
            "documents": run.metrics["tuned"][task.primary].documents or predictions.num_rows,
        },
        headline=_headline(run, task),
        table=_table(run, task),
        baseline=run.baseline,
        above_baseline=_is_above_baseline(run, task),
        tests=sorted({comparison.test for comparison in run.comparison}),
        seed=run.seeds.get("bootstrap", 0),
        primary=_metric_title(task, task.primary),
        later_turns=_later_turns(run, predictions),
        flat=any(one.low == one.high == 0 for one in shown),
        at_odds=any((one.low <= 0 <= one.high) != (one.p_value >= 0.05) for one in shown),
        examples=_examples(run, task, predictions, gains) if licence.redistribution else [],
        better=int((gains > 0).sum()),
        worse=int((gains < 0).sum()),
        early_answers=_early_answers(run) if licence.redistribution else [],
        section=_section(run, task, predictions),
        slicings=[_slicing_table(slicing, task.primary_metric.unit) for slicing in slicings],
        few=FEW_DOCUMENTS,
        slice_resamples=min(run.bootstrap_resamples, MOST_RESAMPLES),
        calibrated="calibration_error" in run.metrics["tuned"],
        chinese="zh" in run.languages,
        citations=citations(run, name, method_of(run)),
        multimodal=run.library_model_class == "AutoModelForImageTextToText",
        quantisation=run.recipe.get("quantisation"),
        system_prompt=run.recipe.get("system_prompt"),
        drawn=[
            {"split": split, "used": run.dataset.splits[split], "there": there}
            for split, there in run.dataset.rows_there.items()
            if split in splits and run.dataset.splits.get(split, there) < there
        ],
        question=question_of(
            run, predictions["prompt"].to_pylist(), quotable=licence.redistribution
        ),
        max_new_tokens=run.recipe.get("evaluation", {}).get("max_new_tokens", 256),
        digest=record_digest(run),
    )
    return Card(readme, files)


def _check_complete(run: RunRecord, task: Task) -> None:
    compared = {comparison.metric for comparison in run.comparison}
    zero_shot, tuned = (set(run.metrics.get(side, {})) for side in SIDES)
    if task.primary not in tuned or not zero_shot == tuned == compared:
        raise BogamError(
            f"The card of {run.dataset.id}: zero-shot has {sorted(zero_shot)}, tuned has "
            f"{sorted(tuned)}, compared are {sorted(compared)}; all three must be the same and "
            f"hold {task.primary!r}. Make them with cards.scoring.summarise."
        )


def _headline(run: RunRecord, task: Task) -> dict[str, Any]:
    """The primary metric in a sentence; what it says follows from the interval alone."""
    comparison = next(one for one in run.comparison if one.metric == task.primary)
    tuned = run.metrics["tuned"][task.primary]
    zero_shot = run.metrics["zero_shot"][task.primary]
    if comparison.low <= 0 <= comparison.high:
        verdict = Bilingual("차이가 확인되지 않았습니다", "shows no clear difference")
        chinese = "未显示明确差异"
    elif (comparison.difference > 0) == tuned.higher_is_better:
        verdict = Bilingual("나아졌습니다", "improved")
        chinese = "有所改善"
    else:
        verdict = Bilingual("나빠졌습니다", "got worse")
        chinese = "有所下降"
    return {
        "title": _metric_title(task, task.primary),
        "verdict": verdict,
        "verdict_zh": chinese,
        "before": metric_value(zero_shot.value, zero_shot.unit),
        "after": metric_value(tuned.value, tuned.unit),
        "baseline": metric_value(run.baseline.value, tuned.unit) if run.baseline else None,
        "difference": _signed(comparison.difference, tuned.unit),
        "low": _signed(comparison.low, tuned.unit),
        "high": _signed(comparison.high, tuned.unit),
        "p": p_value(comparison.p_value),
    }


def _is_above_baseline(run: RunRecord, task: Task) -> bool:
    """The intervals of tuned model and baseline lie apart, the model's on the better side."""
    if run.baseline is None:
        return False
    tuned = run.metrics["tuned"][task.primary]
    if tuned.higher_is_better:
        return tuned.low > run.baseline.high
    return tuned.high < run.baseline.low


def _table(run: RunRecord, task: Task) -> list[dict[str, Any]]:
    comparisons = {comparison.metric: comparison for comparison in run.comparison}
    return [
        {
            "title": metric.title,
            "meaning": metric.meaning,
            "zero_shot": run.metrics["zero_shot"][metric.name],
            "tuned": run.metrics["tuned"][metric.name],
            "difference": _difference(comparisons[metric.name], run.metrics["tuned"][metric.name]),
            "p": p_value(comparisons[metric.name].p_value),
            "n": run.metrics["tuned"][metric.name].n,
        }
        for metric in task.metrics
        if metric.name in run.metrics["tuned"]
    ]


def _slicing_table(slicing: Slicing, unit: str) -> dict[str, Any]:
    def shown(interval: Interval, number: Callable[[float, str], str]) -> str:
        bounds = f"{number(interval.low, unit)}, {number(interval.high, unit)}"
        return f"{number(interval.value, unit)} [{bounds}]"

    return {
        "title": slicing.title,
        "folded": slicing.folded,
        "rows": [
            {
                "value": one.value,
                "examples": one.examples,
                "documents": one.documents,
                "is_small": one.is_small,
                "zero_shot": shown(one.zero_shot, metric_value),
                "tuned": shown(one.tuned, metric_value),
                "difference": shown(one.difference, _signed),
            }
            for one in slicing.slices
        ],
    }


def _difference(comparison: Comparison, tuned: Metric) -> str:
    low, high = (_signed(bound, tuned.unit) for bound in (comparison.low, comparison.high))
    return f"{_signed(comparison.difference, tuned.unit)} [{low}, {high}]"


def _signed(value: float, unit: str) -> str:
    text = metric_value(value, unit)
    return text if text.startswith("-") else f"+{text}"


def _metric_title(task: Task, name: str) -> Bilingual:
    return next(metric.title for metric in task.metrics if metric.name == name)


def _gains(task: Task, predictions: pa.Table) -> Floats:
    """(examples,) by how much tuning made the primary metric better."""
    metric = task.primary_metric
    before, after = (predictions[metric.column(side)].to_numpy() for side in SIDES)
    return np.asarray((after - before) * (1 if metric.higher_is_better else -1))


def _examples(
    run: RunRecord, task: Task, predictions: pa.Table, gains: Floats
) -> list[dict[str, Any]]:
    """Largest gain, median and largest loss of the primary metric; ties go to the first row.

    A row is called a gain or a loss only where it is one.
    """
    metric = task.primary_metric
    order = np.argsort(-gains, kind="stable").tolist()
    chosen: dict[int, Bilingual] = {}
    if gains[order[0]] > 0:
        chosen[order[0]] = Bilingual("가장 나아짐", "largest gain")
    if gains[order[-1]] < 0:
        chosen[order[-1]] = Bilingual("가장 나빠짐", "largest loss")
    chosen.setdefault(order[len(order) // 2], Bilingual("가운데", "median"))
    examples = []
    for row in sorted(chosen, key=order.index):
        example = {
            name: _shortened(predictions[name][row].as_py())
            for name in ("id", "reference", "zero_shot", "tuned")
        }
        before, after = (
            metric_value(predictions[metric.column(side)][row].as_py(), metric.unit)
            for side in SIDES
        )
        turn = _turn(predictions["id"][row].as_py()) if _asks_all_turns(run) else 1
        examples.append(
            example
            | {
                "title": chosen[row],
                "change": f"{before} → {after}",
                "turns": _turns(predictions["prompt"][row].as_py(), turn),
            }
        )
    return examples


def _asks_all_turns(run: RunRecord) -> bool:
    return bool(run.recipe.get("evaluation", {}).get("turns") == "all")


def _turn(row_id: str) -> int:
    """Which question of its talk an example is, from 1, where all questions were asked."""
    turn = row_id.rpartition("#")[2]
    return int(turn) if turn.isdecimal() else 1


def _later_turns(run: RunRecord, predictions: pa.Table) -> int:
    """How many examples are not the first question of their talk."""
    if not _asks_all_turns(run):
        return 0
    return sum(_turn(row_id) > 1 for row_id in predictions["id"].to_pylist())


def _turns(prompt: str, turn: int) -> list[str]:
    """Question, answer, ..., question; the prompt as it is where blank lines do not part it so."""
    parts = prompt.split("\n\n")
    return [_shortened(one) for one in (parts if len(parts) == 2 * turn - 1 else [prompt])]


def _early_answers(run: RunRecord) -> list[dict[str, str]]:
    """What the base model said to a few validation rows, so that a reader sees where it began."""
    return [
        {name: _shortened(text) for name, text in sample.model_dump().items()}
        for sample in run.samples
    ]


def _section(run: RunRecord, task: Task, predictions: pa.Table) -> dict[str, Any] | None:
    """What the task's own part of the card shows, and the template that shows it."""
    if task.section is None:
        return None
    template, values = task.section
    return {"template": template, **values(run, predictions)}


def _shortened(text: str | None) -> str:
    text = text or ""
    return text if len(text) <= _EXAMPLE_LENGTH else text[: _EXAMPLE_LENGTH - 1] + "…"
