"""From predictions to the numbers of a card. The trainer and `bogam verify` call the same code.

The denominator is always the number of rows: an answer that is missing or could not be read
counts as empty, it is never left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cards import statistics
from cards.errors import BogamError
from cards.records import Comparison, Metric
from cards.tasks import SIDES, Floats, RankMetric, Side, Task, TaskMetric, find_task

if TYPE_CHECKING:
    import pyarrow as pa

RESAMPLES = 2000


def score(task: str, predictions: pa.Table, *, only: str | None = None) -> pa.Table:
    """Add (or compute again) the columns that the task derives, and `zero_shot_<metric>` and
    `tuned_<metric>`, float64, null in rows that the metric is not about.

    `only` names a metric, if no other is wanted.
    Raise :class:`BogamError` when the task is unknown or a column of the task is missing.
    """
    import pyarrow as pa

    description = find_task(task)
    _check(description, predictions)
    scored = predictions
    if description.derive is not None:
        for name, values in description.derive(predictions).items():
            scored = with_column(scored, name, values)
    for metric in _metrics(description, scored, only):
        if isinstance(metric, RankMetric) or metric.score is None:
            continue
        for side in SIDES:
            scores = metric.score(scored, side)
            values = pa.array(scores, pa.float64(), mask=~metric.about(scored))
            scored = with_column(scored, metric.column(side), values)
    return scored


def summarise(
    task: str,
    predictions: pa.Table,
    *,
    resamples: int = RESAMPLES,
    seed: int,
    only: str | None = None,
) -> tuple[dict[Side, dict[str, Metric]], tuple[Comparison, ...]]:
    """Metrics of both models with 95 % intervals, and tuned minus zero-shot with a paired test.

    predictions: as :func:`score` returns them. A column `document_id`, where there is one, says
    which rows belong together; documents are then what is resampled and swapped. Metrics of
    right and wrong are compared by the exact McNemar test, the others by `resamples` random
    swaps. `only` names a metric, if no other is wanted.

    Raise :class:`BogamError` when a column is missing or holds a number that is not finite.
    """
    description = find_task(task)
    _check(description, predictions)
    documents = documents_of(predictions)
    metrics = _metrics(description, predictions, only)
    drawn = _draw_sums(
        [metric for metric in metrics if isinstance(metric, TaskMetric)],
        predictions,
        documents,
        resamples,
        seed,
    )
    drawn |= _draw_ranks(
        [metric for metric in metrics if isinstance(metric, RankMetric)],
        predictions,
        documents,
        resamples,
        seed,
    )
    table: dict[Side, dict[str, Metric]] = {side: {} for side in SIDES}
    comparisons = []
    for metric in metrics:
        for side in SIDES:
            n, of_documents = _examples_and_documents(metric, predictions, documents, side)
            low, high = _interval(metric, drawn[metric.name], side, of_documents)
            table[side][metric.name] = Metric(
                value=drawn[metric.name].values[side],
                low=low,
                high=high,
                n=n,
                unit=metric.unit,
                higher_is_better=metric.higher_is_better,
                documents=of_documents,
            )
        comparisons.append(_compare(metric, drawn[metric.name], predictions, documents))
    return table, tuple(comparisons)


def _metrics(task: Task, predictions: pa.Table, only: str | None) -> list[TaskMetric | RankMetric]:
    return [one for one in task.metrics_of(predictions) if only in (None, one.name)]


@dataclass(frozen=True)
class _Draws:
    """A metric of both models: on all examples, on resampled ones, and with outputs swapped."""

    values: dict[Side, float]
    resampled: dict[Side, Floats]
    swapped: Floats
    """Tuned minus zero-shot after each swap."""
    trials: dict[Side, float]
    """Behind a value of exactly 0 or 1; empty where they are the documents."""


def _draw_sums(
    metrics: list[TaskMetric],
    predictions: pa.Table,
    documents: NDArray[np.int64] | None,
    resamples: int,
    seed: int,
) -> dict[str, _Draws]:
    if not metrics:
        return {}
    spans, contributions = _contributions(metrics, predictions, documents)
    half = contributions.shape[1] // 2
    totals = contributions.sum(axis=0)
    samples = statistics.resampled_sums(contributions, resamples=resamples, seed=seed)
    moved = statistics.swapped_sums(
        contributions[:, half:] - contributions[:, :half], swaps=resamples, seed=seed
    )
    columns = {"zero_shot": slice(0, half), "tuned": slice(half, None)}
    drawn = {}
    for metric, span in zip(metrics, spans, strict=True):
        swapped = metric.statistic(
            totals[columns["tuned"]][span] - moved[:, span]
        ) - metric.statistic(totals[columns["zero_shot"]][span] + moved[:, span])
        drawn[metric.name] = _Draws(
            {side: float(metric.statistic(totals[columns[side]][span])) for side in SIDES},
            {side: metric.statistic(samples[:, columns[side]][:, span]) for side in SIDES},
            swapped,
            {side: metric.trials(contributions[:, columns[side]][:, span]) for side in SIDES}
            if metric.trials
            else {},
        )
    return drawn


def _draw_ranks(
    metrics: list[RankMetric],
    predictions: pa.Table,
    documents: NDArray[np.int64] | None,
    resamples: int,
    seed: int,
) -> dict[str, _Draws]:
    rows = predictions.num_rows
    codes = np.arange(rows) if documents is None else documents
    count = int(codes.max()) + 1
    families = {metric.weighted: metric.weighted(predictions) for metric in metrics}
    drawn = {}
    for family, weighted in families.items():
        none, all_ = np.zeros((1, rows)), np.ones((1, rows))
        values = {"zero_shot": weighted(all_, none), "tuned": weighted(none, all_)}
        blocks: dict[Side, list[Floats]] = {side: [] for side in SIDES}
        for draws in statistics.resampling_weights(count, resamples=resamples, seed=seed):
            weights = draws[:, codes]
            nothing = np.zeros_like(weights)
            blocks["zero_shot"].append(weighted(weights, nothing))
            blocks["tuned"].append(weighted(nothing, weights))
        resampled = {side: np.concatenate(parts, axis=1) for side, parts in blocks.items()}
        exchanged = []
        for draws in statistics.swapped_rows(count, swaps=resamples, seed=seed):
            flips = draws[:, codes]
            exchanged.append((weighted(1 - flips, flips), weighted(flips, 1 - flips)))
        before, after = (np.concatenate(parts, axis=1) for parts in zip(*exchanged, strict=True))
        for metric in metrics:
            if metric.weighted is family:
                drawn[metric.name] = _Draws(
                    {side: float(metric.statistic(values[side])[0]) for side in SIDES},
                    {side: metric.statistic(resampled[side]) for side in SIDES},
                    metric.statistic(after) - metric.statistic(before),
                    dict.fromkeys(SIDES, metric.trials(predictions, codes)),
                )
    return drawn


def _interval(
    metric: TaskMetric | RankMetric, drawn: _Draws, side: Side, documents: int
) -> tuple[float, float]:
    value = drawn.values[side]
    if metric.unit == "0-1" and value in (0.0, 1.0):
        return statistics.wilson_interval(value, drawn.trials.get(side, documents))
    if isinstance(metric, TaskMetric) and metric.grows_with_noise:
        low, high = statistics.reflected_interval(drawn.resampled[side], value)
        return max(0.0, low), high
    return statistics.percentile_interval(drawn.resampled[side])


def _compare(
    metric: TaskMetric | RankMetric,
    drawn: _Draws,
    predictions: pa.Table,
    documents: NDArray[np.int64] | None,
) -> Comparison:
    difference = drawn.values["tuned"] - drawn.values["zero_shot"]
    differences = drawn.resampled["tuned"] - drawn.resampled["zero_shot"]
    low, high = statistics.percentile_interval(differences)
    if isinstance(metric, TaskMetric) and metric.grows_with_noise:
        low, high = statistics.reflected_interval(differences, difference)
    if isinstance(metric, TaskMetric) and metric.binary:
        p_value = _mcnemar_p(metric, predictions, documents)
        test = "exact McNemar" if documents is None else "exact McNemar over documents"
    else:
        p_value = statistics.randomisation_p(difference, drawn.swapped)
        test = f"paired randomisation, {len(drawn.swapped)} swaps"
    return Comparison(
        metric=metric.name, difference=difference, low=low, high=high, p_value=p_value, test=test
    )


def _mcnemar_p(
    metric: TaskMetric, predictions: pa.Table, documents: NDArray[np.int64] | None
) -> float:
    zero_shot, tuned = (predictions[metric.column(side)].to_numpy() > 0.5 for side in SIDES)
    about = metric.about(predictions)
    if documents is None:
        return statistics.mcnemar_p(
            int((about & zero_shot & ~tuned).sum()), int((about & tuned & ~zero_shot).sum())
        )
    gained = (tuned.astype(np.float64) - zero_shot)[:, None] * about[:, None]
    by_document = statistics.sums_by_document(gained, documents)[:, 0]
    return statistics.mcnemar_by_document_p(by_document.astype(np.int64))


def _check(task: Task, predictions: pa.Table) -> None:
    """There is something to measure."""
    present = set(predictions.column_names)
    missing = [name for name in task.columns if name not in present]
    if missing:
        raise BogamError(
            f"Scoring task {task.name!r}: the predictions have no column {', '.join(missing)}. "
            f"They hold {', '.join(predictions.column_names)}. Write predictions.parquet again "
            "with the trainer."
        )
    if not predictions.num_rows:
        raise BogamError(
            f"Scoring task {task.name!r}: the predictions have no row. Was the evaluation split "
            "empty?"
        )
    for name in (*task.columns, "document_id"):
        # An answer may be missing, what was asked may not.
        if name in present and name not in SIDES and predictions[name].null_count:
            raise BogamError(
                f"Scoring task {task.name!r}: {predictions[name].null_count} rows have no {name}. "
                "Write predictions.parquet again with the trainer."
            )


def _examples_and_documents(
    metric: TaskMetric | RankMetric,
    predictions: pa.Table,
    documents: NDArray[np.int64] | None,
    side: Side,
) -> tuple[int, int]:
    """How many examples the value is computed from, and of how many documents they are."""
    about = metric.about(predictions)
    if isinstance(metric, TaskMetric) and metric.counted is not None:
        about = about & metric.counted(metric.contributions(predictions, side))
    n = int(about.sum())
    return n, n if documents is None else len(np.unique(documents[about]))


def documents_of(predictions: pa.Table) -> NDArray[np.int64] | None:
    """(rows,) number of each row's document, or None where rows are what is resampled.

    So it is when every row is a document of its own, and when all rows are of one, which leaves
    nothing else to resample.
    """
    if "document_id" not in predictions.column_names:
        return None
    codes = predictions["document_id"].combine_chunks().dictionary_encode()
    if len(codes.dictionary) in (1, predictions.num_rows):
        return None
    return np.asarray(codes.indices).astype(np.int64)


def _contributions(
    metrics: list[TaskMetric], predictions: pa.Table, documents: NDArray[np.int64] | None
) -> tuple[list[slice], Floats]:
    """Where each metric's sums stand in one side, and (documents, 2 k): zero-shot, then tuned."""
    sides: list[list[Floats]] = [[], []]
    places: dict[tuple[object, object], slice] = {}
    spans: list[slice] = []
    start = 0
    for metric in metrics:
        shared = metric.contributions, metric.rows
        if shared not in places:
            for parts, side in zip(sides, SIDES, strict=True):
                parts.append(_finite_contributions(metric, predictions, side))
            width = sides[0][-1].shape[1]
            places[shared] = slice(start, start + width)
            start += width
        spans.append(places[shared])
    stacked = np.concatenate([np.concatenate(parts, axis=1) for parts in sides], axis=1)
    if documents is not None:
        stacked = statistics.sums_by_document(stacked, documents)
    return spans, stacked


def _finite_contributions(metric: TaskMetric, predictions: pa.Table, side: Side) -> Floats:
    try:
        part = metric.contributions(predictions, side)
        part = np.where(metric.about(predictions)[:, None], part, 0.0)
    except KeyError as error:
        raise BogamError(
            f"Metric {metric.name!r}: the predictions have no column {error}. "
            "Call cards.scoring.score on them first."
        ) from error
    bad = np.flatnonzero(~np.isfinite(part).all(axis=1))
    if bad.size:
        raise BogamError(
            f"Metric {metric.name!r} of {side}: row {predictions['id'][int(bad[0])]} holds "
            f"a number that is not finite ({bad.size} such rows). Evaluate again."
        )
    return part


def with_column(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """The table with a column of this name, in the place of the one it had."""
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)
