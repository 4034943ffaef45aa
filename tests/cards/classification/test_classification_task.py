"""From predictions to the numbers of a classifier: every row counts, also the unreadable."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from cards.answer_classes import AnswerClass
from cards.baseline import trivial_baseline
from cards.class_predictions import classes_of, with_classes
from cards.errors import BogamError
from cards.records import Comparison, Metric
from cards.scoring import score, summarise

# References, answers (-1: unreadable) and what scikit-learn 1.9.1 says with labels=[0, 1, 2, 3]
# and zero_division=0. Class 3 is never answered.
REFERENCES = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3]
ANSWERS = [0, 0, 1, -1, 1, 1, 0, 2, 1, -1]
SKLEARN = {
    "accuracy": 0.5,
    "macro_precision": 0.5416666666666666,
    "macro_recall": 0.41666666666666663,
    "macro_f1": 0.45238095238095233,
    "weighted_precision": 0.6166666666666667,
    "weighted_f1": 0.5333333333333333,
    "precision/irrelevant": 2 / 3,
    "recall/irrelevant": 0.5,
    "f1/irrelevant": 0.5714285714285714,
    "precision/chat_history": 0.5,
    "recall/chat_history": 2 / 3,
    "f1/chat_history": 0.5714285714285714,
    "precision/transaction_place": 1.0,
    "recall/transaction_place": 0.5,
    "f1/transaction_place": 2 / 3,
    "precision/drug_raw": 0.0,
    "recall/drug_raw": 0.0,
    "f1/drug_raw": 0.0,
}

Table = Callable[..., pa.Table]
Summary = tuple[dict[str, dict[str, Metric]], dict[str, Comparison]]


def written(answers: list[int]) -> list[str]:
    return ["모르겠습니다" if answer < 0 else f"{answer}번입니다" for answer in answers]


def one_hot(answers: list[int], sure: float = 0.7) -> np.ndarray:
    rest = (1 - sure) / 3
    return np.where(np.eye(4)[answers] > 0, sure, rest)


def measured(table: pa.Table, resamples: int = 100) -> Summary:
    metrics, comparison = summarise(
        "classification", score("classification", table), resamples=resamples, seed=0
    )
    return metrics, {one.metric: one for one in comparison}  # type: ignore[return-value]


def test_shares_agree_with_scikit_learn(table_of: Table) -> None:
    metrics, _ = measured(table_of(REFERENCES, written(ANSWERS), written(REFERENCES)))
    values = {name: metric.value for name, metric in metrics["zero_shot"].items()}
    assert values.pop("unparsed") == 0.2
    assert values == pytest.approx(SKLEARN)


def test_an_unreadable_answer_is_wrong_and_stays_in_the_denominator(table_of: Table) -> None:
    table = score("classification", table_of(REFERENCES, written(ANSWERS), [None] * 10))
    assert table["zero_shot_label"].to_pylist().count("unparsed") == 2
    metrics, _ = measured(table)
    assert metrics["tuned"]["accuracy"].value == 0.0
    assert metrics["tuned"]["unparsed"].value == 1.0
    assert metrics["tuned"]["macro_f1"].value == 0.0
    assert all(metrics["tuned"][name].n == 10 for name in ("accuracy", "macro_f1", "unparsed"))
    assert metrics["tuned"]["recall/irrelevant"].n == 4


def test_the_answer_is_the_most_probable_class(table_of: Table) -> None:
    answers = [0, 1, 1, 3, 1, 1, 0, 2, 1, 2]
    table = score("classification", table_of(REFERENCES, one_hot(answers), one_hot(REFERENCES)))
    classes = classes_of(table)
    assert table["zero_shot_label"].to_pylist() == [classes[answer].name for answer in answers]
    assert table["label"].to_pylist() == [classes[number].name for number in REFERENCES]
    metrics, _ = measured(table)
    assert "unparsed" not in metrics["tuned"]
    assert metrics["tuned"]["calibration_error"].value == pytest.approx(0.3)
    assert metrics["tuned"]["brier_score"].value == pytest.approx(0.3**2 + 3 * 0.1**2)
    assert metrics["tuned"]["roc_auc"].value == 1.0


def test_confidence_is_not_measured_on_written_answers(written: pa.Table) -> None:
    metrics, comparison = measured(written)
    assert {"calibration_error", "brier_score", "roc_auc"}.isdisjoint(metrics["tuned"])
    assert "unparsed" in comparison


def test_means_are_over_the_classes_that_occur(table_of: Table) -> None:
    """A class without an example cannot be measured; answering it still costs the others."""
    table = table_of([0, 0, 1, 1], written([0, 3, 1, 1]), written([0, 0, 1, 1]))
    metrics, _ = measured(table)
    assert metrics["zero_shot"]["macro_recall"].value == 0.75
    assert metrics["zero_shot"]["macro_precision"].value == 1.0
    assert not any(name.endswith("/drug_raw") for name in metrics["tuned"])


def test_all_right_is_not_certainty_and_less_so_for_rare_classes(table_of: Table) -> None:
    references = [0] * 60 + [1] * 60 + [2] * 4 + [3] * 60
    metrics, _ = measured(table_of(references, one_hot(references), one_hot(references)))
    tuned = metrics["tuned"]
    low = {name: metric.low for name, metric in tuned.items() if metric.value == 1.0}
    assert low["recall/transaction_place"] < low["recall/drug_raw"] < low["accuracy"] < 1
    assert low["precision/transaction_place"] < 0.6
    assert low["recall/transaction_place"] < low["macro_recall"] < low["accuracy"]
    assert low["roc_auc/transaction_place"] < low["roc_auc"] < 1


def test_a_class_that_is_never_answered_says_nothing_of_its_precision(table_of: Table) -> None:
    metrics, _ = measured(table_of(REFERENCES, written(ANSWERS), written(REFERENCES)))
    never = metrics["zero_shot"]["precision/drug_raw"]
    assert (never.value, never.low, never.high) == (0.0, 0.0, 1.0)
    assert never.n == 0


def test_n_of_a_class_is_what_its_number_is_computed_from(table_of: Table) -> None:
    table = table_of([0] * 6 + [1] * 4, written([0] * 4 + [1] * 6), written([0] * 9 + [1]))
    metrics, _ = measured(table)
    for side, answered, either in (("zero_shot", 4, 6), ("tuned", 9, 9)):
        assert metrics[side]["precision/irrelevant"].n == answered
        assert metrics[side]["recall/irrelevant"].n == 6
        assert metrics[side]["f1/irrelevant"].n == either
        assert metrics[side]["accuracy"].n == 10


def test_intervals_hold_their_values(scored: pa.Table) -> None:
    metrics, comparison = measured(scored, resamples=300)
    for side in ("zero_shot", "tuned"):
        for name, metric in metrics[side].items():
            assert metric.low <= metric.value <= metric.high, (side, name)
    for name, one in comparison.items():
        difference = metrics["tuned"][name].value - metrics["zero_shot"][name].value
        assert one.difference == pytest.approx(difference)
        assert one.low <= one.difference <= one.high, name


def test_zero_shot_and_tuned_are_compared_by_mcnemar(scored: pa.Table, table_of: Table) -> None:
    _, comparison = measured(scored)
    assert comparison["accuracy"].test == "exact McNemar over documents"
    assert comparison["accuracy"].p_value < 1e-6
    references = [0] * 12
    _, comparison = measured(
        table_of(references, written([0] * 3 + [1] * 9), written([1] + [0] * 11))
    )
    assert comparison["accuracy"].test == "exact McNemar"
    # One lost, nine won: 2 x (1 + 10) / 2 ** 10.
    assert comparison["accuracy"].p_value == pytest.approx(22 / 1024)


def test_two_models_alike_do_not_differ(scored: pa.Table) -> None:
    place = scored.column_names.index("tuned_probabilities")
    same = scored.set_column(place, "tuned_probabilities", scored["zero_shot_probabilities"])
    _, comparison = measured(same)
    assert {one.difference for one in comparison.values()} == {0.0}
    assert {one.p_value for one in comparison.values()} == {1.0}


def test_scoring_again_changes_nothing(scored: pa.Table, written: pa.Table) -> None:
    for table in (scored, written):
        assert score("classification", table).equals(table, check_metadata=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace_schema_metadata({}), "do not say what their classes are"),
        (lambda t: t.replace_schema_metadata({"classes": "[{}]"}), "cannot be read"),
        (lambda t: with_column(t, "reference", ["four"] * 160), "photo-000 has the reference"),
        (lambda t: with_probability(t, 5, float("nan")), "row photo-005 holds"),
        (lambda t: with_probability(t, 5, 2.0), "add up to 1"),
        (lambda t: renamed(t, "nothing"), "is of the classes"),
    ],
)
def test_bad_predictions_are_told_by_name(
    scored: pa.Table, change: Callable[[pa.Table], pa.Table], message: str
) -> None:
    with pytest.raises(BogamError, match=message):
        score("classification", change(scored))


def with_column(table: pa.Table, name: str, values: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def with_probability(table: pa.Table, row: int, value: float) -> pa.Table:
    rows = table["tuned_probabilities"].to_pylist()
    rows[row]["chat_history"] = value
    return with_column(table, "tuned_probabilities", rows)


def renamed(table: pa.Table, name: str) -> pa.Table:
    rows = [
        {name if key == "chat_history" else key: value for key, value in row.items()}
        for row in table["tuned_probabilities"].to_pylist()
    ]
    return with_column(table, "tuned_probabilities", rows)


def test_the_baseline_does_not_depend_on_what_the_models_said(scored: pa.Table) -> None:
    """Neither on their answers nor on their probabilities: it is the largest class."""
    level = trivial_baseline("classification", scored, resamples=200, seed=7)
    said = [f"{side}_probabilities" for side in ("zero_shot", "tuned")]
    unsaid = with_column(scored.drop_columns(said), "tuned", ["?"] * 160)
    assert trivial_baseline("classification", unsaid, resamples=200, seed=7) == level
    largest = max(scored["label"].to_pylist().count(one.name) for one in classes_of(scored))
    assert level.value == largest / 160
    assert level.low < level.value < level.high


def test_classes_travel_with_the_file(
    scored: pa.Table, classes: tuple[AnswerClass, ...], tmp_path
) -> None:
    import pyarrow.parquet as pq

    pq.write_table(scored, tmp_path / "predictions.parquet", compression="zstd")
    read = pq.ParquetFile(tmp_path / "predictions.parquet").read()
    assert classes_of(read) == classes
    stored = json.loads(read.schema.metadata[b"classes"])
    assert stored[3]["korean"] == "마약 실물"
    assert with_classes(read, classes).equals(scored, check_metadata=True)
