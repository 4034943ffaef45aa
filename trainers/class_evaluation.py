"""One held-out split, classified by the base model and by the tuned one.

Every process scores its share; the scores come back to all of them in the split's order, each row
exactly once. Base and tuned model see the same batches, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from accelerate import PartialState
from accelerate.utils import gather_object
from peft import PeftModel

from cards.answer_classes import AnswerClass
from cards.class_predictions import with_classes
from trainers.evaluation_set import EvaluationSet
from trainers.label_scoring import LabelBatch, LabelScores, score_labels_of_pair
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
    state = PartialState()
    # The longest first: too little memory shows at once.
    lengths = rows.lengths
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    share = order[state.process_index :: state.num_processes]
    model.eval()
    with progress_bar(title, total=len(share)) as advance:
        base, tuned = score_labels_of_pair(
            model, _batches(rows, share, batch_size), labels, on_batch=advance
        )
    gathered = gather_object([(row, base[row], tuned[row]) for row in share])
    if sorted(row for row, _, _ in gathered) != list(range(len(rows.ids))):
        raise RuntimeError("the processes did not classify every row exactly once")
    gathered.sort(key=lambda scored: scored[0])
    return (
        LabelScores(np.stack([scores for _, scores, _ in gathered])),
        LabelScores(np.stack([scores for _, _, scores in gathered])),
    )


def scored_predictions(
    rows: EvaluationSet,
    classes: Sequence[AnswerClass],
    zero_shot: LabelScores,
    tuned: LabelScores,
) -> pa.Table:
    """`predictions.parquet` of scored answers, without the columns that `cards.scoring` adds."""
    columns = _columns(rows)
    for side, scores in (("zero_shot", zero_shot), ("tuned", tuned)):
        probabilities = scores.probabilities
        columns[side] = [classes[number].answer for number in probabilities.argmax(axis=1)]
        columns[f"{side}_probabilities"] = pa.StructArray.from_arrays(
            [pa.array(values) for values in probabilities.T], [one.name for one in classes]
        )
        columns[f"{side}_label_mass"] = scores.label_mass
    return with_classes(pa.table(columns), classes)


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
