"""Rows of a published dataset -> what a training step takes in.

Nothing is cut: a row longer than the limit stops the run or is left out and counted. Pictures
count with the tokens they take.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal

import datasets
from transformers import ProcessorMixin

from cards.errors import BogamError
from loaders.image_containers import UnusableImage
from trainers.conversation import IGNORED, encode_conversation, with_system_prompt
from trainers.image_inputs import RowImages, image_tokens, unusable_image

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSet:
    """Rows ready for a collator, and what is known of their lengths (tokens)."""

    rows: datasets.Dataset
    """Columns `input_ids`, `labels` (see `EncodedConversation`) and `length`. For a
    vision-language model also `split` and `row`, by which a collator finds their pictures."""
    label_tokens: int
    longest: int
    over_length: int
    """Rows over the limit; none of them is in `rows`."""
    images: RowImages | None = None
    """None where the dataset has no pictures."""


def encode_training_set(
    rows: datasets.Dataset,
    processing_class: Any,
    *,
    split: str,
    system_prompt: str | None,
    max_length: int,
    on_too_long: Literal["refuse", "drop"],
) -> TrainingSet:
    """Tokenise the `messages` of every row. The `images`, if any, are counted, not decoded.

    Args:
        rows: as `trainers.dataset_source.choose_rows` gives them.
        processing_class: a tokenizer or a vision-language processor.

    Raises:
        BogamError: a row that cannot be encoded (named by its id), rows over `max_length` where
            they are refused, none left, or all rows have a system message that is not the
            recipe's.
    """
    _check_system_message(rows, split, system_prompt)
    sees = isinstance(processing_class, ProcessorMixin)

    def encode(row: dict[str, Any], number: int) -> dict[str, Any]:
        messages = with_system_prompt(row["messages"], system_prompt)
        tokens = count_image_tokens(processing_class, row, split) if sees else []
        try:
            encoded = encode_conversation(processing_class, messages, tokens)
        except BogamError as error:
            raise BogamError(f"split {split!r}, row {row['id']}: {error}.") from error
        return {
            "input_ids": encoded.input_ids,
            "labels": encoded.labels,
            "length": len(encoded.input_ids),
            **({"split": split, "row": number} if sees else {}),
        }

    encoded = rows.map(
        encode,
        with_indices=True,
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
    images = images_of(rows, split) if sees else None
    return TrainingSet(encoded, label_tokens, max(lengths), over, images)


def _check_system_message(rows: datasets.Dataset, split: str, system_prompt: str | None) -> None:
    """Whoever asks the model later sends the recipe's, so it must be what was trained with."""
    own: str | None = None
    for messages in rows["messages"]:
        first = messages[0] if messages else None
        if first is None or first["role"] != "system" or first["content"] == system_prompt:
            return
        if own is None:
            own = first["content"]
        elif own != first["content"]:
            return
    if own is not None:
        said = "has none" if system_prompt is None else f"says {system_prompt!r}"
        raise BogamError(
            f"split {split!r}: every row begins with the system message {own!r}, but the recipe "
            f"{said}, and that is what the model would be asked with later. Set system_prompt to "
            "the message of the rows."
        )


def count_image_tokens(processor: ProcessorMixin, row: dict[str, Any], split: str) -> list[int]:
    """How many tokens each picture of a row takes.

    Raises:
        BogamError: a picture that cannot be read, or not be shown; it names the row.
    """
    try:
        return image_tokens(processor, row.get("images") or [])
    except (UnusableImage, OSError) as error:
        raise unusable_image(split, row["id"], error) from error
    except BogamError as error:
        raise BogamError(f"split {split!r}, row {row['id']}: {error}.") from error


def images_of(rows: datasets.Dataset, split: str) -> RowImages | None:
    """The pictures of a dataset's rows, where it has a column for them."""
    if "images" not in rows.column_names:
        return None
    return RowImages(split, rows.select_columns(["id", "images"]))
