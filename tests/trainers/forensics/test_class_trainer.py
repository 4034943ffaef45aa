"""Focal and class-balanced training: the formula, whatever the batches, and validation as ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from trainers.conversation import IGNORED
from trainers.losses import class_weights

LOSSES = (
    {"kind": "focal", "gamma": 2.0},
    {"kind": "class_balanced", "beta": 0.9},
    {"kind": "class_balanced", "beta": 0.9, "gamma": 2.0},
)


@pytest.mark.parametrize("loss", LOSSES)
def test_accumulation_is_exact(class_trainer: Callable[..., Any], loss: dict[str, Any]) -> None:
    """Batches of unequal weight: a mean of means would be another number."""
    logs, weights = [], []
    for batch_size, accumulation in ((4, 1), (2, 2), (1, 4)):
        trainer = class_trainer(
            loss=loss, schedule={"batch_size": batch_size, "accumulation": accumulation}
        )
        trainer.train_from(None)
        logs.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
        weights.append(
            {
                name: parameter.detach().clone()
                for name, parameter in trainer.model.named_parameters()
                if "lora_" in name
            }
        )
    for log, other in zip(logs[1:], weights[1:], strict=True):
        assert log == pytest.approx(logs[0], rel=1e-5)
        # Adam divides by the gradient's own size, which magnifies rounding where that is zero.
        for name, weight in weights[0].items():
            assert torch.allclose(weight, other[name], atol=1e-4), name


@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_minimises_what_the_recipe_says(
    class_trainer: Callable[..., Any], loss: dict[str, Any]
) -> None:
    trainer = class_trainer(loss=loss)
    [batch], weight = trainer.get_batch_samples(
        iter(trainer.get_train_dataloader()), 1, torch.device("cpu")
    )
    found = trainer.compute_loss(trainer.model.train(), batch, num_items_in_batch=weight)

    answers = [
        tuple(label for label in row if label != IGNORED) for row in trainer.train_dataset["labels"]
    ]
    counts = Counter(answers)
    by_answer = dict(
        zip(counts, class_weights(list(counts.values()), loss.get("beta", 0.0)), strict=True)
    )
    total = divisor = 0.0
    with torch.no_grad():
        logits = trainer.model(**batch).logits
    for row, labels in zip(logits, batch["labels"], strict=True):
        learnt = labels[1:] != IGNORED
        nats = cross_entropy(row[:-1][learnt], labels[1:][learnt], reduction="none")
        of_class = by_answer[tuple(labels[1:][learnt].tolist())] if "beta" in loss else 1.0
        total += float(((1 - (-nats).exp()) ** loss.get("gamma", 0.0) * nats).sum()) * of_class
        divisor += of_class * len(nats)
    assert found.item() == pytest.approx(total / divisor, rel=1e-5)
    assert float(weight) == pytest.approx(divisor, rel=1e-6)


def test_validation_losses_of_all_losses_can_be_compared(
    class_trainer: Callable[..., Any],
) -> None:
    dataset = {"validation_split": "validation"}
    found = [
        class_trainer(loss=loss, dataset=dataset).evaluate()["eval_loss"] for loss in LOSSES[:2]
    ]
    trainer = class_trainer(loss=LOSSES[0], dataset=dataset)
    nats = tokens = 0.0
    for row in trainer.eval_dataset:
        batch = trainer.data_collator([row])
        count = int((batch["labels"] != IGNORED).sum())
        with torch.no_grad():
            nats += float(trainer.model.eval()(**batch).loss) * count
        tokens += count
    assert found == pytest.approx([nats / tokens] * 2, rel=1e-5)
