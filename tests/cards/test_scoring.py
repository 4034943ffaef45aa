"""From predictions to metrics: nothing is left out, and the same code gives the same numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cards.errors import BogamError
from cards.scoring import score, summarise


def table(**columns: list) -> pa.Table:
    rows = len(next(iter(columns.values())))
    base = {
        "id": [f"q{row}" for row in range(rows)],
        "split": ["test"] * rows,
        "prompt": ["질문"] * rows,
    }
    return pa.table(base | columns)


def test_an_answer_that_is_missing_counts_as_wrong(predictions):
    answers = table(
        reference=["가", "나", "다", "라"],
        zero_shot=[None, "", "다", "x"],
        tuned=["가", "나", "다", None],
    )
    metrics, _ = summarise("generation", score("generation", answers), resamples=100, seed=0)
    assert metrics["zero_shot"]["exact_match"].value == 0.25
    assert metrics["tuned"]["exact_match"].value == 0.75
    assert all(metric.n == 4 for side in metrics.values() for metric in side.values())


def test_numbers_depend_on_predictions_and_seed_alone(predictions):
    first = summarise("generation", predictions, resamples=200, seed=1)
    assert first == summarise("generation", predictions, resamples=200, seed=1)
    assert first != summarise("generation", predictions, resamples=200, seed=2)


def test_scoring_again_changes_nothing(predictions):
    assert score("generation", predictions).equals(predictions)


def test_perplexity_is_a_ratio_of_sums_not_a_mean_of_ratios():
    answers = table(
        reference=["가", "나"],
        zero_shot=["가", "나"],
        tuned=["가", "나"],
        answer_tokens=[1, 99],
        zero_shot_nll=[5.0, 99.0],
        tuned_nll=[1.0, 99.0],
    )
    metrics, comparison = summarise(
        "generation", score("generation", answers), resamples=100, seed=0
    )
    assert metrics["zero_shot"]["perplexity"].value == pytest.approx(np.exp(104 / 100))
    assert metrics["tuned"]["perplexity"].value == pytest.approx(np.exp(1.0))
    assert not metrics["tuned"]["perplexity"].higher_is_better
    difference = next(one for one in comparison if one.metric == "perplexity").difference
    assert difference == pytest.approx(np.exp(1.0) - np.exp(1.04))


def test_perplexity_is_left_out_where_it_was_not_measured():
    answers = table(reference=["가"], zero_shot=["나"], tuned=["가"])
    metrics, comparison = summarise(
        "generation", score("generation", answers), resamples=10, seed=0
    )
    assert "perplexity" not in metrics["tuned"]
    assert {one.metric for one in comparison} == set(metrics["tuned"])


def test_copies_of_a_row_within_a_document_add_no_certainty(predictions):
    """Three copies of every row, named as one document, give the numbers of the rows alone."""
    alone = predictions.drop_columns(["document_id"])
    copies = pa.concat_tables([predictions] * 3).set_column(
        predictions.column_names.index("document_id"),
        "document_id",
        pa.array(alone["id"].to_pylist() * 3),
    )
    once, differences = summarise("generation", alone, resamples=300, seed=5)
    thrice, differences_of_copies = summarise("generation", copies, resamples=300, seed=5)
    for name, metric in once["tuned"].items():
        copy = thrice["tuned"][name]
        assert copy.documents == metric.n == 120
        assert copy.n == 360
        assert (copy.value, copy.low, copy.high) == pytest.approx(
            (metric.value, metric.low, metric.high)
        )
    for one, other in zip(differences, differences_of_copies, strict=True):
        assert other.p_value == pytest.approx(one.p_value)


def test_rows_of_one_document_are_resampled_themselves(predictions):
    place = predictions.column_names.index("document_id")
    one = predictions.set_column(place, "document_id", pa.array(["d0"] * predictions.num_rows))
    metrics, _ = summarise("generation", one, resamples=200, seed=0)
    assert metrics["tuned"]["chrf"].low < metrics["tuned"]["chrf"].value
    assert metrics["tuned"]["chrf"].documents == 120


def test_a_clear_gain_is_significant_and_no_change_is_not(predictions):
    _, comparison = summarise("generation", predictions, resamples=500, seed=0)
    gain = next(one for one in comparison if one.metric == "character_f1")
    assert gain.low > 0.2
    assert gain.p_value == pytest.approx(1 / 501)
    same = predictions.set_column(
        predictions.column_names.index("tuned"), "tuned", predictions["zero_shot"]
    )
    _, comparison = summarise("generation", score("generation", same), resamples=500, seed=0)
    unchanged = next(one for one in comparison if one.metric == "character_f1")
    assert (unchanged.difference, unchanged.low, unchanged.high) == (0, 0, 0)
    assert unchanged.p_value == 1.0


def test_right_and_wrong_is_compared_by_mcnemar_where_rows_are_independent(predictions):
    rows = predictions.drop_columns(["document_id"])
    _, comparison = summarise("generation", rows, resamples=100, seed=0)
    tests = {one.metric: one.test for one in comparison}
    assert tests["exact_match"] == "exact McNemar"
    assert tests["chrf"] == "paired randomisation, 100 swaps"


def test_no_right_answer_is_not_certainty(predictions):
    metrics, _ = summarise("generation", predictions, resamples=100, seed=0)
    nothing_right = metrics["zero_shot"]["exact_match"]
    assert nothing_right.value == nothing_right.low == 0.0
    assert 0.03 < nothing_right.high < 0.1


def test_no_mean_between_0_and_1_is_certain_either(predictions):
    """A mean of scores that are all 0 may be of few documents, as a share may."""
    empty = predictions.set_column(
        predictions.column_names.index("zero_shot"), "zero_shot", [[""] * predictions.num_rows]
    )
    metrics, _ = summarise("generation", score("generation", empty), resamples=100, seed=0)
    nothing = metrics["zero_shot"]["character_f1"]
    assert nothing.value == nothing.low == 0.0
    assert 0.03 < nothing.high < 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns(["reference"]), "no column reference"),
        (lambda t: t.slice(0, 0), "no row"),
        (
            lambda t: t.set_column(
                t.column_names.index("reference"),
                "reference",
                pa.array([None, *t["reference"].to_pylist()[1:]]),
            ),
            "1 rows have no reference",
        ),
        (
            lambda t: t.set_column(
                t.column_names.index("tuned_nll"),
                "tuned_nll",
                pa.array([float("nan")] + [1.0] * (t.num_rows - 1)),
            ),
            "row q000000 holds a number that is not finite",
        ),
        (lambda t: t.drop_columns(["tuned_chrf"]), "tuned_chrf"),
    ],
)
def test_bad_predictions_are_told_by_name(predictions, change, message):
    with pytest.raises(BogamError, match=message):
        summarise("generation", change(predictions), resamples=10, seed=0)


def test_an_unknown_task_lists_the_known_ones(predictions):
    with pytest.raises(BogamError, match=r"'poetry' is not known\. Tasks: .*generation"):
        score("poetry", predictions)
