"""From predictions to the numbers of a card. The trainer and `bogam verify` call the same code.

The denominator is always the number of rows: an answer that is missing or could not be read
counts as empty, it is never left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cards import statistics
from cards.errors import BogamError
from cards.records import Comparison, Metric
from cards.tasks import SIDES, Floats, Side, Task, TaskMetric, find_task

if TYPE_CHECKING:
    import pyarrow as pa

RESAMPLES = 2000


def score(task: str, predictions: pa.Table) -> pa.Table:
    """Add (or compute again) the columns `zero_shot_<metric>` and `tuned_<metric>`, float64.

    Raise :class:`BogamError` when the task is unknown or a column of the task is missing.
    """
    scored = predictions
    for metric in _measurable(find_task(task), predictions):
        if metric.score is None:
            continue
        for side in SIDES:
            scored = _with_column(scored, metric.column(side), metric.score(scored, side))
    return scored


def summarise(
    task: str, predictions: pa.Table, *, resamples: int = RESAMPLES, seed: int
) -> tuple[dict[Side, dict[str, Metric]], tuple[Comparison, ...]]:
    """Metrics of both models with 95 % intervals, and tuned minus zero-shot with a paired test.

    predictions: as :func:`score` returns them. A column `document_id`, where there is one, says
    which rows belong together; documents are then what is resampled and swapped. A metric of
    right and wrong, one row a document, is compared by the exact McNemar test, the others by
    `resamples` random swaps. Raise :class:`BogamError` when a column is missing or
    holds a number that is not finite.
    """
    description = find_task(task)
    metrics = _measurable(description, predictions)
    documents = _documents(predictions)
    spans, contributions = _contributions(metrics, predictions, documents)
    counts = [_examples_and_documents(metric, predictions, documents) for metric in metrics]
    half = contributions.shape[1] // 2

    totals = contributions.sum(axis=0)
    samples = statistics.resampled_sums(contributions, resamples=resamples, seed=seed)
    moved = statistics.swapped_sums(
        contributions[:, half:] - contributions[:, :half], swaps=resamples, seed=seed
    )
    columns = {"zero_shot": slice(0, half), "tuned": slice(half, None)}

    table: dict[Side, dict[str, Metric]] = {side: {} for side in SIDES}
    comparisons = []
    for metric, span, (n, of_documents) in zip(metrics, spans, counts, strict=True):
        values: dict[Side, float] = {}
        resampled: dict[Side, Floats] = {}
        for side in SIDES:
            values[side] = float(metric.statistic(totals[columns[side]][span]))
            resampled[side] = metric.statistic(samples[:, columns[side]][:, span])
            if metric.binary and values[side] in (0.0, 1.0):
                low, high = statistics.wilson_interval(values[side], of_documents)
            else:
                low, high = statistics.percentile_interval(resampled[side])
            table[side][metric.name] = Metric(
                value=values[side],
                low=low,
                high=high,
                n=n,
                unit=metric.unit,
                higher_is_better=metric.higher_is_better,
                documents=of_documents,
            )
        swapped = metric.statistic(
            totals[columns["tuned"]][span] - moved[:, span]
        ) - metric.statistic(totals[columns["zero_shot"]][span] + moved[:, span])
        comparisons.append(
            _compare(metric, predictions, documents, values, resampled, swapped, resamples)
        )
    return table, tuple(comparisons)


def _compare(
    metric: TaskMetric,
    predictions: pa.Table,
    documents: NDArray[np.int64] | None,
    values: dict[Side, float],
    resampled: dict[Side, Floats],
    swapped: Floats,
    resamples: int,
) -> Comparison:
    difference = values["tuned"] - values["zero_shot"]
    low, high = statistics.percentile_interval(resampled["tuned"] - resampled["zero_shot"])
    if metric.binary and documents is None:
        about = metric.about(predictions)
        zero_shot, tuned = (
            predictions[metric.column(side)].to_numpy().astype(bool)[about] for side in SIDES
        )
        p_value = statistics.mcnemar_p(
            int((zero_shot & ~tuned).sum()), int((tuned & ~zero_shot).sum())
        )
        test = "exact McNemar"
    else:
        p_value = statistics.randomisation_p(difference, swapped)
        test = f"paired randomisation, {resamples} swaps"
    return Comparison(
        metric=metric.name, difference=difference, low=low, high=high, p_value=p_value, test=test
    )


def _measurable(task: Task, predictions: pa.Table) -> list[TaskMetric]:
    """The task's metrics whose columns are there."""
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
    return [
        metric
        for metric in task.metrics
        if present.issuperset(metric.needs) and metric.about(predictions).any()
    ]


def _examples_and_documents(
    metric: TaskMetric, predictions: pa.Table, documents: NDArray[np.int64] | None
) -> tuple[int, int]:
    """How many examples the metric is about, and of how many documents they are."""
    about = metric.about(predictions)
    n = int(about.sum())
    return n, n if documents is None else len(np.unique(documents[about]))


def _documents(predictions: pa.Table) -> NDArray[np.int64] | None:
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
    spans: list[slice] = []
    start = 0
    for metric in metrics:
        for parts, side in zip(sides, SIDES, strict=True):
            try:
                part = metric.contributions(predictions, side)
                part = part * metric.about(predictions)[:, None]
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
            parts.append(part)
        spans.append(slice(start, start + part.shape[1]))
        start += part.shape[1]
    stacked = np.concatenate([np.concatenate(parts, axis=1) for parts in sides], axis=1)
    if documents is not None:
        stacked = statistics.sums_by_document(stacked, documents)
    return spans, stacked


def _with_column(table: pa.Table, name: str, values: Floats) -> pa.Table:
    import pyarrow as pa

    column = pa.array(values, pa.float64())
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)
