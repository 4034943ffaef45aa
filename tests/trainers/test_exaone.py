"""A checkpoint under EXAONE-3.5's real names loads natively and computes what the paper says.

The reference below shares no code with transformers: RMSNorm, rotary positions with Llama-3
scaling, grouped-query attention and SwiGLU written out with plain torch.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from cards.errors import BogamError

CONFIG: dict[str, Any] = {
    "activation_function": "silu",
    "architectures": ["ExaoneForCausalLM"],
    "attention_dropout": 0.0,
    # Points to code inside the repo, which must not be asked for.
    "auto_map": {
        "AutoConfig": "configuration_exaone.ExaoneConfig",
        "AutoModelForCausalLM": "modeling_exaone.ExaoneForCausalLM",
    },
    "bos_token_id": 1,
    "embed_dropout": 0.0,
    "eos_token_id": 5,
    "head_dim": 16,
    "hidden_size": 64,
    "initializer_range": 0.02,
    "intermediate_size": 96,
    "layer_norm_epsilon": 1e-5,
    "max_position_embeddings": 256,
    "model_type": "exaone",
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_layers": 3,
    "pad_token_id": 0,
    "rope_scaling": {
        "factor": 8.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 64,
        "rope_type": "llama3",
    },
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "vocab_size": 128,
}


def random_weights(*, tied: bool = False) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)

    def matrix(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.1

    def gain(size: int) -> torch.Tensor:
        return torch.rand(size, generator=generator) + 0.5

    hidden, inner, values = 64, 96, 2 * 16
    weights = {"transformer.wte.weight": matrix(128, hidden), "transformer.ln_f.weight": gain(64)}
    if not tied:
        weights["lm_head.weight"] = matrix(128, hidden)
    for layer in range(3):
        at = f"transformer.h.{layer}"
        weights |= {
            f"{at}.ln_1.weight": gain(hidden),
            f"{at}.ln_2.weight": gain(hidden),
            f"{at}.attn.attention.q_proj.weight": matrix(hidden, hidden),
            f"{at}.attn.attention.k_proj.weight": matrix(values, hidden),
            f"{at}.attn.attention.v_proj.weight": matrix(values, hidden),
            f"{at}.attn.attention.out_proj.weight": matrix(hidden, hidden),
            f"{at}.mlp.c_fc_0.weight": matrix(inner, hidden),
            f"{at}.mlp.c_fc_1.weight": matrix(inner, hidden),
            f"{at}.mlp.c_proj.weight": matrix(hidden, inner),
        }
    return weights


def write_checkpoint(folder: Path, weights: dict[str, torch.Tensor], **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def reference_logits(weights: dict[str, torch.Tensor], ids: torch.Tensor) -> torch.Tensor:
    """(tokens,) -> (tokens, vocabulary)."""
    heads, groups, size, tokens = 4, 2, 16, len(ids)

    def norm(x: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        return gain * x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)

    scaling = CONFIG["rope_scaling"]
    frequencies = []
    for pair in range(size // 2):
        frequency = CONFIG["rope_theta"] ** (-2 * pair / size)
        turns = scaling["original_max_position_embeddings"] * frequency / (2 * math.pi)
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        share = min(1.0, max(0.0, (turns - low) / (high - low)))
        frequencies.append(share * frequency + (1 - share) * frequency / scaling["factor"])
    angles = torch.arange(tokens)[:, None] * torch.tensor(frequencies)[None]
    cosine, sine = angles.cos()[:, None], angles.sin()[:, None]

    def rotate(x: torch.Tensor) -> torch.Tensor:  # (tokens, heads, size)
        first, second = x[..., : size // 2], x[..., size // 2 :]
        return torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1)

    x = weights["transformer.wte.weight"][ids]
    for layer in range(3):
        at = f"transformer.h.{layer}"

        def project(name: str, y: torch.Tensor, at: str = at) -> torch.Tensor:
            return y @ weights[f"{at}.{name}.weight"].T

        y = norm(x, weights[f"{at}.ln_1.weight"])
        q = rotate(project("attn.attention.q_proj", y).view(tokens, heads, size))
        k = rotate(project("attn.attention.k_proj", y).view(tokens, groups, size))
        v = project("attn.attention.v_proj", y).view(tokens, groups, size)
        mixed = []
        for head in range(heads):
            group = head * groups // heads
            scores = q[:, head] @ k[:, group].T / math.sqrt(size)
            scores = scores.masked_fill(torch.ones(tokens, tokens).triu(1).bool(), -math.inf)
            mixed.append(scores.softmax(-1) @ v[:, group])
        x = x + project("attn.attention.out_proj", torch.cat(mixed, -1))
        y = norm(x, weights[f"{at}.ln_2.weight"])
        gate = torch.nn.functional.silu(project("mlp.c_fc_0", y))
        x = x + project("mlp.c_proj", gate * project("mlp.c_fc_1", y))
    head_weight = weights.get("lm_head.weight", weights["transformer.wte.weight"])
    return norm(x, weights["transformer.ln_f.weight"]) @ head_weight.T


def load(folder: Path, **arguments: Any) -> Any:
    from transformers import AutoModelForCausalLM

    from trainers.exaone import register_exaone

    register_exaone()
    model, report = AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True, **arguments
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]
    return model.eval()


IDS = torch.arange(3, 99, 1) * 5 % 128


@pytest.mark.parametrize("tied", [False, True])
def test_logits_equal_an_independent_reference(tmp_path: Path, tied: bool) -> None:
    weights = random_weights(tied=tied)
    model = load(write_checkpoint(tmp_path / "exaone", weights, tie_word_embeddings=tied))
    with torch.no_grad():
        logits = model(IDS[None]).logits[0]
    wanted = reference_logits(weights, IDS)
    assert wanted.abs().max() > 1  # the comparison means something
    assert (logits - wanted).abs().max() <= 1e-5


def test_saved_files_have_exaones_names_again_and_reload_equal(tmp_path: Path) -> None:
    weights = random_weights()
    model = load(write_checkpoint(tmp_path / "exaone", weights))
    model.save_pretrained(tmp_path / "again")
    with safe_open(tmp_path / "again" / "model.safetensors", "pt") as saved:
        assert set(saved.keys()) == set(weights)
    reloaded = load(tmp_path / "again")
    with torch.no_grad():
        assert torch.equal(model(IDS[None]).logits, reloaded(IDS[None]).logits)


def test_four_bit_load_quantises_all_projections_and_not_the_head(tmp_path: Path) -> None:
    from bitsandbytes.nn import Linear4bit

    from trainers.quantisation import quantisation_config
    from trainers.recipe_schema import QuantisationSection

    config = quantisation_config(QuantisationSection(), torch.float32)
    assert (config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == ("nf4", True)
    model = load(
        write_checkpoint(tmp_path / "exaone", random_weights()),
        quantization_config=config,
        dtype=torch.float32,
    )
    quantised = [name for name, part in model.named_modules() if isinstance(part, Linear4bit)]
    assert len(quantised) == 7 * 3
    assert "model.layers.2.self_attn.o_proj" in quantised
    assert type(model.lm_head) is torch.nn.Linear


def test_stored_rotary_tables_are_no_unexpected_weights(tmp_path: Path) -> None:
    weights = random_weights() | {"transformer.rotary_emb.inv_freq": torch.ones(8)}
    load(write_checkpoint(tmp_path / "exaone", weights))


def test_a_weight_of_another_architecture_has_no_llama_name() -> None:
    from trainers.exaone import llama_name

    assert llama_name("transformer.h.12.attn.attention.out_proj.weight") == (
        "model.layers.12.self_attn.o_proj.weight"
    )
    with pytest.raises(BogamError, match=r"transformer\.h\.0\.attn\.rotary"):
        llama_name("transformer.h.0.attn.rotary.weight")


def test_llama_config_says_the_same_in_other_words(tmp_path: Path) -> None:
    from transformers import AutoConfig

    from trainers.exaone import llama_config, register_exaone

    register_exaone()
    folder = write_checkpoint(tmp_path / "exaone", random_weights())
    config = llama_config(AutoConfig.from_pretrained(folder))
    assert config.model_type == "llama"
    assert config.num_hidden_layers == 3
    assert config.rms_norm_eps == 1e-5
    assert config.rope_parameters["rope_theta"] == 10000.0
    assert config.rope_parameters["original_max_position_embeddings"] == 64
    assert "auto_map" not in config.to_dict()
