"""Sky, ground, walls and lamps: what views of places have in common."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from loaders.forensics.drawing.canvas import (
    Colour,
    between,
    clouds,
    gradient,
    vary,
)

_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((110, 165, 225), (205, 225, 240)),
    ((170, 178, 188), (214, 216, 218)),
    ((24, 30, 56), (66, 62, 92)),
    ((230, 160, 110), (250, 214, 170)),
)  # fmt: skip
WALLS: tuple[Colour, ...] = (
    (172, 92, 72),
    (200, 190, 174),
    (148, 150, 156),
    (110, 98, 92),
    (222, 214, 200),
)
PAVING: tuple[Colour, ...] = ((128, 126, 124), (156, 148, 138), (104, 104, 108), (174, 164, 150))


def sky(rng: Generator, size: tuple[int, int]) -> tuple[Image.Image, bool]:
    """A sky, and whether it is night."""
    number = int(rng.integers(len(_SKIES)))
    top, bottom = _SKIES[number]
    image = gradient(size, vary(rng, top), vary(rng, bottom))
    if number != 2 and rng.random() < 0.6:
        white = np.clip(clouds(rng, size, 160), 0, 1)[:, :, None] * 90
        image = Image.fromarray(np.clip(np.asarray(image) + white, 0, 255).astype(np.uint8))
    return image, number == 2


def ground(
    rng: Generator, image: Image.Image, horizon: float, base: Colour, roughness: float = 10
) -> None:
    """Paving from the horizon down, coarser towards the eye."""
    width, height = image.width, image.height - round(horizon)
    grain = clouds(rng, (width, height), 6) * roughness + clouds(rng, (width, height), 120) * 14
    pixels = np.asarray(base, dtype=np.float32)[None, None, :] + grain[:, :, None]
    image.paste(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), (0, round(horizon)))


def lamp(rng: Generator, draw: ImageDraw.ImageDraw, foot: tuple[float, float], night: bool) -> None:
    x, y = foot
    tall = y * between(rng, 0.5, 0.75)
    draw.line([(x, y), (x, y - tall)], fill=(64, 66, 70), width=max(3, round(tall / 45)))
    arm = tall * rng.choice([-0.16, 0.16])
    draw.line([(x, y - tall), (x + arm, y - tall)], fill=(64, 66, 70), width=4)
    glow = (255, 240, 190) if night else (210, 212, 214)
    draw.ellipse((x + arm - 10, y - tall - 6, x + arm + 10, y - tall + 8), fill=glow)
