"""How sure is a number? Bootstrap intervals and paired tests over sums of per-example numbers.

Every metric here is a function of sums over the examples: a mean is (sum of scores, number of
examples), perplexity is (sum of nats, sum of tokens), a macro F1 is a row of counts per class. So
one matrix product gives the resampled sums of all metrics of both models at once, and their
difference is paired by construction.

Random numbers come from the raw output of PCG64, whose stream NumPy promises never to change
(NEP 19; `Generator.integers` has no such promise): the same seed gives the same interval in years.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Cells of a block of resampling weights: 32 MiB of float64.
_BLOCK_CELLS = 4 * 2**20


def sums_by_document(contributions: Floats, documents: NDArray[np.int64]) -> Floats:
    """Add up the rows of each document.

    contributions: (examples, k); documents: (examples,) numbers 0..d-1; returns (d, k). Rows of
    one document are not independent, so documents are what is resampled (Field and Welsh 2007).
    """
    totals = np.zeros((int(documents.max()) + 1, contributions.shape[1]))
    np.add.at(totals, documents, contributions)
    return totals


def resampled_sums(contributions: Floats, *, resamples: int, seed: int) -> Floats:
    """Sums over `resamples` draws of n rows with replacement (Efron 1979).

    contributions: (n, k); returns (resamples, k). Takes about 5 ns for each row and resample.
    """
    blocks = resampling_weights(len(contributions), resamples=resamples, seed=seed)
    return np.concatenate([weights @ contributions for weights in blocks])


def resampling_weights(rows: int, *, resamples: int, seed: int) -> Iterator[Floats]:
    """(block, rows) how often each row is drawn in the next resamples, `resamples` of them in all.

    The same seed gives the weights behind :func:`resampled_sums`.
    """
    source = _bits(seed, stream=0)
    for start, stop in _blocks(resamples, rows):
        weights = np.empty((stop - start, rows))
        for line in weights:
            line[:] = np.bincount(_draws(source, rows), minlength=rows)
        yield weights


def swapped_sums(differences: Floats, *, swaps: int, seed: int) -> Floats:
    """Sums over random halves of the rows: what an exchange of the two models moves.

    differences: (n, k), first model minus second; returns (swaps, k). Under the null hypothesis
    each row's two outputs might as well have changed places: with `m = swapped_sums(...)` the
    first model's sums become `sums - m`, the second's `sums + m` (approximate randomisation,
    Noreen 1989).
    """
    blocks = swapped_rows(len(differences), swaps=swaps, seed=seed)
    return np.concatenate([swapped @ differences for swapped in blocks])


def swapped_rows(rows: int, *, swaps: int, seed: int) -> Iterator[Floats]:
    """(block, rows) 1 where a row changes places in the next swaps, `swaps` of them in all.

    The same seed gives the rows behind :func:`swapped_sums`.
    """
    source = _bits(seed, stream=1)
    for start, stop in _blocks(swaps, rows):
        words = source.random_raw((stop - start) * (-(-rows // 64))).astype("<u8")
        flips = np.unpackbits(words.view(np.uint8).reshape(stop - start, -1), axis=1)[:, :rows]
        yield flips.astype(np.float64)


def random_order(rows: int, *, seed: int) -> NDArray[np.int64]:
    """(rows,) the numbers 0..rows-1, shuffled."""
    return np.argsort(_bits(seed, stream=2).random_raw(rows), kind="stable")


def percentile_interval(samples: Floats) -> tuple[float, float]:
    """The middle 95 % of the samples; NaN, a sample that holds nothing to measure, is no sample."""
    measured = samples[~np.isnan(samples)]
    if not measured.size:
        return float("nan"), float("nan")
    low, high = np.quantile(measured, (0.025, 0.975))
    return float(low), float(high)


def reflected_interval(samples: Floats, value: float) -> tuple[float, float]:
    """95 % for a statistic that grows with noise, such as a mean of absolute differences.

    Resampling adds to it what sampling has added already, so the samples lie too high. The
    basic bootstrap interval (Davison and Hinkley 1997, 5.2.1) is the percentile interval
    reflected at the value, which takes that out; this is the hull of both. Where the truth is 0
    it still leaves it out in about one case of four.
    """
    low, high = percentile_interval(samples)
    return min(low, 2 * value - high), max(high, 2 * value - low)


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share of n (Wilson 1927).

    For 0 of n and n of n, where a bootstrap can draw nothing but the same value. `n` may be an
    effective number; nothing is known where it is 0.
    """
    if n == 0:
        return 0.0, 1.0
    z2 = 1.959963984540054**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = 0.0 if share == 0 else float(centre - half)
    high = 1.0 if share == 1 else float(centre + half)
    return low, high


def randomisation_p(observed: float, null: Floats) -> float:
    """Two-sided p of an observed difference among those of random swaps.

    (1 + as extreme) / (1 + swaps), so never 0 (Phipson and Smyth 2010). Equal up to rounding
    counts as as extreme.
    """
    threshold = abs(observed) * (1 - 1e-9) - 1e-12
    return float((1 + np.count_nonzero(np.abs(null) >= threshold)) / (1 + len(null)))


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Exact two-sided McNemar test: examples that only one of two models gets right."""
    discordant = only_first + only_second
    if not discordant:
        return 1.0
    from scipy.special import bdtr

    return min(1.0, 2.0 * float(bdtr(min(only_first, only_second), discordant, 0.5)))


def mcnemar_by_document_p(differences: NDArray[np.int64]) -> float:
    """The exact McNemar test where rows of one document are not independent.

    differences: (documents,) rows that only the second model gets right minus rows that only the
    first one does. Without a difference between the models every sign is as likely as the other;
    p is the share of all sign patterns whose sum is at least as far from 0. With one row a
    document that is :func:`mcnemar_p`.
    """
    sizes = np.abs(differences[differences != 0])
    total = int(sizes.sum())
    chances = np.ones(1)
    for size in sizes:
        # Of the sum of what may count: 0 or `size`, each with one half.
        chances = 0.5 * (np.pad(chances, (0, size)) + np.pad(chances, (size, 0)))
    sums = 2 * np.arange(total + 1) - total
    return min(1.0, float(chances[np.abs(sums) >= abs(int(differences.sum()))].sum()))


def _bits(seed: int, *, stream: int) -> np.random.PCG64:
    return np.random.PCG64(np.random.SeedSequence([seed, stream]))


def _draws(source: np.random.PCG64, n: int) -> NDArray[np.int64]:
    """n numbers from 0..n-1: the upper half of 32 random bits times n.

    The bias of leaving out rejection is below n / 2**32.
    """
    halves = source.random_raw(-(-n // 2)).astype("<u8").view("<u4")[:n].astype(np.uint64)
    return ((halves * np.uint64(n)) >> np.uint64(32)).astype(np.int64)


def _blocks(total: int, rows: int) -> Iterator[tuple[int, int]]:
    step = max(1, _BLOCK_CELLS // rows)
    for start in range(0, total, step):
        yield start, min(total, start + step)
