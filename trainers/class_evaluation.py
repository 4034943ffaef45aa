"""One held-out split, classified by the base model and by the tuned one.

Every process scores its share; the scores come back to all of them in the split's order, each row
exactly once. Base and tuned model see the same batches, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from accelerate import PartialState
from accelerate.utils import gather_object
from numpy.typing import NDArray
from peft import PeftModel
from transformers import PreTrainedModel

from cards.answer_classes import AnswerClass
from cards.class_predictions import FULL_PRECISION, with_classes
from trainers.evaluation_set import EvaluationSet
from trainers.label_scoring import LabelBatch, LabelScores, score_labels, score_labels_of_pair
from trainers.label_tokens import LabelTokens
from trainers.progress import progress_bar


def classify_with_pair(
    model: PeftModel, rows: EvaluationSet, labels: LabelTokens, *, batch_size: int, title: str
) -> tuple[LabelScores, LabelScores]:
    """Score every row by the base model and by the tuned one. Called by all processes together.

    Args:
        model: the tuned one; without its adapter it is the base.
        title: what the progress bar says.
    """
    model.eval()
    zero_shot, tuned = _in_order(
        rows,
        batch_size,
        title,
        lambda batches, advance: score_labels_of_pair(model, batches, labels, on_batch=advance),
    )
    return zero_shot, tuned


def classify_alone(
    model: PreTrainedModel, rows: EvaluationSet, labels: LabelTokens, *, batch_size: int, title: str
) -> LabelScores:
    """Score every row by one model. Called by all processes together."""
    model.eval()
    [scores] = _in_order(
        rows,
        batch_size,
        title,
        lambda batches, advance: (score_labels(model, batches, labels, on_batch=advance),),
    )
    return scores


def _in_order(
    rows: EvaluationSet,
    batch_size: int,
    title: str,
    score: Callable[
        [Iterator[LabelBatch], Callable[[int], None]], tuple[dict[int, NDArray[np.float64]], ...]
    ],
) -> list[LabelScores]:
    """What `score` gives for each process's share, put together in the order of the rows."""
    state = PartialState()
    # The longest first: too little memory shows at once.
    lengths = rows.lengths
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    share = order[state.process_index :: state.num_processes]
    with progress_bar(title, total=len(share)) as advance:
        found = score(_batches(rows, share, batch_size), advance)
    gathered = gather_object([(row, [scores[row] for scores in found]) for row in share])
    if sorted(row for row, _ in gathered) != list(range(len(rows.ids))):
        raise RuntimeError("the processes did not classify every row exactly once")
    gathered.sort(key=lambda scored: scored[0])
    return [LabelScores(np.stack(column)) for column in zip(*(s for _, s in gathered), strict=True)]


def scored_predictions(
    rows: EvaluationSet,
    classes: Sequence[AnswerClass],
    zero_shot: LabelScores,
    tuned: LabelScores,
    full_precision: LabelScores | None = None,
) -> pa.Table:
    """`predictions.parquet` of scored answers, without the columns that `cards.scoring` adds.

    Args:
        full_precision: of the base model without quantisation.
    """
    columns = _columns(rows)
    for side, scores in (("zero_shot", zero_shot), ("tuned", tuned)):
        likeliest = scores.probabilities.argmax(axis=1)
        columns[side] = [classes[number].answer for number in likeliest]
        columns[f"{side}_probabilities"] = _by_class(scores, classes)
        columns[f"{side}_label_mass"] = scores.label_mass
    if full_precision is not None:
        columns[f"{FULL_PRECISION}_probabilities"] = _by_class(full_precision, classes)
    return with_classes(pa.table(columns), classes)


def _by_class(scores: LabelScores, classes: Sequence[AnswerClass]) -> pa.StructArray:
    return pa.StructArray.from_arrays(
        [pa.array(values) for values in scores.probabilities.T], [one.name for one in classes]
    )


def _batches(rows: EvaluationSet, share: Sequence[int], batch_size: int) -> Iterator[LabelBatch]:
    for start in range(0, len(share), batch_size):
        numbers = share[start : start + batch_size]
        yield LabelBatch(numbers, rows.inputs(numbers))


def _columns(rows: EvaluationSet) -> dict[str, object]:
    columns: dict[str, object] = {"id": rows.ids}
    if rows.document_ids is not None:
        columns["document_id"] = rows.document_ids
    return columns | {
        "split": [rows.split] * len(rows.ids),
        "prompt": rows.prompts,
        "reference": rows.references,
        **rows.columns,
    }
