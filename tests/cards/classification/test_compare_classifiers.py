"""Classifiers are compared class by class, and only where they chose among the same classes."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from cards.class_predictions import classes_of, with_classes
from cards.compare import Contestant, compare_models
from cards.errors import BogamError
from cards.records import Revision, RunRecord


def test_right_and_wrong_answers_are_told_apart(
    run_of: Callable[[pa.Table], RunRecord], scored: pa.Table, written: pa.Table
) -> None:
    first, second = (
        Contestant(Revision(id=name, revision="local"), run_of(table), table)
        for name, table in (("a", written), ("b", scored.drop_columns(["document_id"])))
    )
    result = compare_models(first, second, resamples=200)
    names = {one.difference.metric for one in result.metrics}
    assert {"accuracy", "macro_f1", "recall/drug_raw"} <= names
    # Only one of the two has probabilities.
    assert not names & {"roc_auc", "brier_score"}
    accuracy = next(one for one in result.metrics if one.difference.metric == "accuracy")
    assert accuracy.difference.test.startswith("exact McNemar")
    assert all({one.first_score, one.second_score} == {0.0, 1.0} for one in result.disagreements)


def test_other_classes_are_refused(
    run_of: Callable[[pa.Table], RunRecord], scored: pa.Table
) -> None:
    run = run_of(scored)
    renamed = [
        one.model_copy(update={"phrases": ("x",)}) if number == 0 else one
        for number, one in enumerate(classes_of(scored))
    ]
    other = with_classes(scored, renamed)
    first, second = (
        Contestant(Revision(id=name, revision="local"), run, table)
        for name, table in (("a", scored), ("b", other))
    )
    with pytest.raises(BogamError, match="different classes"):
        compare_models(first, second)
