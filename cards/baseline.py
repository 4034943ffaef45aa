"""What the primary metric is worth without a model: the trivial baseline.

A base model often fails by the form of its answers alone, so tuning that teaches no more than the
form looks like progress. Two kinds of answers that look at nothing are scored too, and the better
one is what a tuned model must exceed: the commonest reference given to every example, and the
reference of another document, to the same question where one was asked it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cards import statistics
from cards.records import Metric
from cards.scoring import RESAMPLES, score, summarise, with_column
from cards.tasks import SIDES, find_task

if TYPE_CHECKING:
    import pyarrow as pa


def trivial_baseline(
    task: str, predictions: pa.Table, *, resamples: int = RESAMPLES, seed: int
) -> Metric | None:
    """The task's primary metric of the better kind of answers that need no model.

    `seed` decides who gets whose reference, and draws the interval. None where all examples are of
    one document or the metric is not defined. Raises :class:`BogamError` as
    :func:`cards.scoring.score` does.
    """
    import pyarrow as pa

    others = rows_of_other_documents(predictions, seed)
    if others is None:
        return None
    references = predictions["reference"].to_pylist()
    commonest, _ = Counter(references).most_common(1)[0]
    # Without what the models said besides, which would be read instead of the answers.
    guessed = predictions.select(
        [
            name
            for name in predictions.column_names
            if not name.startswith(tuple(f"{side}_" for side in SIDES))
        ]
    )
    # Both kinds of answers are measured at once, as those of two models are.
    kinds = ([references[row] for row in others], [commonest] * len(references))
    for side, answers in zip(SIDES, kinds, strict=True):
        texts = pa.array(answers, predictions.schema.field("reference").type)
        guessed = with_column(guessed, side, texts)
    metric = find_task(task).primary_metric
    scored = score(task, guessed, only=metric.name)
    metrics, _ = summarise(task, scored, resamples=resamples, seed=seed, only=metric.name)
    levels = [metrics[side][metric.name] for side in SIDES]
    sign = 1 if metric.higher_is_better else -1
    return max(
        (level for level in levels if np.isfinite(level.value)),
        key=lambda level: sign * level.value,
        default=None,
    )


def rows_of_other_documents(predictions: pa.Table, seed: int) -> NDArray[np.int64] | None:
    """(rows,) for each row one of another document, that asks the same if there is one.

    None where all are of one document.
    """
    named = "document_id" if "document_id" in predictions.column_names else "id"
    _, documents = np.unique(predictions[named].to_pylist(), return_inverse=True)
    count = int(documents.max()) + 1
    if count == 1:
        return None
    line = np.argsort(statistics.random_order(count, seed=seed)[documents], kind="stable")
    # Whoever finds no other document below gets the first row of the first or the second one.
    first, second = line[0], line[np.argmax(documents[line] != documents[line[0]])]
    others: NDArray[np.int64] = np.where(documents == documents[first], second, first)
    # The last question of a talk stands behind what was said before.
    asked = [text.rpartition("\n\n")[2] for text in predictions["prompt"].to_pylist()]
    questions = np.unique(asked, return_inverse=True)[1]
    for group in (line, *_groups(questions, line)):
        # A step as long as the largest document leads out of every one, if it can be left at all.
        largest = np.unique(documents[group], return_counts=True)[1].max()
        found = np.roll(group, largest)
        left = documents[found] != documents[group]
        others[group[left]] = found[left]
    return others


def _groups(numbers: NDArray[np.int64], line: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each number that several have, in the order of the line."""
    ordered = line[np.argsort(numbers[line], kind="stable")]
    ends = np.flatnonzero(np.diff(numbers[ordered])) + 1
    return [group for group in np.split(ordered, ends) if len(group) > 1]
