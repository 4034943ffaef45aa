"""The one place that says how a base model is held in 4 bits, for training and evaluation alike."""

from __future__ import annotations

import torch
from bitsandbytes.nn import Linear4bit
from transformers import BitsAndBytesConfig

from trainers.recipe_schema import QuantisationSection

# Kept in full precision. Patterns match from the start of a module's name or as its ending
# (transformers, `should_convert_module`): a bare "visual" would match nothing. A list replaces
# the default one, so the head must be named as well.
UNQUANTISED = ("lm_head", "model.visual", "model.vision_tower", "model.multi_modal_projector")


def quantisation_config(
    section: QuantisationSection, compute_dtype: torch.dtype
) -> BitsAndBytesConfig:
    """4-bit config after the recipe; `compute_dtype` is what `compute_dtype: auto` stands for."""
    if section.compute_dtype != "auto":
        compute_dtype = {"bfloat16": torch.bfloat16, "float32": torch.float32}[
            section.compute_dtype
        ]
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=section.type,
        bnb_4bit_use_double_quant=section.double_quant,
        bnb_4bit_compute_dtype=compute_dtype,
        llm_int8_skip_modules=list(UNQUANTISED),
    )


def keep_trainable(model: torch.nn.Module) -> None:
    """Have 4-bit weights stay in the form in which gradients pass through them.

    On CPUs with AVX-512 BF16, bitsandbytes 0.50 packs each weight anew when it is first used for
    inference. The packed form has no gradient and bfloat16 scales, and unpacking does not give
    the old bits back: a model evaluated before training would learn in its last layer only.
    """
    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
