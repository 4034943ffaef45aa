"""How the weights of a tiny twin move in every one of its lessons."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


class LessonSteps:
    """AdamW with gradients clipped to a norm of 1, the learning rate up in a tenth of the steps and
    then down (https://arxiv.org/abs/1708.07120)."""

    def __init__(
        self, weights: Iterable[nn.Parameter], steps: int, *, peak_rate: float, decay: float
    ) -> None:
        self._weights = list(weights)
        self._optimiser = torch.optim.AdamW(self._weights, lr=peak_rate, weight_decay=decay)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, max_lr=peak_rate, total_steps=max(steps, 1), pct_start=0.1
        )

    def take(self, loss: torch.Tensor) -> None:
        """One step down from a loss whose graph is still there."""
        loss.backward()
        nn.utils.clip_grad_norm_(self._weights, 1.0)
        self._optimiser.step()
        self._schedule.step()
        self._optimiser.zero_grad(set_to_none=True)
