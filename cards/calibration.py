"""Can a model's confidence be believed? Reliability, and accuracy where the unsure is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cards import statistics

Floats = NDArray[np.float64]
BINS = 10
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
"""Shares of the examples that the card's table of abstention shows."""


def calibration_counts(confidence: Floats, right: Floats) -> Floats:
    """(examples, 3 x BINS): is in the bin, its confidence there, is right there.

    confidence: (examples,) 0 to 1, the probability of the answer that was given. Bins are of equal
    width and closed above.
    """
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    inside = (bins[:, None] == np.arange(BINS)).astype(np.float64)
    return np.concatenate([inside, inside * confidence[:, None], inside * right[:, None]], axis=1)


def expected_calibration_error(sums: Floats) -> Floats:
    """(..., 3 x BINS) to (...): the mean distance of confidence and accuracy of a bin, by examples.

    Guo et al. 2017, arXiv:1706.04599.
    """
    inside, confidence, right = np.split(sums, 3, axis=-1)
    return np.asarray(np.abs(confidence - right).sum(axis=-1) / inside.sum(axis=-1))


@dataclass(frozen=True)
class ReliabilityBin:
    """Examples whose confidence lies in (low, high]."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean; NaN without examples, as is accuracy."""
    accuracy: float


def reliability(confidence: Floats, right: Floats) -> list[ReliabilityBin]:
    """The bins behind :func:`expected_calibration_error`."""
    inside, *sums = np.split(calibration_counts(confidence, right).sum(axis=0), 3)
    with np.errstate(invalid="ignore"):
        mean, accuracy = (total / inside for total in sums)
    return [
        ReliabilityBin(
            number / BINS,
            (number + 1) / BINS,
            int(inside[number]),
            float(mean[number]),
            float(accuracy[number]),
        )
        for number in range(BINS)
    ]


@dataclass(frozen=True)
class AbstentionCurve:
    """Accuracy over the most confident share of the examples; all arrays are (coverages,)."""

    coverages: Floats
    accuracy: Floats
    low: Floats
    """With `high` the 95 % interval of each accuracy by itself."""
    high: Floats


def abstention_curve(
    confidence: Floats,
    right: Floats,
    coverages: Floats,
    documents: NDArray[np.int64] | None,
    *,
    resamples: int,
    seed: int,
) -> AbstentionCurve:
    """What leaving out the least confident examples does (El-Yaniv and Wiener 2010).

    confidence, right: (examples,); coverages: shares above 0; documents: (examples,) numbers of
    what is resampled, None for the examples themselves.
    """
    codes = np.arange(len(confidence)) if documents is None else documents
    count = int(codes.max()) + 1
    accuracy = accuracy_at_coverage(confidence, right, coverages, np.ones((1, len(right))))[0]
    samples = np.concatenate(
        [
            accuracy_at_coverage(confidence, right, coverages, weights[:, codes])
            for weights in statistics.resampling_weights(count, resamples=resamples, seed=seed)
        ]
    )
    intervals = [
        statistics.wilson_interval(value, coverage * count)
        if value in (0.0, 1.0)
        else statistics.percentile_interval(drawn)
        for value, coverage, drawn in zip(accuracy.tolist(), coverages, samples.T, strict=True)
    ]
    low, high = np.array(intervals).T
    return AbstentionCurve(coverages, accuracy, low, high)


def accuracy_at_coverage(
    confidence: Floats, right: Floats, coverages: Floats, weights: Floats
) -> Floats:
    """Accuracy over the most confident share of weighted examples.

    confidence, right: (examples,); coverages: (c,) shares above 0; weights: (draws, examples).
    Returns (draws, c). A share is of whole examples, at least one. Among examples of equal
    confidence the right ones are spread evenly.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    ends = np.flatnonzero(np.concatenate([ranked[1:] != ranked[:-1], [True]]))
    taken = np.cumsum(weights[:, order], axis=1)[:, ends]
    hits = np.cumsum(weights[:, order] * right[order], axis=1)[:, ends]
    wanted = np.maximum(1.0, np.round(taken[:, -1:] * coverages))
    found = [
        np.interp(want, np.concatenate([[0.0], have]), np.concatenate([[0.0], hit]))
        for want, have, hit in zip(wanted, taken, hits, strict=True)
    ]
    return np.stack(found) / wanted


def threshold_at_coverage(confidence: Floats, coverage: float) -> float:
    """The lowest confidence among the most confident share of the examples."""
    count = max(1, round(coverage * len(confidence)))
    return float(np.sort(confidence)[::-1][count - 1])
