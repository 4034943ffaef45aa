"""Screens of messenger programs with made-up Korean talk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageColor, ImageDraw, ImageFont

from loaders.forensics.drawing.canvas import (
    FINENESS,
    Colour,
    Drawing,
    between,
    blob,
    colour,
    font,
    gradient,
    like_a_photo,
    shade,
    vary,
)

_SIZES = ((288, 512), (270, 480), (300, 600), (360, 640), (384, 512))
_PLACES = (
    "정문 앞",
    "지하 1층",
    "편의점 옆",
    "공원 입구",
    "3번 출구",
    "놀이터 벤치",
    "주차장",
    "역 광장",
)
_THINGS = ("물건", "그거", "하나", "두 개", "박스", "봉투", "저번 거", "새로 온 거")
_TIMES = ("지금", "이따 8시", "내일 점심", "오늘 밤", "10분 뒤", "퇴근하고", "새벽에", "주말에")
_TALK = (
    "{time} 가능할까요?", "{place}에서 볼게요", "{place} 도착했어요", "{thing} 있어요?",
    "입금 확인했습니다", "사진 보내드릴게요", "얼마예요?", "{n}만원이요", "계좌 알려주세요",
    "{time} {place}로 와주세요", "네", "넵 알겠습니다", "조금 늦을 것 같아요", "어디쯤이세요?",
    "{thing} 놓고 갑니다", "좌표 찍어드릴게요", "확인했어요 감사합니다", "혼자 오세요", "ㅇㅇ",
    "{place} 맞죠?", "비번 {code}", "{thing} 남은 거 있나요", "다른 분이 먼저 예약하셨어요",
    "텔레로 연락주세요", "처음이라 잘 몰라서요", "택배도 되나요?", "직거래만 합니다", "ㅋㅋㅋ",
    "{time}에는 힘들어요", "{n}개까지 돼요", "지난번이랑 같은 가격이요", "도착하면 말씀해주세요",
)  # fmt: skip
_NAMES = (
    "바다",
    "김OO",
    "알 수 없음",
    "형님",
    "익명 12",
    "사장님",
    "구름",
    "박OO",
    "north_7",
    "단골",
)


@dataclass(frozen=True)
class _Theme:
    wall: Colour
    bar: Colour
    mine: Colour
    theirs: Colour
    faint: Colour


_THEMES = tuple(
    _Theme(*(ImageColor.getrgb(code)[:3] for code in codes.split()))
    for codes in (
        "#b2c7d9 #a4bcd0 #fee500 #ffffff #5a6470",
        "#18222d #202c3a #2b5278 #212e3c #8291a0",
        "#ffffff #f7f7f7 #007aff #e5e5ea #8c8c91",
        "#ece5dd #075e54 #dcf8c6 #ffffff #787d78",
        "#121214 #1c1c1e #503c96 #2c2c30 #8c8c96",
        "#e2e9d6 #78966e #cde8b4 #fafcf5 #6e7864",
    )
)


def draw_chat(rng: Generator) -> Drawing:
    """One screen: status bar, name, bubbles on both sides with times, line to write in."""
    base = _SIZES[int(rng.integers(len(_SIZES)))]
    width, height = base[0] * FINENESS, base[1] * FINENESS
    theme = _varied(rng, _THEMES[int(rng.integers(len(_THEMES)))])
    image = Image.new("RGB", (width, height), theme.wall)
    if rng.random() < 0.25:
        image = gradient((width, height), theme.wall, shade(theme.wall, between(rng, 0.75, 1.2)))
    unit = width / between(rng, 21, 27)
    draw = ImageDraw.Draw(image)
    top = _head(rng, draw, theme, width, unit)
    foot = height - 2.6 * unit * float(rng.random() < 0.8)
    _talk(rng, image, draw, theme, (top, foot), unit)
    if foot < height:
        draw.rectangle((0, foot, width, height), fill=theme.bar)
        line = (2.4 * unit, foot + 0.5 * unit, width - 2.6 * unit, height - 0.5 * unit)
        draw.rounded_rectangle(line, unit, fill=theme.theirs)
        hint = str(rng.choice(["메시지 입력", "메시지", "입력하세요"]))
        draw.text((3.2 * unit, foot + 0.75 * unit), hint, theme.faint, font(0.95 * unit))
        draw.text((0.7 * unit, foot + 0.4 * unit), "+", _readable(theme.bar), font(1.6 * unit))
    if rng.random() < 0.15:  # a screen that somebody took a photo of
        return Drawing(like_a_photo(rng, image), ("휴대 전화 화면",))
    return Drawing(image.reduce(FINENESS), ("휴대 전화 화면",))


def _varied(rng: Generator, theme: _Theme) -> _Theme:
    return _Theme(
        vary(rng, theme.wall, 12),
        vary(rng, theme.bar, 10),
        vary(rng, theme.mine, 16),
        vary(rng, theme.theirs, 6),
        vary(rng, theme.faint, 12),
    )


def _head(
    rng: Generator, draw: ImageDraw.ImageDraw, theme: _Theme, width: int, unit: float
) -> float:
    """Clock, battery and the name of the talk; gives where the talk begins."""
    bottom = (4.0 if rng.random() < 0.85 else 1.7) * unit
    draw.rectangle((0, 0, width, bottom), fill=theme.bar)
    ink = _readable(theme.bar)
    clock = f"{rng.integers(24)}:{rng.integers(60):02d}"
    draw.text((0.6 * unit, 0.25 * unit), clock, ink, font(0.85 * unit))
    battery = f"{rng.integers(3, 100)}%"
    draw.text((width - 2.8 * unit, 0.25 * unit), battery, ink, font(0.85 * unit))
    if bottom > 3 * unit:
        name = str(rng.choice(_NAMES))
        if rng.random() < 0.3:
            name += f"  {rng.integers(3, 80)}"
        place = 1.9 * unit if rng.random() < 0.7 else width / 2 - 2 * unit
        draw.text((place, 1.9 * unit), name, ink, font(1.3 * unit, bold=True))
        middle, tip = 2.7 * unit, 0.6 * unit
        draw.line(
            [(1.1 * unit, middle - tip), (0.55 * unit, middle), (1.1 * unit, middle + tip)],
            fill=ink,
            width=round(unit / 8),
        )
        for number in range(int(rng.integers(0, 3))):
            x = width - (1.6 + 1.7 * number) * unit
            draw.ellipse((x, 2.2 * unit, x + 0.9 * unit, 3.1 * unit), outline=ink, width=2)
    return bottom


def _talk(
    rng: Generator,
    image: Image.Image,
    draw: ImageDraw.ImageDraw,
    theme: _Theme,
    limits: tuple[float, float],
    unit: float,
) -> None:
    y = limits[0] + 0.6 * unit
    if rng.random() < 0.6:
        y = _date(rng, draw, theme, image.width, y, unit)
    mine, avatar = bool(rng.random() < 0.5), colour(rng, 60, 210)
    hour, minute = int(rng.integers(24)), int(rng.integers(60))
    letters = font(unit * between(rng, 0.95, 1.15))
    while True:
        if rng.random() < 0.55:
            mine = not mine
        if rng.random() < 0.12:
            content, size = None, (between(rng, 6, 11) * unit, between(rng, 4.5, 8) * unit)
        else:
            content = _sentence(rng)
            lines = _wrapped(content, letters, image.width * 0.58)
            content = "\n".join(lines)
            widest = max(letters.getlength(line) for line in lines)
            size = (widest + 1.2 * unit, len(lines) * 1.35 * unit + 0.7 * unit)
        if y + size[1] > limits[1] - 0.3 * unit:
            return
        left = image.width - size[0] - 0.7 * unit if mine else 2.6 * unit
        box = (left, y, left + size[0], y + size[1])
        if content is None:
            _attachment(rng, image, box, unit)
        else:
            fill = theme.mine if mine else theme.theirs
            draw.rounded_rectangle(box, 0.5 * unit, fill=fill)
            where = (left + 0.6 * unit, y + 0.3 * unit)
            draw.multiline_text(where, content, _readable(fill), letters, spacing=0.3 * unit)
        if not mine:
            draw.ellipse((0.5 * unit, y, 2.2 * unit, y + 1.7 * unit), fill=avatar)
        minute += int(rng.integers(0, 4))
        stamp = f"{'오전' if hour < 12 else '오후'} {hour % 12 or 12}:{minute % 60:02d}"
        small = font(0.62 * unit)
        x = left - small.getlength(stamp) - 0.3 * unit if mine else box[2] + 0.3 * unit
        draw.text((x, box[3] - 0.9 * unit), stamp, theme.faint, small)
        y = box[3] + between(rng, 0.35, 1.0) * unit


def _date(
    rng: Generator, draw: ImageDraw.ImageDraw, theme: _Theme, width: int, y: float, unit: float
) -> float:
    day = f"20{rng.integers(20, 27)}년 {rng.integers(1, 13)}월 {rng.integers(1, 29)}일"
    letters = font(0.75 * unit)
    half = letters.getlength(day) / 2
    plate = (width / 2 - half - unit, y, width / 2 + half + unit, y + 1.3 * unit)
    draw.rounded_rectangle(plate, 0.65 * unit, fill=shade(theme.wall, 0.88))
    draw.text((width / 2 - half, y + 0.2 * unit), day, _readable(theme.wall), letters)
    return y + 2 * unit


def _sentence(rng: Generator) -> str:
    words = {
        "place": str(rng.choice(_PLACES)),
        "thing": str(rng.choice(_THINGS)),
        "time": str(rng.choice(_TIMES)),
        "n": int(rng.integers(1, 90)),
        "code": int(rng.integers(1000, 9999)),
    }
    count = int(rng.choice([1, 1, 1, 2, 3]))
    return " ".join(str(rng.choice(_TALK)).format(**words) for _ in range(count))


def _wrapped(text: str, letters: ImageFont.FreeTypeFont, room: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if letters.getlength(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _attachment(
    rng: Generator, image: Image.Image, box: tuple[float, float, float, float], unit: float
) -> None:
    """A picture that was sent: a map, or something out of focus."""
    left, top, right, bottom = (round(side) for side in box)
    size = (right - left, bottom - top)
    sent = gradient(size, colour(rng, 90, 230), colour(rng, 40, 200))
    draw = ImageDraw.Draw(sent)
    if rng.random() < 0.5:
        draw.rectangle((0, 0, *size), fill=(232, 230, 222))
        for _ in range(7):
            ends = rng.uniform(-0.2, 1.2, 4) * np.array([*size, *size])
            draw.line(
                [tuple(ends[:2]), tuple(ends[2:])], fill=(255, 255, 255), width=round(unit / 2)
            )
        x, y = size[0] / 2, size[1] / 2
        draw.ellipse((x - unit / 2, y - unit, x + unit / 2, y), fill=(220, 40, 40))
        tip = [(x - unit / 2.4, y - unit / 3), (x + unit / 2.4, y - unit / 3), (x, y + unit / 2)]
        draw.polygon(tip, fill=(220, 40, 40))
    else:
        for _ in range(6):
            centre = tuple(rng.uniform(0, 1, 2) * np.array(size))
            radius = tuple(rng.uniform(0.1, 0.4, 2) * np.array(size))
            draw.polygon(blob(rng, centre, radius), fill=colour(rng, 30, 235))
    image.paste(sent, (left, top))


def _readable(ground: Colour) -> Colour:
    """Black or white, whichever stands out."""
    light = 0.3 * ground[0] + 0.6 * ground[1] + 0.1 * ground[2]
    return (20, 20, 22) if light > 135 else (240, 240, 242)
