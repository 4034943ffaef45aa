"""Training on classes of unequal size and unequal difficulty.

The losses are those of `trainers.losses`. Validation stays with cross-entropy, so that the
validation losses of runs with different losses can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from trainers.conversation import IGNORED
from trainers.generation import next_tokens
from trainers.losses import AnswerLoss, answer_weights
from trainers.recipe_schema import LossSection
from trainers.trainer import AnswerTrainer
from trainers.training_set import TrainingSet


def answer_loss(section: LossSection, learnt: TrainingSet) -> AnswerLoss | None:
    """The loss that a recipe asks for; None for cross-entropy, which every trainer has."""
    if section.kind == "cross_entropy":
        return None
    weights = None
    if section.kind == "class_balanced":
        if section.beta is None:
            raise ValueError("a class-balanced loss without beta")
        weights = answer_weights(learnt.rows["labels"], section.beta)
    return AnswerLoss(section.gamma or 0.0, weights)


class ClassTrainer(AnswerTrainer):
    """:class:`AnswerTrainer` with another loss than cross-entropy.

    Args:
        loss: of the answer tokens.
    """

    def __init__(self, *args: Any, loss: AnswerLoss, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loss = loss
        # By the weights of the whole step, see `get_batch_samples`.
        self.loss_is_scaled_for_ga = True

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[dict[str, torch.Tensor]], torch.Tensor]:
        """The batches of a step and, in place of their tokens, the weights of these.

        Accumulating batches divides by the same as one batch of them all does.
        """
        batches, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        weight = torch.zeros((), device=device)
        for batch in batches:
            weight += self._loss.token_weights(next_tokens(batch["labels"])).sum().to(device)
        if self.args.average_tokens_across_devices and self.args.world_size > 1:
            weight = self.accelerator.gather(weight[None]).sum()
        return batches, weight

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of a batch of training, in nats; of validation, as :class:`AnswerTrainer`."""
        if not model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        targets = next_tokens(inputs["labels"])
        given = {name: values for name, values in inputs.items() if name != "labels"}
        outputs = model(**given, logits_to_keep=targets != IGNORED, use_cache=False)
        # Weights are summed over all processes, and DDP averages the gradients over them.
        scale = self.accelerator.num_processes if self.args.average_tokens_across_devices else 1
        loss = self._loss(outputs.logits, targets, num_items_in_batch) * scale
        return (loss, outputs) if return_outputs else loss
