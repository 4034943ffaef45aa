"""The sheet that reports the results of a check-up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator

from loaders.medical_ocr.synthesis.checkup import NORMAL, Checkup
from loaders.medical_ocr.synthesis.marks import draw_seal, draw_signature
from loaders.medical_ocr.synthesis.page import Align, Cell, Colour, Page

_COLUMNS = {
    "구분": 0.13, "검사항목": 0.28, "결과": 0.17, "단위": 0.13, "참고치": 0.15, "판정": 0.14,
}  # fmt: skip
_COLUMN_ORDERS = (
    ("구분", "검사항목", "결과", "단위", "참고치", "판정"),
    ("구분", "검사항목", "참고치", "단위", "결과", "판정"),
    ("구분", "검사항목", "판정", "결과", "단위", "참고치"),
)
"""Shares of the width, and the orders in which laboratories print them."""

_TINTS: tuple[Colour, ...] = ((225, 234, 246), (228, 242, 230), (240, 240, 240), (246, 236, 222))


def draw_checkup(page: Page, rng: Generator, document: Checkup) -> None:
    """Patient, table of results, overall judgement and the doctor who made it."""
    x = float(rng.uniform(14, 19))
    w = page.width - 2 * x
    y = float(rng.uniform(12, 18))
    tint = _TINTS[int(rng.integers(len(_TINTS)))]
    title = ("일반건강검진 결과통보서", "건강검진 결과지", "건강검진 결과통보서")[
        int(rng.integers(3))
    ]
    banner = rng.random() < 0.4
    if banner:
        page.shade(Cell(x, y, w, 13), tint)
    page.label(title, Cell(x, y, w, 13), float(rng.uniform(16, 20)), bold=True)
    y = _draw_patient(page, rng, document, x, y + 16, w, tint)
    y = _draw_results(page, rng, document, x, y + 4, w, tint)
    _draw_verdict(page, rng, document, x, y + 4, w, tint)


def _draw_patient(
    page: Page, rng: Generator, document: Checkup, x: float, y: float, w: float, tint: Colour
) -> float:
    number = document.patient.resident_number
    if rng.random() < 0.5:
        number = number[:8] + "******"
    dotted = rng.random() < 0.3
    day = f"{document.day:%Y.%m.%d}" if dotted else document.day.isoformat()
    half, label, height = w / 2, 26.0, 8.0
    rows = (
        (
            ("성명", "patient.name", document.patient.name),
            ("주민등록번호", "patient.resident_number", number),
        ),
        (("검진일", "exam.date", day), ("검진기관", "hospital.name", document.hospital.name)),
    )
    for row in rows:
        for place, (title, name, text) in enumerate(row):
            left = x + place * half
            page.shade(Cell(left, y, label, height), tint)
            page.label(title, Cell(left, y, label, height), 9, framed=True)
            room = Cell(left + label, y, half - label, height)
            page.frame(room)
            page.value(name, text, room, 10, "left")
        y += height
    page.frame(Cell(x, y - 2 * height, w, 2 * height), page.style.rule_weight * 1.8)
    return y


def _draw_results(
    page: Page, rng: Generator, document: Checkup, x: float, y: float, w: float, tint: Colour
) -> float:
    order = _COLUMN_ORDERS[int(rng.integers(len(_COLUMN_ORDERS)))]
    shares = np.array([_COLUMNS[title] for title in order]) + rng.uniform(-0.01, 0.01, len(order))
    edges = [x, *(x + w * np.cumsum(shares / shares.sum())).tolist()]
    columns = {
        title: Cell(a, y, b - a, 8.5) for title, (a, b) in zip(order, pairwise(edges), strict=True)
    }
    for title, cell in columns.items():
        page.shade(cell, tint)
        page.label(title, cell, 9, bold=True, framed=True)
    top = y
    y += 8.5
    pitch = float(rng.uniform(6.6, 7.6))
    marks_bad = rng.random() < 0.5
    name_align: Align = "left" if rng.random() < 0.7 else "centre"
    groups: dict[str, list[float]] = {}
    for number, result in enumerate(document.results):
        groups.setdefault(result.group, [y, y])[1] = y + pitch
        cells = {title: Cell(cell.x, y, cell.w, pitch) for title, cell in columns.items()}
        page.value(
            "test.name", result.name, cells["검사항목"], 9, name_align, number, preprinted=True
        )
        abnormal = result.judgement != NORMAL
        page.value(
            "test.result", result.value, cells["결과"], 9.5, "centre", number,
            bold=True if abnormal and marks_bad else None,
        )  # fmt: skip
        if result.unit:
            page.value(
                "test.unit", result.unit, cells["단위"], 8, "centre", number, preprinted=True
            )
        page.label(result.reference, cells["참고치"], 8)
        if result.reference != "-":
            page.value("test.judgement", result.judgement, cells["판정"], 8.5, "centre", number)
        y += pitch
        page.rule(edges[1], y, x + w, y, page.style.rule_weight * 0.7)
    for name, (start, end) in groups.items():
        page.label(name, Cell(x, start, edges[1] - x, end - start), 8.5)
        page.rule(x, end, x + w, end)
    for edge in edges[1:-1]:
        page.rule(edge, top, edge, y)
    page.frame(Cell(x, top, w, y - top), page.style.rule_weight * 1.8)
    return y


def _draw_verdict(
    page: Page, rng: Generator, document: Checkup, x: float, y: float, w: float, tint: Colour
) -> None:
    for title, name, text, height in (
        ("종합판정", "overall.judgement", document.overall, 9.0),
        ("의사소견", "overall.advice", document.advice, 14.0),
    ):
        page.shade(Cell(x, y, 26, height), tint)
        page.label(title, Cell(x, y, 26, height), 9.5, bold=True, framed=True)
        page.frame(Cell(x + 26, y, w - 26, height))
        page.value(name, text, Cell(x + 27, y, w - 28, height), 9.5, "left")
        y += height
    y += 3
    page.label("판정일", Cell(x, y, 20, 7), 9)
    page.value("judgement.date", document.judged.isoformat(), Cell(x + 20, y, 28, 7), 9.5)
    page.label("면허번호", Cell(x + 54, y, 20, 7), 9)
    page.value("doctor.licence", document.doctor.licence, Cell(x + 74, y, 20, 7), 9.5)
    page.label("의사명", Cell(x + 100, y, 18, 7), 9)
    page.value("doctor.name", document.doctor.name, Cell(x + 118, y, 24, 7), 10)
    if rng.random() < 0.5:
        draw_seal(page, rng, document.doctor.name.replace(" ", "")[:3] + "인", x + 150, y + 3.5, 11)
    else:
        page.label("(서명)", Cell(x + 144, y, 14, 7), 8)
        draw_signature(page, rng, x + 143, y, 18)
    page.label(
        "※ 질환의심 판정을 받은 경우 가까운 병·의원에서 진료를 받으시기 바랍니다.",
        Cell(x, y + 9, w, 6), 8, "left",
    )  # fmt: skip
