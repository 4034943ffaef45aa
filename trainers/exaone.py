"""EXAONE 3.0/3.5 as a native architecture, so that no remote code is needed.

transformers has `exaone4` but not `exaone`, and the code inside the EXAONE-3.5 repos fails on
transformers 5. The network is Llama's: RMSNorm, half-split rotary positions, grouped queries,
SwiGLU, no biases. Only the names of weights and of some config keys differ, so a renaming is all
that is needed. Names after vLLM's `exaone.py` and the checkpoints' own config files.
"""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import WeightRenaming

from cards.errors import BogamError

MODEL_TYPE = "exaone"

# One rule a weight: a rule that only takes away `attn.attention` would load the same model, but
# transformers turns the rules round when it saves, and `out_proj` would not come back.
_LAYER_NAMES = {
    "ln_1": "input_layernorm",
    "ln_2": "post_attention_layernorm",
    "attn.attention.q_proj": "self_attn.q_proj",
    "attn.attention.k_proj": "self_attn.k_proj",
    "attn.attention.v_proj": "self_attn.v_proj",
    "attn.attention.out_proj": "self_attn.o_proj",
    "mlp.c_fc_0": "mlp.gate_proj",
    "mlp.c_fc_1": "mlp.up_proj",
    "mlp.c_proj": "mlp.down_proj",
}

# About the file that was read, not about the network.
_OF_THE_FILE = ("_name_or_path", "architectures", "auto_map", "model_type", "transformers_version")
# Llama has no use for it; it is 0 in every release.
_EXAONE_ONLY = ("embed_dropout",)


class ExaoneConfig(LlamaConfig):
    """Reads the keys of an EXAONE `config.json`; everything else is Llama's."""

    model_type = MODEL_TYPE
    attribute_map = {  # noqa: RUF012 - declared as ClassVar by the parent
        "num_layers": "num_hidden_layers",
        "layer_norm_epsilon": "rms_norm_eps",
        "activation_function": "hidden_act",
    }


class ExaoneForCausalLM(LlamaForCausalLM):
    """Inside, modules have Llama's names: the attention's output is `o_proj`, not `out_proj`."""

    config_class = ExaoneConfig
    # Computed from the config; older checkpoints store it.
    _keys_to_ignore_on_load_unexpected = [r"rotary_emb\.inv_freq$"]  # noqa: RUF012


def register_exaone() -> None:
    """Teach the Auto classes `model_type: exaone`. May be called more than once.

    A repo whose config has an `auto_map` needs no `trust_remote_code` afterwards: a registered
    class is preferred.
    """
    AutoConfig.register(MODEL_TYPE, ExaoneConfig, exist_ok=True)
    AutoModelForCausalLM.register(ExaoneConfig, ExaoneForCausalLM, exist_ok=True)
    register_checkpoint_conversion_mapping(MODEL_TYPE, weight_renamings(), overwrite=True)


def weight_renamings() -> list[WeightRenaming]:
    """EXAONE's names -> Llama's; transformers applies them backwards when it saves."""
    rules = {
        r"^transformer\.wte\.": "model.embed_tokens.",
        r"^transformer\.ln_f\.": "model.norm.",
    }
    for exaone, llama in _LAYER_NAMES.items():
        pattern = exaone.replace(".", r"\.")
        rules[rf"^transformer\.h\.(\d+)\.{pattern}\."] = rf"model.layers.\1.{llama}."
    return [WeightRenaming(source, target) for source, target in rules.items()]


def llama_name(exaone_name: str) -> str:
    """The Llama name of one EXAONE weight.

    Raises:
        BogamError: EXAONE 3.x has no weight of that name.
    """
    if exaone_name == "lm_head.weight":
        return exaone_name
    for renaming in weight_renamings():
        renamed, matched = renaming.rename_source_key(exaone_name)
        if matched is not None:
            return str(renamed)
    raise BogamError(
        f"weight {exaone_name!r}: EXAONE 3.x has none of that name. Is this checkpoint of another "
        "architecture?"
    )


def llama_config(config: ExaoneConfig) -> LlamaConfig:
    """The same architecture as a plain Llama config, readable by anybody's transformers."""
    fields: dict[str, Any] = config.to_dict()
    for key in (*_OF_THE_FILE, *_EXAONE_ONLY):
        fields.pop(key, None)
    return LlamaConfig(**fields, architectures=["LlamaForCausalLM"])
