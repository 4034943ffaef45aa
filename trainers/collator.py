"""Rows of token ids -> the tensors of a batch, pictures included.

A batch carries everything that the model's processor gives. Pictures are decoded and preprocessed
here, so in DataLoader workers where there are some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import ProcessorMixin

from cards.errors import BogamError
from trainers.conversation import IGNORED
from trainers.image_inputs import RowImages, pixel_inputs, token_types
from trainers.padding import padded

Inputs = dict[str, torch.Tensor]
"""Tensors by the names of the model's arguments."""
IMAGE_COLUMNS = ("split", "row")
"""Columns of a training set by which the pictures of a row are found."""


def batch_inputs(
    rows: Sequence[Sequence[int]],
    *,
    pad_token: int,
    left: bool,
    labels: Sequence[Sequence[int]] | None = None,
    processor: ProcessorMixin | None = None,
    pictures: Sequence[tuple[RowImages, int]] | None = None,
) -> Inputs:
    """A batch of token ids; padding is masked by length, never by its token.

    Args:
        left: pad before the rows, see :func:`trainers.padding.padded`.
        labels: as long as `rows`.
        processor: of a vision-language model.
        pictures: where those of each row are, if it may have any.

    Raises:
        BogamError: a picture cannot be read, or takes other than the tokens that were counted.
    """
    ids, mask = padded(rows, pad_token, left=left)
    inputs = {"input_ids": ids, "attention_mask": mask}
    if labels is not None:
        inputs["labels"], _ = padded(labels, IGNORED, left=left)
    if processor is None:
        return inputs
    types = token_types(processor, rows)
    if types is not None:
        inputs["mm_token_type_ids"], _ = padded(types, 0, left=left)
    return inputs | _pixels(rows, processor, pictures or [])


def _pixels(
    rows: Sequence[Sequence[int]],
    processor: ProcessorMixin,
    pictures: Sequence[tuple[RowImages, int]],
) -> Inputs:
    shown = [images[row] for images, row in pictures]
    made = pixel_inputs(processor, [picture for row in shown for picture in row])
    taken = iter(made.tokens)
    for ids, (images, row), decoded in zip(rows, pictures, shown, strict=bool(pictures)):
        needed = sum(next(taken) for _ in decoded)
        counted = list(ids).count(processor.image_token_id)
        if needed != counted:
            raise BogamError(
                f"split {images.split!r}, row {images.rows[row]['id']}: its pictures take {needed} "
                f"tokens, but {counted} were counted from their size. Its files have changed since "
                "the run began, or the processor counts them wrongly"
            )
    return made.inputs


@dataclass(frozen=True)
class AnswerCollator:
    """Collates rows of training sets for `trainers.trainer.AnswerTrainer`.

    Rows have `input_ids` and `labels`, and name their pictures by `split` and `row`.
    """

    pad_token: int
    processor: ProcessorMixin
    images: Mapping[str, RowImages]
    """By split; one without pictures is not in it."""

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Inputs:
        """A batch padded on the right, see :func:`batch_inputs`."""
        return batch_inputs(
            [row["input_ids"] for row in rows],
            pad_token=self.pad_token,
            left=False,
            labels=[row["labels"] for row in rows],
            processor=self.processor,
            pictures=[
                (self.images[row["split"]], row["row"])
                for row in rows
                if row["split"] in self.images
            ],
        )

    def begin_epoch(self, epoch: int) -> None:
        """Show the pictures of an epoch (from 0) from now on."""
        for images in self.images.values():
            images.begin_epoch(epoch)
