"""What reaches a vision-language model in training: everything its processor gives, and whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch

from cards.errors import BogamError
from loaders.image_files import read_rgb
from trainers.collator import AnswerCollator
from trainers.conversation import IGNORED, message_parts
from trainers.image_inputs import RowImages
from trainers.training_set import TrainingSet, encode_training_set


@pytest.fixture
def base(twin: Path, load: Callable[..., Any]) -> Any:
    loaded = load(twin)
    loaded.model.eval()
    return loaded


def encode(rows: datasets.Dataset, base: Any) -> TrainingSet:
    return encode_training_set(
        rows,
        base.processor,
        split="train",
        system_prompt=None,
        max_length=512,
        on_too_long="refuse",
    )


def collator_of(training_set: TrainingSet, base: Any) -> AnswerCollator:
    assert training_set.images is not None
    return AnswerCollator(
        base.tokenizer.pad_token_id, base.processor, {"train": training_set.images}
    )


def batch_of(rows: datasets.Dataset, base: Any) -> dict[str, torch.Tensor]:
    encoded = encode(rows, base)
    return collator_of(encoded, base)(list(encoded.rows))


def test_logits_of_a_batch_are_those_of_its_rows_by_the_processor(
    base: Any, ragged: datasets.Dataset
) -> None:
    batch = batch_of(ragged, base)
    labels = batch.pop("labels")
    with torch.no_grad():
        found = base.model(**batch).logits
    for number, row in enumerate(ragged):
        pictures = [{"type": "image", "image": read_rgb(one["bytes"])} for one in row["images"]]
        alone = base.processor.apply_chat_template(
            message_parts(row["messages"], pictures),
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        # The template may put a blank behind the last end token, which no answer needs.
        length = int(batch["attention_mask"][number].sum())
        assert torch.equal(alone["input_ids"][0, :length], batch["input_ids"][number, :length])
        assert labels[number, length - 1] != IGNORED
        with torch.no_grad():
            expected = base.model(**alone).logits[0, :length]
        assert torch.allclose(found[number, :length], expected, atol=1e-5)


def test_a_batch_holds_all_that_the_processor_gives(base: Any, ragged: datasets.Dataset) -> None:
    given = base.processor(
        images=[read_rgb(ragged[0]["images"][0]["bytes"])],
        text=[base.processor.image_token],
        return_tensors="pt",
    )
    assert set(batch_of(ragged, base)) == {*given, "labels"}


def test_qwen_sees_pictures_in_two_dimensions(
    qwen_vl_twin: Path, load: Callable[..., Any], ragged: datasets.Dataset
) -> None:
    """Without the types of its tokens it counts on in one dimension and says nothing."""
    base = load(qwen_vl_twin)
    base.model.eval()
    batch = batch_of(ragged.select([0, 2]), base)
    del batch["labels"]
    with torch.no_grad():
        seen = base.model(**batch).logits
        flat = base.model(**{key: batch[key] for key in batch if key != "mm_token_type_ids"}).logits
    assert not torch.allclose(seen, flat, atol=1e-3)


def test_padding_is_masked_and_never_learnt(base: Any, ragged: datasets.Dataset) -> None:
    batch = batch_of(ragged, base)
    lengths = encode(ragged, base).rows["length"][:]
    for row, length in enumerate(lengths):
        assert batch["attention_mask"][row].sum() == batch["attention_mask"][row, :length].sum()
        assert batch["attention_mask"][row, :length].all()
        assert (batch["labels"][row, length:] == IGNORED).all()
        assert (batch["labels"][row] != IGNORED).any()
    counted = batch["labels"] != IGNORED
    assert torch.equal(batch["labels"][counted], batch["input_ids"][counted])


def test_rows_without_a_picture_make_a_batch_too(base: Any, ragged: datasets.Dataset) -> None:
    batch = batch_of(ragged.select([3]), base)
    assert "pixel_values" not in batch
    with torch.no_grad():
        assert torch.isfinite(base.model(**batch).loss)


def damaged(images: RowImages, data: bytes) -> RowImages:
    """As if the file of the last row had changed after it was counted."""
    *before, last = images.rows.to_list()
    rows = [*before, last | {"images": [{"bytes": data, "path": None}]}]
    return replace(images, rows=datasets.Dataset.from_list(rows, features=images.rows.features))


def test_other_tokens_than_were_counted_stop_the_run_by_the_name_of_the_row(
    base: Any, ragged: datasets.Dataset
) -> None:
    encoded = encode(ragged, base)
    assert encoded.images is not None
    larger = ragged[2]["images"][1]["bytes"]
    collator = replace(
        collator_of(encoded, base), images={"train": damaged(encoded.images, larger)}
    )
    with pytest.raises(BogamError, match=r"row small: its pictures take \d+ tokens, but \d+"):
        collator(list(encoded.rows))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_picture_that_cannot_be_decoded_stops_the_training(
    twin: Path,
    ragged: datasets.Dataset,
    hybrid_recipe: Callable[..., Any],
    seeing_trainer: Callable[..., Any],
    tmp_path: Path,
    workers: int,
) -> None:
    recipe = hybrid_recipe(twin, tmp_path, schedule={"workers": workers, "max_steps": 1})
    trainer = seeing_trainer(recipe)
    jpeg = ragged[1]["images"][0]["bytes"]
    images = damaged(trainer.data_collator.images["train"], jpeg[: len(jpeg) // 2])
    trainer.data_collator = replace(trainer.data_collator, images={"train": images})
    last = images.rows[-1]["id"]
    with pytest.raises(BogamError, match=rf"^split 'train', row {last}: one of its pictures"):
        trainer.train_from(None)
