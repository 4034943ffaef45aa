"""A classification recipe's part of a run: its classes, their tokens, and its predictions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa
from peft import PeftModel
from transformers import PreTrainedModel

from cards.answer_classes import AnswerClass, check_classes
from cards.errors import BogamError
from trainers.base_model import LoadedBase
from trainers.class_evaluation import classify_alone, classify_with_pair, scored_predictions
from trainers.conversation import IGNORED, Message, encode_conversation
from trainers.evaluation_set import EvaluationSet
from trainers.generation import stop_tokens
from trainers.label_tokens import LabelTokens, text_label_tokens
from trainers.recipe_schema import EvaluationSection, Recipe
from trainers.run_data import RunData

logger = logging.getLogger(__name__)


def answer_classes(recipe: Recipe) -> tuple[AnswerClass, ...]:
    """The classes of a classification recipe, in the order of their numbers.

    Raises:
        BogamError: two of them cannot be told apart.
    """
    classes = tuple(AnswerClass(**one.model_dump()) for one in recipe.classes or ())
    check_classes(classes)
    return classes


def check_answers(base: LoadedBase, data: RunData, classes: Sequence[AnswerClass]) -> LabelTokens:
    """The tokens of the classes' answers, once every row is known to be answered by one of them.

    Raises:
        BogamError: a row has another answer, or the answers cannot be told apart by their tokens.
    """
    processing_class = base.processor or base.tokenizer
    answers = [one.answer for one in classes]
    for row_id, reference in zip(data.evaluation.ids, data.evaluation.references, strict=True):
        if reference not in answers:
            raise BogamError(
                f"split {data.evaluation.split!r}, row {row_id}: its answer {reference!r} is none "
                f"of the recipe's classes. Answers: {', '.join(answers)}."
            )
    question = [Message(role="user", content=data.evaluation.prompts[0])]
    whole = {
        _learnt(encode_conversation(processing_class, [*question, _said(answer)]).labels)
        for answer in answers
    }
    for learnt in filter(None, (data.train, data.validation)):
        _check_learnt(learnt.rows["labels"], whole, base, answers)
    _check_learnt(
        (conversation.labels for conversation in data.evaluation.conversations),
        whole,
        base,
        answers,
    )
    return text_label_tokens(
        processing_class, [question], answers, stop_tokens(base.model, base.tokenizer)
    )


def classify(
    rows: EvaluationSet,
    settings: EvaluationSection,
    classes: Sequence[AnswerClass],
    labels: LabelTokens,
    load_whole: Callable[[], LoadedBase],
    tuned: PreTrainedModel | PeftModel,
) -> pa.Table:
    """Predictions of the base model and of the tuned one, without score columns.

    The base is the tuned model without its adapter, in the same precision; in full precision it
    is loaded with `load_whole`, beside the tuned model.
    """
    assert isinstance(tuned, PeftModel)
    zero_shot, after = classify_with_pair(
        tuned, rows, labels, batch_size=settings.batch_size, title="classifying"
    )
    full_precision = None
    if settings.full_precision:
        full_precision = classify_alone(
            load_whole().model,
            rows,
            labels,
            batch_size=settings.batch_size,
            title="classifying in full precision",
        )
    return scored_predictions(rows, classes, zero_shot, after, full_precision)


def _check_learnt(
    rows: Iterable[Sequence[int]],
    known: set[tuple[int, ...]],
    base: LoadedBase,
    answers: Sequence[str],
) -> None:
    for labels in rows:
        learnt = _learnt(labels)
        if learnt not in known:
            raise BogamError(
                f"the dataset has a row with the answer {base.tokenizer.decode(learnt)!r}, which "
                f"is none of the recipe's classes. Answers: {', '.join(answers)}."
            )


def _learnt(labels: Sequence[int]) -> tuple[int, ...]:
    return tuple(label for label in labels if label != IGNORED)


def _said(answer: str) -> Message:
    return Message(role="assistant", content=answer)
