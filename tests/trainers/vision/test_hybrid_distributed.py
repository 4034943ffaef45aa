"""Several processes train tower, merger and adapter as one process does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from cards.records import RunRecord
from trainers.finetune import finetune

pytestmark = pytest.mark.system

TWO_PROCESSES = ("--config_file", "recipes/accelerate/cpu-2-processes.yaml")
ZERO3 = ("--config_file", "recipes/accelerate/zero3-offload.yaml")


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        pytest.param(TWO_PROCESSES, "mixed_dataset", id="two processes"),
        pytest.param(
            ZERO3,
            "seeing_dataset",
            id="ZeRO-3 offload",
            marks=[
                pytest.mark.slow,
                pytest.mark.timeout(900),
                pytest.mark.skipif(
                    shutil.which("g++") is None, reason="DeepSpeed compiles its CPU Adam with g++"
                ),
            ],
        ),
    ],
)
def test_two_processes_make_what_one_makes(
    hybrid_recipe: Callable[..., Any],
    qwen_vl_twin: Path,
    launch: Callable[..., subprocess.CompletedProcess[str]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    arguments: tuple[str, ...],
    rows: str,
) -> None:
    """Twice the processes, half the accumulation: the same rows a step, in the same order.

    Where some rows have no picture, a process may take in a batch that the tower never sees.
    """
    recipe = hybrid_recipe(
        qwen_vl_twin,
        tmp_path / "run",
        tuning={"dropout": 0.0},
        dataset={"id": str(request.getfixturevalue(rows))},
    )
    finetune(recipe)
    expected = Path(shutil.move(tmp_path / "run", tmp_path / "alone")) / "release"
    halved = recipe.schedule.model_copy(update={"accumulation": 1})
    done = launch(recipe.model_copy(update={"schedule": halved}), *arguments)
    assert done.returncode == 0, done.stderr
    release = tmp_path / "run" / "release"
    weights = load_file(release / "adapter_model.safetensors")
    wanted = load_file(expected / "adapter_model.safetensors")
    assert weights.keys() == wanted.keys()
    for name, weight in wanted.items():
        assert torch.allclose(weights[name].float(), weight, rtol=0, atol=5e-6), name
    records = [RunRecord.read(folder / "run.json") for folder in (release, expected)]
    assert [record.environment.device_count for record in records] == [2, 1]
    losses = [[point.loss for point in record.training.loss_history] for record in records]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    ours, theirs = (pq.read_table(folder / "predictions.parquet") for folder in (release, expected))
    for column in ("id", "prompt", "reference", "zero_shot"):
        assert ours[column].to_pylist() == theirs[column].to_pylist(), column
    assert ours["tuned_nll"].to_pylist() == pytest.approx(theirs["tuned_nll"].to_pylist(), rel=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_rows_without_pictures_are_refused_where_processes_would_wait_for_ever(
    hybrid_recipe: Callable[..., Any],
    qwen_vl_twin: Path,
    mixed_dataset: Path,
    launch: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
) -> None:
    recipe = hybrid_recipe(qwen_vl_twin, tmp_path / "run", dataset={"id": str(mixed_dataset)})
    done = launch(recipe, *ZERO3)
    assert done.returncode != 0
    assert "cannot train on rows without pictures" in done.stderr
