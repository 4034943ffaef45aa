"""What a model would score that knows how answers look and nothing of the question.

Zero-shot models often fail by the form of their answers alone. So that learning the form is not
taken for learning the matter, the primary metric is also measured on right answers to other
questions: each example is given the reference of another document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cards.records import Metric
from cards.scoring import RESAMPLES, documents_of, score, summarise
from cards.tasks import SIDES, find_task

if TYPE_CHECKING:
    import pyarrow as pa


def chance_level(
    task: str, predictions: pa.Table, *, resamples: int = RESAMPLES, seed: int
) -> Metric | None:
    """The task's primary metric of references given to the examples of other documents.

    `seed` decides who gets whose, and draws the interval. None where there is one example only.
    Raises :class:`BogamError` as :func:`cards.scoring.score` does.
    """
    import pyarrow as pa

    if predictions.num_rows < 2:
        return None
    references = predictions["reference"].combine_chunks()
    answers = {
        "zero_shot": pa.nulls(len(references), references.type),
        "tuned": references.take(pa.array(_row_of_another_document(predictions, seed))),
    }
    # Without what the models said besides, which would be read instead of the answers.
    guessed = predictions.select(
        [
            name
            for name in predictions.column_names
            if not name.startswith(tuple(f"{side}_" for side in SIDES))
        ]
    )
    for side, texts in answers.items():
        guessed = guessed.set_column(guessed.column_names.index(side), side, texts)
    primary = find_task(task).primary
    scored = score(task, guessed, only=primary)
    metrics, _ = summarise(task, scored, resamples=resamples, seed=seed, only=primary)
    return metrics["tuned"][primary]


def _row_of_another_document(predictions: pa.Table, seed: int) -> NDArray[np.int64]:
    """(rows,) for each row another one; of another document, if none holds most of the rows.

    Rows of equally large documents that follow each other keep their place in the document: where
    all are asked the same questions, a question gets the other document's answer to it.
    """
    rows = predictions.num_rows
    documents = documents_of(predictions)
    codes = np.arange(rows) if documents is None else documents
    sizes = np.bincount(codes)
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    order = np.argsort(shuffled[codes], kind="stable")
    others = np.empty(rows, np.int64)
    others[order] = np.roll(order, sizes.max())
    return others
