"""Rows of a published dataset -> questions to a model, each with its reference answer.

No row is ever left out: what is measured is measured on all of them. Pictures stay on the disk
until a batch needs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import datasets
from transformers import ProcessorMixin

from cards.errors import BogamError
from trainers.collator import Inputs, batch_inputs
from trainers.conversation import (
    IGNORED,
    EncodedConversation,
    Message,
    encode_conversation,
    prompt_ids,
    split_last_answer,
    with_system_prompt,
)
from trainers.image_inputs import RowImages
from trainers.progress import progress_bar
from trainers.training_set import count_image_tokens, images_of


@dataclass(frozen=True)
class EvaluationSet:
    """Examples to answer. All lists have one entry an example, in the dataset's order."""

    split: str
    ids: list[str]
    """Of the row; `<row>#<turn>` where every answer of a conversation is an example."""
    document_ids: list[str] | None
    prompts: list[str]
    """The messages before the answer as a person reads them, without the system prompt."""
    references: list[str]
    prompt_ids: list[list[int]]
    conversations: list[EncodedConversation]
    """Prompt and reference answer; only that answer is labelled."""
    pad_token: int
    columns: dict[str, list[Any]] = field(default_factory=dict)
    """Columns of the dataset that go into the predictions as they are."""
    processor: ProcessorMixin | None = None
    """Of a vision-language model."""
    images: RowImages | None = None
    rows: list[int] = field(default_factory=list)
    """In which row of `images` each example's pictures are."""

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of each prompt, pictures included."""
        return [len(prompt) for prompt in self.prompt_ids]

    def inputs(self, numbers: Sequence[int]) -> Inputs:
        """The prompts of some examples as one batch, padded on the left.

        Raises:
            BogamError: see :func:`trainers.collator.batch_inputs`.
        """
        return batch_inputs(
            [self.prompt_ids[number] for number in numbers],
            pad_token=self.pad_token,
            left=True,
            processor=self.processor,
            pictures=self._pictures(numbers),
        )

    def examples(self, numbers: Sequence[int]) -> Inputs:
        """Some examples whole, with `labels`, as one batch padded on the right.

        Raises:
            BogamError: see :func:`trainers.collator.batch_inputs`.
        """
        chosen = [self.conversations[number] for number in numbers]
        return batch_inputs(
            [example.input_ids for example in chosen],
            pad_token=self.pad_token,
            left=False,
            labels=[example.labels for example in chosen],
            processor=self.processor,
            pictures=self._pictures(numbers),
        )

    def example(self, number: int) -> Inputs:
        """One example as a batch of its own, see :meth:`examples`."""
        return self.examples([number])

    def _pictures(self, numbers: Sequence[int]) -> list[tuple[RowImages, int]] | None:
        if self.images is None:
            return None
        return [(self.images, self.rows[number]) for number in numbers]


def encode_evaluation_set(
    rows: datasets.Dataset,
    processing_class: Any,
    *,
    split: str,
    system_prompt: str | None,
    max_length: int,
    max_new_tokens: int,
    turns: Literal["last", "all"] = "last",
    row_columns: Sequence[str] = (),
) -> EvaluationSet:
    """Prompts and references of every row.

    Args:
        rows: as `trainers.dataset_source.choose_rows` gives them.
        processing_class: a tokenizer or a vision-language processor.
        turns: ask for the last answer of a conversation, or for each of them after the turns
            before it as the dataset has them.
        row_columns: columns that go into the predictions; those that are not there are left out.

    Raises:
        BogamError: a row that cannot be encoded, or one for whose answer the model has no room.
    """
    processor = processing_class if isinstance(processing_class, ProcessorMixin) else None
    tokenizer = processing_class if processor is None else processor.tokenizer
    documented = "document_id" in rows.column_names
    carried = [column for column in row_columns if column in rows.column_names]
    found = EvaluationSet(
        split=split,
        ids=[],
        # The answers of one conversation depend on each other as those of one document do.
        document_ids=[] if documented or turns == "all" else None,
        prompts=[],
        references=[],
        prompt_ids=[],
        conversations=[],
        pad_token=tokenizer.pad_token_id,
        columns={column: [] for column in carried},
        processor=processor,
        images=images_of(rows, split) if processor is not None else None,
    )
    with progress_bar(f"Tokenising {split}", total=len(rows)) as advance:
        for number, row in enumerate(rows):
            tokens = count_image_tokens(processor, row, split) if processor is not None else []
            try:
                for turn, before, reference in _questions(row["messages"], turns):
                    asked = with_system_prompt(before, system_prompt)
                    answer = Message(role="assistant", content=reference)
                    conversation = encode_conversation(processing_class, [*asked, answer], tokens)
                    prompt = prompt_ids(processing_class, asked, tokens)
                    _check_room(prompt, conversation, max_length, max_new_tokens)
                    found.ids.append(str(row["id"]) if turns == "last" else f"{row['id']}#{turn}")
                    found.prompts.append("\n\n".join(_texts(before)))
                    found.references.append(reference)
                    found.prompt_ids.append(prompt)
                    found.conversations.append(_last_answer_only(conversation, len(prompt)))
                    found.rows.append(number)
                    if found.document_ids is not None:
                        found.document_ids.append(str(row["document_id" if documented else "id"]))
                    for column in carried:
                        found.columns[column].append(row[column])
            except BogamError as error:
                raise BogamError(f"split {split!r}, row {row['id']}: {error}.") from error
            advance(1)
    return found


def _questions(
    messages: Sequence[Message], turns: Literal["last", "all"]
) -> Iterator[tuple[int, list[Message], str]]:
    """(number of the answer from 1, messages before it, its text)"""
    split_last_answer(messages)
    answers = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    for turn, place in enumerate(answers, start=1):
        if turns == "all" or turn == len(answers):
            yield turn, *split_last_answer(messages[: place + 1])


def _texts(messages: Sequence[Message]) -> Iterator[str]:
    return (message["content"] for message in messages if message["role"] != "system")


def _check_room(
    prompt: Sequence[int], conversation: EncodedConversation, max_length: int, max_new_tokens: int
) -> None:
    needed = max(len(prompt) + max_new_tokens, len(conversation.input_ids))
    if needed > max_length:
        raise BogamError(
            f"its prompt of {len(prompt)} tokens and an answer of {needed - len(prompt)} do not "
            f"fit into the {max_length} tokens that the base model can place. Lower "
            "evaluation.max_new_tokens (or images.max_pixels, where it is pictures that take the "
            "room), or build the dataset with shorter prompts"
        )


def _last_answer_only(conversation: EncodedConversation, start: int) -> EncodedConversation:
    labels = [IGNORED] * start + conversation.labels[start:]
    return EncodedConversation(conversation.input_ids, labels)
