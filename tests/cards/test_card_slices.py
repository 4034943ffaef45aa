"""Parts of the examples: they add up, their intervals hold what they promise, small ones say so."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from cards.model_card import render_model_card
from cards.scoring import score, summarise
from cards.slices import FEW_DOCUMENTS, slice_metric
from cards.tasks import find_task

TASK = find_task("generation")


def with_column(table: pa.Table, name: str, values: list[object]) -> pa.Table:
    return table.append_column(name, pa.array(values))


def test_parts_add_up_to_the_whole(predictions):
    rows = predictions.num_rows
    table = with_column(
        predictions, "intention", ["증상" if n % 3 else "예방" for n in range(rows)]
    )
    by_value, by_length = slice_metric(TASK, table, resamples=100, seed=1)
    whole, _ = summarise("generation", predictions, resamples=10, seed=1)
    for slicing in (by_value, by_length):
        assert sum(one.examples for one in slicing.slices) == rows
        mean = sum(one.examples * one.tuned.value for one in slicing.slices) / rows
        assert mean == pytest.approx(whole["tuned"]["character_f1"].value)
    assert [one.value for one in by_value.slices] == ["증상", "예방"]
    lengths = [one.value.split("–") for one in by_length.slices]
    assert int(lengths[0][-1]) + 1 == int(lengths[1][0])


def test_a_part_is_measured_as_if_it_were_all(predictions):
    rows = predictions.num_rows
    values = ["a" if n < 60 else "b" for n in range(rows)]
    table = with_column(predictions, "intention", values)
    first = slice_metric(TASK, table, resamples=400, seed=3)[0].slices[0]
    metrics, comparison = summarise("generation", predictions.slice(0, 60), resamples=400, seed=3)
    alone = metrics["tuned"]["character_f1"]
    gap = next(one for one in comparison if one.metric == "character_f1")
    assert (first.tuned.value, first.tuned.low, first.tuned.high) == pytest.approx(
        (alone.value, alone.low, alone.high)
    )
    assert (first.difference.low, first.difference.high) == pytest.approx((gap.low, gap.high))
    assert (first.examples, first.documents) == (60, 30)
    assert not first.is_small
    assert FEW_DOCUMENTS == 30


def test_pools_of_many_documents_give_the_interval_of_the_documents():
    """The interval of 8,000 rows, pooled, against the normal one of their mean."""
    draw = np.random.RandomState(5)
    right = draw.rand(8000) < 0.3
    table = pa.table(
        {
            "id": [f"r{n}" for n in range(8000)],
            "split": ["test"] * 8000,
            "prompt": ["?"] * 8000,
            "reference": ["가" * (1 + n % 3) for n in range(8000)],
            "zero_shot": ["나"] * 8000,
            "tuned": ["가" * (1 + n % 3) if right[n] else "나" for n in range(8000)],
            "intention": ["many" if n < 7900 else "few" for n in range(8000)],
        }
    )
    many = slice_metric(TASK, score("generation", table), resamples=500, seed=0)[0].slices[0]
    mean = right[:7900].mean()
    half = 1.96 * np.sqrt(mean * (1 - mean) / 7900)
    assert many.tuned.value == pytest.approx(mean)
    assert many.tuned.high - many.tuned.low == pytest.approx(2 * half, rel=0.15)
    assert many.zero_shot.value == 0


def test_a_part_in_which_nothing_is_right_is_not_certain():
    """A bootstrap of zeros draws nothing but zeros."""
    table = pa.table(
        {
            "id": [f"r{n}" for n in range(20)],
            "split": ["test"] * 20,
            "prompt": ["?"] * 20,
            "reference": ["둘"] * 20,
            "labels": [["둘"]] * 20,
            "human_or_machine": ["human"] * 12 + ["machine"] * 8,
            "zero_shot": ["하나"] * 20,
            "tuned": ["둘"] * 12 + ["하나"] * 8,
        }
    )
    (slicing,) = slice_metric(find_task("chartqa"), score("chartqa", table), resamples=100, seed=0)
    human, machine = slicing.slices
    assert (human.tuned.value, human.tuned.high) == (1.0, 1.0)
    assert human.tuned.low == pytest.approx(12 / (12 + 1.96**2), abs=0.01)
    assert (machine.tuned.value, machine.tuned.low) == (0.0, 0.0)
    assert machine.tuned.high == pytest.approx(1.96**2 / (8 + 1.96**2), abs=0.01)


def test_rare_values_are_folded_and_nothing_is_lost(predictions):
    rows = predictions.num_rows
    names = [f"병{n % 40:02d}" for n in range(rows)]
    slicing = slice_metric(
        TASK, with_column(predictions, "intention", names), resamples=50, seed=0
    )[0]
    assert len(slicing.slices) == 12
    assert slicing.folded == 40 - 11
    assert sum(one.examples for one in slicing.slices) == rows


def test_what_does_not_split_is_left_out(predictions):
    same = with_column(predictions, "intention", ["증상"] * predictions.num_rows)
    assert [one.column for one in slice_metric(TASK, same, resamples=50, seed=0)] == [
        "length of reference"
    ]


def test_the_card_shows_parts_and_marks_small_ones(run_record, predictions, page_of):
    rows = predictions.num_rows
    values = ["예방|<b>" if n < 10 else None if n == 10 else "증상" for n in range(rows)]
    readme = render_model_card(run_record, with_column(predictions, "intention", values)).readme
    section = readme.partition("by part")[2].partition("Not evaluated")[0]
    (small,) = [line for line in section.splitlines() if "예방" in line]
    (large,) = [line for line in section.splitlines() if line.startswith("| 증상")]
    assert small.startswith("| 예방\\|&lt;b&gt; † | 10 | 5 |")
    assert large.startswith(f"| 증상 | {rows - 11} | 55 |")
    assert "† Fewer than 30 documents" in section
    assert "<b>" not in page_of(readme)


def test_the_card_speaks_of_small_parts_only_where_it_marks_one(run_record, predictions):
    values = ["증상" if n % 4 < 2 else "예방" for n in range(predictions.num_rows)]
    table = with_column(predictions, "intention", values)
    large = pa.concat_tables([table] * 2).set_column(
        predictions.schema.get_field_index("document_id"),
        "document_id",
        [[f"doc-{n}" for n in range(2 * predictions.num_rows)]],
    )
    section = render_model_card(run_record, large).readme.partition("by part")[2]
    section = section.partition("Not evaluated")[0]
    assert "| 증상 |" in section
    assert "†" not in section
    assert "the more parts, the more differences by chance" in section
