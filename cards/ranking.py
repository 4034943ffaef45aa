"""Does a model give the examples of a class higher probabilities than the others?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def roc_auc(scores: Floats, positive: NDArray[np.bool_]) -> Callable[[Floats], Floats]:
    """The area under the ROC curve as a function of weights.

    The chance that an example of the class has a higher score than one of the others, ties
    counted half (Hanley and McNeil 1982); with whole weights, the area over so many copies.

    scores, positive: (examples,). The function takes (draws, examples) weights and gives
    (draws,) areas; NaN where the class or the rest has no weight. Examples are sorted once.
    """
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    # Examples of one score are one step of the curve.
    begins = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    is_positive = positive[order]

    def area(weights: Floats) -> Floats:
        ordered = weights[:, order]
        inside = np.add.reduceat(ordered * is_positive, begins, axis=1)
        outside = np.add.reduceat(ordered * ~is_positive, begins, axis=1)
        below = np.cumsum(outside, axis=1) - outside
        pairs = inside.sum(axis=1) * outside.sum(axis=1)
        won = (inside * (below + outside / 2)).sum(axis=1)
        return _ratio(won, pairs)

    return area


def mean_where_defined(values: Floats) -> Floats:
    """(parts, draws) to (draws,) means over the parts that are not NaN; NaN where all are."""
    defined = np.isfinite(values)
    count = defined.sum(axis=0)
    return _ratio(np.where(defined, values, 0.0).sum(axis=0), count)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, NaN where there is no whole."""
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio
