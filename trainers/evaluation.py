"""One held-out split, answered by the base model and by the tuned one.

Every process answers its share; the answers come back to all of them in the split's order, each
row exactly once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from accelerate import PartialState
from accelerate.utils import gather_object
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from trainers.evaluation_set import EvaluationSet
from trainers.generation import answer_nll, generate_answers
from trainers.progress import progress_bar
from trainers.recipe_schema import EvaluationSection

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answers:
    """What one model made of an evaluation set; one entry a row, in the set's order."""

    texts: list[str]
    nll: list[float]
    """Of the reference answer with its end token: nats, summed over its tokens."""


def kept_or_new(
    file: Path, fingerprint: str, ids: list[str], answer: Callable[[], Answers]
) -> Answers:
    """Answers from `file` where they were made under the same `fingerprint`, else new ones.

    An interrupted run need not answer again. All processes must call this together.
    """
    if file.is_file():
        table = pq.read_table(file)
        if (table.schema.metadata or {}).get(b"fingerprint") == fingerprint.encode():
            logger.info("%s: kept from before", file)
            return Answers(table["text"].to_pylist(), table["nll"].to_pylist())
    answers = answer()
    if PartialState().is_main_process:
        table = pa.table({"id": ids, "text": answers.texts, "nll": answers.nll})
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(file.name + ".partial")
        pq.write_table(table.replace_schema_metadata({"fingerprint": fingerprint}), partial)
        partial.rename(file)
    return answers


def evaluate_model(
    tokenizer: PreTrainedTokenizerBase,
    rows: EvaluationSet,
    settings: EvaluationSection,
    title: str,
    model: PreTrainedModel,
) -> Answers:
    """Answer every row and score every reference. Called by all processes together.

    Args:
        title: what the progress bar says.
    """
    state = PartialState()
    by_length = sorted(range(len(rows.ids)), key=lambda row: -rows.lengths[row])
    share = by_length[state.process_index :: state.num_processes]
    model.eval()
    with progress_bar(title, total=2 * len(share)) as advance:
        texts, nll = _answer(model, tokenizer, rows, share, settings, advance)
    answered = gather_object(list(zip(share, texts, nll, strict=True)))
    if sorted(row for row, _, _ in answered) != list(range(len(rows.ids))):
        raise RuntimeError("the processes did not answer every row exactly once")
    answered.sort()
    return Answers([text for _, text, _ in answered], [nats for _, _, nats in answered])


def predictions_table(rows: EvaluationSet, zero_shot: Answers, tuned: Answers) -> pa.Table:
    """`predictions.parquet` of a generation task, without its score columns."""
    columns = {
        "id": rows.ids,
        "split": [rows.split] * len(rows.ids),
        "prompt": rows.prompts,
        "reference": rows.references,
        "zero_shot": zero_shot.texts,
        "tuned": tuned.texts,
        "zero_shot_nll": zero_shot.nll,
        "tuned_nll": tuned.nll,
        "answer_tokens": [row.answer_tokens for row in rows.conversations],
        **rows.columns,
    }
    if rows.document_ids is not None:
        columns = {"id": rows.ids, "document_id": rows.document_ids, **columns}
    return pa.table(columns)


def _answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: EvaluationSet,
    share: list[int],
    settings: EvaluationSection,
    advance: Callable[[int], None],
) -> tuple[list[str], list[float]]:
    texts = generate_answers(
        model,
        tokenizer,
        rows,
        share,
        batch_size=settings.batch_size,
        max_new_tokens=settings.max_new_tokens,
        on_batch=advance,
    )
    nll = answer_nll(model, rows, share, batch_size=settings.batch_size, on_batch=advance)
    return texts, nll
