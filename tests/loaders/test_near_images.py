"""Copies of one picture find each other, whatever was done to the file; other pictures do not."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw

from loaders.image_files import gray_thumbnail, inspect
from loaders.near_images import NearPair, group_pairs, near_pairs


def scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Blobs and outlined shapes: as unlike another seed's as two photos are."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 255, (9, 12, 3), dtype=np.uint8)
    image = Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = int(rng.integers(size[0])), int(rng.integers(size[1]))
        radius = int(rng.integers(15, 80))
        colour = tuple(int(value) for value in rng.integers(0, 255, 3))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image


def saved(image: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def pairs_of(files: Sequence[bytes]) -> list[NearPair]:
    facts = [inspect(data) for data in files]
    return near_pairs(facts, lambda number: gray_thumbnail(files[number], facts[number]))


def cut(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    box = (left * width, top * height, right * width, bottom * height)
    return image.crop(tuple(round(side) for side in box))


def test_resent_copies_are_found_among_others() -> None:
    files = [saved(scene(seed)) for seed in range(12)]
    files.append(saved(scene(3).resize((300, 225)), quality=45))
    files.append(saved(scene(7).convert("L")))
    assert pairs_of(files) == [NearPair(3, 12, "resent"), NearPair(7, 13, "resent")]


@pytest.mark.parametrize(
    "box",
    [
        (0.05, 0.0, 1.0, 0.95),
        (0.08, 0.08, 0.92, 0.92),
        (0.0, 0.0, 0.85, 0.85),
        (0.12, 0.06, 1, 0.94),
    ],
)
def test_a_copy_with_its_sides_cut_off_is_found(box: tuple[float, ...]) -> None:
    files = [saved(scene(seed)) for seed in range(8)]
    cropped = cut(scene(5), *box)
    files.append(saved(cropped.resize((cropped.width // 2, cropped.height // 2)), quality=60))
    pairs = [(pair.first, pair.second) for pair in pairs_of(files)]
    assert pairs == [(5, 8)]


def test_blank_pictures_are_nobodys_copies() -> None:
    blanks = [saved(Image.new("RGB", (300, 200), (shade,) * 3)) for shade in (255, 254, 0)]
    assert pairs_of([*blanks, saved(scene(1))]) == []


def test_a_thumbnail_inside_another_picture_is_no_copy() -> None:
    screen = Image.new("RGB", (400, 700), (178, 199, 217))
    screen.paste(scene(4).resize((240, 180)), (20, 300))
    assert pairs_of([saved(scene(4)), saved(screen)]) == []


def test_pairs_do_not_depend_on_blocks_or_order(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [saved(scene(seed, (160, 120))) for seed in range(80)]
    files += [saved(scene(seed, (160, 120)), quality=50) for seed in (0, 63, 64, 79)]
    expected = {frozenset((seed, 80 + number)) for number, seed in enumerate((0, 63, 64, 79))}
    found = pairs_of(files)
    assert {frozenset((pair.first, pair.second)) for pair in found} == expected
    backwards = pairs_of(files[::-1])
    last = len(files) - 1
    assert {frozenset((last - p.first, last - p.second)) for p in backwards} == expected
    monkeypatch.setattr("loaders.near_images._CELLS", 1)
    assert pairs_of(files) == found


def test_progress_counts_every_image_once() -> None:
    files = [saved(scene(seed)) for seed in range(5)] + [saved(Image.new("RGB", (90, 90)))]
    facts = [inspect(data) for data in files]
    counts: list[int] = []
    near_pairs(facts, lambda number: gray_thumbnail(files[number], facts[number]), counts.append)
    assert sum(counts) == 6


def test_groups_are_what_pairs_connect() -> None:
    assert group_pairs(6, [(4, 1), (5, 4), (0, 2)]) == [0, 1, 0, 3, 1, 1]
    assert group_pairs(3, []) == [0, 1, 2]
