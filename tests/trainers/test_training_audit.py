"""What should move moves, what should not does not, and what was saved is what was trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from cards.errors import BogamError
from cards.records import ParameterGroup, Revision
from trainers.training_audit import (
    Reference,
    WeightsBefore,
    answer_logits,
    check_movement,
    check_reloaded,
    movement,
)
from trainers.training_summary import describe_groups

EXAMPLES = [{"input_ids": torch.arange(5, 11)[None]}, {"input_ids": torch.arange(11, 14)[None]}]


def test_training_moves_the_adapter_and_nothing_else(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    trainer = make_trainer(exaone_twin)
    before = WeightsBefore.of(trainer.model)
    trainer.train_from(None)
    moved = movement(before, trainer.model)
    [group] = describe_groups(trainer, moved)
    check_movement([group], moved.frozen_unchanged)

    change = [
        (parameter.detach() - before.trained[name]).flatten()
        for name, parameter in trainer.model.named_parameters()
        if parameter.requires_grad
    ]
    assert group.update_norm == pytest.approx(float(torch.cat(change).norm()), rel=1e-6)
    assert group.parameters == torch.cat(change).numel()


def test_an_optimiser_that_is_not_the_recipes_is_found(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    trainer = make_trainer(exaone_twin)
    before = WeightsBefore.of(trainer.model)
    trainer.train_from(None)
    moved = movement(before, trainer.model)
    trainer.optimizer.param_groups[0]["initial_lr"] = 1e-3
    with pytest.raises(BogamError, match="did not have the recipe's groups"):
        describe_groups(trainer, moved)


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_one_changed_bit_of_a_frozen_weight_is_seen(
    make_trainer: Callable[..., Any], exaone_twin: Path, method: str
) -> None:
    trainer = make_trainer(
        exaone_twin, tuning__method=method, quantisation={} if method == "qlora" else None
    )
    before = WeightsBefore.of(trainer.model)
    assert movement(before, trainer.model).frozen_unchanged
    name, weight = next(
        (name, parameter)
        for name, parameter in trainer.model.named_parameters()
        if not parameter.requires_grad and "mlp" in name
    )
    weight.data.view(torch.uint8).view(-1)[3] ^= 1
    moved = movement(before, trainer.model)
    assert not moved.frozen_unchanged, name
    group = ParameterGroup(name="lora", lr=1.0, weight_decay=0.0, parameters=1, update_norm=1.0)
    with pytest.raises(BogamError, match="freezes"):
        check_movement([group], moved.frozen_unchanged)


def test_a_group_that_stood_still_stops_the_run() -> None:
    group = ParameterGroup(name="merger", lr=1e-9, weight_decay=0, parameters=4, update_norm=0.0)
    with pytest.raises(BogamError, match=r"merger did not change"):
        check_movement([group], frozen_unchanged=True)


class TestReload:
    """A release of an adapter on a base that stands in a folder."""

    @pytest.fixture(params=["lora", "qlora"])
    def method(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def saved(
        self,
        make_trainer: Callable[..., Any],
        recipe_for: Callable[..., Any],
        llama_twin: Path,
        tmp_path: Path,
        method: str,
    ) -> tuple[Path, Reference, Any]:
        changes = {
            "tuning__method": method,
            "quantisation": {} if method == "qlora" else None,
        }
        trainer = make_trainer(llama_twin, **changes)
        folder = tmp_path / "adapter"
        trainer.save_model(str(folder))
        logits = answer_logits(trainer.model, EXAMPLES)
        reference = Reference(EXAMPLES, logits, torch.float32, AutoModelForCausalLM)
        return folder, reference, recipe_for(llama_twin, **changes).quantisation

    def test_the_saved_model_answers_as_the_trained_one(
        self, saved: tuple[Path, Reference, Any], method: str
    ) -> None:
        folder, reference, quantisation = saved
        difference = check_reloaded(folder, reference, quantisation, None)
        assert difference == 0.0 or method == "qlora"

    def test_a_weight_that_was_not_saved_as_trained_is_found(
        self, saved: tuple[Path, Reference, Any]
    ) -> None:
        folder, reference, quantisation = saved
        weights = folder / "adapter_model.safetensors"
        tensors = load_file(weights)
        for name in tensors:
            if "lora_B" in name:
                tensors[name] = torch.zeros_like(tensors[name])
        save_file(tensors, weights, metadata={"format": "pt"})
        with pytest.raises(BogamError, match="answers differently"):
            check_reloaded(folder, reference, quantisation, None)


def test_an_assembled_release_names_its_base_by_hub_id_and_commit(
    make_trainer: Callable[..., Any], llama_twin: Path, tmp_path: Path
) -> None:
    import json

    import pyarrow as pa

    from trainers.release_folder import assemble

    trainer = make_trainer(llama_twin)
    trainer.save_model(str(tmp_path / "adapter"))
    base = Revision(id=str(llama_twin), revision="local")
    artifacts = assemble(tmp_path / "draft", tmp_path / "adapter", base, pa.table({"id": ["a"]}))
    assert set(artifacts) == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "predictions.parquet",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    config = json.loads((tmp_path / "draft" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == (base.id, base.revision)
    published = load_file(tmp_path / "draft" / "adapter_model.safetensors")
    trained = [parameter for parameter in trainer.model.parameters() if parameter.requires_grad]
    assert sum(tensor.nbytes for tensor in published.values()) == sum(p.nbytes for p in trained)


def test_evaluating_a_quantised_model_does_not_change_what_it_learns(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    """bitsandbytes would repack the weights at the first inference, without a way back."""
    weights = []
    for evaluated_before in (False, True):
        trainer = make_trainer(exaone_twin, tuning__method="qlora", quantisation={})
        if evaluated_before:
            answer_logits(trainer.model, EXAMPLES)
        trainer.train_from(None)
        weights.append(WeightsBefore.of(trainer.model))
    assert weights[0].frozen == weights[1].frozen
    for name, weight in weights[0].trained.items():
        assert torch.equal(weight, weights[1].trained[name]), name
