"""Places where somebody could meet or leave something: streets, parks, lockers, entrances."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from loaders.forensics.drawing.canvas import (
    FINENESS,
    Colour,
    Drawing,
    between,
    blob,
    font,
    gradient,
    like_a_photo,
    pick,
    rectangle,
    shade,
    vary,
)
from loaders.forensics.drawing.outdoors import PAVING, WALLS, ground, lamp, sky
from loaders.forensics.drawing.streets import draw_car_park, draw_street

_SIZES = ((512, 384), (480, 360), (384, 512), (512, 340))
_LEAVES: tuple[Colour, ...] = ((62, 110, 52), (96, 132, 60), (44, 84, 50), (170, 120, 50))


def draw_place(rng: Generator) -> Drawing:
    """One photo-like view without people."""
    base = _SIZES[int(rng.integers(len(_SIZES)))]
    size = (base[0] * FINENESS, base[1] * FINENESS)
    views = (
        ("거리", draw_street),
        ("거리", draw_street),
        ("공원", _park),
        ("보관함", _lockers),
        ("현관", _entrance),
        ("주차장", draw_car_park),
    )
    name, view = views[int(rng.integers(len(views)))]
    image = view(rng, size)
    tilt = float(rng.normal(0, 1.5))
    image = image.rotate(tilt, Image.Resampling.BILINEAR, fillcolor=(60, 60, 60))
    margin = round(abs(np.sin(np.radians(tilt))) * max(size) * 0.55)
    image = image.crop((margin, margin, size[0] - margin, size[1] - margin))
    photo = like_a_photo(rng, image.resize(size, Image.Resampling.BILINEAR))
    return Drawing(photo, (name,))


def _park(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """Grass, a path, trees, and a bench or a swing."""
    image, night = sky(rng, size)
    width, height = size
    horizon = height * between(rng, 0.38, 0.55)
    dim = 0.45 if night else 1.0
    ground(rng, image, horizon, shade(pick(rng, _LEAVES[:3]), dim), 22)
    draw = ImageDraw.Draw(image)
    goal, start = width * between(rng, 0.2, 0.8), width * between(rng, 0.1, 0.9)
    broad = width * between(rng, 0.18, 0.34)
    path = [
        (goal - 8, horizon),
        (goal + 8, horizon),
        (start + broad, height),
        (start - broad, height),
    ]
    draw.polygon(path, fill=shade(pick(rng, PAVING), dim))
    for depth in np.sort(rng.uniform(0.05, 0.8, int(rng.integers(4, 9)))):
        _tree(
            rng,
            draw,
            (between(rng, 0, width), horizon + (height - horizon) * depth),
            height,
            depth,
            dim,
        )
    y = height * between(rng, 0.7, 0.86)
    x, long = width * between(rng, 0.15, 0.6), width * between(rng, 0.2, 0.34)
    timber = shade(pick(rng, ((134, 88, 52), (92, 70, 52), (70, 96, 84))), dim)
    for level in (0.0, 0.06, 0.12):
        draw.rectangle((x, y - level * height - 12, x + long, y - level * height), fill=timber)
    for leg in (0.08, 0.92):
        foot = x + long * leg
        draw.rectangle(
            (foot - 6, y - 0.12 * height, foot + 6, y + 0.09 * height), fill=(50, 50, 52)
        )
    if rng.random() < 0.6:
        lamp(rng, draw, (width * between(rng, 0.1, 0.9), height * 0.72), night)
    return image


def _tree(
    rng: Generator,
    draw: ImageDraw.ImageDraw,
    foot: tuple[float, float],
    height: float,
    depth: float,
    dim: float,
) -> None:
    x, y = foot
    tall = height * (0.25 + 0.5 * depth)
    trunk = shade(vary(rng, (98, 76, 56)), dim)
    draw.polygon(rectangle((x - tall * 0.045, y - tall * 0.55, x + tall * 0.045, y)), fill=trunk)
    leaves = shade(pick(rng, _LEAVES), dim)
    for _ in range(7):
        spot = (x + rng.normal(0, tall * 0.16), y - tall * between(rng, 0.5, 0.95))
        outline = blob(rng, spot, (tall * 0.2, tall * 0.16), 0.4)
        draw.polygon(outline, fill=shade(leaves, between(rng, 0.8, 1.2)))


def _lockers(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A wall of numbered lockers, one of them perhaps open."""
    width, height = size
    wall = vary(rng, (206, 206, 200))
    image = gradient(size, wall, shade(wall, 0.85))
    floor = height * between(rng, 0.82, 0.95)
    ground(rng, image, floor, pick(rng, PAVING))
    draw = ImageDraw.Draw(image)
    columns, rows = int(rng.integers(3, 8)), int(rng.integers(3, 6))
    left, top = width * between(rng, -0.05, 0.1), height * between(rng, 0.03, 0.16)
    right = width * between(rng, 0.92, 1.08)
    wide, tall = (right - left) / columns, (floor - top) / rows
    paint = pick(
        rng, ((70, 110, 160), (190, 190, 186), (214, 150, 60), (90, 140, 110), (150, 60, 60))
    )
    door_open = int(rng.integers(columns * rows)) if rng.random() < 0.5 else -1
    number = int(rng.integers(1, 60))
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * wide, top + row * tall
            box = (x + 3, y + 3, x + wide - 3, y + tall - 3)
            if row * columns + column == door_open:
                draw.rectangle(box, fill=(34, 34, 36))
                leaf = [(x + 3, y + 3), (x - wide * 0.28, y - tall * 0.06)]
                leaf += [(x - wide * 0.28, y + tall * 1.04), (x + 3, y + tall - 3)]
                draw.polygon(leaf, fill=shade(paint, 0.7))
            else:
                draw.rectangle(
                    box,
                    fill=shade(paint, between(rng, 0.93, 1.07)),
                    outline=shade(paint, 0.6),
                    width=3,
                )
                plate = (x + wide * 0.12, y + tall * 0.1)
                draw.text(plate, f"{number:02d}", (245, 245, 240), font(tall * 0.16, bold=True))
                knob = (x + wide * 0.8, y + tall * 0.5)
                draw.ellipse(
                    (knob[0] - 8, knob[1] - 8, knob[0] + 8, knob[1] + 8), fill=(54, 54, 58)
                )
            number += 1
    if rng.random() < 0.7:
        text = str(rng.choice(["물품보관함", "무인 보관함", "보관함 A구역", "COIN LOCKER"]))
        draw.rectangle((0, 0, width, top), fill=shade(paint, 0.8))
        draw.text(
            (width * 0.3, top * 0.1), text, (250, 250, 250), font(max(10.0, top * 0.6), bold=True)
        )
    return image


def _entrance(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A brick or tiled wall with a door, a meter box or letter boxes, and steps."""
    width, height = size
    brick = pick(rng, WALLS)
    image = Image.new("RGB", size, shade(brick, 0.8))
    draw = ImageDraw.Draw(image)
    tall = height / int(rng.integers(14, 26))
    wide = tall * between(rng, 1.6, 3.2)
    for row in range(int(height / tall) + 1):
        for column in range(-1, int(width / wide) + 1):
            x, y = (column + (row % 2) / 2) * wide, row * tall
            tone = shade(brick, between(rng, 0.9, 1.12))
            draw.rectangle((x + 2, y + 2, x + wide - 2, y + tall - 2), fill=tone)
    floor = height * between(rng, 0.8, 0.92)
    ground(rng, image, floor, pick(rng, PAVING))
    x, broad = width * between(rng, 0.15, 0.55), width * between(rng, 0.2, 0.32)
    top = height * between(rng, 0.12, 0.28)
    door = pick(rng, ((92, 70, 54), (70, 88, 104), (150, 152, 154), (46, 74, 58)))
    draw.rectangle((x - 12, top - 12, x + broad + 12, floor), fill=(58, 58, 60))
    draw.rectangle((x, top, x + broad, floor), fill=door)
    for panel in (0.08, 0.54):
        y = top + (floor - top) * panel
        box = (x + broad * 0.15, y, x + broad * 0.85, y + (floor - top) * 0.34)
        draw.rectangle(box, fill=shade(door, 0.85), outline=shade(door, 1.2), width=3)
    knob = (x + broad * 0.9, (top + floor) / 2)
    draw.ellipse((knob[0] - 9, knob[1] - 9, knob[0] + 9, knob[1] + 9), fill=(210, 190, 120))
    draw.text(
        (x + broad * 0.3, top + 6),
        f"{rng.integers(101, 905)}호",
        (240, 236, 220),
        font(broad * 0.16),
    )
    for number in range(int(rng.integers(1, 7))):
        left = width * 0.03 if x > width * 0.35 else x + broad + width * 0.06
        box = (
            left,
            top + number * height * 0.1,
            left + width * 0.14,
            top + number * height * 0.1 + height * 0.08,
        )
        draw.rectangle(box, fill=vary(rng, (172, 174, 172)), outline=(70, 70, 72), width=3)
        draw.line(
            [(box[0] + 10, box[1] + 14), (box[2] - 10, box[1] + 14)], fill=(40, 40, 42), width=4
        )
    for step in range(int(rng.integers(0, 4))):
        y = floor + step * height * 0.05
        draw.rectangle((x - 30 - step * 22, y, x + broad + 30 + step * 22, y + height * 0.05),
                       fill=shade((170, 166, 160), 1 - step * 0.08))  # fmt: skip
    return image
