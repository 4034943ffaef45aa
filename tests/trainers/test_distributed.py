"""Several processes, started the way a user starts them, make the model that one process makes."""

from __future__ import annotations

import json
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
from trainers.checkpoints import latest_whole

pytestmark = pytest.mark.system

TWO_PROCESSES = ("--config_file", "recipes/accelerate/cpu-2-processes.yaml")
ZERO3 = ("--config_file", "recipes/accelerate/zero3-offload.yaml")


@pytest.fixture
def alone(recipe_for: Callable[..., Any], llama_twin: Path) -> Any:
    """What one process makes of four rows a step, without dropout."""
    from trainers.finetune import finetune

    recipe = recipe_for(
        llama_twin,
        tuning__dropout=0.0,
        schedule__batch_size=2,
        schedule__accumulation=2,
        evaluation__split="test",
    )
    result = finetune(recipe)
    shutil.move(recipe.output_dir, f"{recipe.output_dir}-alone")
    return recipe, Path(f"{recipe.output_dir}-alone") / "release", result.record


def assert_same_run(together: Path, alone: Path, record: RunRecord) -> None:
    weights = load_file(together / "adapter_model.safetensors")
    for name, expected in load_file(alone / "adapter_model.safetensors").items():
        assert torch.allclose(weights[name].float(), expected, rtol=0, atol=2e-6), name
    now = RunRecord.read(together / "run.json")
    assert now.environment.device_count == 2
    for mine, other in zip(now.training.loss_history, record.training.loss_history, strict=True):
        assert mine.step == other.step
        assert mine.loss == pytest.approx(other.loss, rel=1e-5)
    ours, theirs = (pq.read_table(folder / "predictions.parquet") for folder in (together, alone))
    for column in ("id", "prompt", "reference", "answer_tokens", "zero_shot"):
        assert ours[column].to_pylist() == theirs[column].to_pylist(), column
    assert ours["tuned_nll"].to_pylist() == pytest.approx(theirs["tuned_nll"].to_pylist(), rel=1e-4)


def test_two_processes_make_what_one_makes(
    alone: Any, launch: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Twice the processes, half the accumulation: the same rows a step, in the same order."""
    recipe, expected, record = alone
    halved = recipe.schedule.model_copy(update={"accumulation": 1})
    done = launch(recipe.model_copy(update={"schedule": halved}), *TWO_PROCESSES)
    assert done.returncode == 0, done.stderr
    folder = Path(recipe.output_dir)
    assert_same_run(folder / "release", expected, record)
    assert (folder / "log-1.txt").is_file()
    assert "step 4 of 8" in (folder / "log.txt").read_text(encoding="utf-8")
    assert done.stderr.count("done: ") == 1, "one process speaks for all"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("g++") is None, reason="DeepSpeed compiles its CPU Adam with g++")
def test_deepspeed_zero3_with_offload_makes_it_too(
    alone: Any, launch: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Weights spread over two processes and kept in main memory; compiles for two minutes once."""
    recipe, expected, record = alone
    halved = recipe.schedule.model_copy(update={"accumulation": 1})
    done = launch(recipe.model_copy(update={"schedule": halved}), *ZERO3)
    assert done.returncode == 0, done.stderr
    release = Path(recipe.output_dir) / "release"
    assert_same_run(release, expected, record)
    config = json.loads((release / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == recipe.base_model.id
    checkpoint = latest_whole(Path(recipe.output_dir) / "checkpoints")
    assert checkpoint is not None
    assert len(list(checkpoint.rglob("zero_pp_rank_*_optim_states.pt"))) == 2, "not spread"
