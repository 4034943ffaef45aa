"""What the card of a classifier shows besides its metrics: each class, calibration, abstention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cards import calibration, figures_classification
from cards.answer_classes import UNPARSED
from cards.class_predictions import (
    FULL_PRECISION,
    class_numbers,
    classes_of,
    probabilities_of,
)
from cards.class_scores import confusion_matrix
from cards.records import RunRecord
from cards.scoring import documents_of
from cards.tasks import SIDES, Floats, Side

if TYPE_CHECKING:
    import pyarrow as pa

_ERRORS_SHOWN = 20
_CURVE_POINTS = 91
_MEASURES = ("precision", "recall", "f1", "roc_auc")


def classification_figures(run: RunRecord, predictions: pa.Table) -> dict[str, bytes]:
    """{file name: PNG}; those about confidence only where there are probabilities."""
    classes = classes_of(predictions)
    drawn = {
        "confusion.png": figures_classification.confusion_matrices(
            {side: _confusion(predictions, side) for side in SIDES}, classes
        ),
        "classes.png": figures_classification.class_bars(
            classes, run.metrics["zero_shot"], run.metrics["tuned"]
        ),
    }
    if _is_scored(predictions):
        drawn["reliability.png"] = figures_classification.reliability_diagram(
            {side: calibration.reliability(*_confidence(predictions, side)) for side in SIDES}
        )
        # Below five examples a share of right answers says nothing.
        least = min(1.0, max(0.05, 5 / predictions.num_rows))
        coverages = np.linspace(least, 1.0, _CURVE_POINTS)
        drawn["abstention.png"] = figures_classification.abstention_curves(
            {side: _abstention(run, predictions, side, coverages) for side in SIDES}
        )
    return drawn


def classification_section(run: RunRecord, predictions: pa.Table) -> dict[str, Any]:
    """The values of `classification.md.jinja`."""
    classes = classes_of(predictions)
    labels = class_numbers(predictions, "label", classes)
    measured = run.metrics["tuned"]
    errors = wrong_answers(predictions)
    return {
        "classes": [
            {
                "answer": one.answer,
                "name": one.name,
                "korean": one.korean,
                "examples": int((labels == number).sum()),
                "measures": {
                    measure: {
                        side: run.metrics[side][f"{measure}/{one.name}"]
                        for side in SIDES
                        if f"{measure}/{one.name}" in measured
                    }
                    for measure in _MEASURES
                },
            }
            for number, one in enumerate(classes)
        ],
        "confusion": {side: _confusion(predictions, side).tolist() for side in SIDES},
        "unparsed": {
            side: int((class_numbers(predictions, f"{side}_label", classes) < 0).sum())
            for side in SIDES
        },
        "scored": _is_scored(predictions),
        "label_mass": {
            side: float(np.median(predictions[f"{side}_label_mass"].to_numpy()))
            for side in SIDES
            if f"{side}_label_mass" in predictions.column_names
        },
        "full_precision": _full_precision(run, predictions),
        "abstention": _abstention_table(run, predictions) if _is_scored(predictions) else [],
        "errors": errors[:_ERRORS_SHOWN],
        "error_count": len(errors),
    }


@dataclass(frozen=True)
class WrongAnswer:
    """What the tuned model got wrong; the classes in words."""

    id: str
    label: str
    answer: str
    confidence: float | None
    """None where answers were written, not scored."""


def wrong_answers(predictions: pa.Table) -> list[WrongAnswer]:
    """Of the tuned model: the surest first, without probabilities in the order of the rows."""
    wrong = np.flatnonzero(predictions["tuned_accuracy"].to_numpy() == 0)
    confidence: Floats | None = None
    if _is_scored(predictions):
        confidence, _ = _confidence(predictions, "tuned")
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    korean = {one.name: one.korean for one in classes_of(predictions)}
    korean[UNPARSED] = "읽을 수 없음"
    shown = []
    for row in wrong.tolist():
        label, answer = (predictions[name][row].as_py() for name in ("label", "tuned_label"))
        shown.append(
            WrongAnswer(
                id=predictions["id"][row].as_py(),
                label=f"{korean[label]} ({label})",
                answer=f"{korean[answer]} ({answer})",
                confidence=None if confidence is None else float(confidence[row]),
            )
        )
    return shown


def _is_scored(predictions: pa.Table) -> bool:
    return all(f"{side}_probabilities" in predictions.column_names for side in SIDES)


def _confusion(predictions: pa.Table, side: Side) -> NDArray[np.int64]:
    classes = classes_of(predictions)
    return confusion_matrix(
        class_numbers(predictions, "label", classes),
        class_numbers(predictions, f"{side}_label", classes),
        len(classes),
    )


def _confidence(predictions: pa.Table, side: Side) -> tuple[Floats, Floats]:
    """(examples,) the probability of the answer that was given, and whether it is right."""
    return (
        probabilities_of(predictions, side).max(axis=1),
        predictions[f"{side}_accuracy"].to_numpy(),
    )


def _abstention(
    run: RunRecord, predictions: pa.Table, side: Side, coverages: Floats
) -> calibration.AbstentionCurve:
    return calibration.abstention_curve(
        *_confidence(predictions, side),
        coverages,
        documents_of(predictions),
        resamples=run.bootstrap_resamples,
        seed=run.seeds.get("bootstrap", 0),
    )


def _full_precision(run: RunRecord, predictions: pa.Table) -> dict[str, float] | None:
    """Accuracy of the unquantised base model with its interval, where it was measured."""
    if f"{FULL_PRECISION}_probabilities" not in predictions.column_names:
        return None
    probabilities = probabilities_of(predictions, FULL_PRECISION)
    truth = class_numbers(predictions, "label", classes_of(predictions))
    curve = calibration.abstention_curve(
        probabilities.max(axis=1),
        (probabilities.argmax(axis=1) == truth).astype(np.float64),
        np.ones(1),
        documents_of(predictions),
        resamples=run.bootstrap_resamples,
        seed=run.seeds.get("bootstrap", 0),
    )
    return {
        "accuracy": float(curve.accuracy[0]),
        "low": float(curve.low[0]),
        "high": float(curve.high[0]),
    }


def _abstention_table(run: RunRecord, predictions: pa.Table) -> list[dict[str, Any]]:
    coverages = np.array(calibration.COVERAGES)
    curves = {side: _abstention(run, predictions, side, coverages) for side in SIDES}
    confidence, _ = _confidence(predictions, "tuned")
    return [
        {
            "coverage": float(coverage),
            "examples": round(coverage * predictions.num_rows),
            "threshold": calibration.threshold_at_coverage(confidence, float(coverage)),
            **{
                side: {
                    "accuracy": float(curve.accuracy[place]),
                    "low": float(curve.low[place]),
                    "high": float(curve.high[place]),
                }
                for side, curve in curves.items()
            },
        }
        for place, coverage in enumerate(coverages)
    ]
