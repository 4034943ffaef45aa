"""From a split to predictions: every row once, in order, whatever the batches were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cards.answer_classes import AnswerClass
from cards.scoring import score, summarise
from trainers.class_evaluation import (
    ClassificationSet,
    classify_with_pair,
    scored_predictions,
    written_predictions,
)
from trainers.label_scoring import label_log_probs
from trainers.label_tokens import LabelTokens

LABELS = LabelTokens(((20, 30), (20, 31), (22,)))
CLASSES = tuple(
    AnswerClass(answer=str(number), name=name, korean=korean)
    for number, (name, korean) in enumerate(
        (("chat", "대화 내역"), ("place", "거래 장소"), ("drug", "마약 실물"))
    )
)
ROWS = 7


@pytest.fixture
def rows(llava_batch: Callable[[list[int]], Any]) -> ClassificationSet:
    """Seven rows over four pictures."""
    return ClassificationSet(
        split="test",
        ids=[f"photo-{row}" for row in range(ROWS)],
        document_ids=[f"picture-{row % 4}" for row in range(ROWS)],
        prompts=["무엇입니까?"] * ROWS,
        references=[str(row % 3) for row in range(ROWS)],
        lengths=[llava_batch([row % 4])["input_ids"].shape[1] for row in range(ROWS)],
        batch=lambda numbers: llava_batch([number % 4 for number in numbers]),
    )


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_scores_stand_in_the_order_of_the_rows(
    llava: Any, llava_batch: Any, adapted: Any, rows: ClassificationSet, batch_size: int
) -> None:
    tuned = adapted("llava", r".*language_model.*\.(q_proj|v_proj)").train()
    scores = classify_with_pair(tuned, rows, LABELS, batch_size=batch_size, title="classifying")
    for found, model in zip(scores, (llava, tuned), strict=True):
        alone = [label_log_probs(model, llava_batch([row % 4]), LABELS)[0] for row in range(ROWS)]
        assert found.log_probs == pytest.approx(np.stack(alone), abs=1e-5)


def test_predictions_hold_what_a_card_needs(adapted: Any, rows: ClassificationSet) -> None:
    tuned_model = adapted("llava", r".*language_model.*\.(q_proj|v_proj)")
    zero_shot, tuned = classify_with_pair(
        tuned_model, rows, LABELS, batch_size=4, title="classifying"
    )
    predictions = score("classification", scored_predictions(rows, CLASSES, zero_shot, tuned))
    metrics, _ = summarise("classification", predictions, resamples=50, seed=0)
    right = zero_shot.probabilities.argmax(axis=1) == np.arange(ROWS) % 3
    assert metrics["zero_shot"]["accuracy"].value == pytest.approx(right.mean())
    assert metrics["zero_shot"]["accuracy"].n == ROWS
    assert metrics["zero_shot"]["accuracy"].documents == 4
    assert "roc_auc" in metrics["tuned"]
    assert predictions["tuned_label_mass"].to_numpy() == pytest.approx(tuned.label_mass)


def test_written_answers_are_read_and_the_unreadable_counted(rows: ClassificationSet) -> None:
    zero_shot = ["1번입니다", "모르겠습니다", "거래 장소가 아닙니다", "0", "", "place", "2번"]
    predictions = written_predictions(rows, CLASSES, zero_shot, rows.references)
    scored = score("classification", predictions)
    assert scored["zero_shot_label"].to_pylist() == [
        "place",
        "unparsed",
        "unparsed",
        "chat",
        "unparsed",
        "place",
        "drug",
    ]
    metrics, _ = summarise("classification", scored, resamples=50, seed=0)
    assert metrics["zero_shot"]["unparsed"].value == pytest.approx(3 / 7)
    assert metrics["tuned"]["accuracy"].value == 1.0
