"""LoRA goes on every layer that the recipe names, in the language model, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM

from cards.errors import BogamError
from trainers.exaone import register_exaone
from trainers.lora_targets import language_model_layers, lora_config
from trainers.quantisation import quantisation_config
from trainers.recipe import load_recipe
from trainers.recipe_schema import QuantisationSection, TuningSection

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


def adapted(model: torch.nn.Module) -> set[str]:
    """Names of the modules that hold a LoRA pair, as the bare model calls them."""
    return {
        name.removeprefix("base_model.model.").removesuffix(".lora_A.default")
        for name, _ in model.named_modules()
        if name.endswith(".lora_A.default")
    }


def load(folder: Path, **arguments: Any) -> Any:
    register_exaone()
    return AutoModelForCausalLM.from_pretrained(folder, **arguments)


@pytest.fixture(scope="module")
def exaone4_twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trainers.tiny_twins import TwinSize, make_twin

    size = TwinSize(hidden=32, intermediate=64, layers=4, vocabulary=400, positions=256)
    return make_twin("exaone-4", tmp_path_factory.mktemp("exaone4"), ["두통과 감기"], size=size)


@pytest.mark.parametrize(
    ("recipe", "twin"),
    [
        ("exaone-medical-qa", "exaone_twin"),
        ("solar-medical-qa", "llama_twin"),
        ("exaone4-medical-qa", "exaone4_twin"),
    ],
)
def test_every_target_of_a_recipe_is_adapted_on_every_layer(
    recipe: str, twin: str, request: pytest.FixtureRequest
) -> None:
    tuning = load_recipe(RECIPES / f"{recipe}.yaml").tuning
    model = load(request.getfixturevalue(twin))
    layers = len(language_model_layers(model)[1])
    config = lora_config(model, tuning)
    assert (config.r, config.lora_alpha, config.lora_dropout) == (16, 32, 0.05)
    names = adapted(get_peft_model(model, config))
    wanted = {
        f"model.layers.{layer}.self_attn.{target}"
        for layer in range(layers)
        for target in tuning.targets
    }
    assert len(wanted) == 4 * layers
    assert names == wanted


def test_four_bit_layers_are_adapted_too(exaone_twin: Path) -> None:
    quantised = load(
        exaone_twin,
        dtype=torch.float32,
        quantization_config=quantisation_config(QuantisationSection(), torch.float32),
    )
    names = adapted(get_peft_model(quantised, lora_config(quantised, TuningSection())))
    assert len(names) == 4 * 2


def test_the_checkpoints_own_name_of_a_layer_is_refused_and_the_right_one_named(
    exaone_twin: Path,
) -> None:
    tuning = TuningSection(targets=("q_proj", "k_proj", "v_proj", "out_proj"))
    with pytest.raises(BogamError) as error:
        lora_config(load(exaone_twin), tuning)
    message = str(error.value)
    assert "'out_proj' is in none of the 2 layers of model.layers" in message
    assert "Linear layers there: o_proj, " in message  # the nearest name comes first


def test_a_target_that_only_some_layers_have_is_refused(llama_twin: Path) -> None:
    model = load(llama_twin)
    model.model.layers[1].self_attn.extra_proj = torch.nn.Linear(4, 4)
    with pytest.raises(BogamError, match=r"'extra_proj' is missing in 1 \(first 0\) of the 2"):
        lora_config(model, TuningSection(targets=("q_proj", "extra_proj")))


def qwen_vl() -> torch.nn.Module:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
    }
    text = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "vocab_size": 64,
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
    }
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(text_config=text, vision_config=vision)
    )


def llava_next() -> torch.nn.Module:
    from transformers import (
        CLIPVisionConfig,
        LlavaNextConfig,
        LlavaNextForConditionalGeneration,
        MistralConfig,
    )

    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    text = MistralConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=64,
    )
    return LlavaNextForConditionalGeneration(
        LlavaNextConfig(vision_config=vision, text_config=text, image_grid_pinpoints=[[28, 28]])
    )


@pytest.mark.parametrize(
    ("make", "targets"),
    [
        (qwen_vl, ("q_proj", "v_proj", "gate_proj")),
        (llava_next, (*ATTENTION, "gate_proj", "up_proj", "down_proj")),
    ],
)
def test_vision_towers_are_never_adapted(make: Any, targets: tuple[str, ...]) -> None:
    model = make()
    in_vision = [
        name
        for name, part in model.named_modules()
        if isinstance(part, torch.nn.Linear)
        and "language_model" not in name
        and name.rpartition(".")[2] in targets
    ]
    names = adapted(get_peft_model(model, lora_config(model, TuningSection(targets=targets))))
    assert len(names) == len(targets) * 2
    assert all(name.startswith("model.language_model.layers.") for name in names)
    # Otherwise nothing was at stake: a vision tower with modules of these names.
    assert in_vision
