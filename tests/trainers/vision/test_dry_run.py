"""A dry run needs no weights, and tells what a run would train and hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, Qwen2_5_VLConfig

from cards.errors import BogamError
from trainers.dry_run import dry_run
from trainers.finetune import main
from trainers.memory_estimate import OVERHEAD, Stack, activations, whole_copy
from trainers.recipe import load_recipe
from trainers.tuning import with_adapter

RECIPES = Path(__file__).resolve().parents[3] / "recipes"


@pytest.fixture(scope="session")
def seven_billion(qwen_vl_twin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Config and processor of a model of Qwen2.5-VL-7B's shape; no weights."""
    folder = tmp_path_factory.mktemp("seven") / "base"
    shutil.copytree(qwen_vl_twin, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    Qwen2_5_VLConfig(
        architectures=["Qwen2_5_VLForConditionalGeneration"],
        text_config={
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "vocab_size": 152064,
        },
        vision_config={
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "out_hidden_size": 3584,
        },
    ).save_pretrained(folder)
    return folder


def test_the_hybrid_recipe_is_resolved_against_the_real_shape(seven_billion: Path) -> None:
    recipe = load_recipe(
        RECIPES / "qwenvl-7B-medical-ko-zh.yaml", [f"base_model.id={seven_billion}"]
    )
    run = dry_run(recipe)
    assert run.weights == 8_292_166_656  # what the published model has
    assert run.adapted_layers == {"q_proj": 28, "v_proj": 28}
    groups = {group.name: group for group in run.groups}
    assert next(iter(groups)) == "lora"
    # q_proj has 16 x (3584 + 3584) weights of LoRA a layer, v_proj 16 x (3584 + 512).
    assert groups["lora"].parameters == 28 * 16 * (7168 + 4096)
    assert groups["lora"].lr == 5e-6
    assert groups["vision_tower"].lr == groups["vision_tower.no_decay"].lr == 2e-6
    assert groups["merger"].lr == groups["merger.no_decay"].lr == 1e-5
    assert groups["merger"].weight_decay == 0.1
    # Of each block the two norms and the biases of qkv, proj, gate, up and down.
    flat = 32 * (2 * 1280 + 3 * 1280 + 1280 + 2 * 3420 + 1280)
    assert groups["vision_tower.no_decay"].parameters == flat
    assert groups["vision_tower.no_decay"].weight_decay == 0
    assert run.image_tokens == 1260  # 45 x 28 tokens are the most below 1,280 of this shape
    verdicts = {(one.devices, one.gigabytes, one.sharing): one.fits for one in run.plans}
    assert verdicts == {
        (1, 24, "whole copy"): False,
        (1, 24, "ZeRO-3 offload"): True,
        (1, 80, "whole copy"): True,
        (1, 80, "ZeRO-3 offload"): True,
        (2, 80, "whole copy"): True,
        (2, 80, "ZeRO-3 offload"): True,
    }


def test_four_bits_make_room_and_are_not_spread(seven_billion: Path) -> None:
    recipe = load_recipe(RECIPES / "qwenvl-3B-chartqa.yaml", [f"base_model.id={seven_billion}"])
    run = dry_run(recipe)
    assert {plan.sharing for plan in run.plans} == {"whole copy"}
    in_full = dry_run(
        load_recipe(
            RECIPES / "qwenvl-3B-chartqa.yaml",
            [f"base_model.id={seven_billion}", "tuning.method=lora", "quantisation=null"],
        )
    )
    # The linear layers of 28 decoder layers; tower, embeddings and head stay as they are.
    linear = 28 * (3584 * (3584 + 2 * 512 + 3584) + 3 * 3584 * 18944)
    saved = in_full.load.frozen_bytes - run.load.frozen_bytes
    assert saved == pytest.approx(linear * (2 - 0.5 - 0.127 / 8), rel=1e-3)


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_counted_weights_are_those_of_the_loaded_model(
    qwen_vl_twin: Path, load: Callable[..., Any], recipe_for: Callable[..., Any], method: str
) -> None:
    recipe = recipe_for(
        qwen_vl_twin,
        tuning__method=method,
        tuning__targets=["q_proj", "v_proj"],
        tuning__full=[{"part": "vision_tower", "lr": 1e-5}],
        schedule__precision="fp32",
    )
    run = dry_run(recipe)
    base = load(qwen_vl_twin, precision="fp32", quantisation=recipe.quantisation)
    model = with_adapter(base.model, recipe.tuning)
    trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
    assert run.load.trained == trained
    held = 0
    for one in model.parameters():
        if not one.requires_grad:
            held += one.nbytes
            if (state := getattr(one, "quant_state", None)) is not None:
                held += state.absmax.nbytes + state.state2.absmax.nbytes
    # A block at the end of a tiny weight is rarely full.
    assert run.load.frozen_bytes == pytest.approx(held, rel=0 if method == "lora" else 0.02)
    need = whole_copy(run.load)
    assert need.weights == run.load.frozen_bytes + trained * (4 + 4 + 8)
    assert need.training == need.weights + activations(run.load) + OVERHEAD
    assert need.device >= need.evaluation > run.load.frozen_bytes + trained * 4


@pytest.mark.parametrize("mlp_width", [512, 1352])
def test_a_layer_keeps_about_what_is_reckoned(tuning: Callable[..., Any], mlp_width: int) -> None:
    """Counted from what autograd holds; 300 tokens, and 576 patches that become 144 of them."""
    shape = {"hidden_size": 256, "intermediate_size": mlp_width}
    config = Qwen2_5_VLConfig(
        text_config=shape
        | {
            "vocab_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "bos_token_id": None,
            "eos_token_id": None,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [8, 12, 12],
            },
        },
        vision_config=shape
        | {"depth": 1, "num_heads": 4, "out_hidden_size": 256, "fullatt_block_indexes": [0]},
    )
    model = AutoModelForImageTextToText.from_config(config, dtype=torch.bfloat16)
    adapted = with_adapter(model, tuning(("vision_tower", None), dropout=0.05)).train()
    weights = {one.untyped_storage().data_ptr() for one in adapted.parameters()}
    inner = adapted.get_base_model().model

    def kept(call: Callable[[], Any]) -> int:
        held: dict[int, torch.Tensor] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            held[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
        with hooks, torch.autocast("cpu", torch.bfloat16):
            _output = call()
        return sum(
            one.untyped_storage().nbytes() for key, one in held.items() if key not in weights
        )

    words = torch.randn(1, 300, 256, dtype=torch.bfloat16, requires_grad=True)
    speaker = Stack(1, 256, mlp_width, 300, has_gradient=True, is_whole=False)
    found = kept(lambda: inner.language_model(inputs_embeds=words, use_cache=False))
    assert found == pytest.approx(speaker.inside(1, 2), rel=0.15)
    pixels, grid = torch.randn(576, 1176), torch.tensor([[1, 24, 24]])
    tower = Stack(1, 256, mlp_width, 576, has_gradient=True, is_whole=True)
    found = kept(lambda: inner.visual(pixels, grid_thw=grid))
    # Patches before the layer and the merger behind it are counted with it.
    assert tower.inside(1, 2) <= found <= 1.4 * tower.inside(1, 2)


def test_a_target_that_does_not_exist_is_found_without_weights(seven_billion: Path) -> None:
    recipe = load_recipe(
        RECIPES / "qwenvl-3B-chartqa.yaml",
        [f"base_model.id={seven_billion}", "tuning.targets=[q_proj, out_proj]"],
    )
    with pytest.raises(BogamError, match=r"'out_proj' is in none of the 28 layers.*o_proj"):
        dry_run(recipe)


def test_the_command_says_it_all_and_leaves_nothing_behind(
    seven_billion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    code = main(
        [
            str(RECIPES / "qwenvl-7B-medical-ko-zh.yaml"),
            "--dry-run",  # as the recipes have it; what is overridden may come after it
            f"base_model.id={seven_billion}",
            f"dataset.id={tmp_path / 'nowhere'}",
            f"output_dir={output}",
        ]
    )
    said = capsys.readouterr().err
    assert code == 0
    for word in ("vision_tower.no_decay", "2e-06", "1 x 24 GB", "ZeRO-3 offload", "not there yet"):
        assert word in said
    assert not output.exists()
