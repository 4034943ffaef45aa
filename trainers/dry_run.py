"""What a recipe will do, told from the base model's config alone: no weights are read.

The model is built without memory (torch's meta device), so what is trained and at which rate is
worked out by the same code as in a run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import torch
from peft import PeftModel
from rich.console import Group, RenderableType
from rich.table import Table
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, ProcessorMixin
from transformers.quantizers.quantizers_utils import should_convert_module

from cards.errors import BogamError
from cards.records import ParameterGroup, Revision
from trainers.base_model import load_base_processor, load_config, model_class, resolve_base
from trainers.dataset_fit import require_fit
from trainers.dataset_source import find_dataset
from trainers.memory_estimate import GB, Load, MemoryNeed, Stack, whole_copy, zero3_offload
from trainers.model_parts import language_model_layers
from trainers.parameter_groups import parameter_groups, weights_that_decay
from trainers.quantisation import UNQUANTISED
from trainers.recipe_schema import Recipe
from trainers.tuning import group_rules, with_adapter

PAGE = (1754, 1240)
"""Height and width in pixels of the picture that is reckoned with: A4 at 150 dpi."""
TEXT_TOKENS = 512
ANSWER_TOKENS = 256
"""Of the text tokens; a row that is longer than most."""
DEVICES = ((1, 24), (1, 80), (2, 80))
"""How many, and GB of each."""
_OPTIMISER_BYTES = {"adamw_torch": 8, "paged_adamw_32bit": 8, "paged_adamw_8bit": 2}


@dataclass(frozen=True)
class DevicePlan:
    """Some devices, and what each of them would have to hold."""

    devices: int
    gigabytes: int
    sharing: Literal["whole copy", "ZeRO-3 offload"]
    need: MemoryNeed

    @property
    def fits(self) -> bool:
        return self.need.device <= self.gigabytes * GB


@dataclass(frozen=True)
class DryRun:
    """What the recipe resolves to."""

    base: Revision
    architecture: str
    dataset: str
    """Its commit and rows, or why it cannot be told."""
    weights: int
    """Of the base model."""
    groups: tuple[ParameterGroup, ...]
    adapted_layers: dict[str, int]
    """{LoRA target: layers that have it}"""
    layers: int
    """Of the language model."""
    image_tokens: int
    row_tokens: int
    load: Load
    plans: tuple[DevicePlan, ...]


def dry_run(recipe: Recipe) -> DryRun:
    """Resolve a recipe without its base model's weights.

    Raises:
        BogamError: no such base model, or the recipe does not fit it. A dataset that is not
            there yet is no error.
    """
    base = resolve_base(recipe.base_model)
    config = load_config(base)
    processor = load_base_processor(base, config, recipe.images)
    compute = torch.float32 if recipe.schedule.precision == "fp32" else torch.bfloat16
    with torch.device("meta"):
        model = model_class(config).from_config(config, dtype=compute)
        weights = sum(parameter.numel() for parameter in model.parameters())
        _, layers = language_model_layers(model)
        adapted = with_adapter(model, recipe.tuning)
    image_tokens = _image_tokens(processor)
    load = _load(recipe, model, adapted, config, processor, image_tokens, compute)
    return DryRun(
        base=base,
        architecture=type(model).__name__,
        dataset=_dataset(recipe),
        weights=weights,
        groups=_groups(recipe, model, adapted),
        adapted_layers=_adapted_layers(adapted, recipe.tuning.targets),
        layers=len(layers),
        image_tokens=image_tokens,
        row_tokens=image_tokens + TEXT_TOKENS,
        load=load,
        plans=_plans(load, can_be_spread=recipe.quantisation is None),
    )


def described(run: DryRun) -> RenderableType:
    """Tables for a terminal."""
    groups = Table("trained", "weights", "learning rate", "weight decay", title_justify="left")
    for group in run.groups:
        groups.add_row(
            group.name, f"{group.parameters:,}", f"{group.lr:g}", f"{group.weight_decay:g}"
        )
    memory = Table()
    for heading in ("devices", "held as", "GB to train", "to evaluate", "main memory", "fits"):
        memory.add_column(heading, no_wrap=True)
    for plan in run.plans:
        memory.add_row(
            f"{plan.devices} x {plan.gigabytes} GB",
            plan.sharing,
            f"{plan.need.training / GB:.1f}",
            f"{plan.need.evaluation / GB:.1f}",
            f"{plan.need.main_memory / GB:.0f}" if plan.need.main_memory else "",
            "yes" if plan.fits else "no",
        )
    trained = sum(group.parameters for group in run.groups)
    coverage = ", ".join(f"{name} {count}" for name, count in run.adapted_layers.items())
    seen = run.image_tokens
    pictures = f"{seen:,} of a page of A4 at 150 dpi, " if seen else ""
    return Group(
        f"base model: {run.base.id} ({run.base.revision}), {run.architecture}, "
        f"{run.weights:,} weights",
        f"dataset: {run.dataset}",
        f"LoRA: of {run.layers} layers of the language model, {coverage}",
        groups,
        f"{trained:,} weights are trained, {trained / run.weights:.2%} of the base model's",
        memory,
        f"Reckoned with {run.load.rows} rows at a time of {run.row_tokens:,} tokens: {pictures}"
        f"{TEXT_TOKENS} of text, {ANSWER_TOKENS} of them answers. Weights, gradients and optimiser "
        "are counted, activations estimated, 1.5 GB allowed for the driver: how, is said in "
        "trainers/memory_estimate.py. Longer rows take more.",
    )


def _dataset(recipe: Recipe) -> str:
    try:
        found = find_dataset(recipe.dataset)
    except BogamError as error:
        return f"not there yet. {error}"
    require_fit(recipe, found)
    rows = found.record.rows if found.record is not None else "unknown"
    return f"{found.revision.id} ({found.revision.revision}), rows: {rows}"


def _groups(
    recipe: Recipe, model: PreTrainedModel, adapted: PeftModel
) -> tuple[ParameterGroup, ...]:
    rules = group_rules(model, recipe.tuning, recipe.optimiser)
    return tuple(
        ParameterGroup(
            name=group["name"],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            parameters=sum(parameter.numel() for parameter in group["params"]),
        )
        for group in parameter_groups(adapted, rules, weights_that_decay(adapted))
    )


def _adapted_layers(adapted: PeftModel, targets: tuple[str, ...]) -> dict[str, int]:
    names = [name.split(".") for name, _ in adapted.named_modules() if name.endswith(".lora_A")]
    found = Counter(parts[-2] for parts in names)
    return {target: found[target] for target in targets}


def _image_tokens(processor: ProcessorMixin | None) -> int:
    if processor is None:
        return 0
    counted = processor._get_num_multimodal_tokens(image_sizes=[PAGE])
    return int(counted.num_image_tokens[0])


def _load(
    recipe: Recipe,
    model: PreTrainedModel,
    adapted: PeftModel,
    config: PreTrainedConfig,
    processor: ProcessorMixin | None,
    image_tokens: int,
    compute: torch.dtype,
) -> Load:
    text = config.get_text_config()
    tower_is_trained = any(full.part == "vision_tower" for full in recipe.tuning.full)
    stacks = [
        Stack(
            layers=text.num_hidden_layers,
            width=text.hidden_size,
            mlp_width=text.intermediate_size,
            tokens=image_tokens + TEXT_TOKENS,
            has_gradient=True,
            is_whole=False,
        )
    ]
    if processor is not None:
        vision = config.vision_config
        width = vision.hidden_size
        stacks.append(
            Stack(
                layers=vision.num_hidden_layers,
                width=width,
                mlp_width=getattr(vision, "intermediate_size", 4 * width),
                tokens=image_tokens * getattr(processor.image_processor, "merge_size", 1) ** 2,
                has_gradient=tower_is_trained,
                is_whole=tower_is_trained,
            )
        )
    return Load(
        frozen_bytes=_frozen_bytes(recipe, adapted),
        trained=sum(one.numel() for one in adapted.parameters() if one.requires_grad),
        largest_module=max(
            sum(one.numel() for one in module.parameters(recurse=False))
            for module in model.modules()
        ),
        optimiser_bytes=_OPTIMISER_BYTES[recipe.optimiser.name],
        compute_bytes=compute.itemsize,
        rows=recipe.schedule.batch_size,
        stacks=stacks,
        answer_tokens=ANSWER_TOKENS,
        vocabulary=text.vocab_size,
        gradient_checkpointing=recipe.schedule.gradient_checkpointing,
        evaluated_rows=recipe.evaluation.batch_size,
        new_tokens=recipe.evaluation.max_new_tokens,
        cache_width=2 * text.num_key_value_heads * (text.hidden_size // text.num_attention_heads),
    )


def _frozen_bytes(recipe: Recipe, adapted: PeftModel) -> int:
    """As the weights are held: a 4-bit weight also has its share of a block's constants."""
    in_four_bits = set()
    if recipe.quantisation is not None:
        model = adapted.get_base_model()
        in_four_bits = {
            id(module.weight)
            for name, module in model.named_modules()
            if isinstance(module, nn.Linear)
            and should_convert_module(name.removesuffix(".base_layer"), list(UNQUANTISED))
            and not module.weight.requires_grad
        }
    constants = 1 / 64 + 4 / (64 * 256)  # a byte for 64 weights, a float for 256 of those
    if recipe.quantisation is not None and not recipe.quantisation.double_quant:
        constants = 4 / 64
    total = 0.0
    for parameter in adapted.parameters():
        if not parameter.requires_grad:
            each = 0.5 + constants if id(parameter) in in_four_bits else parameter.itemsize
            total += parameter.numel() * each
    return round(total)


def _plans(load: Load, *, can_be_spread: bool) -> tuple[DevicePlan, ...]:
    plans = []
    for devices, gigabytes in DEVICES:
        plans.append(DevicePlan(devices, gigabytes, "whole copy", whole_copy(load, devices)))
        if can_be_spread:
            need = zero3_offload(load)
            plans.append(DevicePlan(devices, gigabytes, "ZeRO-3 offload", need))
    return tuple(plans)
