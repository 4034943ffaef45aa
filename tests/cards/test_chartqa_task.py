"""Relaxed accuracy: what is right, over which rows, and the same numbers on the card."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from huggingface_hub import ModelCard

from cards.chart_answers import is_right
from cards.errors import BogamError
from cards.model_card import render_model_card
from cards.scoring import score, summarise
from trainers.chart_metrics import RelaxedAccuracy

RIGHT = [
    ("39", "39"),
    ("41", "40"),
    ("95", "100"),
    ("1.05", "1"),
    ("-3.38", "-3.4"),
    ("−3.38", "-3.4"),
    ("0.0", "0"),
    ("3,243,963", "3243963"),
    ("3\u2009243\u00a0963", "3243963"),
    ("1234567", "1,234,567"),
    ("39.", "39"),
    (" 39\n", "39"),
    ("３９", "39"),
    ("$39", "39"),
    ("US$ 39", "39"),
    ("-$39", "-39"),
    ("₩3,000", "3000"),
    ("3,000원", "3000"),
    ("1,234 명", "1234"),
    ("39 million euros", "39"),
    ("3.2 million", "3243963"),
    ("3243963", "3.2 million"),
    ("35만 명", "35"),
    ("35만명", "350000"),
    ("3.5억", "350000000"),
    ("57%", "57"),
    ("57 percent", "0.57"),
    ("0.57", "57%"),
    ("57퍼센트", "57"),
    ("9 km²", "9"),
    ("2018", "2018"),
    ("2018년", "2018"),
    ("Offshore Wind", "offshore wind"),
    ("Yes.", "Yes"),
    ("청  주", "청 주"),
    ("청주", "청주"),
    ("65 years and older", "65 Years and older"),
    ("18-24", "18–24"),
]
WRONG = [
    ("42.1", "40"),
    ("94.9", "100"),
    ("1.0500001", "1"),
    ("0.01", "0"),
    ("3", "-3"),
    ("7", "17"),
    ("2.5 billion", "2.5 million"),
    ("5%", "5 million"),
    ("3.2 million", "32"),
    ("3 out of 5", "3"),
    ("39 (2019)", "39"),
    ("the answer is 39", "39"),
    ("39 because that is the height of the tallest bar", "39"),
    ("18-24", "18"),
    ("2019/20", "2019"),
    ("1,23", "123"),
    ("1.2.3", "1.2"),
    ("62 years and older", "65 years and older"),
    ("4", "4 stars"),
    ("No", "Yes"),
    ("이영희", "김철수"),
    ("广州", "北京"),
    ("", "39"),
    ("", "Yes"),
    ("nan", "39"),
    ("inf", "39"),
    ("$", "39"),
]


@pytest.mark.parametrize(("answer", "reference"), RIGHT)
def test_right_answers(answer, reference):
    assert is_right(answer, [reference])


@pytest.mark.parametrize(("answer", "reference"), WRONG)
def test_wrong_answers(answer, reference):
    assert not is_right(answer, [reference])


def test_any_of_several_labels_will_do():
    labels = ["Gray", "grey", "회색"]
    assert all(is_right(answer, labels) for answer in ("GREY", "회색", "gray."))
    assert not is_right("blue", labels)


def test_a_year_is_a_number_as_published_and_exact_on_demand():
    assert is_right("2008", ["2015"])
    assert not is_right("2008", ["2015"], exact_years=True)
    assert is_right("2015년", ["2015"], exact_years=True)
    assert is_right("2,100", ["2150"], exact_years=True), "2150 is no year"
    assert is_right("39", ["40"], exact_years=True)


def test_no_reference_is_an_error_not_a_wrong_answer():
    with pytest.raises(ValueError, match="without a reference"):
        is_right("39", [])


def test_very_long_answers_are_read_in_no_time():
    for answer in ("1" * 200_000, "123 " * 100_000, "1,123" * 100_000, "$" * 200_000):
        assert not is_right(answer, ["5"])


def predictions(parts: list[str], right: list[int]) -> pa.Table:
    """`right[i]`: 0 neither model is right, 1 the tuned one, 2 both."""
    rows = len(parts)
    return pa.table(
        {
            "id": [f"q{row}" for row in range(rows)],
            "split": ["test"] * rows,
            "prompt": ["How many?"] * rows,
            "reference": ["40"] * rows,
            "labels": [["40", "forty"]] * rows,
            "human_or_machine": parts,
            "zero_shot": ["41" if level == 2 else None for level in right],
            "tuned": ["forty" if level else "400" for level in right],
        }
    )


def test_both_parts_and_their_average_over_all_rows():
    answers = predictions(["human"] * 2 + ["machine"] * 8, [1, 0, 2, 2, 2, 2, 1, 1, 0, 0])
    metrics, comparison = summarise("chartqa", score("chartqa", answers), resamples=500, seed=0)
    tuned, zero_shot = metrics["tuned"], metrics["zero_shot"]
    assert {name: (metric.value, metric.n) for name, metric in tuned.items()} == {
        "relaxed_accuracy": (0.7, 10),
        "relaxed_accuracy_human": (0.5, 2),
        "relaxed_accuracy_machine": (0.75, 8),
        "relaxed_accuracy_average": (0.625, 10),
        "relaxed_accuracy_exact_years": (0.7, 10),
    }
    assert zero_shot["relaxed_accuracy"].value == 0.4, "a missing answer stays in the denominator"
    assert zero_shot["relaxed_accuracy_human"].value == 0
    assert zero_shot["relaxed_accuracy_human"].high > 0.5, "0 of 2 says little"
    by_name = {one.metric: one for one in comparison}
    assert by_name["relaxed_accuracy_machine"].test == "exact McNemar"
    assert by_name["relaxed_accuracy_machine"].p_value == 0.5, "2 gained, none lost"
    for metric in (*tuned.values(), *zero_shot.values()):
        assert metric.low <= metric.value <= metric.high


def test_a_part_that_is_not_there_is_no_metric():
    answers = predictions(["machine"] * 3, [0, 1, 2])
    metrics, comparison = summarise("chartqa", score("chartqa", answers), resamples=50, seed=0)
    assert set(metrics["tuned"]) == {
        "relaxed_accuracy",
        "relaxed_accuracy_machine",
        "relaxed_accuracy_exact_years",
    }
    assert {one.metric for one in comparison} == set(metrics["tuned"])
    json.loads(metrics["tuned"]["relaxed_accuracy"].to_json())


def test_questions_about_one_chart_are_one_document():
    answers = predictions(["human", "machine"] * 6, [1, 1, 0, 2] * 3)
    charts = pa.array([f"chart-{row // 2}" for row in range(12)])
    metrics, _ = summarise(
        "chartqa",
        score("chartqa", answers.append_column("document_id", charts)),
        resamples=100,
        seed=0,
    )
    assert {metric.documents for metric in metrics["tuned"].values()} == {6}
    assert metrics["tuned"]["relaxed_accuracy_human"].n == 6


def test_predictions_without_all_labels_are_refused():
    answers = predictions(["human"], [1])
    with pytest.raises(BogamError, match="labels"):
        score("chartqa", answers.drop_columns(["labels"]))


def test_the_evaluate_metric_gives_the_numbers_of_the_card():
    answers = predictions(["human"] * 3 + ["machine"] * 4, [1, 0, 2, 2, 1, 1, 0])
    metrics, _ = summarise("chartqa", score("chartqa", answers), resamples=50, seed=0)
    result = RelaxedAccuracy().compute(
        predictions=answers["tuned"].to_pylist(),
        references=answers["labels"].to_pylist(),
        human_or_machine=answers["human_or_machine"].to_pylist(),
    )
    assert result == pytest.approx({k: v.value for k, v in metrics["tuned"].items()})


def test_the_evaluate_metric_takes_plain_references_and_no_parts():
    result = RelaxedAccuracy().compute(predictions=["41", "2010"], references=["40", "2020"])
    assert result == {"relaxed_accuracy": 1.0, "relaxed_accuracy_exact_years": 0.5}


def test_the_card_names_both_parts_and_how_many_examples_each_has(run_record):
    answers = score("chartqa", predictions(["human"] * 12 + ["machine"] * 30, [0, 1, 2] * 14))
    metrics, comparison = summarise("chartqa", answers, resamples=50, seed=7)
    run = run_record.model_copy(
        update={"task": "chartqa", "metrics": metrics, "comparison": comparison}
    )
    card = render_model_card(run, answers)
    assert "Relaxed accuracy, human" in card.readme
    assert "Relaxed accuracy, average" in card.readme
    assert (metrics["tuned"]["relaxed_accuracy_human"].n, answers.num_rows) == (12, 42)
    names = {result.metric_type for result in ModelCard(card.readme).data.eval_results}
    assert names == set(metrics["tuned"])
