"""The metrics of a classification task under the interface of Hugging Face `evaluate`.

The numbers come from `cards.class_scores`, `cards.calibration` and `cards.ranking`, like those on
the card. A prediction that is none of the references' classes, such as `unparsed`, is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from numpy.typing import NDArray

from cards import calibration, class_scores, ranking


class _LabelMetric(evaluate.Metric):
    """`compute(predictions=..., references=...)` of class names."""

    def _info(self) -> evaluate.MetricInfo:
        name = datasets.Value("string")
        return evaluate.MetricInfo(
            description=self.__doc__,
            citation="",
            inputs_description="predictions, references: class names, one of each an example",
            features=datasets.Features({"predictions": name, "references": name}),
        )


class _ProbabilityMetric(evaluate.Metric):
    """`compute(predictions=..., references=...)` of probabilities and class numbers."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=self.__doc__,
            citation="",
            inputs_description=(
                "predictions: the probability of every class; references: the number of the right "
                "one; one of each an example"
            ),
            features=datasets.Features(
                {
                    "predictions": datasets.List(datasets.Value("float64")),
                    "references": datasets.Value("int64"),
                }
            ),
        )


class Accuracy(_LabelMetric):
    """Share of right answers."""

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        right = np.array(predictions, dtype=object) == np.array(references, dtype=object)
        return {"accuracy": float(right.mean())}


class PrecisionRecallF1(_LabelMetric):
    """Of each class that occurs (`f1/<class>`), their mean (`macro_f1`), and the mean weighted by
    the examples of the classes (`weighted_f1`)."""

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        names, truth, answers = _numbered(predictions, references)
        sums = class_scores.class_counts(truth, answers, len(names)).sum(axis=0)
        result = {}
        for measure, of_classes in (
            ("precision", class_scores.precision),
            ("recall", class_scores.recall),
            ("f1", class_scores.f1),
        ):
            values = of_classes(sums)
            result[f"macro_{measure}"] = float(class_scores.macro(values, sums))
            result[f"weighted_{measure}"] = float(class_scores.weighted(values, sums))
            result |= {
                f"{measure}/{name}": float(value) for name, value in zip(names, values, strict=True)
            }
        return result


class ConfusionMatrix(_LabelMetric):
    """`matrix`: examples by class (rows) and answer (columns) in the order of `labels`; the last
    column is for answers that are none of them."""

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
        names, truth, answers = _numbered(predictions, references)
        matrix = class_scores.confusion_matrix(truth, answers, len(names))
        return {"labels": names, "matrix": matrix.tolist()}


class CalibrationError(_ProbabilityMetric):
    """Mean distance of confidence and accuracy in 10 bins of equal width."""

    def _compute(
        self, predictions: Sequence[Sequence[float]], references: Sequence[int]
    ) -> dict[str, float]:
        probabilities, truth = np.array(predictions), np.array(references)
        right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
        counts = calibration.calibration_counts(probabilities.max(axis=1), right)
        error = calibration.expected_calibration_error(counts.sum(axis=0))
        return {"calibration_error": float(error)}


class BrierScore(_ProbabilityMetric):
    """Squared distance of probabilities and truth, summed over the classes: 0 to 2."""

    def _compute(
        self, predictions: Sequence[Sequence[float]], references: Sequence[int]
    ) -> dict[str, float]:
        probabilities = np.array(predictions)
        truth = np.eye(probabilities.shape[1])[np.array(references)]
        return {"brier_score": float(((probabilities - truth) ** 2).sum(axis=1).mean())}


class RocAuc(_ProbabilityMetric):
    """One class against the rest (`roc_auc/<number>`), and the mean over those that can be told
    (`roc_auc`): NaN where all examples are of one class."""

    def _compute(
        self, predictions: Sequence[Sequence[float]], references: Sequence[int]
    ) -> dict[str, float]:
        probabilities, truth = np.array(predictions), np.array(references)
        everything = np.ones((1, len(truth)))
        areas = np.stack(
            [
                ranking.roc_auc(probabilities[:, number], truth == number)(everything)
                for number in range(probabilities.shape[1])
            ]
        )
        result = {f"roc_auc/{number}": float(area) for number, area in enumerate(areas[:, 0])}
        return {"roc_auc": float(ranking.mean_where_defined(areas)[0]), **result}


def _numbered(
    predictions: Sequence[str], references: Sequence[str]
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """The references' classes in order, and both as numbers; -1 for any other prediction."""
    names = sorted(set(references))
    numbers = {name: number for number, name in enumerate(names)}
    return (
        names,
        np.array([numbers[name] for name in references]),
        np.array([numbers.get(name, -1) for name in predictions]),
    )
