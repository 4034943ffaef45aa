"""What reaches the model: answers labelled, padding neither seen nor learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch

from cards.errors import BogamError
from trainers.conversation import IGNORED
from trainers.evaluation_set import encode_evaluation_set
from trainers.training_set import encode_training_set


@pytest.fixture(params=["exaone_twin", "llama_twin"])
def batch_and_tokenizer(
    request: pytest.FixtureRequest, make_trainer: Callable[..., Any]
) -> tuple[dict[str, torch.Tensor], Any]:
    """All rows of the training set as one batch, through the trainer's own loader."""
    trainer = make_trainer(
        request.getfixturevalue(request.param), schedule__batch_size=16, schedule__accumulation=1
    )
    return next(iter(trainer.get_train_dataloader())), trainer.processing_class


def test_labels_equal_the_input_where_they_count(
    batch_and_tokenizer: tuple[dict[str, torch.Tensor], Any],
) -> None:
    batch, _ = batch_and_tokenizer
    counted = batch["labels"] != IGNORED
    assert torch.equal(batch["labels"][counted], batch["input_ids"][counted])
    assert counted.any(dim=1).all(), "every row has something to learn"


def test_each_row_learns_its_answer_with_one_end_token(
    batch_and_tokenizer: tuple[dict[str, torch.Tensor], Any],
    conversations: list[list[dict[str, str]]],
) -> None:
    batch, tokenizer = batch_and_tokenizer
    answers = {turns[1]["content"] + tokenizer.eos_token for turns in conversations[:16]}
    decoded = {tokenizer.decode(row[row != IGNORED]) for row in batch["labels"]}
    assert decoded == answers


def test_padding_is_masked_by_length_also_where_pad_is_the_end_token(
    batch_and_tokenizer: tuple[dict[str, torch.Tensor], Any],
) -> None:
    batch, tokenizer = batch_and_tokenizer
    lengths = batch["attention_mask"].sum(1)
    assert len(set(lengths.tolist())) > 1, "the rows differ in length"
    for row, length in zip(range(16), lengths.tolist(), strict=True):
        assert batch["attention_mask"][row, :length].all()
        assert (batch["input_ids"][row, length:] == tokenizer.pad_token_id).all()
        assert (batch["labels"][row, length:] == IGNORED).all()
        assert batch["input_ids"][row, length - 1] == tokenizer.eos_token_id
        assert batch["labels"][row, length - 1] == tokenizer.eos_token_id


def rows_of(*answers: str, told: Sequence[str] = ()) -> datasets.Dataset:
    """A row an answer; `told` are the system messages of the first rows."""
    return datasets.Dataset.from_list(
        [
            {
                "id": f"row-{number}",
                "messages": [
                    *({"role": "system", "content": one} for one in told[number : number + 1]),
                    {"role": "user", "content": "두통의 증상은 무엇인가요?"},
                    {"role": "assistant", "content": answer},
                ],
            }
            for number, answer in enumerate(answers)
        ]
    )


@pytest.fixture
def tokenizer(llama_twin: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(llama_twin)


def encode(
    rows: datasets.Dataset, tokenizer: Any, on_too_long: str, system_prompt: str | None = None
) -> Any:
    return encode_training_set(
        rows,
        tokenizer,
        split="train",
        system_prompt=system_prompt,
        max_length=64,
        on_too_long=on_too_long,  # type: ignore[arg-type]
    )


def test_a_row_that_is_too_long_stops_the_run_and_is_never_cut(tokenizer: Any) -> None:
    rows = rows_of("쉬세요.", "물을 자주 마시고 쉬세요. " * 40)
    with pytest.raises(BogamError, match=r"1 of 2 rows are longer than 64 tokens"):
        encode(rows, tokenizer, "refuse")


def test_rows_that_are_too_long_are_counted_when_dropped(tokenizer: Any) -> None:
    rows = rows_of("쉬세요.", "물을 자주 마시고 쉬세요. " * 40)
    encoded = encode(rows, tokenizer, "drop")
    assert (len(encoded.rows), encoded.over_length) == (1, 1)
    assert encoded.longest > 64, "the longest of all rows, not of those that are left"
    kept = [label for label in encoded.rows[0]["labels"] if label != IGNORED]
    assert encoded.label_tokens == len(kept)
    assert tokenizer.decode(kept) == "쉬세요." + tokenizer.eos_token


@pytest.mark.parametrize("system_prompt", [None, "길게 답하세요."])
def test_a_system_message_of_all_rows_must_be_the_recipe_s(
    tokenizer: Any, system_prompt: str | None
) -> None:
    rows = rows_of("쉬세요.", "주무세요.", told=["짧게 답하세요."] * 2)
    with pytest.raises(BogamError, match=r"'짧게 답하세요\.'.*Set system_prompt to the message"):
        encode(rows, tokenizer, "refuse", system_prompt)
    assert len(encode(rows, tokenizer, "refuse", "짧게 답하세요.").rows) == 2


@pytest.mark.parametrize("told", [["짧게 답하세요.", "길게 답하세요."], ["짧게 답하세요."]])
def test_rows_may_have_system_messages_of_their_own(tokenizer: Any, told: list[str]) -> None:
    rows = rows_of("쉬세요.", "주무세요.", told=told)
    assert len(encode(rows, tokenizer, "refuse").rows) == 2


def test_dropping_every_row_is_an_error(tokenizer: Any) -> None:
    with pytest.raises(BogamError, match="no row is left"):
        encode(rows_of("물을 자주 마시고 쉬세요. " * 40), tokenizer, "drop")


def test_a_row_without_an_answer_is_named(tokenizer: Any) -> None:
    with pytest.raises(BogamError, match=r"row row-1: .* does not end with an answer"):
        encode(rows_of("쉬세요.", " "), tokenizer, "refuse")


def test_an_evaluation_row_without_room_for_its_answer_is_named(tokenizer: Any) -> None:
    with pytest.raises(BogamError, match=r"row row-0: .* do not fit into the 64 tokens"):
        encode_evaluation_set(
            rows_of("쉬세요."),
            tokenizer,
            split="test",
            system_prompt=None,
            max_length=64,
            max_new_tokens=60,
        )


def test_an_evaluation_row_scores_its_last_answer_only(tokenizer: Any) -> None:
    messages = [
        {"role": "user", "content": "두통의 증상은 무엇인가요?"},
        {"role": "assistant", "content": "머리가 아픕니다."},
        {"role": "user", "content": "약은요?"},
        {"role": "assistant", "content": "의사와 상의하세요."},
    ]
    rows = datasets.Dataset.from_list([{"id": "a", "messages": messages}])
    held_out = encode_evaluation_set(
        rows, tokenizer, split="test", system_prompt=None, max_length=512, max_new_tokens=8
    )
    [row] = held_out.conversations
    learnt = tokenizer.decode([label for label in row.labels if label != IGNORED])
    assert learnt == "의사와 상의하세요." + tokenizer.eos_token
    assert row.input_ids[: len(held_out.prompt_ids[0])] == held_out.prompt_ids[0]
    assert held_out.references == ["의사와 상의하세요."]
    assert "머리가 아픕니다." in held_out.prompts[0]
