"""Parts trained whole beside LoRA: what moves, what stays, at which rate, and what is saved."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModelForImageTextToText

from cards.errors import BogamError
from trainers.lora_targets import lora_config
from trainers.parameter_groups import parameter_groups, weights_that_decay
from trainers.recipe_schema import OptimiserSection, QuantisationSection
from trainers.tuning import as_the_base, group_rules, with_adapter

PARTS = {
    "lora alone": (),
    "tower and merger": (("vision_tower", None), ("merger", None)),
    "tower, merger frozen": (("vision_tower", None),),
    "merger alone": (("merger", None),),
    "end of the tower": (("vision_tower", 1),),
    "end of the language model": (("language_model", 1), ("merger", None)),
}
MERGER = re.compile(r"\.merger\.|\.multi_modal_projector\.")
TOWER = re.compile(r"\.visual\.(?!merger)|\.vision_tower\.")


def trained(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: one for name, one in model.named_parameters() if one.requires_grad}


def steps(model: Any, batch: dict[str, torch.Tensor], number: int = 2, lr: float = 1e-3) -> None:
    """Train a little, with gradient checkpointing as in a run."""
    model.train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    optimiser = torch.optim.AdamW(trained(model).values(), lr=lr)
    for _ in range(number):
        model(**batch, labels=batch["input_ids"], use_cache=False).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.gradient_checkpointing_disable()
    model.eval()


def logits(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        answer: torch.Tensor = model(**batch).logits
    return answer


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS.keys())
class TestEachWayOfTuning:
    @pytest.fixture
    def base(self, twin: Path, load: Callable[..., Any]) -> Any:
        return load(twin)

    @pytest.fixture
    def model(self, base: Any, tuning: Callable[..., Any], parts: Any) -> PeftModel:
        return with_adapter(base.model, tuning(*parts))

    def test_an_untrained_adapter_changes_no_answer(
        self, base: Any, shown: Callable[..., Any], tuning: Callable[..., Any], parts: Any
    ) -> None:
        batch = shown(base)
        before = logits(base.model.eval(), batch)
        assert torch.equal(logits(with_adapter(base.model, tuning(*parts)).eval(), batch), before)

    def test_all_that_is_trained_moves_and_nothing_else_by_a_bit(
        self, base: Any, model: PeftModel, shown: Callable[..., Any]
    ) -> None:
        before = {name: one.detach().clone() for name, one in model.named_parameters()}
        names = trained(model).keys()
        steps(model, shown(base))
        still = [
            name for name, one in model.named_parameters() if torch.equal(before[name], one.data)
        ]
        assert not set(still) & names
        assert len(still) + len(names) == len(before)

    def test_merger_and_tower_are_trained_only_where_asked_for(
        self, model: PeftModel, parts: Any
    ) -> None:
        names = trained(model).keys()
        asked = {part for part, _ in parts}
        assert any(MERGER.search(name) for name in names) == ("merger" in asked)
        assert any(TOWER.search(name) for name in names) == ("vision_tower" in asked)
        assert not any("lm_head" in name or "embed_tokens" in name for name in names)

    def test_lora_is_in_the_language_model_alone_and_on_each_layer_that_is_not_whole(
        self, model: PeftModel, parts: Any
    ) -> None:
        lora = [name for name in trained(model) if "lora_A" in name]
        whole = dict(parts).get("language_model") or 0
        assert len(lora) == 2 * (2 - whole)
        assert all(".language_model.layers." in name for name in lora)

    def test_groups_hold_every_trained_weight_once_at_its_rate(
        self, base: Any, model: PeftModel, tuning: Callable[..., Any], parts: Any
    ) -> None:
        section = tuning(*parts)
        optimiser = OptimiserSection(lr=5e-6, weight_decay=0.1)
        groups = parameter_groups(
            model, group_rules(base.model, section, optimiser), weights_that_decay(model)
        )
        held = [id(parameter) for group in groups for parameter in group["params"]]
        assert sorted(held) == sorted(map(id, trained(model).values()))
        rates = {"lora": 5e-6} | {full.part: full.lr for full in section.full}
        assert groups[0]["name"] == "lora"  # the rate that is logged
        for group in groups:
            part, _, kind = group["name"].partition(".")
            assert group["lr"] == rates.pop(part) if not kind else True
            assert group["weight_decay"] == (0.0 if kind == "no_decay" else 0.1)
            flat = all(one.ndim == 1 for one in group["params"])
            # CLIP's class embedding is the one vector that is neither bias nor norm.
            assert flat == (kind == "no_decay")
        assert not rates

    def test_the_saved_adapter_is_the_trained_model_to_the_bit(
        self, base: Any, model: PeftModel, shown: Callable[..., Any], tmp_path: Path
    ) -> None:
        batch = shown(base)
        steps(model, batch, lr=0.05)
        wanted = logits(model, batch)
        model.save_pretrained(tmp_path)
        saved = load_file(tmp_path / "adapter_model.safetensors").values()
        in_memory = trained(model).values()
        assert sum(one.nbytes for one in saved) == sum(one.nbytes for one in in_memory)
        reloaded = AutoModelForImageTextToText.from_pretrained(tmp_path)
        assert torch.equal(logits(reloaded, batch), wanted)

    def test_what_was_trained_whole_is_looked_for_in_the_file(
        self, base: Any, model: PeftModel, shown: Callable[..., Any], tmp_path: Path, parts: Any
    ) -> None:
        batch = shown(base)
        steps(model, batch, lr=0.05)
        wanted = logits(model, batch)
        model.save_pretrained(tmp_path)
        file = tmp_path / "adapter_model.safetensors"
        kept = {name: one for name, one in load_file(file).items() if "lora_" in name}
        save_file(kept, file, metadata={"format": "pt"})
        reloaded = AutoModelForImageTextToText.from_pretrained(tmp_path)
        assert torch.equal(logits(reloaded, batch), wanted) == (not parts)


def test_what_is_trained_is_float32_under_a_bfloat16_base(
    qwen_vl_twin: Path, load: Callable[..., Any], tuning: Callable[..., Any]
) -> None:
    base = load(qwen_vl_twin, precision="bf16")
    model = with_adapter(base.model, tuning(("vision_tower", None), ("merger", None)))
    for one in model.parameters():
        assert one.dtype == (torch.float32 if one.requires_grad else torch.bfloat16)


def test_small_steps_reach_nearly_every_weight_under_bfloat16(
    qwen_vl_twin: Path,
    load: Callable[..., Any],
    tuning: Callable[..., Any],
    shown: Callable[..., Any],
) -> None:
    base = load(qwen_vl_twin, precision="bf16")
    model = with_adapter(base.model, tuning(("vision_tower", None), ("merger", None)))
    for name, one in model.named_parameters():
        if "lora_B" in name:  # starts at zero, which would keep gradients from lora_A
            torch.nn.init.normal_(one, std=0.02)
    before = {name: one.detach().clone() for name, one in trained(model).items()}
    with torch.autocast("cpu", torch.bfloat16):
        steps(model, shown(base), number=20, lr=2e-6)
    for part in (MERGER, TOWER, re.compile("lora_A")):
        names = [name for name in before if part.search(name)]
        moved = sum(int((trained(model)[name] != before[name]).sum()) for name in names)
        assert moved >= 0.99 * sum(before[name].numel() for name in names)


def test_a_bfloat16_model_is_measured_as_it_is_loaded(
    twin: Path,
    load: Callable[..., Any],
    tuning: Callable[..., Any],
    shown: Callable[..., Any],
    tmp_path: Path,
) -> None:
    base = load(twin, precision="bf16")
    batch = shown(base)
    whole = [("merger", None), ("language_model", 1)]
    if "qwen" in str(twin):  # torch has no LayerNorm for CLIP's mix of types on CPUs
        whole.append(("vision_tower", None))
    model = with_adapter(base.model, tuning(*whole))
    with torch.autocast("cpu", torch.bfloat16):
        steps(model, batch, lr=0.01)
    model.save_pretrained(tmp_path)
    as_the_base(model)
    for name, one in model.named_parameters():
        assert one.dtype == (torch.float32 if "lora_" in name else torch.bfloat16)
    reloaded = AutoModelForImageTextToText.from_pretrained(tmp_path, dtype=torch.bfloat16)
    wanted = logits(model, batch)
    assert (logits(reloaded, batch) - wanted).abs().max() <= 0.02 * wanted.abs().max()


def test_four_bits_hold_the_language_model_and_nothing_else(
    twin: Path, load: Callable[..., Any], tuning: Callable[..., Any], shown: Callable[..., Any]
) -> None:
    from bitsandbytes.nn import Linear4bit

    base = load(twin, quantisation=QuantisationSection())
    for name, module in base.model.named_modules():
        if isinstance(module, nn.Linear):
            in_four_bits = ".language_model.layers." in f".{name}"
            assert isinstance(module, Linear4bit) == in_four_bits, name
    section = tuning(("vision_tower", None), ("merger", None), method="qlora")
    model = with_adapter(base.model, section)
    before = {name: one.detach().clone() for name, one in trained(model).items()}
    steps(model, shown(base))
    assert not [name for name, one in trained(model).items() if torch.equal(before[name], one)]


@pytest.mark.parametrize("part", ["vision_tower", "merger", "language_model"])
def test_a_text_model_has_no_parts_to_train_whole(
    llama_twin: Path, load: Callable[..., Any], tuning: Callable[..., Any], part: str
) -> None:
    section = tuning((part, 1 if part == "language_model" else None))
    with pytest.raises(BogamError, match=r"no vision tower and merger.*Leave `full` out"):
        lora_config(load(llama_twin).model, section)


@pytest.mark.parametrize(("part", "most"), [("language_model", 1), ("vision_tower", 2)])
def test_more_layers_than_there_are_is_an_error(
    twin: Path, load: Callable[..., Any], tuning: Callable[..., Any], part: str, most: int
) -> None:
    lora_config(load(twin).model, tuning((part, most)))
    with pytest.raises(BogamError, match=rf"{part} can have at most {most} of its"):
        lora_config(load(twin).model, tuning((part, 3)))


def test_layers_of_the_tower_that_nothing_is_taken_from_are_not_trained(
    llava_twin: Path, load: Callable[..., Any], tuning: Callable[..., Any]
) -> None:
    model = with_adapter(load(llava_twin).model, tuning(("vision_tower", None)))
    names = trained(model).keys()
    assert any("encoder.layers.1." in name for name in names)
    assert not any("encoder.layers.2." in name or "post_layernorm" in name for name in names)
