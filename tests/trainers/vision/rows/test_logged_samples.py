"""Before training, the base model's answers to a few validation rows are there to be read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards.records import RUN_FILE, Revision, RunRecord
from trainers.dataset_source import find_dataset
from trainers.finetune import finetune
from trainers.generation import generate_answers
from trainers.run_data import read_run_data
from trainers.run_folder import RunFolder, StartedRun
from trainers.samples import answer_samples


def test_the_first_validation_rows_are_answered_once_and_logged(
    twin: Path,
    load: Callable[..., Any],
    hybrid_recipe: Callable[..., Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recipe = hybrid_recipe(twin, tmp_path / "run", schedule={"samples_logged": 3})
    base = load(twin)
    data = read_run_data(recipe, find_dataset(recipe.dataset), base)
    assert data.samples is not None
    assert data.samples.ids == ["r8", "r9", "r10"]
    run = StartedRun.of(recipe, base.source, Revision(id="d", revision="local"), 1)
    folder = RunFolder(tmp_path / "run")

    def answered() -> Any:
        return answer_samples(base, data.samples, recipe.evaluation, folder, run)

    with caplog.at_level(logging.INFO, "trainers.samples"):
        samples = answered()
    alone = [
        generate_answers(
            base.model,
            base.tokenizer,
            data.samples,
            [number],
            batch_size=1,
            max_new_tokens=recipe.evaluation.max_new_tokens,
        )
        for number in range(3)
    ]
    assert [[sample.answer] for sample in samples] == alone
    for sample in samples:
        assert f"row {sample.id} is answered: {sample.answer}" in caplog.text
    base.model.to("meta")  # cannot answer any more
    assert answered() == samples


@pytest.mark.recipe
def test_the_record_of_a_run_keeps_them(
    llama_twin: Path, recipe_for: Callable[..., Any], conversations: list[Any]
) -> None:
    recipe = recipe_for(llama_twin, schedule__samples_logged=2, schedule__max_steps=1)
    release = finetune(recipe).release
    samples = RunRecord.read(release / RUN_FILE).samples
    assert [sample.id for sample in samples] == ["validation-16", "validation-17"]
    assert [sample.reference for sample in samples] == [
        turns[1]["content"] for turns in conversations[16:18]
    ]
