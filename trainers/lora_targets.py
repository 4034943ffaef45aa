"""Which layers LoRA is laid on, checked before anything is trained.

PEFT takes names that match nothing in silence as long as one name matches something, and bare
names also match inside vision towers. Here every name must stand on every layer of the language
model, and the pattern handed to PEFT matches nowhere else. Layers that are trained whole have no
LoRA.
"""

from __future__ import annotations

import difflib
import re

from peft import LoraConfig, TaskType
from torch import nn
from transformers import PreTrainedModel

from cards.errors import BogamError
from trainers.model_parts import language_model_layers, trained_modules
from trainers.recipe_schema import TuningSection


def lora_config(model: PreTrainedModel, tuning: TuningSection) -> LoraConfig:
    """The adapter's config for exactly the layers that the recipe names.

    Parts that are trained whole are its `modules_to_save`: PEFT trains a copy of them and keeps
    it in the adapter's file.

    Raises:
        BogamError: a target is missing on at least one layer; lists what exists, nearest first.
            Or the model has no such part to train whole.
    """
    prefix, layers = language_model_layers(model)
    for target in tuning.targets:
        without = [number for number, layer in enumerate(layers) if target not in _linears(layer)]
        if without:
            raise BogamError(_not_found(target, prefix, layers, without))
    whole = [name for full in tuning.full for name in trained_modules(model, full)]
    adapted = [n for n in range(len(layers)) if f"{prefix}.{n}" not in whole]
    numbers = r"\d+" if len(adapted) == len(layers) else f"(?:{'|'.join(map(str, adapted))})"
    names = "|".join(re.escape(target) for target in tuning.targets)
    return LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=tuning.rank,
        lora_alpha=tuning.alpha,
        lora_dropout=tuning.dropout,
        target_modules=rf"{re.escape(prefix)}\.{numbers}\.(?:\w+\.)*(?:{names})",
        modules_to_save=whole or None,
    )


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
