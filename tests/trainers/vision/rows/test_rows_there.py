"""A run that asks about some rows of a split knows how many there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainers.dataset_source import find_dataset
from trainers.run_data import read_run_data


def test_rows_that_were_not_drawn_are_counted_too(
    twin: Path, load: Callable[..., Any], hybrid_recipe: Callable[..., Any], tmp_path: Path
) -> None:
    whole, part = (
        read_run_data(recipe, find_dataset(recipe.dataset), load(twin))
        for recipe in (
            hybrid_recipe(twin, tmp_path / "whole"),
            hybrid_recipe(twin, tmp_path / "part", evaluation={"max_samples": 1}),
        )
    )
    assert part.rows_used["test"] == 1
    assert part.rows_there == whole.rows_there == whole.rows_used
