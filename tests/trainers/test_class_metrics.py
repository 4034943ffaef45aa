"""The `evaluate` interface gives the numbers of a classifier's card."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cards import scoring
from cards.answer_classes import AnswerClass
from cards.class_predictions import with_classes
from trainers.class_metrics import (
    Accuracy,
    BrierScore,
    CalibrationError,
    ConfusionMatrix,
    PrecisionRecallF1,
    RocAuc,
)

CLASSES = tuple(
    AnswerClass(answer=str(number), name=name, korean=name)
    for number, name in enumerate(("none", "chat", "place", "drug"))
)
NUMBERS = [0, 0, 1, 1, 1, 2, 3, 3, 3, 0]


@pytest.fixture(scope="module")
def probabilities() -> np.ndarray:
    exact = np.random.RandomState(2).rand(len(NUMBERS), 4) + 1.2 * np.eye(4)[NUMBERS]
    return exact / exact.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def card(probabilities: np.ndarray) -> dict[str, float]:
    """What stands on a card: zero-shot answers in words, tuned ones scored."""
    rows = len(NUMBERS)
    struct = pa.StructArray.from_arrays(
        [pa.array(column) for column in probabilities.T], [one.name for one in CLASSES]
    )
    table = pa.table(
        {
            "id": [str(row) for row in range(rows)],
            "split": ["test"] * rows,
            "prompt": ["?"] * rows,
            "reference": [str(number) for number in NUMBERS],
            "zero_shot": ["0"] * rows,
            "tuned": ["0"] * rows,
            "zero_shot_probabilities": struct,
            "tuned_probabilities": struct,
        }
    )
    scored = scoring.score("classification", with_classes(table, CLASSES))
    metrics, _ = scoring.summarise("classification", scored, resamples=10, seed=0)
    return {name: metric.value for name, metric in metrics["tuned"].items()}


def test_every_metric_of_the_card_has_a_class(
    card: dict[str, float], probabilities: np.ndarray
) -> None:
    names = [one.name for one in CLASSES]
    labels = {
        "predictions": [names[number] for number in probabilities.argmax(axis=1)],
        "references": [names[number] for number in NUMBERS],
    }
    scores = {"predictions": probabilities.tolist(), "references": NUMBERS}
    found = Accuracy().compute(**labels) | PrecisionRecallF1().compute(**labels)
    for metric in (CalibrationError(), BrierScore(), RocAuc()):
        found |= metric.compute(**scores)
    found = {
        f"roc_auc/{names[int(name[-1])]}" if name.startswith("roc_auc/") else name: value
        for name, value in found.items()
    }
    assert found.pop("weighted_recall") == pytest.approx(card["accuracy"])
    assert found == pytest.approx(card)


def test_a_prediction_of_no_class_is_wrong_and_counted() -> None:
    labels = {
        "predictions": ["chat", "unparsed", "none", "place"],
        "references": ["chat", "chat", "none", "none"],
    }
    assert Accuracy().compute(**labels) == {"accuracy": 0.5}
    assert ConfusionMatrix().compute(**labels) == {
        "labels": ["chat", "none"],
        "matrix": [[1, 0, 1], [0, 1, 1]],
    }
    result = PrecisionRecallF1().compute(**labels)
    assert result["recall/chat"] == result["recall/none"] == 0.5
    assert result["macro_precision"] == 1.0


def test_one_class_alone_has_no_area() -> None:
    result = RocAuc().compute(predictions=[[0.4, 0.6], [0.7, 0.3]], references=[1, 1])
    assert all(np.isnan(value) for value in result.values())
