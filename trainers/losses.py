"""Losses over answer tokens for classes of unequal size and unequal difficulty.

All are sums of `weight x (1 - p) ** gamma x -log p` over the answer tokens, p being the
probability of the right token: cross-entropy with gamma 0 and no weights, focal loss with gamma
above 0 (Lin et al. 2017, arXiv:1708.02002), class-balanced loss with weights from the number of
examples of each class (Cui et al. 2019, arXiv:1901.05555). Computed in float32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from trainers.conversation import IGNORED


@dataclass(frozen=True)
class AnswerLoss:
    """Mean loss of the answer tokens of a batch.

    `gamma` takes weight from tokens that are right already. `weights` gives each answer, by the
    tokens that are labelled on its rows (the end token included), the weight of its class.
    """

    gamma: float = 0.0
    weights: Mapping[tuple[int, ...], float] | None = None

    def __call__(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        total_weight: torch.Tensor | float | None = None,
    ) -> torch.Tensor:
        """The scalar loss, in nats.

        Args:
            logits: (tokens, vocabulary) of the positions of `targets` that are not `IGNORED`, row
                by row, as `logits_to_keep=targets != IGNORED` gives them.
            targets: (rows, positions) the next token where it is learnt.
            total_weight: what the weighted sum is divided by: over all micro-batches of a step,
                so that accumulating them gives the same as one large batch. None for the sum of
                the weights of this batch.

        Raises:
            KeyError: an answer that has no weight.
        """
        scored = targets != IGNORED
        losses = focal_losses(logits, targets[scored], self.gamma)
        weights = self.token_weights(targets)
        total = weights.sum() if total_weight is None else total_weight
        return (losses * weights).sum() / total

    def token_weights(self, targets: torch.Tensor) -> torch.Tensor:
        """(tokens,) float32 weights of the tokens that are learnt, row by row."""
        scored = targets != IGNORED
        rows = torch.ones(len(targets), device=targets.device)
        if self.weights is not None:
            answers = [
                tuple(row[learnt].tolist()) for row, learnt in zip(targets, scored, strict=True)
            ]
            rows = torch.tensor([self.weights[answer] for answer in answers], device=targets.device)
        return rows.repeat_interleave(scored.sum(dim=1))


def focal_losses(logits: torch.Tensor, targets: torch.Tensor, gamma: float) -> torch.Tensor:
    """(tokens,) float32 losses; logits (tokens, vocabulary), targets (tokens,)."""
    nats = cross_entropy(logits.float(), targets, reduction="none")
    if gamma == 0:
        return nats
    # 1 - p without cancellation; its power has no finite slope at 0 for gamma below 1.
    wrong = -torch.expm1(-nats)
    return wrong.clamp_min(torch.finfo(wrong.dtype).tiny) ** gamma * nats


def class_weights(counts: Sequence[int], beta: float) -> list[float]:
    """Weight of each class by the effective number of its examples, (1 - beta^n) / (1 - beta).

    The mean weight of an example is 1, so that the size of the loss stays what it was. `beta` 0
    weighs all classes alike, 1 by the inverse of their counts. A class without examples weighs 0:
    it is not seen, and takes nothing from the others.

    Raises:
        ValueError: beta outside 0 to 1, a negative count, or no example at all.
    """
    if not 0 <= beta <= 1:
        raise ValueError(f"beta is {beta}; it must be between 0 and 1")
    if min(counts) < 0 or sum(counts) == 0:
        raise ValueError(f"class counts {list(counts)}: there must be examples to weigh")
    effective = [float(count) if beta == 1 else (1 - beta**count) / (1 - beta) for count in counts]
    weights = [1 / number if number else 0.0 for number in effective]
    mean = sum(weight * count for weight, count in zip(weights, counts, strict=True)) / sum(counts)
    return [weight / mean for weight in weights]


def answer_weights(labels: Iterable[Sequence[int]], beta: float) -> dict[tuple[int, ...], float]:
    """:func:`class_weights` of training rows whose distinct answers are the classes.

    labels: of each row, see `trainers.conversation.EncodedConversation`. Gives what
    :class:`AnswerLoss` takes.
    """
    counts = Counter(tuple(label for label in row if label != IGNORED) for row in labels)
    return dict(zip(counts, class_weights(list(counts.values()), beta), strict=True))
