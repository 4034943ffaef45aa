"""Did training move what it should, and nothing else? And is that what was saved?

Tuned weights that never changed, or changed and were not saved, give a run that looks like any
other. So the norm of each group's change is recorded, frozen weights are compared bit by bit, and
the saved files are loaded the way anybody else would load them and must answer as the model in
memory does.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import xxhash
from torch import nn

from cards.errors import BogamError
from cards.records import ParameterGroup
from trainers.base_model import ModelClass
from trainers.collator import Inputs
from trainers.quantisation import keep_trainable, quantisation_config
from trainers.recipe_schema import QuantisationSection

logger = logging.getLogger(__name__)

ROUNDING = 0.02
"""Share of the largest logit that bfloat16 may move a logit by (8 bits, summed over layers)."""


@dataclass(frozen=True)
class WeightsBefore:
    """What is remembered of a model before training."""

    trained: dict[str, torch.Tensor]
    """Copies of all trained weights, on the CPU, by name."""
    frozen: str
    """Hash over the names and bytes of everything else."""

    @classmethod
    def of(cls, model: nn.Module) -> WeightsBefore:
        """Every process of a ZeRO-3 run must call this, since weights are gathered for it."""
        return cls(_trained_weights(model), _hash_of_frozen(model))


@dataclass(frozen=True)
class Movement:
    """How far training moved a model."""

    update_norms: dict[str, float]
    """L2 norm of the change of each trained weight, by name."""
    frozen_unchanged: bool


def movement(before: WeightsBefore, model: nn.Module) -> Movement:
    """Compare a model with what it was. Collective under ZeRO-3, like :class:`WeightsBefore`."""
    after = _trained_weights(model)
    if after.keys() != before.trained.keys():
        changed = sorted(after.keys() ^ before.trained.keys())
        raise BogamError(
            f"training audit: the set of trained weights is not what it was before training: "
            f"{changed[:3]} ({len(changed)} in all)."
        )
    return Movement(
        update_norms={
            name: float(torch.linalg.vector_norm(after[name].double() - weight.double()))
            for name, weight in before.trained.items()
        },
        frozen_unchanged=_hash_of_frozen(model) == before.frozen,
    )


def check_movement(groups: Sequence[ParameterGroup], frozen_unchanged: bool) -> None:
    """Raise :class:`BogamError` when a trained group stood still or a frozen weight moved."""
    still = [group.name for group in groups if not (group.update_norm or 0) > 0]
    if still:
        raise BogamError(
            f"training audit: the weights of {', '.join(still)} did not change. Is their learning "
            "rate too small for their precision, or did no gradient reach them?"
        )
    if not frozen_unchanged:
        raise BogamError(
            "training audit: weights that the recipe freezes are not what they were before "
            "training. The adapter would not fit the published base model."
        )


@dataclass(frozen=True)
class Reference:
    """What the trained model answers, for comparison with the same model loaded from disk."""

    examples: Sequence[Inputs]
    """Whole conversations with their pictures, each a batch of one."""
    logits: list[torch.Tensor]
    """(tokens, vocabulary) on the CPU, one an example."""
    dtype: torch.dtype
    """Of the base model's weights and of the computation."""
    model_class: ModelClass
    """What loads such a model, by the folder or Hub id of the adapter."""


def answer_logits(model: nn.Module, examples: Sequence[Inputs]) -> list[torch.Tensor]:
    """Logits at every position, one (tokens, vocabulary) tensor on the CPU an example."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    logits = []
    with torch.no_grad():
        for example in examples:
            given = {key: one.to(device) for key, one in example.items() if key != "labels"}
            logits.append(model(**given, use_cache=False).logits[0].cpu())
    model.train(was_training)
    return logits


def check_reloaded(
    folder: Path,
    reference: Reference,
    quantisation: QuantisationSection | None,
    device: torch.device | None,
) -> float:
    """Load a release the way its card says, and compare it with the model that was trained.

    In float32 on an unquantised base the logits must be equal to the bit. Otherwise transformers
    holds the adapter in the precision of the base, where training held it in float32, and the
    logits may differ by as much as that rounding explains.

    Args:
        device: where the trained model was; None is the CPU.

    Returns:
        The largest absolute difference of two logits.

    Raises:
        BogamError: the two models answer differently.
    """
    arguments: dict[str, Any] = {"dtype": reference.dtype}
    if quantisation is not None:
        arguments["quantization_config"] = quantisation_config(quantisation, reference.dtype)
    if device is not None:
        arguments["device_map"] = {"": device}
    reloaded = reference.model_class.from_pretrained(folder, **arguments)
    keep_trainable(reloaded)  # the same arithmetic as in training
    answered = answer_logits(reloaded, reference.examples)
    largest = max(
        float((logits.float() - wanted.float()).abs().max())
        for logits, wanted in zip(answered, reference.logits, strict=True)
    )
    exact = reference.dtype == torch.float32 and quantisation is None
    scale = max(float(logits.abs().max()) for logits in reference.logits)
    allowed = 0.0 if exact else ROUNDING * scale
    if not largest <= allowed:
        raise BogamError(
            f"{folder}: loaded from disk as its card says, the model answers differently from "
            f"the one that was trained: logits differ by up to {largest:.3g} (allowed: "
            f"{allowed:.3g}). It is not published. Has the base model's repo changed since?"
        )
    logger.info(
        "loaded again from %s: logits of %d examples differ by %.3g at most (largest logit %.3g)",
        folder,
        len(answered),
        largest,
        scale,
    )
    return largest


def _trained_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    weights = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            with _whole(parameter):
                weights[name] = parameter.detach().cpu().clone()
    return weights


def _hash_of_frozen(model: nn.Module) -> str:
    """xxh3 over names and bytes. Guards against accidents, not against forgery."""
    digest = xxhash.xxh3_128()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            digest.update(name.encode())
            with _whole(parameter):
                flat = parameter.data.contiguous().cpu().flatten()
            if flat.numel():
                digest.update(flat.view(torch.uint8).numpy())
    return digest.hexdigest()


@contextlib.contextmanager
def _whole(parameter: nn.Parameter) -> Iterator[None]:
    """Hold all of a weight that ZeRO-3 has spread over the processes; else do nothing."""
    if not hasattr(parameter, "ds_id"):
        yield
        return
    from deepspeed import zero

    with zero.GatheredParameters([parameter]):
        yield
