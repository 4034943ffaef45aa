"""Stand-ins for seized goods, as lab photos show them: pills, powder, crystals, packets."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter

from loaders.forensics.drawing.canvas import (
    FINENESS,
    Colour,
    Drawing,
    Point,
    between,
    blob,
    cast_shadow,
    colour,
    font,
    like_a_photo,
    pick,
    rectangle,
    shade,
    surface,
    turned,
    vary,
)

_SIZES = ((512, 384), (480, 360), (384, 512), (400, 400))
_PILLS: tuple[Colour, ...] = (
    (244, 242, 236), (236, 200, 206), (202, 220, 240), (244, 232, 180), (196, 226, 196),
    (226, 150, 90), (184, 160, 214),
)  # fmt: skip
_POWDERS: tuple[Colour, ...] = ((246, 245, 240), (236, 228, 210), (206, 178, 140), (226, 226, 230))
_CRYSTALS: tuple[Colour, ...] = ((226, 238, 246), (240, 244, 250), (196, 220, 240))


def draw_substance(rng: Generator) -> Drawing:
    """One or two arrangements on a surface, seen from above."""
    base = _SIZES[int(rng.integers(len(_SIZES)))]
    size = (base[0] * FINENESS, base[1] * FINENESS)
    image = surface(rng, size)
    kinds = (
        ("알약", _pills),
        ("알약", _pills),
        ("가루", _powder),
        ("가루", _powder),
        ("봉지", _bag),
        ("봉지", _bag),
        ("약 포장", _blister),
        ("결정", _crystals),
    )
    shown = []
    count = 1 if rng.random() < 0.55 else 2
    for place in _places(rng, size, count):
        name, draw = kinds[int(rng.integers(len(kinds)))]
        draw(rng, image, place, min(size) / (2.2 + 0.9 * count))
        shown.append(name)
    if rng.random() < 0.3:
        _ruler(rng, image)
    if rng.random() < 0.25:
        _number_card(rng, image)
    return Drawing(like_a_photo(rng, image), tuple(sorted(set(shown))))


def _places(rng: Generator, size: tuple[int, int], count: int) -> list[Point]:
    width, height = size
    middle = (width * between(rng, 0.42, 0.58), height * between(rng, 0.42, 0.58))
    if count == 1:
        return [middle]
    if width >= height:
        return [(middle[0] * 0.52, middle[1]), (middle[0] * 1.48, middle[1])]
    return [(middle[0], middle[1] * 0.52), (middle[0], middle[1] * 1.48)]


def _pills(rng: Generator, image: Image.Image, place: Point, reach: float) -> None:
    """Tablets or capsules of one kind, scattered or heaped, none on top of its shadow."""
    capsule = rng.random() < 0.35
    first, second = pick(rng, _PILLS), pick(rng, _PILLS)
    radius = reach * between(rng, 0.1, 0.2)
    spread = reach * between(rng, 0.45, 0.85)
    for _ in range(int(rng.integers(6, 34))):
        x, y = place[0] + rng.normal(0, spread * 0.6), place[1] + rng.normal(0, spread * 0.6)
        if capsule:
            _capsule(rng, image, (float(x), float(y)), radius, (first, second))
        else:
            _tablet(rng, image, (float(x), float(y)), radius, first)


def _tablet(rng: Generator, image: Image.Image, place: Point, radius: float, paint: Colour) -> None:
    x, y = place
    outline = blob(rng, place, (radius, radius), 0.0)
    cast_shadow(image, outline, radius * 0.18)
    draw = ImageDraw.Draw(image)
    draw.polygon(outline, fill=shade(paint, 0.86))
    inner = radius * 0.86
    draw.ellipse((x - inner, y - inner, x + inner, y + inner), fill=paint)
    angle = between(rng, 0, np.pi)
    ends = turned([(x - inner * 0.8, y), (x + inner * 0.8, y)], place, angle)
    draw.line(ends, fill=shade(paint, 0.78), width=max(2, round(radius / 9)))
    shine = radius * 0.3
    draw.ellipse(
        (x - shine * 1.6, y - shine * 1.6, x - shine * 0.6, y - shine * 0.9),
        fill=shade(paint, 1.1),
    )


def _capsule(
    rng: Generator,
    image: Image.Image,
    place: Point,
    radius: float,
    paints: tuple[Colour, Colour],
) -> None:
    long, thick = radius * 1.7, radius * 0.68
    angle = between(rng, 0, 2 * np.pi)
    x, y = place
    arc = np.linspace(-np.pi / 2, np.pi / 2, 14)
    right = [(x + long - thick + thick * np.cos(a), y + thick * np.sin(a)) for a in arc]
    left = [(x - long + thick - thick * np.cos(a), y - thick * np.sin(a)) for a in arc]
    outline = turned(right + left, place, angle)
    cast_shadow(image, outline, radius * 0.16)
    draw = ImageDraw.Draw(image)
    draw.polygon(outline, fill=paints[0])
    half = turned([(x, y + thick), (x, y - thick), *right], place, angle)
    draw.polygon(half, fill=paints[1])
    gleam = rectangle((x - long * 0.7, y - thick * 0.55, x + long * 0.7, y - thick * 0.3))
    draw.polygon(turned(gleam, place, angle), fill=shade(paints[0], 1.15))


def _powder(rng: Generator, image: Image.Image, place: Point, reach: float) -> None:
    """A heap of grains, sometimes drawn out, sometimes on foil."""
    if rng.random() < 0.4:
        foil = rectangle(
            (place[0] - reach, place[1] - reach * 0.8, place[0] + reach, place[1] + reach * 0.8),
            float(rng.normal(0, 0.3)),
        )
        cast_shadow(image, foil, reach * 0.03)
        ImageDraw.Draw(image).polygon(foil, fill=pick(rng, ((196, 200, 206), (238, 236, 230))))
    paint = pick(rng, _POWDERS)
    radius = (reach * between(rng, 0.35, 0.8), reach * between(rng, 0.25, 0.6))
    outline = blob(rng, place, radius, 0.35)
    cast_shadow(image, outline, reach * 0.04, 110)
    draw = ImageDraw.Draw(image)
    draw.polygon(outline, fill=shade(paint, 0.92))
    heights = ((1.0, 0.93), (0.72, 0.98), (0.45, 1.03))
    for share, light in heights:
        inner = [
            (place[0] + (x - place[0]) * share - radius[0] * 0.06 * (1 - share),
             place[1] + (y - place[1]) * share - radius[1] * 0.12 * (1 - share))
            for x, y in outline
        ]  # fmt: skip
        draw.polygon(inner, fill=shade(paint, light))
    grains = rng.normal(0, 1, (1500, 2)) * np.asarray(radius) * 0.55 + np.asarray(place)
    sizes = rng.uniform(0.8, 3.2, len(grains))
    lights = rng.uniform(0.8, 1.12, len(grains))
    for (x, y), size, light in zip(grains.tolist(), sizes.tolist(), lights.tolist(), strict=True):
        draw.ellipse((x - size, y - size, x + size, y + size), fill=shade(paint, light))


def _crystals(rng: Generator, image: Image.Image, place: Point, reach: float) -> None:
    """Splinters of something clear."""
    paint = pick(rng, _CRYSTALS)
    for _ in range(int(rng.integers(25, 70))):
        x, y = (float(value) for value in rng.normal(place, reach * 0.32))
        long, thick = reach * between(rng, 0.05, 0.2), reach * between(rng, 0.02, 0.06)
        points = [(x - long, y), (x - long * 0.4, y - thick), (x + long * 0.7, y - thick)]
        points += [(x + long, y + thick * 0.2), (x - long * 0.2, y + thick)]
        shard = turned(points, (x, y), between(rng, 0, 2 * np.pi))
        cast_shadow(image, shard, thick * 0.35, 60)
        draw = ImageDraw.Draw(image)
        draw.polygon(shard, fill=shade(paint, between(rng, 0.82, 1.05)))
        draw.line([shard[1], shard[3]], fill=(250, 252, 255), width=2)


def _bag(rng: Generator, image: Image.Image, place: Point, reach: float) -> None:
    """A press-seal bag with powder, pills or crystals in it."""
    wide, tall = reach * between(rng, 0.7, 0.95), reach * between(rng, 0.85, 1.1)
    x, y = place
    angle = float(rng.normal(0, 0.25))
    outline = rectangle((x - wide, y - tall, x + wide, y + tall), angle)
    cast_shadow(image, outline, reach * 0.035, 70)
    inside = (_powder, _pills, _crystals)[int(rng.integers(3))]
    inside(rng, image, (x, y + tall * 0.25), min(wide, tall) * 0.75)
    film = Image.new("L", image.size)
    film_draw = ImageDraw.Draw(film)
    film_draw.polygon(outline, fill=60)
    for _ in range(int(rng.integers(3, 8))):
        start = (x + between(rng, -wide, wide), y + between(rng, -tall, tall))
        gleam = blob(rng, start, (wide * 0.12, tall * between(rng, 0.1, 0.5)), 0.6)
        film_draw.polygon(turned(gleam, place, angle), fill=int(rng.integers(90, 170)))
    white = Image.new("RGB", image.size, (246, 248, 252))
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    blurred = film.filter(ImageFilter.GaussianBlur(reach * 0.02))
    image.paste(white, (0, 0), Image.composite(blurred, Image.new("L", image.size), mask))
    draw = ImageDraw.Draw(image)
    draw.line([*outline, outline[0]], fill=(206, 210, 216), width=4)
    zip_colour = pick(rng, ((210, 60, 60), (60, 110, 190), (230, 232, 236)))
    for level in (0.86, 0.93):
        ends = [(x - wide, y - tall * level), (x + wide, y - tall * level)]
        draw.line(turned(ends, place, angle), fill=zip_colour, width=max(4, round(reach * 0.02)))


def _blister(rng: Generator, image: Image.Image, place: Point, reach: float) -> None:
    """A blister pack; some of its pockets are empty."""
    columns, rows = int(rng.integers(3, 6)), 2
    cell = reach * 1.7 / columns
    wide, tall = columns * cell / 2 + cell * 0.15, rows * cell / 2 + cell * 0.15
    x, y = place
    angle = between(rng, -0.6, 0.6)
    card = rectangle((x - wide, y - tall, x + wide, y + tall), angle)
    cast_shadow(image, card, reach * 0.03)
    foil = pick(rng, ((196, 200, 204), (212, 196, 150), (226, 228, 230)))
    draw = ImageDraw.Draw(image)
    draw.polygon(card, fill=foil)
    paint = pick(rng, _PILLS)
    for column in range(columns):
        for row in range(rows):
            spot = (x - wide + cell * (column + 0.65), y - tall + cell * (row + 0.65))
            (centre,) = turned([spot], place, angle)
            pocket = blob(rng, centre, (cell * 0.34, cell * 0.34), 0.0)
            draw.polygon(pocket, fill=shade(foil, 0.86))
            if rng.random() < 0.82:
                _tablet(rng, image, centre, cell * 0.27, paint)
            else:
                torn = blob(rng, centre, (cell * 0.22, cell * 0.2), 0.5)
                draw.polygon(torn, fill=(70, 66, 62))


def _ruler(rng: Generator, image: Image.Image) -> None:
    """A scale along one edge, as photographs of exhibits have it."""
    width, height = image.size
    y = height * float(rng.choice([0.03, 0.87]))
    tall = height * 0.1
    draw = ImageDraw.Draw(image)
    draw.rectangle((width * 0.08, y, width * 0.92, y + tall), fill=vary(rng, (240, 238, 226), 8))
    step = width * 0.84 / 60
    for mark in range(61):
        x = width * 0.08 + mark * step
        long = tall * (0.5 if mark % 10 == 0 else 0.32 if mark % 5 == 0 else 0.2)
        draw.line([(x, y), (x, y + long)], fill=(30, 30, 30), width=2)
        if mark % 10 == 0 and mark < 60:
            draw.text((x + 4, y + tall * 0.45), str(mark // 10), (30, 30, 30), font(tall * 0.42))


def _number_card(rng: Generator, image: Image.Image) -> None:
    """The card that numbers an exhibit."""
    width, height = image.size
    side = height * 0.14
    x, y = width * float(rng.choice([0.04, 0.82])), height * float(rng.choice([0.16, 0.68]))
    card = rectangle((x, y, x + side, y + side), float(rng.normal(0, 0.1)))
    cast_shadow(image, card, side * 0.06)
    draw = ImageDraw.Draw(image)
    draw.polygon(card, fill=(246, 206, 40) if rng.random() < 0.7 else colour(rng, 200, 250))
    number = str(rng.integers(1, 30))
    draw.text((x + side * 0.25, y + side * 0.15), number, (20, 20, 20), font(side * 0.6, bold=True))
