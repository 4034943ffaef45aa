"""The parts of a vision-language model: what sees, what hands on, what speaks.

Named by the modules that make them up, since transformers nests them differently in each
architecture and Qwen keeps the merger inside of the vision tower.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import nn
from transformers import PreTrainedModel

from cards.errors import BogamError
from trainers.recipe_schema import FullTuning

Part = Literal["vision_tower", "merger", "language_model"]


@dataclass(frozen=True)
class _Layout:
    """Where an architecture keeps its parts: qualified names, and patterns for `re.search`."""

    tower: str
    layers: str
    """Within the tower."""
    merger: str
    patterns: dict[Part, str]


_QWEN = _Layout(
    tower="model.visual",
    layers="blocks",
    merger="model.visual.merger",
    patterns={
        "vision_tower": r"\.visual\.(?!merger\.)",
        "merger": r"\.visual\.merger\.",
        "language_model": r"\.language_model\.layers\.",
    },
)
_LAYOUTS = {
    "qwen2_vl": _QWEN,
    "qwen2_5_vl": _QWEN,
    "llava_next": _Layout(
        tower="model.vision_tower",
        layers="encoder.layers",
        merger="model.multi_modal_projector",
        patterns={
            "vision_tower": r"\.vision_tower\.",
            "merger": r"\.multi_modal_projector\.",
            "language_model": r"\.language_model\.layers\.",
        },
    ),
}


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


def part_pattern(model: PreTrainedModel, part: Part) -> str:
    """Found in the names of a part's weights, adapted or not, and in no other's."""
    return _layout(model).patterns[part]


def trained_modules(model: PreTrainedModel, full: FullTuning) -> tuple[str, ...]:
    """Qualified names of the modules of a part that a recipe trains whole, in the model's order.

    Each can be called on its own, as PEFT needs it. Layers that the language model never sees the
    output of (LLaVA takes the last but one of CLIP) are left out; no gradient reaches them.

    Raises:
        BogamError: the model has no such part, or fewer layers than are asked for.
    """
    layout = _layout(model)
    if full.part == "language_model":
        prefix, decoder_layers = language_model_layers(model)
        count = len(decoder_layers)
        return _last(f"{prefix}.", count, full, at_most=count - 1)
    if full.part == "merger":
        return (layout.merger,)
    prefix = f"{layout.tower}.{layout.layers}."
    layers = len(list(model.get_submodule(prefix.rstrip(".")).children()))
    used = _used_layers(model, layers)
    if full.last_layers is not None:
        return _last(prefix, used, full, at_most=used)
    idle = {layout.merger, *(f"{prefix}{number}" for number in range(used, layers))}
    if used < layers:
        idle.add(f"{layout.tower}.post_layernorm")
    return tuple(
        name
        for name in _callable_modules(model.get_submodule(layout.tower), layout.tower)
        if name not in idle
    )


def _layout(model: PreTrainedModel) -> _Layout:
    kind = model.config.model_type
    if kind not in _LAYOUTS:
        raise BogamError(
            f"tuning.full: {type(model).__name__} ({kind}) has no vision tower and merger that are "
            f"known here; only {', '.join(_LAYOUTS)} have. Leave `full` out to train with LoRA."
        )
    return _LAYOUTS[kind]


def _last(prefix: str, layers: int, full: FullTuning, *, at_most: int) -> tuple[str, ...]:
    wanted = full.last_layers or layers
    if wanted > at_most:
        raise BogamError(
            f"tuning.full: {full.part} can have at most {at_most} of its {layers} layers trained "
            f"whole, not {wanted}. Lower last_layers."
        )
    return tuple(f"{prefix}{number}" for number in range(layers - wanted, layers))


def _used_layers(model: PreTrainedModel, layers: int) -> int:
    """How many layers of the vision tower have a say in what the language model is given."""
    chosen = getattr(model.config, "vision_feature_layer", None)
    if chosen is None:
        return layers
    states = [chosen] if isinstance(chosen, int) else list(chosen)
    # State 0 is what goes into the first layer.
    return max(state if state >= 0 else layers + 1 + state for state in states)


def _callable_modules(module: nn.Module, name: str) -> Iterator[str]:
    """The largest modules within `module` that have weights and can be called."""
    for child_name, child in module.named_children():
        inner = f"{name}.{child_name}"
        if next(child.parameters(), None) is None:
            continue
        if isinstance(child, nn.ModuleList) or any(
            isinstance(part, nn.ModuleList) for part in child.children()
        ):
            yield from _callable_modules(child, inner)
        else:
            yield inner
