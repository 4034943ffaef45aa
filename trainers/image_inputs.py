"""Pictures of a dataset's rows: what they cost in tokens, and the tensors a model sees of them.

A picture is shown upright, in RGB of 8 bits, on white where it is transparent
(`loaders.image_files.to_rgb`), in training, in every evaluation and by `bogam ask`. For all other
pictures these are the pixels of `transformers.image_utils.load_image` too, so that somebody who
asks with plain transformers shows the model what it learnt from. The two differ where that one
would show 16-bit gray as a white page, or the colours under transparency.

The bytes stay in the dataset's files and are read when a batch needs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import torch
from PIL import Image
from transformers import ProcessorMixin

from cards.errors import BogamError
from loaders.image_containers import UnusableImage
from loaders.image_files import read_rgb, read_size

StoredImage = Mapping[str, Any]
"""`bytes` and `path` of an image, of which one may be None; see `datasets.Image`."""


@dataclass(frozen=True)
class RowImages:
    """The pictures of one split's rows, by row number."""

    split: str
    rows: datasets.Dataset
    """Columns `id` and `images`, the latter not decoded."""

    def __getitem__(self, row: int) -> list[Image.Image]:
        """The pictures of a row, decoded.

        Raises:
            BogamError: one of them cannot be read; it names the row.
        """
        stored = self.rows[row]
        try:
            return [read_rgb(data) for data in map(_bytes_of, stored["images"])]
        except (UnusableImage, OSError) as error:
            raise unusable_image(self.split, stored["id"], error) from error

    def begin_epoch(self, epoch: int) -> None:
        """Nothing: the pictures are the same in every epoch."""


def unusable_image(split: str, row: str, error: Exception) -> BogamError:
    """What to say of a row whose pictures cannot be read."""
    return BogamError(
        f"split {split!r}, row {row}: one of its pictures cannot be read: {error}. Pictures are "
        "checked when a dataset is built, so this one was damaged later or comes from elsewhere. "
        "Build and publish the dataset again, or take the row out; nothing is shown in its place."
    )


def image_tokens(processor: ProcessorMixin, stored: Sequence[StoredImage]) -> list[int]:
    """How many tokens each picture takes, by its size alone; nothing is decoded.

    Raises:
        UnusableImage, OSError: a picture cannot be read.
        BogamError: a shape that the processor does not take.
    """
    if not stored:
        return []
    sizes = [read_size(data) for data in map(_bytes_of, stored)]
    try:
        counted = processor._get_num_multimodal_tokens(
            image_sizes=[(height, width) for width, height in sizes]
        )
    except ValueError as error:  # Qwen's takes nothing that is 200 times as long as wide
        raise BogamError(
            f"a picture has a shape that the model's processor refuses: {error}"
        ) from (error)
    tokens: list[int] = [int(count) for count in counted.num_image_tokens]
    return tokens


@dataclass(frozen=True)
class PixelInputs:
    """What a processor makes of the pictures of a batch."""

    inputs: dict[str, torch.Tensor]
    """By the names of the model's arguments: `pixel_values`, and what the model needs with it."""
    tokens: list[int]
    """How many tokens each picture takes, by its pixels."""


def pixel_inputs(processor: ProcessorMixin, pictures: Sequence[Image.Image]) -> PixelInputs:
    """Scale, cut and normalise pictures as the model's processor does."""
    if not pictures:
        return PixelInputs({}, [])
    inputs = processor(images=list(pictures), return_tensors="pt")
    placeholder = processor.image_token
    tokens = [
        processor.replace_image_token(inputs, number).count(placeholder)
        for number in range(len(pictures))
    ]
    return PixelInputs(dict(inputs), tokens)


def token_types(processor: ProcessorMixin, rows: Sequence[Sequence[int]]) -> list[list[int]] | None:
    """Which tokens stand for pictures, for models that place those in two dimensions; else None.

    Qwen2.5-VL without them counts all positions in one dimension and says nothing.
    """
    if not processor.return_mm_token_type_ids:
        return None
    return [list(row) for row in processor.create_mm_token_type_ids([list(row) for row in rows])]


def _bytes_of(stored: StoredImage) -> bytes:
    data = stored["bytes"]
    return data if data is not None else Path(stored["path"]).read_bytes()
