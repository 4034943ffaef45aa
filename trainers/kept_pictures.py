"""The few pictures that go into the predictions, so that a card can show what was read worst."""

from __future__ import annotations

import pyarrow as pa

from cards.page_sheet import with_pictures
from cards.tasks import find_task
from trainers.evaluation_set import EvaluationSet


def keep_pictures(task: str, predictions: pa.Table, evaluation: EvaluationSet) -> pa.Table:
    """Predictions with the column `tuned_picture` where the task asks for some; else as they are.

    Args:
        predictions: scored, an example of `evaluation` a row.

    Raises:
        BogamError: a picture cannot be read.
    """
    pictured = find_task(task).pictured
    if pictured is None or evaluation.images is None:
        return predictions
    pages = {row: evaluation.images[evaluation.rows[row]] for row in pictured(predictions)}
    return with_pictures(predictions, {row: images[0] for row, images in pages.items() if images})
