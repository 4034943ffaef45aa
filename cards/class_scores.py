"""Precision, recall and F1 of classes, from sums that a bootstrap can draw again.

Of every example and class three numbers are added up: is it a hit, is it of this class, was this
class answered. An answer that names no class is never a hit and never counted as answered, so it
lowers recall and F1 of the class it is of; it is not a class of its own in any mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


def class_counts(references: Numbers, answers: Numbers, classes: int) -> Floats:
    """(examples, 3 x classes): hits, examples of the class, answers with the class.

    references, answers: (examples,) class numbers; -1 for an answer that names none.
    """
    of_class = references[:, None] == np.arange(classes)
    answered = answers[:, None] == np.arange(classes)
    return np.concatenate([of_class & answered, of_class, answered], axis=1).astype(np.float64)


def confusion_matrix(references: Numbers, answers: Numbers, classes: int) -> Numbers:
    """(classes, classes + 1) examples by class and answer; the last column names no class."""
    table = np.zeros((classes, classes + 1), dtype=np.int64)
    np.add.at(table, (references, np.where(answers < 0, classes, answers)), 1)
    return table


def precision(sums: Floats) -> Floats:
    """(..., 3 x classes) to (..., classes); 0 for a class that was never answered.

    Like the two below NaN for a class that does not occur: it cannot be measured.
    """
    hits, of_class, answered = _parts(sums)
    return np.where((of_class == 0) & (answered == 0), np.nan, _share(hits, answered))


def recall(sums: Floats) -> Floats:
    """(..., 3 x classes) to (..., classes)."""
    hits, of_class, _ = _parts(sums)
    return np.where(of_class == 0, np.nan, _share(hits, of_class))


def f1(sums: Floats) -> Floats:
    """(..., 3 x classes) to (..., classes): the harmonic mean of precision and recall."""
    hits, of_class, answered = _parts(sums)
    return np.where(of_class == 0, np.nan, _share(2 * hits, of_class + answered))


def macro(values: Floats, sums: Floats) -> Floats:
    """(..., classes) to (...): the mean over the classes that examples are of."""
    occurs = _parts(sums)[1] > 0
    return _share(np.where(occurs, values, 0.0).sum(axis=-1), occurs.sum(axis=-1))


def weighted(values: Floats, sums: Floats) -> Floats:
    """(..., classes) to (...): the mean over the examples of their classes' values."""
    of_class = _parts(sums)[1]
    total = np.where(of_class > 0, values * of_class, 0.0).sum(axis=-1)
    return _share(total, of_class.sum(axis=-1))


def macro_trials(contributions: Floats) -> float:
    """(documents, 3 x classes) to the number of trials a mean over classes is worth.

    As many as a single share needs for the same variance when each class is right as often as the
    others: classes x the harmonic mean of the documents of each. Equal classes give all documents.
    """
    documents = (_parts(contributions)[1] > 0).sum(axis=0)
    documents = documents[documents > 0]
    return float(len(documents) ** 2 / (1 / documents).sum())


def _parts(sums: Floats) -> tuple[Floats, Floats, Floats]:
    hits, of_class, answered = np.split(sums, 3, axis=-1)
    return hits, of_class, answered


def _share(part: Floats, whole: Floats) -> Floats:
    """part / whole, 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)
