"""Intervals and tests against theory, scipy and hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from cards.statistics import (
    mcnemar_by_document_p,
    mcnemar_p,
    percentile_interval,
    randomisation_p,
    reflected_interval,
    resampled_sums,
    sums_by_document,
    swapped_sums,
    wilson_interval,
)

FROZEN_DRAWS = [[1, 0, 2, 2, 0], [2, 1, 1, 1, 0], [0, 0, 1, 4, 0]]
FROZEN_SWAPS = [[0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1], [1, 0, 1, 1, 0, 1]]


def test_every_resample_has_as_many_rows_as_there_are():
    sums = resampled_sums(np.ones((37, 1)), resamples=50, seed=1)
    assert (sums == 37).all()


def test_resampling_is_uniform_and_blocks_do_not_repeat():
    # One-hot rows: the sums are how often each row was drawn.
    drawn = resampled_sums(np.eye(40), resamples=4000, seed=2)
    assert drawn.mean(axis=0) == pytest.approx(np.ones(40), abs=0.1)
    assert len(np.unique(drawn, axis=0)) == 4000


def test_the_same_seed_draws_the_same_in_years():
    # Fixed values: PCG64's raw stream never changes (NEP 19), and neither may what is made of it.
    drawn = resampled_sums(np.eye(5), resamples=3, seed=42)
    assert drawn.astype(int).tolist() == FROZEN_DRAWS
    swapped = swapped_sums(np.eye(6), swaps=3, seed=42)
    assert swapped.astype(int).tolist() == FROZEN_SWAPS


def test_interval_agrees_with_scipy():
    values = np.random.RandomState(3).gamma(2.0, size=250)
    low, high = percentile_interval(
        resampled_sums(values[:, None], resamples=4000, seed=4)[:, 0] / len(values)
    )
    reference = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=4000, rng=5
    ).confidence_interval
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=0.02)


def test_95_percent_intervals_hold_the_truth_about_95_times_in_100():
    draw = np.random.RandomState(6)
    held = 0
    for seed in range(300):
        values = draw.exponential(size=80)
        low, high = percentile_interval(
            resampled_sums(values[:, None], resamples=300, seed=seed)[:, 0] / 80
        )
        held += low <= 1.0 <= high
    assert 0.89 <= held / 300 <= 0.985


def test_randomisation_agrees_with_scipy():
    draw = np.random.RandomState(7)
    first, second = draw.normal(0.25, 1, 60), draw.normal(0, 1, 60)
    difference = first - second
    moved = swapped_sums(difference[:, None], swaps=8000, seed=8)[:, 0]
    null = (difference.sum() - 2 * moved) / 60
    reference = stats.permutation_test(
        (first, second),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=8000,
        rng=9,
    )
    assert randomisation_p(difference.mean(), null) == pytest.approx(reference.pvalue, abs=0.02)


def test_p_is_uniform_where_nothing_differs():
    draw = np.random.RandomState(10)
    below = 0
    for seed in range(300):
        difference = draw.normal(size=(50, 1))
        moved = swapped_sums(difference, swaps=300, seed=seed)[:, 0]
        below += randomisation_p(difference.sum(), difference.sum() - 2 * moved) <= 0.05
    assert 0.02 <= below / 300 <= 0.09


def test_p_is_1_when_both_models_are_equal():
    assert randomisation_p(0.0, np.zeros(100)) == 1.0


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 3), (1, 9), (12, 40), (0, 7)])
def test_mcnemar_is_the_binomial_test_of_the_discordant(first, second):
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_p(first, second) == pytest.approx(expected)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 3), (1, 9), (12, 40), (0, 7)])
def test_mcnemar_by_document_is_mcnemar_where_documents_are_rows(first, second):
    differences = np.array([-1] * first + [0] * 30 + [1] * second)
    assert mcnemar_by_document_p(differences) == pytest.approx(mcnemar_p(first, second))


def test_mcnemar_by_document_counts_every_pattern_of_signs():
    differences = np.array([3, -1, 2, 2, 0, 1])
    signs = np.array(list(product((-1, 1), repeat=len(differences))))
    as_far = np.abs(signs @ differences) >= abs(differences.sum())
    assert mcnemar_by_document_p(differences) == pytest.approx(as_far.mean())


def test_copies_within_a_document_prove_nothing():
    assert mcnemar_by_document_p(np.array([50])) == 1.0
    assert mcnemar_p(0, 50) < 1e-12


def test_an_absolute_error_of_nothing_is_not_certainly_something():
    """Percentile intervals of a mean of absolute values leave the true 0 out almost always."""
    draw = np.random.RandomState(11)
    percentile = reflected = 0
    for seed in range(100):
        values = draw.normal(size=(60, 5))
        error = float(np.abs(values.mean(axis=0)).sum())
        samples = np.abs(resampled_sums(values, resamples=200, seed=seed) / 60).sum(axis=1)
        percentile += percentile_interval(samples)[0] <= 0
        low, high = reflected_interval(samples, error)
        reflected += low <= 0
        assert low <= error <= high
    assert percentile == 0
    assert reflected > 60


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (20, 20), (0, 1), (7, 50)])
def test_wilson_agrees_with_scipy(successes, n):
    reference = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson_interval(successes / n, n) == pytest.approx((reference.low, reference.high))


def test_rows_of_a_document_are_added_up():
    summed = sums_by_document(np.array([[1.0], [2.0], [4.0]]), np.array([1, 0, 1]))
    assert summed.tolist() == [[2.0], [5.0]]
