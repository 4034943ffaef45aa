"""A hybrid run from dataset to release: what it records, leaves behind, and how it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, TrainerCallback

from cards.errors import BogamError
from trainers import checkpoints
from trainers.finetune import finetune
from trainers.training_audit import Reference, answer_logits, check_reloaded
from trainers.vision_processor import load_processor

pytestmark = pytest.mark.recipe


@pytest.fixture(scope="module", params=["qwen_vl_twin", "llava_twin"])
def run(
    request: pytest.FixtureRequest,
    hybrid_recipe: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """A whole run on each architecture, and the recipe it followed."""
    output = tmp_path_factory.mktemp("run") / "run"
    recipe = hybrid_recipe(request.getfixturevalue(request.param), output)
    return finetune(recipe), recipe


class TestWhatARunLeaves:
    def test_each_group_has_its_rate_and_moved(self, run: Any) -> None:
        record = run[0].record
        groups = {group.name: group for group in record.parameter_groups}
        assert list(groups) == [
            "lora",
            "vision_tower",
            "vision_tower.no_decay",
            "merger",
            "merger.no_decay",
        ]
        for name, lr in (("lora", 1e-3), ("vision_tower", 2e-3), ("merger", 5e-3)):
            assert groups[name].lr == lr
            assert groups[name].weight_decay == 0.1
        for name in ("vision_tower.no_decay", "merger.no_decay"):
            assert groups[name].weight_decay == 0.0
        assert all(group.update_norm > 0 for group in groups.values())
        assert record.training.frozen_unchanged
        # The rate in the log is the first group's.
        assert max(p.learning_rate for p in record.training.loss_history) <= 1e-3

    def test_the_record_names_the_class_that_loads_it(self, run: Any) -> None:
        assert run[0].record.library_model_class == "AutoModelForImageTextToText"

    def test_one_line_loads_it_with_its_processor(self, run: Any) -> None:
        result, recipe = run
        model = AutoModelForImageTextToText.from_pretrained(result.release)
        processor = load_processor(result.release, model.config)
        base = load_processor(recipe.base_model.id, model.config)
        assert processor.to_dict() == base.to_dict()
        assert processor.chat_template == base.chat_template

    def test_it_holds_nothing_that_does_not_belong_there(self, run: Any) -> None:
        release = run[0].release
        files = [path for path in release.rglob("*") if path.is_file()]
        allowed = {".safetensors", ".json", ".jinja", ".md", ".parquet", ".png", ".svg", ".txt"}
        assert {path.suffix for path in files} <= allowed
        assert (release / "processor_config.json").is_file()
        for path in files:
            if path.suffix in (".json", ".jinja", ".md") and path.name != "run.json":
                text = path.read_text(encoding="utf-8")
                # The base is a folder in this test; on a Hub its id stands there.
                text = text.replace(run[1].base_model.id, "")
                assert str(release.parent.parent) not in text, path

    def test_the_adapter_holds_what_was_trained_once(self, run: Any) -> None:
        result, _ = run
        weights = load_file(result.release / "adapter_model.safetensors")
        trained = sum(group.parameters for group in result.record.parameter_groups)
        assert sum(weight.numel() for weight in weights.values()) == trained
        assert {weight.dtype for weight in weights.values()} == {torch.float32}

    def test_a_file_without_its_vision_weights_is_not_let_through(
        self, run: Any, load: Callable[..., Any], shown: Callable[..., Any], tmp_path: Path
    ) -> None:
        result, recipe = run
        folder = shutil.copytree(result.release, tmp_path / "release")
        model = AutoModelForImageTextToText.from_pretrained(folder)
        example = shown(load(Path(recipe.base_model.id)))
        reference = Reference(
            [example],
            answer_logits(model, [example]),
            torch.float32,
            AutoModelForImageTextToText,
        )
        assert check_reloaded(folder, reference, None, None) == 0.0
        file = folder / "adapter_model.safetensors"
        kept = {name: one for name, one in load_file(file).items() if "lora_" in name}
        save_file(kept, file, metadata={"format": "pt"})
        with pytest.raises(BogamError, match="answers differently"):
            check_reloaded(folder, reference, None, None)


WHOLE = [{"part": "vision_tower", "lr": 1e-3}, {"part": "merger", "lr": 1e-3}]


@pytest.mark.parametrize(
    ("sections", "groups"),
    [
        pytest.param(
            {"tuning": {"method": "qlora", "full": WHOLE}, "schedule": {"precision": "bf16"}},
            ["lora", "vision_tower", "vision_tower.no_decay", "merger", "merger.no_decay"],
            id="four bits in bfloat16, tower and merger whole",
        ),
        pytest.param(
            {"tuning": {"full": [{"part": "language_model", "lr": 1e-3, "last_layers": 1}]}},
            ["lora", "language_model", "language_model.no_decay"],
            id="last layer of the language model whole",
        ),
    ],
)
def test_other_ways_of_tuning_go_all_the_way(
    qwen_vl_twin: Path,
    hybrid_recipe: Callable[..., Any],
    tmp_path: Path,
    sections: dict[str, Any],
    groups: list[str],
) -> None:
    """Their releases, too, are loaded again and compared before the run ends."""
    record = finetune(hybrid_recipe(qwen_vl_twin, tmp_path / "run", **sections)).record
    assert [group.name for group in record.parameter_groups] == groups
    assert all(group.update_norm > 0 for group in record.parameter_groups)
    assert record.training.frozen_unchanged


class _StopAfter(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            control.should_save = control.should_training_stop = True


def outcome(trainer: Any) -> tuple[list[float], dict[str, torch.Tensor]]:
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses, {
        name: one.detach().clone()
        for name, one in trainer.model.named_parameters()
        if one.requires_grad
    }


def test_stopping_and_going_on_changes_no_bit_of_tower_or_adapter(
    qwen_vl_twin: Path,
    hybrid_recipe: Callable[..., Any],
    seeing_trainer: Callable[..., Any],
    tmp_path: Path,
) -> None:
    recipe = hybrid_recipe(qwen_vl_twin, tmp_path, schedule={"workers": 2})
    whole = seeing_trainer(recipe)
    whole.train_from(None)
    shutil.rmtree(tmp_path / "checkpoints")
    seeing_trainer(recipe, callbacks=[_StopAfter(3)]).train_from(None)
    second = seeing_trainer(recipe)
    checkpoint = checkpoints.latest_whole(tmp_path / "checkpoints")
    assert checkpoint is not None and checkpoints.step_of(checkpoint) == 3
    second.train_from(checkpoint)
    (losses, weights), (again, weights_again) = outcome(whole), outcome(second)
    assert len(losses) == 4
    assert losses == again
    assert weights.keys() == weights_again.keys()
    assert all(torch.equal(one, weights_again[name]) for name, one in weights.items())


class _Ruin(TrainerCallback):
    """Throws the trained weights about after a step, as a run that diverges does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: torch.nn.Module, **kwargs: Any
    ) -> None:
        if state.global_step >= self.step:
            source = torch.Generator().manual_seed(state.global_step)
            for one in model.parameters():
                if one.requires_grad:
                    one.data.copy_(torch.randn(one.shape, generator=source))


def test_the_best_checkpoint_is_the_result_with_its_tower(
    qwen_vl_twin: Path,
    hybrid_recipe: Callable[..., Any],
    seeing_trainer: Callable[..., Any],
    tmp_path: Path,
) -> None:
    every_step = {"save_steps": 1, "eval_steps": 1, "keep": 2, "keep_best": True}
    recipe = hybrid_recipe(qwen_vl_twin, tmp_path, schedule=every_step)
    trainer = seeing_trainer(recipe, callbacks=[_Ruin(3)])
    trainer.train_from(None)
    losses = {
        entry["step"]: entry["eval_loss"]
        for entry in trainer.state.log_history
        if "eval_loss" in entry
    }
    best = min(losses, key=lambda step: losses[step])
    assert best < trainer.state.global_step, losses
    kept = load_file(tmp_path / "checkpoints" / f"checkpoint-{best}" / "adapter_model.safetensors")
    trainer.save_model(str(tmp_path / "adapter"))
    saved = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert kept.keys() == saved.keys()
    assert all(torch.equal(kept[name], saved[name]) for name in kept)
    trained = [one for one in trainer.model.parameters() if one.requires_grad]
    assert sum(one.numel() for one in trained) == sum(one.numel() for one in saved.values())
