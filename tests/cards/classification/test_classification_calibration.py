"""Areas, calibration and abstention against their plain definitions."""

from __future__ import annotations

import numpy as np
import pytest

from cards.calibration import (
    abstention_curve,
    accuracy_at_coverage,
    calibration_counts,
    expected_calibration_error,
    reliability,
    threshold_at_coverage,
)
from cards.ranking import mean_where_defined, roc_auc


@pytest.fixture
def draw() -> np.random.RandomState:
    return np.random.RandomState(0)


def area_by_pairs(scores: np.ndarray, positive: np.ndarray) -> float:
    won = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high in scores[positive]
        for low in scores[~positive]
    ]
    return sum(won) / len(won)


def test_the_area_is_the_share_of_pairs_in_order(draw: np.random.RandomState) -> None:
    scores = draw.randint(0, 8, size=40) / 7  # many ties
    positive = draw.rand(40) < 0.3
    area = roc_auc(scores, positive)
    assert area(np.ones((1, 40)))[0] == pytest.approx(area_by_pairs(scores, positive))


def test_weights_are_copies(draw: np.random.RandomState) -> None:
    scores, positive = draw.rand(20).round(1), draw.rand(20) < 0.5
    weights = draw.randint(0, 4, size=(5, 20))
    areas = roc_auc(scores, positive)(weights.astype(float))
    for copies, area in zip(weights, areas, strict=True):
        repeated = np.repeat(np.arange(20), copies)
        assert area == pytest.approx(area_by_pairs(scores[repeated], positive[repeated]))


def test_an_area_without_two_sides_is_none() -> None:
    area = roc_auc(np.array([0.1, 0.9]), np.array([True, False]))
    assert np.isnan(area(np.array([[1.0, 0.0]]))).all()
    assert mean_where_defined(np.array([[np.nan, np.nan], [0.5, np.nan]]))[0] == 0.5
    assert np.isnan(mean_where_defined(np.array([[np.nan], [np.nan]]))).all()


def test_the_calibration_error_is_the_gap_of_each_bin(draw: np.random.RandomState) -> None:
    confidence = np.concatenate([draw.rand(200), [0.0, 0.1, 0.2, 1.0]])
    right = (draw.rand(204) < 0.5).astype(float)
    expected = 0.0
    for low in range(10):
        inside = (confidence > low / 10) & (confidence <= (low + 1) / 10)
        if low == 0:
            inside |= confidence == 0
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    sums = calibration_counts(confidence, right).sum(axis=0)
    assert expected_calibration_error(sums) == pytest.approx(expected)
    bins = reliability(confidence, right)
    assert sum(one.count for one in bins) == 204
    gaps = [one.count / 204 * abs(one.confidence - one.accuracy) for one in bins if one.count]
    assert sum(gaps) == pytest.approx(expected)


def test_a_sure_and_always_right_model_is_calibrated() -> None:
    sums = calibration_counts(np.ones(5), np.ones(5)).sum(axis=0)
    assert expected_calibration_error(sums) == 0.0
    assert [one.count for one in reliability(np.ones(5), np.ones(5))] == [0] * 9 + [5]


def test_abstention_keeps_the_most_confident() -> None:
    confidence = np.array([0.9, 0.2, 0.7, 0.4, 0.6])
    right = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    accuracy = accuracy_at_coverage(
        confidence, right, np.array([0.2, 0.6, 0.8, 1.0]), np.ones((1, 5))
    )
    assert accuracy[0] == pytest.approx([1.0, 1.0, 3 / 4, 3 / 5])
    assert threshold_at_coverage(confidence, 0.6) == 0.6
    assert threshold_at_coverage(confidence, 1.0) == 0.2


def test_abstention_counts_whole_examples() -> None:
    """A reader who sorts the rows and divides gets the number of the card."""
    confidence = np.linspace(0.9, 0.2, 7)
    right = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    accuracy = accuracy_at_coverage(
        confidence, right, np.array([0.05, 0.5, 0.6, 0.9]), np.ones((1, 7))
    )
    assert accuracy[0] == pytest.approx([1 / 1, 3 / 4, 3 / 4, 3 / 6])


def test_abstention_does_not_choose_among_the_equally_confident() -> None:
    """Whatever the order of the rows, ties count as a mixture."""
    confidence = np.array([0.8, 0.8, 0.8, 0.8, 0.1])
    for right in ([1.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0]):
        accuracy = accuracy_at_coverage(
            confidence, np.array(right), np.array([0.2, 0.4, 0.8]), np.ones((1, 5))
        )
        assert accuracy[0] == pytest.approx([0.5, 0.5, 0.5])


def test_abstention_resamples_documents(draw: np.random.RandomState) -> None:
    """Ten copies of each example within one document add no certainty."""
    confidence, right = draw.rand(40), (draw.rand(40) < 0.6).astype(float)
    coverages = np.array([0.5, 1.0])
    once = abstention_curve(confidence, right, coverages, None, resamples=300, seed=3)
    copies = abstention_curve(
        np.repeat(confidence, 10),
        np.repeat(right, 10),
        coverages,
        np.repeat(np.arange(40), 10),
        resamples=300,
        seed=3,
    )
    assert copies.accuracy == pytest.approx(once.accuracy)
    assert (copies.low, copies.high) == (pytest.approx(once.low), pytest.approx(once.high))
    assert (once.low < once.accuracy).all()
    assert once.accuracy[1] < once.high[1]
