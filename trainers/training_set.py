"""Rows of a published dataset -> what a training step and an evaluation take in.

Nothing is cut: a row longer than the limit stops the run or is left out and counted.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal

import datasets

from cards.errors import BogamError
from trainers.conversation import (
    IGNORED,
    EncodedConversation,
    encode_conversation,
    prompt_ids,
    split_last_answer,
    with_system_prompt,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSet:
    """Rows ready for a collator, and what is known of their lengths (tokens)."""

    rows: datasets.Dataset
    """Columns `input_ids`, `labels` (see `EncodedConversation`) and `length`."""
    label_tokens: int
    longest: int
    over_length: int
    """Rows over the limit; none of them is in `rows`."""


@dataclass(frozen=True)
class EvaluationSet:
    """Rows to answer. All lists have one entry a row, in the dataset's order."""

    split: str
    ids: list[str]
    document_ids: list[str] | None
    prompts: list[str]
    """The messages before the last answer as a person reads them, without the system prompt."""
    references: list[str]
    prompt_ids: list[list[int]]
    conversations: list[EncodedConversation]
    """Prompt and reference answer; only the last answer is labelled."""


def encode_training_set(
    rows: datasets.Dataset,
    tokenizer: Any,
    *,
    split: str,
    system_prompt: str | None,
    max_length: int,
    on_too_long: Literal["refuse", "drop"],
) -> TrainingSet:
    """Tokenise the `messages` of every row.

    Raises:
        BogamError: a row that cannot be encoded (named by its id), rows over `max_length` where
            they are refused, or none left.
    """

    def encode(row: dict[str, Any]) -> dict[str, Any]:
        messages = with_system_prompt(row["messages"], system_prompt)
        try:
            encoded = encode_conversation(tokenizer, messages)
        except BogamError as error:
            raise BogamError(f"split {split!r}, row {row['id']}: {error}.") from error
        return {
            "input_ids": encoded.input_ids,
            "labels": encoded.labels,
            "length": len(encoded.input_ids),
        }

    encoded = rows.map(
        encode,
        remove_columns=rows.column_names,
        load_from_cache_file=False,
        desc=f"Tokenising {split}",
    )
    lengths = encoded["length"][:]
    kept = [number for number, length in enumerate(lengths) if length <= max_length]
    over = len(lengths) - len(kept)
    if over:
        told = (
            f"split {split!r}: {over} of {len(lengths)} rows are longer than {max_length} tokens "
            f"(the longest has {max(lengths)})"
        )
        if on_too_long == "refuse":
            raise BogamError(
                f"{told}. Cutting them would cut answers. Raise schedule.max_length, or say "
                "schedule.on_too_long: drop to leave them out."
            )
        logger.warning("%s; they are left out", told)
        if not kept:
            raise BogamError(f"{told}: no row is left to train on.")
        encoded = encoded.select(kept)
    label_tokens = sum(len(labels) - labels.count(IGNORED) for labels in encoded["labels"])
    return TrainingSet(encoded, label_tokens, max(lengths), over)


def encode_evaluation_set(
    rows: datasets.Dataset,
    tokenizer: Any,
    *,
    split: str,
    system_prompt: str | None,
    max_length: int,
    max_new_tokens: int,
) -> EvaluationSet:
    """Prompts and references of every row. No row is ever left out of an evaluation.

    Raises:
        BogamError: a row that cannot be encoded, or one for whose answer the model has no room.
    """
    prompts: list[str] = []
    references: list[str] = []
    ids: list[list[int]] = []
    conversations: list[EncodedConversation] = []
    for row in rows:
        try:
            before, reference = split_last_answer(row["messages"])
            asked = with_system_prompt(before, system_prompt)
            conversation = encode_conversation(
                tokenizer, [*asked, {"role": "assistant", "content": reference}]
            )
        except BogamError as error:
            raise BogamError(f"split {split!r}, row {row['id']}: {error}.") from error
        prompt = prompt_ids(tokenizer, asked)
        needed = max(len(prompt) + max_new_tokens, len(conversation.input_ids))
        if needed > max_length:
            raise BogamError(
                f"split {split!r}, row {row['id']}: its prompt of {len(prompt)} tokens and an "
                f"answer of {needed - len(prompt)} do not fit into the {max_length} tokens that "
                "the base model can place. Lower evaluation.max_new_tokens, or build the dataset "
                "with shorter prompts."
            )
        prompts.append("\n\n".join(m["content"] for m in before if m["role"] != "system"))
        references.append(reference)
        ids.append(prompt)
        conversations.append(_last_answer_only(conversation, len(prompt)))
    return EvaluationSet(
        split=split,
        ids=[str(value) for value in rows["id"]],
        document_ids=(
            [str(value) for value in rows["document_id"]]
            if "document_id" in rows.column_names
            else None
        ),
        prompts=prompts,
        references=references,
        prompt_ids=ids,
        conversations=conversations,
    )


def _last_answer_only(conversation: EncodedConversation, start: int) -> EncodedConversation:
    labels = [IGNORED] * start + conversation.labels[start:]
    return EncodedConversation(conversation.input_ids, labels)
