"""Boxes move with the page, and the pipelines are what they say."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from io import BytesIO
from random import Random

import numpy as np
import pytest
from PIL import Image

from loaders.medical_ocr.synthesis import degradation
from loaders.medical_ocr.synthesis.degradation import (
    LABEL_QUALITIES,
    QUALITIES,
    Quality,
    degrade,
    pipelines,
)
from loaders.medical_ocr.synthesis.page import Field

BOXES = ((300, 200, 420, 260), (900, 1500, 1000, 1540), (150, 1000, 170, 1400))


def page() -> tuple[np.ndarray, list[Field]]:
    pixels = np.full((1754, 1240, 3), 255, np.uint8)
    for left, top, right, bottom in BOXES:
        pixels[top:bottom, left:right] = 0
    return pixels, [Field(str(n), "x", box) for n, box in enumerate(BOXES)]


def test_every_argument_exists_in_this_version_of_albumentations() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipelines.cache_clear()
        assert set(pipelines()) == {quality.name for quality in (*QUALITIES, *LABEL_QUALITIES)}


@pytest.mark.parametrize("name", [quality.name for quality in (*QUALITIES, *LABEL_QUALITIES)])
def test_boxes_move_along_with_the_ink(name: str) -> None:
    pixels, fields = page()
    corners = np.array([f.box for f in fields], float)[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    for seed in range(4):
        pipeline = pipelines()[name]
        pipeline.set_random_state(np.random.default_rng(seed), Random(seed))
        result = pipeline(image=pixels, keypoints=corners)
        gray = np.asarray(result["image"]).reshape(*result["image"].shape[:2], -1).mean(axis=2)
        moved = np.asarray(result["keypoints"])[:, :2].reshape(-1, 4, 2)
        paper = np.median(gray)
        for quad in moved:
            (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
            around = gray[int(top) - 12 : int(bottom) + 12, int(left) - 12 : int(right) + 12]
            rows, columns = np.nonzero(around < paper * 0.6)
            # Specks may lie near a value, but never so many that they move the percentile.
            found = np.percentile(columns, [0.5, 99.5]) + int(left) - 12
            assert found == pytest.approx([left, right], abs=4)
            found = np.percentile(rows, [0.5, 99.5]) + int(top) - 12
            assert found == pytest.approx([top, bottom], abs=4)


@pytest.mark.parametrize("qualities", [QUALITIES, LABEL_QUALITIES])
def test_qualities_occur_as_often_as_they_say(qualities: Sequence[Quality]) -> None:
    assert sum(quality.share for quality in qualities) == pytest.approx(1)
    pixels, fields = page()
    small = np.ascontiguousarray(pixels[:400, :500])
    rng = np.random.default_rng(0)
    seen = [degrade(small, fields[:1], 150, rng, qualities).quality for _ in range(400)]
    for quality in qualities:
        assert seen.count(quality.name) / 400 == pytest.approx(quality.share, abs=0.08)


def test_the_same_state_gives_the_same_bytes_and_another_gives_others() -> None:
    pixels, fields = page()
    first, again, other = (
        degrade(pixels, fields, 150, np.random.default_rng(s)) for s in (4, 4, 5)
    )
    assert first == again
    assert first.jpeg != other.jpeg


def test_the_drawn_page_is_left_as_it_was() -> None:
    pixels, fields = page()
    before = pixels.copy()
    for seed in range(8):
        degrade(pixels, fields, 150, np.random.default_rng(seed))
    assert (pixels == before).all()


def test_the_picture_says_its_resolution_and_colour() -> None:
    pixels, fields = page()
    modes = set()
    for seed in range(12):
        result = degrade(pixels, fields, 175, np.random.default_rng(seed))
        image = Image.open(BytesIO(result.jpeg))
        assert image.size == (result.width, result.height)
        assert image.info["dpi"] == (175, 175)
        expected = next(q.colour for q in QUALITIES if q.name == result.quality)
        assert (image.mode == "RGB") == expected
        modes.add(image.mode)
    assert modes == {"RGB", "L"}


def test_no_speck_falls_on_a_value() -> None:
    specks = degradation.Specks((5000, 5000))
    specks.set_random_seed(0)
    pixels = np.full((600, 600), 255, np.uint8)
    corners = np.array([[100, 100], [300, 100], [300, 200], [100, 200]], float)
    pipeline = degradation.A.Compose(
        [specks], keypoint_params=degradation.A.KeypointParams(format="xy"), strict=True
    )
    result = pipeline(image=pixels, keypoints=corners)["image"]
    assert (result < 128).sum() > 500
    assert (result[96:204, 96:304] == 255).all()
