"""One of a closed set of answers: evidence photos in classes.

Predictions hold `reference`, the right answer, and either the probabilities of all classes under
both models (`zero_shot_probabilities`, `tuned_probabilities`: structs with a number for each class
name) or the texts that both models wrote. What each model answered follows from these: the most
probable class, or the class that its text names (`cards.label_parsing`). The classes stand in the
metadata of the table, see `cards.class_predictions`. Where there are `zero_shot_label_mass` and
`tuned_label_mass`, the probability that a model left to itself writes any of the answers, the card
shows their medians.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cards.answer_classes import AnswerClass
from cards.calibration import calibration_counts, expected_calibration_error
from cards.class_predictions import class_numbers, classes_of, derived_columns, probabilities_of
from cards.class_scores import (
    Numbers,
    class_counts,
    f1,
    macro,
    macro_trials,
    precision,
    recall,
    weighted,
)
from cards.classification_card import classification_figures, classification_section
from cards.ranking import mean_where_defined, roc_auc
from cards.tasks import (
    SIDES,
    Bilingual,
    Floats,
    RankMetric,
    Side,
    Task,
    TaskMetric,
    Weighted,
    mean_metric,
)

if TYPE_CHECKING:
    import pyarrow as pa

PROBABILITIES = ("zero_shot_probabilities", "tuned_probabilities")


def _answers(predictions: pa.Table, column: str) -> Numbers:
    return class_numbers(predictions, column, classes_of(predictions))


def _right(predictions: pa.Table, side: Side) -> Floats:
    right = _answers(predictions, "label") == _answers(predictions, f"{side}_label")
    return np.asarray(right, np.float64)


def _unparsed(predictions: pa.Table, side: Side) -> Floats:
    return (_answers(predictions, f"{side}_label") < 0).astype(np.float64)


def _counts(predictions: pa.Table, side: Side) -> Floats:
    return class_counts(
        _answers(predictions, "label"),
        _answers(predictions, f"{side}_label"),
        len(classes_of(predictions)),
    )


def _brier(predictions: pa.Table, side: Side) -> Floats:
    probabilities = probabilities_of(predictions, side)
    truth = _answers(predictions, "label")[:, None] == np.arange(probabilities.shape[1])
    return np.asarray(((probabilities - truth) ** 2).sum(axis=1))


def _calibration(predictions: pa.Table, side: Side) -> Floats:
    confidence = probabilities_of(predictions, side).max(axis=1)
    return calibration_counts(confidence, predictions[f"{side}_accuracy"].to_numpy())


def _over_classes(
    name: str,
    title: Bilingual,
    meaning: Bilingual,
    of_classes: Callable[[Floats], Floats],
    mean: Callable[[Floats, Floats], Floats],
) -> TaskMetric:
    return TaskMetric(
        name=name,
        title=title,
        meaning=meaning,
        unit="0-1",
        higher_is_better=True,
        score=None,
        contributions=_counts,
        statistic=lambda sums: mean(of_classes(sums), sums),
        trials=macro_trials if mean is macro else None,
    )


def _separable(predictions: pa.Table, number: int) -> bool:
    """Some rows are of the class and some are not."""
    of_class = _answers(predictions, "label") == number
    return bool(of_class.any() and not of_class.all())


def _areas(predictions: pa.Table) -> Weighted:
    """The areas of all classes; NaN for those that cannot be told from the rest."""
    scores = np.concatenate([probabilities_of(predictions, side) for side in SIDES])
    labels = np.tile(_answers(predictions, "label"), len(SIDES))
    areas = [roc_auc(column, labels == number) for number, column in enumerate(scores.T)]

    def weighted(zero_shot: Floats, tuned: Floats) -> Floats:
        weights = np.concatenate([zero_shot, tuned], axis=1)
        return np.stack([area(weights) for area in areas])

    return weighted


def _auc_trials(predictions: pa.Table, documents: Numbers, number: int) -> float:
    """The documents of the class or of the rest, whichever are fewer."""
    of_class = _answers(predictions, "label") == number
    return float(min(len(np.unique(documents[of_class])), len(np.unique(documents[~of_class]))))


def _macro_auc_trials(predictions: pa.Table, documents: Numbers) -> float:
    trials = [
        _auc_trials(predictions, documents, number)
        for number in range(len(classes_of(predictions)))
        if _separable(predictions, number)
    ]
    return len(trials) ** 2 / sum(1 / count for count in trials)


def _all_if_several_classes(predictions: pa.Table) -> NDArray[np.bool_]:
    labels = _answers(predictions, "label")
    return np.full(len(labels), len(np.unique(labels)) > 1)


def class_metrics(predictions: pa.Table) -> tuple[TaskMetric | RankMetric, ...]:
    """`precision/<class>`, `recall/<class>`, `f1/<class>` and `roc_auc/<class>` of every class
    that examples are of."""
    classes = classes_of(predictions)
    present = set(_answers(predictions, "label").tolist())
    return tuple(
        metric
        for number, one in enumerate(classes)
        if number in present
        for metric in _metrics_of_class(number, one)
    )


def _metrics_of_class(number: int, one: AnswerClass) -> tuple[TaskMetric | RankMetric, ...]:
    named = Bilingual(one.korean, one.name)

    def titled(korean: str, english: str) -> Bilingual:
        return Bilingual(f"{korean}: {named.ko}", f"{english}: {named.en}")

    def is_of_class(predictions: pa.Table) -> NDArray[np.bool_]:
        return np.asarray(_answers(predictions, "label") == number)

    def all_if_separable(predictions: pa.Table) -> NDArray[np.bool_]:
        return np.full(predictions.num_rows, _separable(predictions, number))

    def counted_in(columns: slice) -> Callable[[Floats], NDArray[np.bool_]]:
        """Examples that are in any of the parts, of hits, examples and answers."""

        def counted(contributions: Floats) -> NDArray[np.bool_]:
            parts = np.stack(np.split(contributions, 3, axis=1))[columns, :, number]
            return np.asarray((parts > 0).any(axis=0))

        return counted

    def of_class(
        name: str,
        title: Bilingual,
        values: Callable[[Floats], Floats],
        counted: Callable[[Floats], NDArray[np.bool_]],
    ) -> TaskMetric:
        return TaskMetric(
            name=f"{name}/{one.name}",
            title=title,
            meaning=title,
            unit="0-1",
            higher_is_better=True,
            score=None,
            contributions=_counts,
            statistic=lambda sums: values(sums)[..., number],
            counted=counted,
        )

    recall_title = titled("재현율", "Recall")
    auc_title = titled("ROC-AUC", "ROC AUC")
    return (
        of_class("precision", titled("정밀도", "Precision"), precision, counted_in(slice(2, 3))),
        mean_metric(
            f"recall/{one.name}",
            title=recall_title,
            meaning=recall_title,
            score=None,
            binary=True,
            rows=is_of_class,
            scored_as="accuracy",
        ),
        of_class("f1", titled("F1", "F1"), f1, counted_in(slice(1, 3))),
        RankMetric(
            name=f"roc_auc/{one.name}",
            title=auc_title,
            meaning=auc_title,
            unit="0-1",
            higher_is_better=True,
            weighted=_areas,
            statistic=lambda areas: areas[number],
            rows=all_if_separable,
            trials=lambda predictions, documents: _auc_trials(predictions, documents, number),
            needs=PROBABILITIES,
        ),
    )


TASK = Task(
    name="classification",
    title=Bilingual("분류", "classification"),
    hub_type="image-classification",
    columns=("id", "split", "prompt", "reference", "zero_shot", "tuned"),
    primary="accuracy",
    metrics=(
        mean_metric(
            "accuracy",
            title=Bilingual("정확도", "Accuracy"),
            meaning=Bilingual(
                "맞은 답의 비율, 읽을 수 없는 답은 틀린 것",
                "share of right answers, one that cannot be read is wrong; equals the recall of "
                "the classes weighted by their examples",
            ),
            score=_right,
            binary=True,
        ),
        _over_classes(
            "macro_precision",
            Bilingual("정밀도(매크로)", "Precision, macro"),
            Bilingual(
                "클래스별 정밀도의 평균, 한 번도 답하지 않은 클래스는 0",
                "mean over the classes; 0 for a class that is never answered",
            ),
            precision,
            macro,
        ),
        _over_classes(
            "macro_recall",
            Bilingual("재현율(매크로)", "Recall, macro"),
            Bilingual(
                "클래스별 재현율의 평균(균형 정확도)", "mean over the classes: balanced accuracy"
            ),
            recall,
            macro,
        ),
        _over_classes(
            "macro_f1",
            Bilingual("F1(매크로)", "F1, macro"),
            Bilingual("클래스별 F1의 평균", "mean over the classes"),
            f1,
            macro,
        ),
        _over_classes(
            "weighted_precision",
            Bilingual("정밀도(가중)", "Precision, weighted"),
            Bilingual("예제 수로 가중한 평균", "mean over the classes by their examples"),
            precision,
            weighted,
        ),
        _over_classes(
            "weighted_f1",
            Bilingual("F1(가중)", "F1, weighted"),
            Bilingual("예제 수로 가중한 평균", "mean over the classes by their examples"),
            f1,
            weighted,
        ),
        RankMetric(
            name="roc_auc",
            title=Bilingual("ROC-AUC(매크로)", "ROC AUC, macro"),
            meaning=Bilingual(
                "클래스의 예제가 다른 예제보다 그 클래스의 확률이 높을 확률, 클래스 평균",
                "chance that an example of a class gets a higher probability of it than one of the "
                "others (one against the rest), mean over the classes",
            ),
            unit="0-1",
            higher_is_better=True,
            weighted=_areas,
            statistic=mean_where_defined,
            rows=_all_if_several_classes,
            trials=_macro_auc_trials,
            needs=PROBABILITIES,
        ),
        TaskMetric(
            name="calibration_error",
            title=Bilingual("보정 오차(ECE)", "Calibration error (ECE)"),
            meaning=Bilingual(
                "확신도와 정확도의 평균 거리, 너비가 같은 구간 10개; 예제가 적으면 크게 나옴",
                "mean distance of confidence and accuracy in 10 bins of equal width; few examples "
                "make it larger",
            ),
            unit="0-1",
            higher_is_better=False,
            score=None,
            contributions=_calibration,
            statistic=expected_calibration_error,
            grows_with_noise=True,
            needs=PROBABILITIES,
        ),
        mean_metric(
            "brier_score",
            title=Bilingual("브라이어 점수", "Brier score"),
            meaning=Bilingual(
                "확률과 정답의 거리 제곱의 합, 0~2",
                "squared distance of probabilities and truth, summed over the classes, 0 to 2",
            ),
            score=_brier,
            unit="0-2",
            higher_is_better=False,
            needs=PROBABILITIES,
        ),
        mean_metric(
            "unparsed",
            title=Bilingual("읽을 수 없는 답", "Answers that cannot be read"),
            meaning=Bilingual(
                "어느 클래스인지 읽을 수 없는 답의 비율, 틀린 것으로 셈",
                "share of answers that name no class; counted as wrong",
            ),
            score=_unparsed,
            higher_is_better=False,
            binary=True,
            unless=PROBABILITIES,
        ),
    ),
    derive=derived_columns,
    more_metrics=class_metrics,
    figures=classification_figures,
    section=("classification.md.jinja", classification_section),
)
