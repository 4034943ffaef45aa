"""A street between houses, and a car park."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from loaders.forensics.drawing.canvas import (
    between,
    colour,
    font,
    gradient,
    pick,
    shade,
    vary,
)
from loaders.forensics.drawing.outdoors import PAVING, WALLS, ground, lamp, sky

_SIGNS = (
    "편의점",
    "약국",
    "부동산",
    "노래방",
    "PC방",
    "세탁소",
    "미용실",
    "치킨",
    "분식",
    "24시마트",
    "카페",
    "모텔",
)


def draw_street(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A road to a vanishing point between two rows of houses with shop signs."""
    image, night = sky(rng, size)
    width, height = size
    x0, y0 = width * between(rng, 0.3, 0.7), height * between(rng, 0.4, 0.55)
    ground(rng, image, y0, vary(rng, (98, 98, 102)))
    draw = ImageDraw.Draw(image)
    for side in (0.0, float(width)):
        _row_of_houses(rng, draw, (x0, y0), side, height, night)
    road = between(rng, 0.2, 0.45) * width
    for edge in (-1, 1):
        kerb = [(x0, y0), (x0 + edge * road * 1.6, height), (x0 + edge * road * 1.9, height)]
        draw.polygon(kerb, fill=pick(rng, PAVING))
    for step in range(7):
        near, far = 0.55**step, 0.55**step * 0.75
        dash = [
            (x0 - 0.02 * road * near, y0 + (height - y0) * near),
            (x0 + 0.02 * road * near, y0 + (height - y0) * near),
            (x0 + 0.02 * road * far, y0 + (height - y0) * far),
            (x0 - 0.02 * road * far, y0 + (height - y0) * far),
        ]
        draw.polygon(dash, fill=(224, 214, 170))
    if rng.random() < 0.5:
        for stripe in np.linspace(-1.3, 1.3, 9):
            depth, thick = 0.62, 0.11
            left = x0 + stripe * road * depth
            box = [
                (left, y0 + (height - y0) * depth),
                (left + 0.17 * road * depth, y0 + (height - y0) * depth),
                (left + 0.2 * road, y0 + (height - y0) * (depth + thick)),
                (left, y0 + (height - y0) * (depth + thick)),
            ]
            draw.polygon(box, fill=(226, 226, 222))
    for _ in range(int(rng.integers(1, 4))):
        lamp(rng, draw, (between(rng, 0.08, 0.92) * width, between(rng, 0.62, 0.9) * height), night)
    return image


def _row_of_houses(
    rng: Generator,
    draw: ImageDraw.ImageDraw,
    vanishing: tuple[float, float],
    side: float,
    height: float,
    night: bool,
) -> None:
    """Houses along one side; everything runs to the vanishing point."""
    x0, y0 = vanishing
    edges = np.cumprod([1.0, *rng.uniform(0.55, 0.75, 4)])
    for near, far in pairwise(edges.tolist()):
        tall = between(rng, 0.7, 1.5) * height * 0.6
        wall = shade(pick(rng, WALLS), 0.45 if night else 1.0)

        def at(depth: float, level: float, tall: float = tall) -> tuple[float, float]:
            """A point of this wall: depth 1 is nearest, level 0 the ground and 1 the roof."""
            ground = y0 + (height - y0) * 0.55 * depth
            return x0 + (side - x0) * depth, ground - tall * depth * level

        draw.polygon([at(near, 0), at(near, 1), at(far, 1), at(far, 0)], fill=wall)
        floors = int(rng.integers(2, 6))
        columns = np.linspace(far, near, int(rng.integers(3, 6)))
        for floor in range(1, floors):
            low, high = floor / floors + 0.05, (floor + 0.7) / floors
            for left, right in pairwise(columns.tolist()):
                inner, outer = left + (right - left) * 0.2, right - (right - left) * 0.2
                lit = rng.random() < (0.5 if night else 0.05)
                pane = vary(rng, (250, 220, 140)) if lit else vary(rng, (70, 84, 100))
                corners = [at(outer, low), at(outer, high), at(inner, high), at(inner, low)]
                draw.polygon(corners, fill=pane)
        sign = colour(rng, 40, 240)
        low, high = 0.72 / floors, 1.02 / floors
        draw.polygon([at(near, low), at(near, high), at(far, high), at(far, low)], fill=sign)
        left, right = sorted((at(near, high)[0], at(far, high)[0]))
        letters = font(max(9.0, tall * far * (high - low) * 0.9), bold=True)
        text = str(rng.choice(_SIGNS))
        if letters.getlength(text) < right - left:
            ink = (250, 250, 250) if sum(sign) < 380 else (30, 30, 30)
            draw.text((left + 6, at((near + far) / 2, high)[1]), text, ink, letters)
        door = (near + far) / 2
        shop = [at(door, 0), at(door, 0.6 / floors), at(far, 0.6 / floors), at(far, 0)]
        draw.polygon(shop, fill=vary(rng, (238, 210, 150) if night else (80, 92, 104)))


def draw_car_park(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """Pillars, painted bays and a few cars under a low ceiling."""
    width, height = size
    image = gradient(size, vary(rng, (92, 94, 98)), vary(rng, (140, 142, 144)))
    horizon = height * between(rng, 0.42, 0.52)
    ground(rng, image, horizon, pick(rng, ((110, 124, 112), (124, 124, 128), (96, 112, 130))))
    draw = ImageDraw.Draw(image)
    for tube in range(4):
        y = horizon * (0.15 + 0.2 * tube)
        half = width * (0.3 - 0.06 * tube)
        draw.line(
            [(width / 2 - half, y), (width / 2 + half, y)], fill=(236, 240, 236), width=9 - 2 * tube
        )
    for bay in np.linspace(-1.5, 1.5, 9):
        far = width * (0.5 + bay * 0.35)
        near = width * (0.5 + bay * 0.95)
        draw.line([(far, horizon + 30), (near, height)], fill=(232, 226, 190), width=8)
    for _ in range(int(rng.integers(1, 4))):
        _car(rng, draw, width * between(rng, 0.05, 0.75), horizon, width * between(rng, 0.2, 0.3))
    for number in range(int(rng.integers(2, 4))):
        x, broad = (
            width * (0.08 + 0.36 * number + between(rng, 0, 0.1)),
            width * between(rng, 0.06, 0.1),
        )
        draw.rectangle((x, 0, x + broad, height * 0.8), fill=vary(rng, (176, 176, 172)))
        band = pick(rng, ((220, 180, 40), (60, 120, 180), (190, 60, 60)))
        draw.rectangle((x, height * 0.38, x + broad, height * 0.55), fill=band)
        text = f"{rng.choice(['A', 'B', 'C', 'D'])}{rng.integers(1, 30)}"
        draw.text((x + 6, height * 0.4), text, (250, 250, 250), font(broad * 0.5, bold=True))
    return image


def _car(rng: Generator, draw: ImageDraw.ImageDraw, x: float, y: float, wide: float) -> None:
    """A car from the front."""
    paint, tall = colour(rng, 30, 230), wide * 0.55
    draw.rounded_rectangle(
        (x + wide * 0.14, y - tall * 0.3, x + wide * 0.86, y + tall * 0.4),
        26,
        fill=shade(paint, 0.9),
    )
    glass = [(x + wide * 0.22, y + tall * 0.18), (x + wide * 0.28, y - tall * 0.2)]
    glass += [(x + wide * 0.72, y - tall * 0.2), (x + wide * 0.78, y + tall * 0.18)]
    draw.polygon(glass, fill=(40, 48, 58))
    draw.rounded_rectangle((x, y + tall * 0.2, x + wide, y + tall * 0.8), 22, fill=paint)
    for side in (0.06, 0.76):
        draw.ellipse(
            (x + wide * side, y + tall * 0.36, x + wide * (side + 0.18), y + tall * 0.52),
            fill=(240, 240, 224),
        )
        draw.rectangle(
            (x + wide * side, y + tall * 0.78, x + wide * (side + 0.16), y + tall),
            fill=(24, 24, 26),
        )
    draw.rectangle(
        (x + wide * 0.36, y + tall * 0.6, x + wide * 0.64, y + tall * 0.7), fill=(246, 246, 240)
    )
