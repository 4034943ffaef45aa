"""Held-out rows with pictures: each is asked, and a batch answers like its rows alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch

from cards.errors import BogamError
from loaders.image_files import read_rgb
from trainers.conversation import IGNORED, message_parts
from trainers.evaluation import Answers, evaluate_model, predictions_table
from trainers.evaluation_set import EvaluationSet, encode_evaluation_set
from trainers.generation import answer_nll, generate_answers
from trainers.recipe_schema import EvaluationSection

NEW_TOKENS = 12


@pytest.fixture
def base(twin: Path, load: Callable[..., Any]) -> Any:
    loaded = load(twin)
    loaded.model.eval()
    return loaded


def encode(rows: datasets.Dataset, base: Any, **changes: Any) -> EvaluationSet:
    settings = {"max_length": 512, "max_new_tokens": NEW_TOKENS, "system_prompt": None} | changes
    return encode_evaluation_set(rows, base.processor, split="test", **settings)


def test_a_batch_answers_like_its_rows_alone(base: Any, ragged: datasets.Dataset) -> None:
    """Pictures and prompts of unequal size, a row without a picture among them."""
    examples = encode(ragged, base)

    def answers(batch_size: int) -> list[str]:
        return generate_answers(
            base.model,
            base.tokenizer,
            examples,
            range(len(examples.ids)),
            batch_size=batch_size,
            max_new_tokens=NEW_TOKENS,
        )

    alone = answers(1)
    assert len(set(alone)) > 1
    assert answers(5) == alone
    assert answers(2) == alone


def test_an_answer_is_what_follows_the_prompt_as_others_would_ask(
    base: Any, ragged: datasets.Dataset
) -> None:
    examples = encode(ragged, base)
    for number, row in enumerate(ragged):
        pictures = [{"type": "image", "image": read_rgb(one["bytes"])} for one in row["images"]]
        inputs = base.processor.apply_chat_template(
            message_parts(row["messages"][:-1], pictures),
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        )
        output = base.model.generate(**inputs, max_new_tokens=NEW_TOKENS, do_sample=False)
        written = output[0, inputs["input_ids"].shape[1] :]
        [answer] = generate_answers(
            base.model,
            base.tokenizer,
            examples,
            [number],
            batch_size=1,
            max_new_tokens=NEW_TOKENS,
        )
        assert answer == base.tokenizer.decode(written, skip_special_tokens=True).strip()


def test_the_likelihood_of_a_reference_is_the_models_own_loss(
    base: Any, ragged: datasets.Dataset
) -> None:
    examples = encode(ragged, base)
    batched = answer_nll(base.model, examples, range(5), batch_size=5)
    for number, nats in enumerate(batched):
        example = examples.example(number)
        with torch.no_grad():
            mean = float(base.model(**example).loss)
        tokens = examples.conversations[number].answer_tokens
        assert tokens == int((example["labels"] != IGNORED).sum())
        assert nats == pytest.approx(mean * tokens, rel=1e-4)


def test_every_answer_of_a_conversation_can_be_asked_for(
    base: Any, ragged: datasets.Dataset
) -> None:
    """With the turns before it as the dataset has them, not as the model answered them."""
    examples = encode(ragged, base, turns="all")
    assert examples.ids == ["wide#1", "lying#1", "lying#2", "two#1", "none#1", "small#1"]
    assert examples.document_ids == ["wide", "lying", "lying", "two", "none", "small"]
    row = ragged[1]["messages"]
    assert examples.references[1:3] == [row[1]["content"], row[3]["content"]]
    assert examples.prompts[2] == "\n\n".join(turn["content"] for turn in row[:3])
    for number in (1, 2):
        example = examples.example(number)
        learnt = base.tokenizer.decode(example["labels"][example["labels"] != IGNORED])
        assert learnt.strip() == examples.references[number] + base.tokenizer.eos_token
    assert "pixel_values" in examples.inputs([2]), "later questions are about the picture too"
    assert encode(ragged, base).ids == ["wide", "lying", "two", "none", "small"]


def test_every_row_is_in_the_predictions_with_the_columns_that_its_task_names(
    base: Any, ragged: datasets.Dataset
) -> None:
    examples = encode(ragged, base, turns="all", row_columns=("language", "quality"))
    settings = EvaluationSection(batch_size=4, max_new_tokens=NEW_TOKENS)
    answers = evaluate_model(base.tokenizer, examples, settings, "asked", base.model)
    table = predictions_table(examples, answers, Answers(answers.texts, answers.nll))
    assert table["id"].to_pylist() == examples.ids
    assert table["language"].to_pylist() == [
        f"lang-{row}" for row in ("wide", "lying", "lying", "two", "none", "small")
    ]
    assert "quality" not in table.column_names, "a dataset need not have them all"
    alone = generate_answers(
        base.model,
        base.tokenizer,
        examples,
        [2],
        batch_size=1,
        max_new_tokens=NEW_TOKENS,
    )
    assert table["zero_shot"].to_pylist()[2:3] == alone


def test_pictures_are_read_when_a_batch_needs_them(
    base: Any, ragged: datasets.Dataset, image_rows: Any, tmp_path: Path
) -> None:
    """A split's pictures need not fit into memory."""
    file = tmp_path / "page.png"
    file.write_bytes(ragged[0]["images"][0]["bytes"])
    rows = image_rows({"a": ([{"bytes": None, "path": str(file)}], ragged[0]["messages"])})
    examples = encode(rows, base)
    assert "pixel_values" in examples.inputs([0])
    file.unlink()
    with pytest.raises(BogamError, match=r"row a: one of its pictures cannot be read"):
        examples.inputs([0])


def test_a_row_without_room_for_its_picture_and_answer_is_named(
    base: Any, ragged: datasets.Dataset
) -> None:
    longest = max(encode(ragged, base).lengths)
    with pytest.raises(BogamError, match=rf"row \w+: its prompt of {longest} tokens and an answer"):
        encode(ragged, base, max_length=longest + NEW_TOKENS - 1)
