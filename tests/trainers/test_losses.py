"""Focal and class-balanced loss: known special cases, no nan, no dependence on accumulation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy, pad

from trainers.conversation import IGNORED
from trainers.losses import AnswerLoss, answer_weights, class_weights, focal_losses

VOCABULARY = 12
# Rows of one answer token each, and an end token (2) where there are two.
SINGLE = torch.tensor([[IGNORED, 5], [IGNORED, 6], [IGNORED, 5], [IGNORED, 7]])
ENDED = torch.tensor([[IGNORED, 5, 2], [6, 8, 2], [IGNORED, 5, 2], [IGNORED, 7, 2]])
WEIGHTS = {(5,): 0.5, (6,): 2.0, (7,): 1.5, (5, 2): 0.5, (6, 8, 2): 2.0, (7, 2): 1.5}


def logits_for(targets: torch.Tensor) -> torch.Tensor:
    source = torch.Generator().manual_seed(0)
    count = int((targets != IGNORED).sum())
    return torch.randn(count, VOCABULARY, generator=source).requires_grad_()


def test_focal_loss_without_focus_is_cross_entropy() -> None:
    logits, targets = logits_for(ENDED), ENDED[ENDED != IGNORED]
    expected = cross_entropy(logits, targets)
    assert torch.equal(AnswerLoss()(logits, ENDED), expected)
    assert torch.allclose(focal_losses(logits, targets, 1e-9).mean(), expected, atol=1e-6)


def test_focal_loss_is_its_formula() -> None:
    logits, targets = logits_for(ENDED), ENDED[ENDED != IGNORED]
    right = torch.softmax(logits, dim=1)[torch.arange(len(targets)), targets]
    expected = ((1 - right) ** 2 * -right.log()).mean()
    assert torch.allclose(AnswerLoss(gamma=2.0)(logits, ENDED), expected, atol=1e-6)


def test_weighted_loss_is_that_of_torch() -> None:
    logits, targets = logits_for(SINGLE), SINGLE[SINGLE != IGNORED]
    weight = torch.ones(VOCABULARY)
    for (token, *more), value in WEIGHTS.items():
        if not more:
            weight[token] = value
    expected = cross_entropy(logits, targets, weight=weight)
    assert torch.allclose(AnswerLoss(weights=WEIGHTS)(logits, SINGLE), expected, atol=1e-6)


def test_every_token_of_an_answer_has_the_weight_of_its_class() -> None:
    weights = AnswerLoss(weights=WEIGHTS).token_weights(ENDED)
    assert weights.tolist() == [0.5, 0.5, 2.0, 2.0, 2.0, 0.5, 0.5, 1.5, 1.5]


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sure_and_hopeless_tokens_have_finite_losses_and_gradients(
    gamma: float, dtype: torch.dtype
) -> None:
    logits = torch.zeros(2, VOCABULARY, dtype=dtype)
    logits[0, 5], logits[1, 6] = 300.0, -300.0
    logits.requires_grad_()
    loss = AnswerLoss(gamma=gamma)(logits, torch.tensor([[5], [6]]))
    loss.backward()
    assert loss.dtype == torch.float32
    assert 0 < loss.item() < 400
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_accumulated_micro_batches_give_the_gradient_of_the_whole(gamma: float) -> None:
    loss = AnswerLoss(gamma=gamma, weights=WEIGHTS)
    logits = logits_for(ENDED)
    loss(logits, ENDED).backward()
    whole, logits.grad = logits.grad, None
    total = float(loss.token_weights(ENDED).sum())
    start = 0
    for row in ENDED.split(1):
        stop = start + int((row != IGNORED).sum())
        loss(logits[start:stop], row, total).backward()
        start = stop
    assert torch.allclose(logits.grad, whole, rtol=0, atol=1e-7)


def test_a_class_without_examples_makes_nothing_infinite() -> None:
    assert class_weights([10, 0, 30], beta=0.99)[1] == 0.0
    for beta in (0.0, 0.9, 0.999, 1.0):
        weights = class_weights([10, 0, 30], beta)
        assert all(0 <= weight < 10 for weight in weights)
        assert sum(w * n for w, n in zip(weights, [10, 0, 30], strict=True)) == pytest.approx(40)


def test_weights_go_from_equal_to_the_inverse_of_the_counts() -> None:
    equal = class_weights([10, 30], beta=0.0)
    assert equal == pytest.approx([1.0, 1.0])
    inverse = class_weights([10, 30], beta=1.0)
    assert inverse[0] / inverse[1] == pytest.approx(3.0)
    between = class_weights([10, 30], beta=0.95)
    assert 1 < between[0] / between[1] < 3
    # Cui et al. 2019, equation 2.
    effective = [(1 - 0.95**count) / 0.05 for count in (10, 30)]
    assert between[0] / between[1] == pytest.approx(effective[1] / effective[0])


@pytest.mark.parametrize(("counts", "beta"), [([1, 2], 1.1), ([1, 2], -0.1), ([0, 0], 0.9)])
def test_weights_of_nothing_are_refused(counts: list[int], beta: float) -> None:
    with pytest.raises(ValueError, match=r"beta|examples"):
        class_weights(counts, beta)


def test_rare_answers_of_a_training_set_weigh_more(llama_twin: Path) -> None:
    """From rows encoded for training to a loss on the real model: a step that moves weights."""
    from trainers.base_model import load_base
    from trainers.conversation import Message, encode_conversation
    from trainers.recipe_schema import BaseModelSection

    base = load_base(BaseModelSection(id=str(llama_twin)))
    rows = [
        encode_conversation(
            base.tokenizer,
            [
                Message(role="user", content="무엇입니까?"),
                Message(role="assistant", content=answer),
            ],
        )
        for answer in "3000000"
    ]
    weights = answer_weights([row.labels for row in rows], beta=0.9)
    rare, common = (
        weights[tuple(label for label in row.labels if label != IGNORED)] for row in rows[:2]
    )
    assert rare > 3 * common
    model = base.model.train()
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    ids = torch.tensor([row.input_ids for row in rows])
    targets = pad(torch.tensor([row.labels for row in rows]), (0, 1), value=IGNORED)[:, 1:]
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = AnswerLoss(gamma=2.0, weights=weights)
    losses = []
    for _ in range(3):
        logits = model(input_ids=ids, logits_to_keep=targets != IGNORED, use_cache=False).logits
        value = loss(logits, targets)
        value.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(value.item())
    assert losses[0] > losses[1] > losses[2] > 0
