"""The trainer computes what it says: the same loss as everybody, on fewer positions, in fp32."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from cards.errors import BogamError
from trainers.parameter_groups import GroupRule, parameter_groups
from trainers.row_order import LengthGroupedOrder


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


def trained_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: parameter.detach().clone()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def test_loss_and_gradients_equal_those_over_all_positions(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    trainer = make_trainer(exaone_twin, tuning__dropout=0.0, schedule__batch_size=4)
    batch = next(iter(trainer.get_train_dataloader()))
    model = trainer.model.train()

    answers_only = trainer.compute_loss(model, batch)
    answers_only.backward()
    found = gradients(model)
    model.zero_grad()
    everything = model(**batch).loss  # transformers: logits of every position
    everything.backward()

    assert torch.isclose(answers_only, everything, rtol=1e-6)
    expected = gradients(model)
    assert found.keys() == expected.keys()
    assert all(torch.allclose(found[name], expected[name], atol=1e-7) for name in expected)


def test_a_validation_loss_is_the_mean_over_answer_tokens(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    """Rows of unequal length: a mean of means would be another number."""
    trainer = make_trainer(exaone_twin, evaluation__batch_size=3)
    trainer.model.eval()
    nats = tokens = 0.0
    for row in trainer.train_dataset:
        ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
        counted = int((labels != -100).sum())
        with torch.no_grad():
            nats += float(trainer.model(input_ids=ids, labels=labels).loss) * counted
        tokens += counted
    expected = nats / tokens
    found = trainer.evaluate(trainer.train_dataset)["eval_loss"]
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_validation_leaves_the_random_numbers_alone(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    trainer = make_trainer(exaone_twin)
    before = torch.random.get_rng_state()
    trainer.evaluate(trainer.train_dataset)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_only_answer_positions_pass_through_the_head(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    trainer = make_trainer(exaone_twin)
    batch = next(iter(trainer.get_train_dataloader()))
    rows = []
    head = trainer.model.get_output_embeddings()
    head.register_forward_hook(lambda module, given, result: rows.append(result.shape[:-1].numel()))
    trainer.compute_loss(trainer.model, batch)
    assert rows == [int((batch["labels"][:, 1:] != -100).sum())]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_accumulation_is_exact(
    make_trainer: Callable[..., Any], exaone_twin: Path, checkpointing: bool
) -> None:
    """Rows of unequal length: a mean of means would weigh them wrongly."""
    weights = []
    for batch_size, accumulation in ((4, 1), (2, 2), (1, 4)):
        trainer = make_trainer(
            exaone_twin,
            tuning__dropout=0.0,
            schedule__batch_size=batch_size,
            schedule__accumulation=accumulation,
            schedule__gradient_checkpointing=checkpointing,
            schedule__max_steps=3,
            optimiser__lr=1e-4,
        )
        trainer.train_from(None)
        weights.append(trained_weights(trainer.model))
    for other in weights[1:]:
        for name, weight in weights[0].items():
            assert torch.allclose(weight, other[name], rtol=0, atol=1e-7), name


def test_weights_trained_on_a_quantised_base_stay_fp32(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    trainer = make_trainer(exaone_twin, tuning__method="qlora", quantisation={})
    trained = trained_weights(trainer.model)
    assert trained
    assert {weight.dtype for weight in trained.values()} == {torch.float32}
    # Not rounded to bfloat16 on the way, either.
    assert any((weight != weight.bfloat16().float()).any() for weight in trained.values())


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_updates_land_under_bfloat16_computation(
    make_trainer: Callable[..., Any], exaone_twin: Path, method: str
) -> None:
    """At a learning rate at which most of a bfloat16 weight would not move."""
    trainer = make_trainer(
        exaone_twin,
        tuning__method=method,
        quantisation={} if method == "qlora" else None,
        schedule__precision="bf16",
        schedule__epochs=20,
        schedule__max_steps=20,
        schedule__accumulation=1,
        optimiser__lr=2e-6,
    )
    before = trained_weights(trainer.model)
    trainer.train_from(None)
    after = trained_weights(trainer.model)
    moved = sum(int((after[name] != before[name]).sum()) for name in before)
    assert moved >= 0.99 * sum(weight.numel() for weight in before.values())


def test_a_loss_that_is_no_number_stops_the_run(
    make_trainer: Callable[..., Any], exaone_twin: Path
) -> None:
    trainer = make_trainer(exaone_twin)
    with torch.no_grad():
        next(p for p in trainer.model.parameters() if p.requires_grad).fill_(float("nan"))
    with pytest.raises(BogamError, match="step 1: loss is nan"):
        trainer.train_from(None)


def test_a_deepspeed_optimiser_is_refused(
    make_trainer: Callable[..., Any],
    exaone_twin: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As accelerate's launcher hands the file on."""
    from transformers.integrations import unset_hf_deepspeed_config

    file = tmp_path / "deepspeed.json"
    optimiser = {"type": "AdamW", "params": {"lr": 5e-6}}
    file.write_text(json.dumps({"optimizer": optimiser, "zero_optimization": {"stage": 2}}))
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_CONFIG_FILE", str(file))
    try:
        with pytest.raises(BogamError, match="`optimizer` section"):
            make_trainer(exaone_twin)
    finally:
        unset_hf_deepspeed_config()


class TestParameterGroups:
    rules = (
        GroupRule("head", r"head", lr=1e-3, weight_decay=0.1),
        GroupRule("rest", r".*", lr=1e-5, weight_decay=0.2),
    )

    @pytest.fixture
    def model(self) -> torch.nn.Module:
        model = torch.nn.Sequential()
        model.add_module("body", torch.nn.Linear(2, 3))
        model.add_module("frozen", torch.nn.Linear(3, 3).requires_grad_(False))
        model.add_module("head", torch.nn.Linear(3, 2))
        return model

    def test_every_trained_weight_stands_in_one_group(self, model: torch.nn.Module) -> None:
        groups = parameter_groups(model, self.rules, {"body.weight", "head.weight"})
        assert [group["name"] for group in groups] == [
            "head",
            "head.no_decay",
            "rest",
            "rest.no_decay",
        ]
        assert [group["lr"] for group in groups] == [1e-3, 1e-3, 1e-5, 1e-5]
        assert [group["weight_decay"] for group in groups] == [0.1, 0.0, 0.2, 0.0]
        found = [id(parameter) for group in groups for parameter in group["params"]]
        trained = [id(parameter) for parameter in model.parameters() if parameter.requires_grad]
        assert sorted(found) == sorted(trained)

    def test_a_weight_without_a_rule_is_refused(self, model: torch.nn.Module) -> None:
        with pytest.raises(BogamError, match=r"no rule matches .* body\.weight"):
            parameter_groups(model, self.rules[:1], set())

    def test_a_rule_that_matches_nothing_is_refused(self, model: torch.nn.Module) -> None:
        model.get_submodule("head").requires_grad_(False)
        with pytest.raises(BogamError, match="no trained weight belongs to head"):
            parameter_groups(model, self.rules, set())

    def test_the_optimiser_has_the_recipes_groups(
        self, make_trainer: Callable[..., Any], exaone_twin: Path
    ) -> None:
        trainer = make_trainer(exaone_twin, optimiser__weight_decay=0.1, optimiser__lr=3e-4)
        [group] = trainer.create_optimizer().param_groups
        assert (group["name"], group["lr"], group["weight_decay"]) == ("lora", 3e-4, 0.1)


class TestOrder:
    lengths = tuple(10 + 37 * number % 491 for number in range(203))

    @pytest.fixture
    def order(self) -> LengthGroupedOrder:
        return LengthGroupedOrder(self.lengths, group=8, seed=3)

    def epochs(self, order: LengthGroupedOrder) -> Iterator[list[int]]:
        for epoch in range(3):
            order.epoch = epoch
            yield list(order)

    def test_every_row_comes_once_an_epoch(self, order: LengthGroupedOrder) -> None:
        for rows in self.epochs(order):
            assert sorted(rows) == list(range(203))

    def test_epochs_differ_and_repeat(self, order: LengthGroupedOrder) -> None:
        first, again = list(self.epochs(order)), list(self.epochs(copy.copy(order)))
        assert first == again
        assert first[0] != first[1] != first[2]

    def test_other_random_numbers_do_not_matter(self, order: LengthGroupedOrder) -> None:
        expected = list(order)
        torch.manual_seed(99)
        torch.rand(7)
        assert list(order) == expected

    def test_the_longest_row_comes_first(self, order: LengthGroupedOrder) -> None:
        assert self.lengths[next(iter(order))] == max(self.lengths)

    def test_padding_is_a_tenth_of_what_a_random_order_pads(
        self, order: LengthGroupedOrder
    ) -> None:
        def padding(rows: list[int]) -> int:
            groups = [rows[start : start + 8] for start in range(0, 200, 8)]
            return sum(
                max(self.lengths[row] for row in group) - self.lengths[row]
                for group in groups
                for row in group
            )

        assert padding(list(order)) < 0.25 * padding(list(range(203)))
