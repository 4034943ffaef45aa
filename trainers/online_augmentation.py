"""New images from training images, made while training: other ones in every epoch.

As many, of the same classes and by the same operations as `bogam build drug-forensics
--augment materialise` writes; in the first epoch they are those very images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO

import datasets
import torch
from PIL import Image

from cards.errors import BogamError
from loaders.forensics.augmentation import Augmentation, encode
from loaders.image_files import to_rgb
from trainers.dataset_source import DatasetSource
from trainers.image_inputs import RowImages
from trainers.recipe_schema import AugmentationSection, ClassSection
from trainers.training_set import TrainingSet


@dataclass(frozen=True)
class AugmentedImages(RowImages):
    """The pictures of training rows, those of copies made anew in every epoch."""

    copies: tuple[int, ...]
    """Of each row: 0 for an original, else which copy of it."""
    augmentation: Augmentation
    epoch: torch.Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.long))
    """Shared by the processes that preprocess pictures."""

    def __getitem__(self, row: int) -> list[Image.Image]:
        pictures = super().__getitem__(row)
        number = self.copies[row]
        if not number:
            return pictures
        row_id = self.rows[row]["id"]
        return [self._copy(picture, row_id, number) for picture in pictures]

    def begin_epoch(self, epoch: int) -> None:
        """Make other copies from now on."""
        self.epoch.fill_(epoch)

    def _copy(self, picture: Image.Image, row_id: str, number: int) -> Image.Image:
        made = self.augmentation.copy_of(picture, row_id, number, epoch=int(self.epoch))
        written = to_rgb(Image.open(BytesIO(encode(made))))
        # The tokens of a row are counted by the size of its picture.
        return written if written.size == picture.size else written.resize(picture.size)


def refuse_copies(source: DatasetSource) -> None:
    """Raise :class:`BogamError` for a dataset that holds augmented copies already."""
    record = source.record
    if record is not None and record.builder.arguments.get("augment") == "materialise":
        raise BogamError(
            f"augmentation: dataset {source.revision.id} was built with --augment materialise and "
            "holds copies already. Leave `augmentation` out, or build it with --augment online."
        )


def with_copies(
    rows: datasets.Dataset, section: AugmentationSection, classes: Sequence[ClassSection]
) -> tuple[datasets.Dataset, tuple[int, ...]]:
    """Each row of the section's classes followed by its copies, and which copy each row is."""
    answers = {one.name: one.answer for one in classes}
    wanted = {answers[name] for name in section.classes}
    order: list[int] = []
    copies: list[int] = []
    for number, messages in enumerate(rows["messages"]):
        count = section.copies if messages[-1]["content"] in wanted else 0
        order += [number] * (1 + count)
        copies += range(1 + count)
    return rows.select(order), tuple(copies)


def augmented(
    learnt: TrainingSet, section: AugmentationSection, copies: tuple[int, ...]
) -> TrainingSet:
    """The training set of `with_copies` with pictures that differ from their originals."""
    if learnt.images is None:
        raise BogamError("augmentation: the training rows have no pictures.")
    images = AugmentedImages(
        learnt.images.split, learnt.images.rows, copies, Augmentation(section.seed)
    )
    images.epoch.share_memory_()
    return replace(learnt, images=images)
