"""Training on rows with pictures computes what the whole model would, in little padding."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cards.errors import BogamError
from trainers.conversation import IGNORED
from trainers.row_order import LengthGroupedOrder
from trainers.training_set import encode_training_set

SEEN = {"tuning": {"rank": 4, "dropout": 0.0, "targets": ["q_proj", "v_proj"]}}
WHOLE = {
    "tuning": SEEN["tuning"]
    | {"full": [{"part": "vision_tower", "lr": 1e-4}, {"part": "merger", "lr": 1e-4}]},
    "optimiser": {"lr": 1e-4},
}


@pytest.fixture
def make(
    twin: Path,
    hybrid_recipe: Callable[..., Any],
    seeing_trainer: Callable[..., Any],
    tmp_path: Path,
) -> Callable[..., Any]:
    """`make(schedule)`: a trainer whose LoRA says something from the start."""

    def of(**schedule: Any) -> Any:
        trainer = seeing_trainer(hybrid_recipe(twin, tmp_path, **WHOLE, schedule=schedule))
        torch.manual_seed(0)
        for name, parameter in trainer.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02)
        return trainer

    return of


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


def test_loss_and_gradients_equal_those_over_all_positions(make: Callable[..., Any]) -> None:
    trainer = make(batch_size=4)
    batch = next(iter(trainer.get_train_dataloader()))
    model = trainer.model.train()
    passed = []
    model.get_output_embeddings().register_forward_hook(
        lambda module, given, result: passed.append(result.shape[:-1].numel())
    )

    answers_only = trainer.compute_loss(model, batch)
    answers_only.backward()
    found = gradients(model)
    model.zero_grad()
    everything = model(**batch).loss
    everything.backward()

    labelled = int((batch["labels"] != IGNORED).sum())
    assert passed == [labelled, batch["labels"].numel()]
    assert torch.isclose(answers_only, everything, rtol=1e-6)
    expected = gradients(model)
    assert found.keys() == expected.keys()
    assert any("visual" in name or "vision_tower" in name for name in found)
    assert all(torch.allclose(found[name], expected[name], atol=1e-6) for name in expected)


def test_what_a_gpu_runs_gives_the_same_loss_and_gradients(make: Callable[..., Any]) -> None:
    """There, TRL's own loss is used; on a CPU it is slow, but it is the same function."""
    from trl import SFTTrainer

    trainer = make(batch_size=4)
    batch = next(iter(trainer.get_train_dataloader()))
    model = trainer.model.train()
    items = (batch["labels"] != IGNORED).sum() * 3  # as if two more batches made up the step
    own = trainer.compute_loss(model, dict(batch), num_items_in_batch=items)
    own.backward()
    found = gradients(model)
    model.zero_grad()
    theirs = SFTTrainer.compute_loss(trainer, model, dict(batch), num_items_in_batch=items)
    theirs.backward()
    assert torch.isclose(own, theirs, rtol=1e-5)
    expected = gradients(model)
    assert found.keys() == expected.keys()
    assert all(torch.allclose(found[name], expected[name], atol=1e-6) for name in expected)


def test_accumulation_and_workers_change_nothing(make: Callable[..., Any]) -> None:
    """Rows of unequal length: a mean of means would weigh them wrongly."""
    weights, logs = [], []
    for batch_size, workers in ((4, 0), (2, 0), (2, 1)):
        trainer = make(
            batch_size=batch_size,
            accumulation=4 // batch_size,
            workers=workers,
            max_steps=1,
        )
        trainer.train_from(None)
        assert not multiprocessing.active_children(), "they hold memory, and what they inherited"
        first = trainer.state.log_history[0]
        logs.append((first["loss"], first["grad_norm"]))
        weights.append(
            {
                name: parameter.detach().clone()
                for name, parameter in trainer.model.named_parameters()
                if parameter.requires_grad
            }
        )
    assert logs[0] == pytest.approx(logs[1], rel=1e-5)
    assert logs[1] == logs[2]
    assert all(torch.equal(weight, weights[2][name]) for name, weight in weights[1].items())


def test_a_validation_loss_is_the_mean_over_answer_tokens(make: Callable[..., Any]) -> None:
    trainer = make()
    found = trainer.evaluate()["eval_loss"]
    trainer.model.eval()
    nats = tokens = 0.0
    for row in trainer.eval_dataset:
        batch = trainer.data_collator([row])
        counted = int((batch["labels"] != IGNORED).sum())
        with torch.no_grad():
            nats += float(trainer.model(**batch).loss) * counted
        tokens += counted
    assert found == pytest.approx(nats / tokens, rel=1e-5)


def test_padding_is_under_a_tenth_with_pictures_counted(
    twin: Path, load: Callable[..., Any], image_rows: Any, ragged: Any, stored: Any
) -> None:
    """Sides from 28 to 224 pixels: prompts from a dozen tokens to a hundred."""
    source = np.random.RandomState(0)
    messages = ragged[0]["messages"]
    rows = image_rows(
        {
            str(number): ([stored(*(28 * source.randint(1, 9, 2)))], messages)
            for number in range(128)
        }
    )
    encoded = encode_training_set(
        rows,
        load(twin).processor,
        split="train",
        system_prompt=None,
        max_length=512,
        on_too_long="refuse",
    )
    lengths = np.array(encoded.rows["length"][:])

    def padding(order: list[int]) -> float:
        batches = lengths[order].reshape(-1, 4)
        return float((batches.max(1, keepdims=True) - batches).sum() / lengths.sum())

    assert padding(list(LengthGroupedOrder(lengths.tolist(), group=16, seed=1))) < 0.1
    assert padding(list(range(128))) > 0.1


def test_pictures_in_another_column_are_refused(seeing_dataset: Path) -> None:
    """They would be trained without, and nobody would see it."""
    import datasets

    from trainers.dataset_source import choose_rows

    files = {"train": str(next((seeing_dataset / "data").glob("train-*")))}
    rows = datasets.load_dataset("parquet", data_files=files)

    def choose(splits: Any, **changes: Any) -> Any:
        settings = {"of": "d", "key": "dataset.train_split", "at_most": None, "seed": 0} | changes
        return choose_rows(splits, "train", **settings)

    caches = sorted(Path(rows["train"].cache_files[0]["filename"]).parent.iterdir())
    chosen = choose(rows, with_images=True)
    assert sorted(caches[0].parent.iterdir()) == caches, "pictures are not written once more"
    picked = choose({"train": rows["train"].select([5, 2])}, with_images=True)
    assert picked["id"][:] == ["r5", "r2"]
    assert picked[0]["images"] == chosen[5]["images"]
    assert chosen.features["images"] == datasets.List(datasets.Image(decode=False))
    with pytest.raises(BogamError, match="hold 8 images"):
        choose(rows)
    with pytest.raises(BogamError, match="pictures stand in the column pixels"):
        choose(rows.rename_column("images", "pixels"), with_images=True)
