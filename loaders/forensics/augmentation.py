"""New images from training images: mirrored, turned a little, cut, and in other light.

The same operations whether copies are written into the dataset or made while training: copy `k`
of a row in epoch 0 is the materialised one. They are those of the published forensic classifier
this dataset is built for: it turns by up to 15 degrees, changes brightness and contrast by up to
20 %, and so on; each has its own chance.
"""

from __future__ import annotations

import os
import random
from io import BytesIO
from typing import Any

import numpy as np
import xxhash
from PIL import Image

LONGEST_SIDE = 1344
"""Four tiles of 336 pixels: LLaVA-NeXT sees no more of an image along one side."""
JPEG_QUALITY = 95


class Augmentation:
    """Makes copies of training images; used by one thread at a time."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pipeline = _pipeline()

    def copy_of(
        self, image: Image.Image, row_id: str, number: int, *, epoch: int = 0
    ) -> Image.Image:
        """A new image: the same for the same row, number, epoch and seed, on any machine.

        It has the size of `image`, or with :data:`LONGEST_SIDE` its shape, so that a model's
        processor makes as many tokens of it.

        Args:
            image: upright 8-bit RGB, see :func:`loaders.image_files.to_rgb`.
            row_id: `id` of the row that the image belongs to.
            number: 1, 2, ...: which copy of that image.
            epoch: 0 gives the images that `--augment materialise` writes, others new ones.
        """
        if max(image.size) > LONGEST_SIDE:
            image = image.copy()
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        key = xxhash.xxh3_64_intdigest(f"{row_id}\n{number}\n{epoch}".encode(), self._seed)
        # One generator for all operations: `set_random_seed` would give each of them the same
        # random numbers, so that one draw would decide about all.
        self._pipeline.set_random_state(np.random.default_rng(key), random.Random(key))
        made = Image.fromarray(self._pipeline(image=np.asarray(image))["image"])
        # What was cut at the border is made up for by enlarging.
        return made if made.size == image.size else made.resize(image.size)


def encode(image: Image.Image) -> bytes:
    """A copy as it stands in the dataset: JPEG of quality 95 without colour subsampling."""
    file = BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return file.getvalue()


def _pipeline() -> Any:
    # At import, albumentations would ask a server for a newer version.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations
    import cv2

    return albumentations.Compose(
        [
            albumentations.HorizontalFlip(p=0.5),
            # Mirrored edges: corners of one colour would mark the classes that are augmented.
            albumentations.Rotate(limit=(-15, 15), border_mode=cv2.BORDER_REFLECT_101, p=0.7),
            albumentations.RandomBrightnessContrast(
                brightness_limit=(-0.2, 0.2), contrast_limit=(-0.2, 0.2), p=0.8
            ),
            # Standard deviation of 3 to 7 gray levels.
            albumentations.GaussNoise(std_range=(0.0124, 0.0277), p=0.3),
            albumentations.OneOf(
                [
                    albumentations.MotionBlur(blur_limit=(3, 5), p=1),
                    albumentations.GaussianBlur(blur_limit=(3, 5), p=1),
                ],
                p=0.4,
            ),
            albumentations.RandomGamma(gamma_limit=(80, 120), p=0.3),
            albumentations.HueSaturationValue(
                hue_shift_limit=(-10, 10),
                sat_shift_limit=(-15, 15),
                val_shift_limit=(-10, 10),
                p=0.3,
            ),
            # A twentieth of each side at most leaves at least four fifths of the picture.
            albumentations.RandomCropFromBorders(
                crop_left=0.05, crop_right=0.05, crop_top=0.05, crop_bottom=0.05, p=0.3
            ),
        ]
    )
