"""Pictures that any phone is full of: food, plants, landscapes, desks, pages, pets."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from loaders.forensics.drawing.canvas import (
    FINENESS,
    Colour,
    Drawing,
    Point,
    between,
    blob,
    cast_shadow,
    clouds,
    colour,
    font,
    gradient,
    like_a_photo,
    pick,
    rectangle,
    shade,
    surface,
    turned,
    vary,
)

_SIZES = ((512, 384), (480, 360), (384, 512), (400, 400), (512, 340))
_FRUIT: tuple[Colour, ...] = (
    (206, 52, 44),
    (240, 160, 40),
    (236, 208, 60),
    (120, 170, 60),
    (120, 50, 90),
)
_WORDS = (
    *("오늘", "회의", "자료", "계획", "여행", "준비", "가족", "저녁", "날씨", "운동", "도서관"),
    *("강의", "점심", "산책", "음악", "공연", "주말", "사진", "기록", "목표", "정리", "연습"),
)


def draw_unrelated(rng: Generator) -> Drawing:
    """One photo-like picture of something harmless."""
    base = _SIZES[int(rng.integers(len(_SIZES)))]
    size = (base[0] * FINENESS, base[1] * FINENESS)
    kinds = (
        ("음식", _meal),
        ("과일", _fruit),
        ("풍경", _landscape),
        ("풍경", _landscape),
        ("꽃", _flowers),
        ("책상", _desk),
        ("문서", _page),
        ("고양이", _cat),
        ("사탕", _sweets),
    )
    name, draw = kinds[int(rng.integers(len(kinds)))]
    return Drawing(like_a_photo(rng, draw(rng, size)), (name,))


def _disc(
    image: Image.Image, centre: Point, radius: float, paint: Colour, shadow: bool = True
) -> None:
    x, y = centre
    outline = [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in np.linspace(0, 6.28, 60)]
    if shadow:
        cast_shadow(image, outline, radius * 0.05)
    ImageDraw.Draw(image).polygon(outline, fill=paint)


def _meal(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """Bowls and side dishes from above, with a spoon and chopsticks."""
    image = surface(rng, size)
    width, height = size
    unit = min(size)
    spots = [
        (0.3, 0.62, 0.22),
        (0.7, 0.6, 0.24),
        (0.25, 0.22, 0.13),
        (0.52, 0.2, 0.13),
        (0.8, 0.2, 0.13),
    ]
    foods: tuple[Colour, ...] = (
        (250, 248, 240),
        (190, 60, 30),
        (110, 140, 60),
        (220, 170, 90),
        (140, 90, 50),
    )
    china = pick(rng, ((246, 246, 244), (80, 84, 92), (224, 214, 196), (150, 180, 190)))
    for x, y, share in spots[: int(rng.integers(2, 6))]:
        centre = (
            width * (x + float(rng.normal(0, 0.02))),
            height * (y + float(rng.normal(0, 0.02))),
        )
        radius = unit * share
        _disc(image, centre, radius, china)
        _disc(image, centre, radius * 0.86, shade(china, 0.85), shadow=False)
        food = pick(rng, foods)
        draw = ImageDraw.Draw(image)
        draw.polygon(blob(rng, centre, (radius * 0.76, radius * 0.76), 0.08), fill=food)
        for _ in range(int(rng.integers(12, 60))):
            spot = (
                centre[0] + float(rng.normal(0, radius * 0.3)),
                centre[1] + float(rng.normal(0, radius * 0.3)),
            )
            bit = radius * between(rng, 0.04, 0.16)
            topping = vary(rng, food, 60) if rng.random() < 0.7 else pick(rng, foods)
            draw.polygon(blob(rng, spot, (bit, bit * 0.6), 0.5), fill=topping)
    draw = ImageDraw.Draw(image)
    metal = (200, 202, 206)
    for offset in (0.0, 0.025):
        box = (width * (0.93 + offset), height * 0.3, width * (0.94 + offset), height * 0.9)
        draw.rectangle(box, fill=metal)
    return image


def _fruit(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A few large fruits with stalks and leaves."""
    image = surface(rng, size)
    unit = min(size)
    paint = pick(rng, _FRUIT)
    for _ in range(int(rng.integers(2, 7))):
        centre = (size[0] * between(rng, 0.2, 0.8), size[1] * between(rng, 0.25, 0.75))
        radius = unit * between(rng, 0.14, 0.22)
        skin = vary(rng, paint, 25)
        outline = blob(rng, centre, (radius, radius * between(rng, 0.85, 1.05)), 0.06)
        cast_shadow(image, outline, radius * 0.12)
        draw = ImageDraw.Draw(image)
        for share in (1.0, 0.85, 0.65, 0.4):
            light = 1.25 - 0.4 * share
            towards = (centre[0] - radius * 0.25, centre[1] - radius * 0.3)
            part = [
                (towards[0] + (x - towards[0]) * share, towards[1] + (y - towards[1]) * share)
                for x, y in outline
            ]
            draw.polygon(part, fill=shade(skin, light))
        x, y = centre
        draw.line(
            [(x, y - radius * 0.6), (x + radius * 0.15, y - radius * 1.15)],
            fill=(84, 60, 40),
            width=9,
        )
        leaf = blob(rng, (x + radius * 0.45, y - radius * 1.0), (radius * 0.32, radius * 0.14), 0.1)
        draw.polygon(turned(leaf, (x, y - radius), -0.4), fill=vary(rng, (84, 140, 60)))
    return image


def _landscape(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """Mountains, the sea or fields under a sky, nothing built."""
    width, height = size
    skies: tuple[tuple[Colour, Colour], ...] = (
        ((90, 150, 220), (214, 232, 244)),
        ((240, 130, 80), (252, 220, 150)),
        ((150, 130, 190), (240, 190, 180)),
    )
    top, bottom = skies[int(rng.integers(len(skies)))]
    image = gradient(size, vary(rng, top), vary(rng, bottom))
    white = np.clip(clouds(rng, size, 200), 0, 1)[:, :, None] * between(rng, 0, 110)
    image = Image.fromarray(np.clip(np.asarray(image) + white, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.6:
        sun = (width * between(rng, 0.15, 0.85), height * between(rng, 0.1, 0.35))
        _disc(image, sun, width * 0.04, (255, 246, 214), shadow=False)
    far = pick(rng, ((120, 140, 170), (110, 130, 120), (150, 120, 130)))
    horizon = height * between(rng, 0.45, 0.65)
    for layer in range(int(rng.integers(1, 4))):
        waves = clouds(rng, (width, 4), width // 6)[0] * height * 0.16 * (1 - 0.2 * layer)
        line = [
            (x, horizon - height * 0.14 + layer * height * 0.06 + float(waves[x]))
            for x in range(0, width, 4)
        ]
        draw.polygon([*line, (width, height), (0, height)], fill=shade(far, 1 - 0.22 * layer))
    near = pick(rng, ((60, 110, 150), (110, 150, 70), (196, 170, 90), (224, 206, 166)))
    pixels = (
        np.asarray(near)[None, None, :]
        + clouds(rng, (width, height - round(horizon)), 30)[:, :, None] * 20
    )
    stripes = clouds(rng, (4, height - round(horizon)), 7)[:, :1, None] * 14
    lower = np.clip(pixels + stripes, 0, 255).astype(np.uint8)
    image.paste(Image.fromarray(lower), (0, round(horizon)))
    return image


def _flowers(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """Blossoms on stalks before something green."""
    width, height = size
    ground = pick(rng, ((70, 110, 60), (130, 160, 110), (170, 200, 220), (60, 70, 60)))
    noise = clouds(rng, size, 70)[:, :, None] * 30
    image = Image.fromarray(
        np.clip(np.asarray(ground)[None, None, :] + noise, 0, 255).astype(np.uint8)
    )
    petal = pick(
        rng, ((230, 90, 120), (250, 210, 70), (240, 240, 246), (150, 100, 200), (240, 130, 60))
    )
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(3, 10))):
        x, y = width * between(rng, 0.1, 0.9), height * between(rng, 0.15, 0.7)
        radius = min(size) * between(rng, 0.06, 0.16)
        foot = (x + float(rng.normal(0, 40)), float(height))
        draw.line([(x, y), foot], fill=vary(rng, (70, 120, 50)), width=10)
        petals = int(rng.integers(5, 9))
        start = between(rng, 0, 2)
        for number in range(petals):
            angle = start + number * 2 * np.pi / petals
            centre = (
                x + radius * 0.75 * float(np.cos(angle)),
                y + radius * 0.75 * float(np.sin(angle)),
            )
            outline = turned(blob(rng, centre, (radius * 0.62, radius * 0.36), 0.08), centre, angle)
            draw.polygon(outline, fill=vary(rng, petal, 14), outline=shade(petal, 0.8))
        draw.ellipse(
            (x - radius * 0.3, y - radius * 0.3, x + radius * 0.3, y + radius * 0.3),
            fill=(226, 170, 50),
        )
    return image


def _desk(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A keyboard, a cup, a book and a pen."""
    image = surface(rng, size)
    width, height = size
    x, y, wide = (
        width * 0.1,
        height * between(rng, 0.1, 0.3),
        width * between(rng, 0.55, 0.8),
    )
    tall = wide * 0.34
    case = pick(rng, ((230, 230, 232), (44, 46, 50)))
    board = rectangle((x, y, x + wide, y + tall))
    cast_shadow(image, board, 12)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((x, y, x + wide, y + tall), 16, fill=case)
    for row in range(4):
        for column in range(13):
            left, top = x + wide * (0.03 + column * 0.0725), y + tall * (0.08 + row * 0.225)
            draw.rounded_rectangle(
                (left, top, left + wide * 0.06, top + tall * 0.18), 6, fill=shade(case, 0.82)
            )
    cup = (width * between(rng, 0.75, 0.88), height * between(rng, 0.6, 0.8))
    radius = min(size) * 0.15
    paint = colour(rng, 60, 240)
    _disc(image, cup, radius, paint)
    _disc(image, cup, radius * 0.84, (70, 44, 28), shadow=False)
    book = (width * 0.12, height * 0.6, width * 0.55, height * 0.95)
    outline = rectangle(book, float(rng.normal(0, 0.12)))
    cast_shadow(image, outline, 14)
    cover = colour(rng, 50, 220)
    draw = ImageDraw.Draw(image)
    draw.polygon(outline, fill=cover)
    title = str(rng.choice(["수학의 기초", "여행 노트", "한국사", "요리 100", "소설집", "DIARY"]))
    draw.text((book[0] + 40, book[1] + 40), title, (250, 250, 245), font(height * 0.06, bold=True))
    pen = rectangle(
        (width * 0.5, height * 0.52, width * 0.78, height * 0.535), between(rng, -0.6, 0.6)
    )
    draw.polygon(pen, fill=colour(rng, 20, 200))
    return image


def _page(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A printed page, a notice or a list: text, but nobody talks to anybody."""
    width, height = size
    image = surface(rng, size) if rng.random() < 0.6 else Image.new("RGB", size, (250, 250, 250))
    left, right = width * between(rng, 0.04, 0.16), width * between(rng, 0.84, 0.96)
    paper = rectangle((left, -10, right, height + 10), float(rng.normal(0, 0.02)))
    cast_shadow(image, paper, 12)
    draw = ImageDraw.Draw(image)
    draw.polygon(paper, fill=vary(rng, (246, 244, 238), 8))
    unit = (right - left) / between(rng, 22, 34)
    inner = left + 2.2 * unit
    draw.text((inner, unit * 1.4), _phrase(rng, 2, 4), (30, 30, 34), font(unit * 1.9, bold=True))
    y = unit * 4.6
    if rng.random() < 0.4:
        draw.rectangle((inner, y, right - 2.2 * unit, y + unit * 8), fill=colour(rng, 120, 220))
        y += 9 * unit
    listed = rng.random() < 0.4
    while y < height - unit:
        if listed:
            draw.rectangle(
                (inner, y + 0.2 * unit, inner + 0.8 * unit, y + unit), outline=(80, 80, 84), width=3
            )
        start = inner + (1.6 * unit if listed else 0)
        letters = font(unit)
        line = _phrase(rng, 3, 9)
        while letters.getlength(line) > right - 2 * unit - start:
            line = line[:-1]
        draw.text((start, y), line, (52, 52, 58), letters)
        y += unit * (2.2 if listed or rng.random() < 0.15 else 1.55)
    return image


def _phrase(rng: Generator, least: int, most: int) -> str:
    return " ".join(str(word) for word in rng.choice(_WORDS, int(rng.integers(least, most + 1))))


def _cat(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """The face of a cat before a wall."""
    wall = colour(rng, 110, 235)
    image = gradient(size, wall, shade(wall, 0.75))
    x, y = size[0] * between(rng, 0.35, 0.65), size[1] * between(rng, 0.5, 0.62)
    radius = min(size) * between(rng, 0.24, 0.34)
    fur = pick(
        rng, ((214, 150, 80), (110, 108, 110), (240, 236, 228), (60, 54, 52), (170, 140, 110))
    )
    body = blob(rng, (x, y + radius * 1.9), (radius * 1.2, radius * 1.6), 0.05)
    draw = ImageDraw.Draw(image)
    draw.polygon(body, fill=shade(fur, 0.9))
    for side in (-1, 1):
        ear = [
            (x + side * radius * 0.9, y - radius * 0.4),
            (x + side * radius * 0.75, y - radius * 1.45),
        ]
        ear.append((x + side * radius * 0.15, y - radius * 0.8))
        draw.polygon(ear, fill=fur)
        inner = [
            (x + side * radius * 0.78, y - radius * 0.6),
            (x + side * radius * 0.7, y - radius * 1.2),
        ]
        inner.append((x + side * radius * 0.35, y - radius * 0.8))
        draw.polygon(inner, fill=(226, 160, 160))
    draw.polygon(blob(rng, (x, y), (radius, radius * 0.88), 0.03), fill=fur)
    for stripe in (-0.3, 0.0, 0.3):
        top = (x + stripe * radius, y - radius * 0.8)
        draw.line(
            [top, (x + stripe * radius * 0.7, y - radius * 0.45)], fill=shade(fur, 0.7), width=14
        )
    eye = pick(rng, ((110, 170, 80), (220, 180, 60), (90, 150, 200)))
    for side in (-1, 1):
        ex, ey, half = x + side * radius * 0.42, y - radius * 0.1, radius * 0.19
        draw.ellipse((ex - half, ey - half, ex + half, ey + half), fill=eye)
        draw.ellipse(
            (ex - half * 0.35, ey - half * 0.9, ex + half * 0.35, ey + half * 0.9),
            fill=(16, 16, 16),
        )
        for whisker in (-0.08, 0.08, 0.22):
            tip = (x + side * radius * 1.35, y + radius * (0.2 + whisker * 2))
            draw.line(
                [(x + side * radius * 0.3, y + radius * 0.32), tip], fill=(238, 238, 238), width=3
            )
    nose, broad = y + radius * 0.2, radius * 0.1
    tip = (x, y + radius * 0.34)
    draw.polygon([(x - broad, nose), (x + broad, nose), tip], fill=(206, 120, 120))
    return image


def _sweets(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A bowl of wrapped sweets: many small bright things, but none of them a pill."""
    image = surface(rng, size)
    centre = (size[0] * between(rng, 0.45, 0.55), size[1] * between(rng, 0.45, 0.55))
    radius = min(size) * between(rng, 0.34, 0.44)
    bowl = pick(rng, ((240, 240, 238), (130, 170, 190), (180, 120, 80)))
    _disc(image, centre, radius, bowl)
    _disc(image, centre, radius * 0.9, shade(bowl, 0.8), shadow=False)
    for _ in range(int(rng.integers(14, 30))):
        reach, angle = (
            radius * 0.72 * float(np.sqrt(rng.random())),
            between(rng, 0, 2 * np.pi),
        )
        spot = (centre[0] + reach * float(np.cos(angle)), centre[1] + reach * float(np.sin(angle)))
        half, lean, paint = radius * 0.13, between(rng, 0, 3.1), colour(rng, 40, 250)
        x, y = spot
        for side in (-1, 1):
            wing = [
                (x + side * half * 0.7, y),
                (x + side * half * 2, y - half * 0.7),
                (x + side * half * 2, y + half * 0.7),
            ]
            ImageDraw.Draw(image).polygon(turned(wing, spot, lean), fill=shade(paint, 1.2))
        sweet = turned(blob(rng, spot, (half, half * 0.75), 0.05), spot, lean)
        cast_shadow(image, sweet, half * 0.15, 60)
        draw = ImageDraw.Draw(image)
        draw.polygon(sweet, fill=paint)
        band = turned(
            [(x - half * 0.3, y - half * 0.7), (x - half * 0.3, y + half * 0.7)], spot, lean
        )
        draw.line(band, fill=(250, 250, 250), width=6)
    return image
