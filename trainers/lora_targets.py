"""Which layers LoRA is laid on, checked before anything is trained.

PEFT takes names that match nothing in silence as long as one name matches something, and bare
names also match inside vision towers. Here every name must stand on every layer of the language
model, and the pattern handed to PEFT matches nowhere else.
"""

from __future__ import annotations

import difflib
import re

from peft import LoraConfig, TaskType
from torch import nn
from transformers import PreTrainedModel

from cards.errors import BogamError
from trainers.recipe_schema import TuningSection


def lora_config(model: PreTrainedModel, tuning: TuningSection) -> LoraConfig:
    """The adapter's config for exactly the layers that the recipe names.

    Raises:
        BogamError: a target is missing on at least one layer; lists what exists, nearest first.
    """
    prefix, layers = language_model_layers(model)
    for target in tuning.targets:
        without = [number for number, layer in enumerate(layers) if target not in _linears(layer)]
        if without:
            raise BogamError(_not_found(target, prefix, layers, without))
    names = "|".join(re.escape(target) for target in tuning.targets)
    return LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=tuning.rank,
        lora_alpha=tuning.alpha,
        lora_dropout=tuning.dropout,
        target_modules=rf"{re.escape(prefix)}\.\d+\.(?:\w+\.)*(?:{names})",
    )


def language_model_layers(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """Qualified name and modules of the decoder's layers, e.g. `model.layers`."""
    decoder = model.get_decoder()
    layers = getattr(decoder, "layers", None)
    if not isinstance(layers, nn.ModuleList) or not len(layers):
        raise BogamError(
            f"{type(model).__name__}: no list of layers in its language model "
            f"({type(decoder).__name__}), so LoRA targets cannot be checked."
        )
    names = {id(module): name for name, module in model.named_modules()}
    return names[id(layers)], layers


def _linears(layer: nn.Module) -> set[str]:
    """Last names of the linear modules in one layer; 4-bit ones are subclasses of Linear."""
    return {
        name.rpartition(".")[2]
        for name, module in layer.named_modules()
        if isinstance(module, nn.Linear)
    }


def _not_found(target: str, prefix: str, layers: nn.ModuleList, without: list[int]) -> str:
    everywhere = sorted(set.union(*(_linears(layer) for layer in layers)))
    likeness = {name: difflib.SequenceMatcher(None, target, name).ratio() for name in everywhere}
    existing = sorted(everywhere, key=lambda name: -likeness[name])
    where = (
        "in none"
        if len(without) == len(layers)
        else f"missing in {len(without)} (first {without[0]})"
    )
    return (
        f"tuning.targets: {target!r} is {where} of the {len(layers)} layers of {prefix}; LoRA "
        f"would leave it out without a word. Linear layers there: {', '.join(existing)}."
    )
