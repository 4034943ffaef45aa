"""What all drawings share: colours, surfaces, fonts, the look of a photo, the mark of a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
Point = tuple[float, float]
Box = tuple[float, float, float, float]

FINENESS = 2
"""Pictures are drawn so many times larger and scaled down, which smooths their edges."""
MARK = "그림 · DRAWN"


@dataclass(frozen=True)
class Drawing:
    """A picture, and what it shows in plain Korean words, without what that might mean."""

    image: Image.Image
    shows: tuple[str, ...]


def font(size: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    """NanumGothic of a height in pixels; the same on every machine."""
    return _font(max(6, round(size)), bold)


@lru_cache(maxsize=64)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "NanumGothicBold.ttf" if bold else "NanumGothic.ttf"
    path = files("koreanize_matplotlib") / "fonts" / name
    return ImageFont.truetype(str(path), size)


def between(rng: Generator, low: float, high: float) -> float:
    """A number by chance, as a plain float."""
    return float(rng.uniform(low, high))


def colour(rng: Generator, low: int = 0, high: int = 255) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(low, high + 1, 3))
    return red, green, blue


def shade(base: Colour, factor: float) -> Colour:
    """Darker below 1, lighter above."""
    red, green, blue = (max(0, min(255, int(value * factor))) for value in base)
    return red, green, blue


def vary(rng: Generator, base: Colour, by: int = 18) -> Colour:
    shift = rng.integers(-by, by + 1, 3)
    red, green, blue = (int(np.clip(v + s, 0, 255)) for v, s in zip(base, shift, strict=True))
    return red, green, blue


def pick(rng: Generator, choices: tuple[Colour, ...]) -> Colour:
    return vary(rng, choices[int(rng.integers(len(choices)))])


def gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    steps = np.linspace(0, 1, size[1])[:, None]
    column = np.asarray(top) * (1 - steps) + np.asarray(bottom) * steps
    return Image.fromarray(column.astype(np.uint8)[:, None, :].repeat(size[0], axis=1))


def clouds(rng: Generator, size: tuple[int, int], coarseness: int) -> npt.NDArray[np.float32]:
    """Smooth noise in -1..1, (height, width); spots are about `coarseness` pixels wide."""
    rows, columns = max(2, size[1] // coarseness), max(2, size[0] // coarseness)
    small = Image.fromarray(rng.uniform(-1, 1, (rows, columns)).astype(np.float32))
    return np.asarray(small.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)


def surface(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A table, cloth, paper or metal to lay things on, in uneven light."""
    kind = str(rng.choice(["wood", "cloth", "plain", "metal", "stone"]))
    bases: dict[str, tuple[Colour, ...]] = {
        "wood": ((160, 112, 70), (120, 82, 52), (196, 158, 112)),
        "cloth": ((88, 96, 120), (150, 60, 62), (70, 100, 82), (205, 200, 190)),
        "plain": ((240, 238, 232), (222, 226, 230), (52, 54, 60), (235, 224, 205)),
        "metal": ((168, 172, 178), (128, 134, 140)),
        "stone": ((182, 178, 172), (90, 88, 92), (215, 210, 202)),
    }
    base = np.asarray(pick(rng, bases[kind]), dtype=np.float32)
    light = clouds(rng, size, 400) * 22
    if kind in ("wood", "metal"):
        grain = clouds(rng, (size[0] // 24 + 2, size[1]), 5)
        stretched = Image.fromarray(grain).resize(size, Image.Resampling.BILINEAR)
        light = light + np.asarray(stretched) * (26 if kind == "wood" else 9)
    elif kind == "cloth":
        weave = np.indices((size[1], size[0])).sum(axis=0) % 6 < 3
        light = light + np.where(weave, 7, -7)
    elif kind == "stone":
        light = light + clouds(rng, size, 9) * 24
    pixels = np.clip(base[None, None, :] + light[:, :, None], 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def blob(rng: Generator, centre: Point, radius: Point, wobble: float = 0.15) -> list[Point]:
    """The outline of something round that nobody drew with a compass."""
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    waves = np.zeros_like(angles)
    for number in range(2, 6):
        waves += rng.normal(0, wobble / number) * np.cos(
            number * angles + rng.uniform(0, 2 * np.pi)
        )
    x = centre[0] + radius[0] * (1 + waves) * np.cos(angles)
    y = centre[1] + radius[1] * (1 + waves) * np.sin(angles)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def turned(points: list[Point], centre: Point, angle: float) -> list[Point]:
    """Points turned by `angle` radians."""
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return [
        (
            centre[0] + (x - centre[0]) * cos - (y - centre[1]) * sin,
            centre[1] + (x - centre[0]) * sin + (y - centre[1]) * cos,
        )
        for x, y in points
    ]


def rectangle(box: Box, angle: float = 0.0) -> list[Point]:
    """Corners of a box turned around its middle."""
    left, top, right, bottom = box
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return turned(corners, ((left + right) / 2, (top + bottom) / 2), angle)


def cast_shadow(image: Image.Image, outline: list[Point], offset: float, depth: int = 90) -> None:
    """Darken what lies beside and below an outline, softly."""
    edge = round(3 * offset) + 2
    xs, ys = zip(*outline, strict=True)
    left, top = max(0, round(min(xs)) - edge), max(0, round(min(ys)) - edge)
    right = min(image.width, round(max(xs) + offset) + edge)
    bottom = min(image.height, round(max(ys) + offset) + edge)
    if right <= left or bottom <= top:
        return
    mask = Image.new("L", (right - left, bottom - top))
    moved = [(x + offset - left, y + offset - top) for x, y in outline]
    ImageDraw.Draw(mask).polygon(moved, fill=depth)
    soft = mask.filter(ImageFilter.GaussianBlur(max(1.0, offset)))
    image.paste(Image.new("RGB", soft.size), (left, top), soft)


def like_a_photo(rng: Generator, image: Image.Image) -> Image.Image:
    """Light that falls off, a colour cast, a little blur and the noise of a sensor."""
    small = image.reduce(FINENESS)
    width, height = small.size
    if rng.random() < 0.35:
        small = small.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.1))))
    pixels = np.asarray(small, dtype=np.float32)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    centre = rng.uniform(-0.5, 0.5, 2)
    distance = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    light = rng.uniform(0.82, 1.15) - rng.uniform(0, 0.22) * distance
    cast = rng.uniform(0.92, 1.08, 3)
    pixels = pixels * light[:, :, None] * cast[None, None, :]
    pixels += rng.normal(0, rng.uniform(1, 6), (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def mark_as_drawn(rng: Generator, image: Image.Image) -> None:
    """Write in a corner that this is a drawing; every class has it alike."""
    size = max(8.0, image.width / 30)
    lettering = font(size)
    width = lettering.getlength(MARK)
    x = float(rng.choice([3, image.width - width - 5]))
    y = float(rng.choice([2, image.height - size - 5]))
    plate = (x - 2, y - 1, x + width + 2, y + size + 3)
    draw = ImageDraw.Draw(image)
    draw.rectangle(plate, fill=(250, 250, 250))
    draw.text((x, y), MARK, font=lettering, fill=(120, 20, 20))
