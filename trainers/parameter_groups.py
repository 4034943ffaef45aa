"""The optimiser's groups: which weights learn at which rate, and which of them decay.

Every trained weight stands in exactly one group. Biases and norms form groups of their own without
weight decay.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from cards.errors import BogamError

NO_DECAY = "no_decay"


@dataclass(frozen=True)
class GroupRule:
    """Weights whose name `pattern` finds learn at `lr`; the first rule that matches counts."""

    name: str
    pattern: str
    lr: float
    weight_decay: float


def weights_that_decay(model: nn.Module) -> set[str]:
    """Names of all parameters but biases and norms.

    Norms are told by their class. `Trainer.get_decay_parameter_names` goes by the names of weights
    and misses those of Qwen's vision tower (`norm1`, `norm2`, `ln_q`), which are RMS norms.
    """
    norms = {
        name for name, module in model.named_modules() if type(module).__name__.endswith("Norm")
    }
    return {
        name
        for name, _ in model.named_parameters()
        if not name.endswith("bias") and name.rpartition(".")[0] not in norms
    }


def parameter_groups(
    model: nn.Module, rules: Sequence[GroupRule], decaying: Collection[str]
) -> list[dict[str, Any]]:
    """Groups for a torch optimiser: `name`, `params`, `lr`, `weight_decay`, in the rules' order.

    Args:
        decaying: names of the parameters that weight decay is meant for.

    Raises:
        BogamError: a trained weight that no rule matches, a rule that matches none, or nothing
            to train at all.
    """
    members: dict[str, list[nn.Parameter]] = {}
    settings: dict[str, tuple[float, float]] = {}
    for rule in rules:
        settings[rule.name] = (rule.lr, rule.weight_decay)
        settings[f"{rule.name}.{NO_DECAY}"] = (rule.lr, 0.0)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            members.setdefault(group_of(name, rules, decaying), []).append(parameter)
    idle = [
        rule.name
        for rule in rules
        if rule.name not in members and f"{rule.name}.{NO_DECAY}" not in members
    ]
    if idle:
        raise BogamError(
            f"learning rates: no trained weight belongs to {', '.join(idle)}. Either the rule's "
            "pattern is wrong or those weights are frozen."
        )
    return [
        {"name": name, "params": members[name], "lr": lr, "weight_decay": weight_decay}
        for name, (lr, weight_decay) in settings.items()
        if name in members
    ]


def group_of(name: str, rules: Sequence[GroupRule], decaying: Collection[str]) -> str:
    """The name of the group that the parameter called `name` belongs to."""
    for rule in rules:
        if re.search(rule.pattern, name):
            return rule.name if name in decaying else f"{rule.name}.{NO_DECAY}"
    raise BogamError(
        f"learning rates: no rule matches the trained weight {name}, so it would not be trained. "
        f"Rules: {', '.join(f'{rule.name} ({rule.pattern})' for rule in rules)}."
    )
