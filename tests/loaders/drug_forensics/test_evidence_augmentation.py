"""New images are the same on every machine, differ from each other, and fit what they came from."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
from PIL import Image

from loaders.forensics.augmentation import LONGEST_SIDE, augment, augmentation


def half_dark(width: int = 120, height: int = 80) -> Image.Image:
    """Dark on the left, bright on the right: turning and mirroring show."""
    pixels = np.full((height, width, 3), 220, dtype=np.uint8)
    pixels[:, : width // 2] = 90
    return Image.fromarray(pixels)


def test_same_row_copy_seed_and_epoch_give_the_same_pixels() -> None:
    image = half_dark()
    first = augment(augmentation(), image, "row", 1, seed=42)
    random.seed(0)
    np.random.seed(0)
    pipeline = augmentation()
    augment(pipeline, image, "another row", 3, seed=1)
    assert augment(pipeline, image, "row", 1, seed=42) == first
    for changed in (
        augment(pipeline, image, "row", 2, seed=42),
        augment(pipeline, image, "row", 1, seed=43),
        augment(pipeline, image, "row", 1, seed=42, epoch=1),
        augment(pipeline, image, "other", 1, seed=42),
    ):
        assert changed != first


def test_operations_decide_independently() -> None:
    """Mirrored without being turned and turned without being mirrored both occur."""
    pipeline, image = augmentation(), half_dark()
    seen = set()
    for copy in range(1, 61):
        pixels = np.asarray(augment(pipeline, image, "row", copy, seed=3), dtype=int)
        mirrored = pixels[:, : 120 // 3].mean() > pixels[:, -120 // 3 :].mean()
        corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]].mean(axis=1)
        seen.add((bool(mirrored), bool((corners < 60).any())))
    assert seen == {(False, False), (False, True), (True, False), (True, True)}


def test_shares_of_the_operations_are_as_stated() -> None:
    pipeline, image = augmentation(), half_dark(60, 40)
    mirrored = 0
    for copy in range(300):
        pixels = np.asarray(augment(pipeline, image, "row", copy, seed=9), dtype=int)
        mirrored += bool(pixels[:, :20].mean() > pixels[:, -20:].mean())
    assert mirrored == pytest.approx(150, abs=30)


def test_every_argument_is_one_that_the_library_knows() -> None:
    """albumentations only warns about a misspelt argument and then does something else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        augmentation()


def test_a_huge_photo_is_reduced_and_a_small_one_keeps_its_size() -> None:
    pipeline = augmentation()
    huge = augment(pipeline, half_dark(3000, 2000), "row", 1, seed=1)
    assert LONGEST_SIDE * 0.89 <= max(huge.size) <= LONGEST_SIDE
    small = augment(pipeline, half_dark(), "row", 1, seed=1)
    assert small.width in range(107, 121)
    assert small.height in range(71, 81)
