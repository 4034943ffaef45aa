"""A slice holds whole charts, drawn at random but the same ones every time."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from cards.errors import BogamError
from loaders.charts.selection import parse_share


def charts(built) -> dict[str, set[str]]:
    return {split: {row["sha256"] for row in rows} for split, rows in built.rows.items()}


def test_a_slice_holds_all_questions_of_the_charts_it_draws(made_up, build_from):
    whole, part = build_from(made_up), build_from(made_up, slice="25%")
    assert {split: len(found) for split, found in charts(part).items()} == {
        "train": 16,
        "validation": 2,
        "test": 2,
    }
    for split, rows in part.rows.items():
        questions = Counter(row["sha256"] for row in whole.rows[split])
        assert Counter(row["sha256"] for row in rows) == {
            chart: questions[chart] for chart in charts(part)[split]
        }
    assert part.record.rejects == {"not_needed": (320 - 80) + (80 - 20)}
    assert part.finding("slice").count == 80


def test_a_slice_is_not_the_first_rows(made_up, build_from):
    rows = build_from(made_up, slice="25%").rows["train"]
    names = sorted({row["file_name"].rpartition("_")[2] for row in rows})
    assert names != [f"{number:06}.png" for number in range(16)]
    assert {row["file_name"].partition("_")[0] for row in rows} == {"bar", "line", "pie", "grouped"}


def test_a_larger_slice_contains_a_smaller_one_and_a_seed_changes_both(made_up, build_from):
    small, large = build_from(made_up, slice="10%"), build_from(made_up, slice="50%")
    assert charts(small)["train"] < charts(large)["train"]
    assert charts(build_from(made_up, slice="10%", seed=1)) != charts(small)


def test_both_layouts_draw_the_same_charts(made_up, hub_parquet, build_from):
    original = build_from(made_up, slice="12.5%")
    assert build_from(hub_parquet, slice="12.5%").rows == original.rows


def test_every_split_keeps_at_least_one_chart(made_up, build_from):
    assert {len(found) for found in charts(build_from(made_up, slice="0.1%")).values()} == {1}


@pytest.mark.parametrize("text", ["0%", "101%", "1", "train[:1%]", "-5%", "1 percent", ""])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(BogamError, match=r"Write a share of the charts: 1%, 12\.5%"):
        parse_share(text)


def test_shares_are_exact():
    assert parse_share("1%") == Decimal("0.01")
    assert parse_share(" 12.5 %") == Decimal("0.125")
    assert parse_share("100%") == 1
