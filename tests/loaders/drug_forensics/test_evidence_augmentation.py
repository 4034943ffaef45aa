"""New images are the same on every machine, differ from each other, and fit what they came from."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
from PIL import Image

from loaders.forensics.augmentation import LONGEST_SIDE, Augmentation


def half_dark(width: int = 120, height: int = 80) -> Image.Image:
    """Dark on the left, bright on the right: turning and mirroring show."""
    pixels = np.full((height, width, 3), 220, dtype=np.uint8)
    pixels[:, : width // 2] = 90
    return Image.fromarray(pixels)


def test_same_row_copy_seed_and_epoch_give_the_same_pixels() -> None:
    image = half_dark()
    first = Augmentation(42).copy_of(image, "row", 1)
    random.seed(0)
    np.random.seed(0)
    used = Augmentation(42)
    used.copy_of(image, "another row", 3)
    assert used.copy_of(image, "row", 1) == first
    for changed in (
        used.copy_of(image, "row", 2),
        used.copy_of(image, "row", 1, epoch=1),
        used.copy_of(image, "other", 1),
        Augmentation(43).copy_of(image, "row", 1),
    ):
        assert changed != first


def test_operations_decide_independently() -> None:
    """Mirrored without being turned and turned without being mirrored both occur."""
    augmentation, image = Augmentation(3), half_dark()
    seen = set()
    for number in range(1, 61):
        pixels = np.asarray(augmentation.copy_of(image, "row", number), dtype=int)
        mirrored = pixels[:, :40].mean() > pixels[:, -40:].mean()
        edge = np.abs(np.diff(pixels.mean(axis=2), axis=1))[:, 20:-20].argmax(axis=1)
        turned = abs(edge[20] - edge[-20]) > 2
        seen.add((bool(mirrored), bool(turned)))
    assert seen == {(False, False), (False, True), (True, False), (True, True)}


def test_turning_leaves_no_corners_that_only_copies_have() -> None:
    plain = Image.new("RGB", (120, 80), (200, 200, 200))
    for number in range(1, 61):
        pixels = np.asarray(Augmentation(3).copy_of(plain, "row", number), dtype=int)
        corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]].mean()
        assert corners == pytest.approx(pixels.mean(), abs=15)


def test_half_of_the_copies_are_mirrored() -> None:
    augmentation, image = Augmentation(9), half_dark(60, 40)
    mirrored = 0
    for number in range(300):
        pixels = np.asarray(augmentation.copy_of(image, "row", number), dtype=int)
        mirrored += bool(pixels[:, :20].mean() > pixels[:, -20:].mean())
    assert mirrored == pytest.approx(150, abs=30)


def test_every_argument_is_one_that_the_library_knows() -> None:
    """albumentations only warns about a misspelt argument and then does something else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Augmentation(1)


def test_a_huge_photo_is_reduced_and_a_small_one_keeps_its_size() -> None:
    augmentation = Augmentation(1)
    assert augmentation.copy_of(half_dark(3000, 2000), "row", 1).size == (LONGEST_SIDE, 896)
    for number in range(1, 21):
        assert augmentation.copy_of(half_dark(), "row", number).size == half_dark().size
