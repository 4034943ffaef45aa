"""What a model card says of an evaluation, and no more than that."""

from __future__ import annotations

import re

import pytest

from cards.model_card import render_model_card


@pytest.mark.parametrize(
    ("name", "low", "high", "sentence"),
    [
        ("character_f1", 0.1, 0.3, "Character F1 improved"),
        ("character_f1", -0.3, -0.1, "Character F1 got worse"),
        ("character_f1", -0.1, 0.1, "Character F1 shows no clear difference"),
    ],
)
def test_the_summary_says_no_more_than_the_interval(
    run_record, predictions, name, low, high, sentence
):
    comparison = [
        one.model_copy(update={"difference": (low + high) / 2, "low": low, "high": high})
        if one.metric == name
        else one
        for one in run_record.comparison
    ]
    run = run_record.model_copy(update={"comparison": tuple(comparison)})
    assert sentence in render_model_card(run, predictions).readme


def test_few_documents_are_no_ground_for_confidence(run_record, predictions):
    warning = "Only 6 independent documents"
    assert warning not in render_model_card(run_record, predictions).readme
    few = run_record.metrics["tuned"]["character_f1"].model_copy(update={"documents": 6})
    tuned = run_record.metrics["tuned"] | {"character_f1": few}
    run = run_record.model_copy(update={"metrics": run_record.metrics | {"tuned": tuned}})
    assert warning in render_model_card(run, predictions).readme


def test_rows_that_were_drawn_are_told_with_those_they_were_drawn_from(run_record, predictions):
    rows = run_record.dataset.splits["test"]
    there = {"train": 9000, "test": 9999}
    use = run_record.dataset.model_copy(update={"rows_there": there})
    card = render_model_card(run_record.model_copy(update={"dataset": use}), predictions).readme
    assert f"Of the 9,999 rows of `test`, {rows} were drawn at random" in card
    assert "9,000" not in card, "what was drawn to learn from is no part of the evaluation"
    all_used = use.model_copy(update={"rows_there": {"test": rows}})
    for dataset in (run_record.dataset, all_used):
        run = run_record.model_copy(update={"dataset": dataset})
        assert "drawn at random" not in render_model_card(run, predictions).readme


def with_columns(table, **columns):
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, [values])
    return table


def test_only_what_got_worse_is_shown_as_worse(run_record, predictions, free):
    metric = "character_f1"
    rows = predictions.slice(0, 5)
    before = [0.0, 0.0, 0.2, 0.0, 0.0]
    kept = with_columns(rows, **{f"zero_shot_{metric}": before, f"tuned_{metric}": before})
    better = with_columns(kept, **{f"tuned_{metric}": [0.0, 0.9, 0.2, 0.0, 0.0]})
    worse = with_columns(kept, **{f"tuned_{metric}": [0.0, 0.9, 0.1, 0.0, 0.0]})
    for table, titles, counts in (
        (kept, ["median"], "0 got better, 0 got worse."),
        (better, ["largest gain", "median"], "1 got better, 0 got worse."),
        (worse, ["largest gain", "median", "largest loss"], "1 got better, 1 got worse."),
    ):
        readme = render_model_card(free(run_record), table).readme
        assert re.findall(r"^\*\*q\d+\*\* \(.* · (.*): ", readme, flags=re.MULTILINE) == titles
        assert counts in readme


def test_a_talk_shows_who_says_what_and_that_earlier_answers_are_the_references(
    run_record, predictions, page_of, free
):
    recipe = {**run_record.recipe, "evaluation": {"turns": "all"}}
    talk = with_columns(
        predictions.slice(0, 3),
        id=["q1#1", "q1#2", "q1#3"],
        prompt=["누구?", "누구?\n\n김\n\n무슨 약?", "one\n\nquestion"],
    )
    readme = render_model_card(free(run_record, recipe=recipe), talk).readme
    assert "2 of the examples ask at the second turn of a talk or later" in readme
    assert "예제 2개는 대화의 둘째 차례부터의 질문" in readme
    said = "**질문 · User:** 누구?<br>**기준 답 · Reference:** 김<br>**질문 · User:** 무슨 약?"
    shown = {line for line in readme.splitlines() if line.startswith("| 질문 · Prompt | ")}
    assert shown <= {f"| 질문 · Prompt | {one} |" for one in ("누구?", said, "one question")}, (
        "blank lines that part no turns are no turns"
    )
    last = render_model_card(free(run_record, recipe=recipe), talk.take([1])).readme
    assert f"| 질문 · Prompt | {said} |" in last
    assert "<br" in page_of(last)
    assert "teacher forcing" not in render_model_card(run_record, predictions).readme


def test_a_metric_of_fewer_examples_says_of_how_many(run_record, predictions):
    assert "(n = " not in render_model_card(run_record, predictions).readme
    few = run_record.metrics["tuned"]["exact_match"].model_copy(update={"n": 17})
    tuned = run_record.metrics["tuned"] | {"exact_match": few}
    run = run_record.model_copy(update={"metrics": run_record.metrics | {"tuned": tuned}})
    (line,) = re.findall(r"^.*\(n = 17\).*$", render_model_card(run, predictions).readme, re.M)
    assert "Exact match" in line


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"difference": 0, "low": 0, "high": 0, "p_value": 1}, "differences have no Wilson"),
        ({"low": 0.01, "high": 0.2, "p_value": 0.07}, "answer different questions"),
        ({"low": -0.01, "high": 0.2, "p_value": 0.03}, "answer different questions"),
    ],
)
def test_what_looks_like_a_contradiction_is_explained(run_record, predictions, found, told):
    first, *others = (
        one.model_copy(update={"low": 0.1, "high": 0.2, "p_value": 0.001})
        for one in run_record.comparison
    )
    plain = run_record.model_copy(update={"comparison": (first, *others)})
    assert told not in render_model_card(plain, predictions).readme
    odd = first.model_copy(update=found)
    run = run_record.model_copy(update={"comparison": (odd, *others)})
    assert told in render_model_card(run, predictions).readme


def test_a_model_is_measured_against_answers_that_need_none(run_record, predictions):
    baseline = run_record.baseline
    told = f"{baseline.value:.3f} [{baseline.low:.3f}, {baseline.high:.3f}]"
    readme = render_model_card(run_record, predictions).readme
    assert readme.count(told) == 2, "in Korean and English"
    assert f"; without a model {baseline.value:.3f})." in readme
    assert "not clearly better" not in readme
    level = run_record.metrics["tuned"]["character_f1"]
    run = run_record.model_copy(update={"baseline": level})
    assert "not clearly better" in render_model_card(run, predictions).readme
    alone = run_record.model_copy(update={"baseline": None})
    assert "without a model" not in render_model_card(alone, predictions).readme
