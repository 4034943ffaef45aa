"""The printed form of a medical bill."""

from __future__ import annotations

from itertools import pairwise

from numpy.random import Generator

from loaders.medical_ocr.synthesis.bill import ITEM_NAMES, Bill
from loaders.medical_ocr.synthesis.marks import draw_bar_code, draw_seal
from loaders.medical_ocr.synthesis.page import Cell, Page

_FEWEST_LINES = 13


def draw_bill(page: Page, rng: Generator, document: Bill) -> None:
    """The full form, or, as many clinics do for outpatients, the short one."""
    if document.hospital.kind == "의원" and rng.random() < 0.5:
        draw_short_bill(page, rng, document)
    else:
        draw_full_bill(page, rng, document)


def draw_full_bill(page: Page, rng: Generator, document: Bill) -> None:
    """Head, table of items on the left, sums on the right, the institution below."""
    x = float(rng.uniform(12, 16))
    w = page.width - 2 * x
    y = float(rng.uniform(12, 18))
    mark = str(rng.choice(("√", "V", "■")))
    kind = "입원" if document.inpatient else "외래"
    ticks = (mark, "  ") if kind == "외래" else ("  ", mark)
    page.label("[{}]외래  [{}]입원".format(*ticks), Cell(x + 14, y, 46, 12), 10.5)
    page.label(
        "진료비 계산서·영수증", Cell(x + 50, y, w - 84, 12), float(rng.uniform(16, 19)), bold=True
    )
    if rng.random() < 0.3:
        draw_bar_code(page, rng, x + w - 34, y + 1, 32, 7)
    start = y + 14
    y = _draw_head(page, rng, document, x, start, w)
    y = _draw_table(page, rng, document, x, y, w)
    y = _draw_foot(page, rng, document, x, y, w)
    page.frame(Cell(x, start, w, y - start), page.style.rule_weight * 2)


def _draw_head(page: Page, rng: Generator, document: Bill, x: float, y: float, w: float) -> float:
    dash = f"{document.first:%Y.%m.%d} ~ {document.last:%Y.%m.%d}"
    long = f"{document.first:%Y-%m-%d} 부터 {document.last:%Y-%m-%d} 까지"
    period = dash if rng.random() < 0.5 else long
    room = str(int(rng.integers(301, 999))) + "호" if document.inpatient else ""
    rows = (
        (("환자등록번호", "patient.number", document.patient_number, 0.24),
         ("환자 성명", "patient.name", document.patient.name, 0.22),
         ("진료기간", "period", period, 0.36),
         ("야간(공휴일)진료", "", "[ ]야간 [ ]공휴일", 0.18)),
        (("진료과목", "department", document.hospital.department, 0.24),
         ("질병군(DRG)번호", "", "", 0.22),
         ("병실", "room", room, 0.14),
         ("환자구분", "patient.kind", "건강보험", 0.16),
         ("영수증번호", "receipt.number", document.receipt_number, 0.24)),
    )  # fmt: skip
    for row in rows:
        left = x
        for title, name, text, share in row:
            page.label(title, Cell(left, y, w * share, 6), 8, framed=True)
            cell = Cell(left, y + 6, w * share, 7.5)
            page.frame(cell)
            if name and text:
                page.value(name, text, cell, 9)
            elif text:
                page.label(text, cell, 8)
            left += w * share
        y += 13.5
    return y


def _draw_table(page: Page, rng: Generator, document: Bill, x: float, y: float, w: float) -> float:
    table = w * 0.64
    name = table * 0.3
    column = (table - name) / 4
    edges = [x, x + name, *(x + name + column * n for n in range(1, 5))]
    top = y
    page.label("항    목", Cell(x, y, name, 15), 9, framed=True)
    page.label("급    여", Cell(edges[1], y, column * 3, 5), 8.5, framed=True)
    page.label("일부 본인부담", Cell(edges[1], y + 5, column * 2, 5), 8, framed=True)
    page.label("본인부담금", Cell(edges[1], y + 10, column, 5), 7.5, framed=True)
    page.label("공단부담금", Cell(edges[2], y + 10, column, 5), 7.5, framed=True)
    page.label("전액\n본인부담", Cell(edges[3], y + 5, column, 10), 7.5, framed=True)
    page.label("비급여", Cell(edges[4], y, column, 15), 8.5, framed=True)
    y += 15
    pitch = float(rng.uniform(6.3, 7.2))
    billed = dict(document.items)
    shown = ITEM_NAMES
    if rng.random() < 0.3:
        # Only what is billed, with empty lines as far as the sums on the right need room.
        shown = (*billed, *[""] * max(0, _FEWEST_LINES - len(billed)))
    group = 0
    for item in shown:
        cells = [Cell(a, y, b - a, pitch) for a, b in pairwise(edges)]
        if item in billed:
            page.value("item.name", item, cells[0], 8.5, "left", group, preprinted=True)
            amounts = billed[item]
            for field, amount, cell in (
                ("item.copay", amounts.copay, cells[1]),
                ("item.insurer", amounts.insurer, cells[2]),
                ("item.self_pay", amounts.self_pay, cells[3]),
                ("item.uncovered", amounts.uncovered, cells[4]),
            ):
                if amount:
                    page.value(field, f"{amount:,}", cell, 9, "right", group)
            group += 1
        elif item:
            page.label(item, cells[0], 8.5, "left")
        y += pitch
        page.rule(x, y, x + table, y, page.style.rule_weight * 0.7)
    sums = document.sums
    page.label("합    계", Cell(x, y, name, 8), 9, bold=True, framed=True)
    for field, amount, sign, left in (
        ("sum.copay", sums.copay, "①", edges[1]),
        ("sum.insurer", sums.insurer, "②", edges[2]),
        ("sum.self_pay", sums.self_pay, "③", edges[3]),
        ("sum.uncovered", sums.uncovered, "④", edges[4]),
    ):
        cell = Cell(left, y, column, 8)
        page.label(sign, Cell(left, y, 5, 8), 7.5, "left")
        page.frame(cell)
        page.value(field, f"{amount:,}", Cell(left + 3.5, y, column - 3.5, 8), 9, "right")
    y += 8
    for edge in edges[1:]:
        page.rule(edge, top + 15, edge, y)
    _draw_sums(page, rng, document, x + table, top, w - table, y - top)
    return y


def _draw_sums(
    page: Page, rng: Generator, document: Bill, x: float, y: float, w: float, height: float
) -> None:
    sums = document.sums
    page.label("금액산정내용", Cell(x, y, w, 5), 8.5, framed=True)
    rows: list[tuple[str, str, int | None]] = [
        ("진료비 총액 ⑤\n(①+②+③+④)", "total.amount", sums.total),
        ("공단부담 총액 ⑥\n(②)", "total.insurer", sums.insurer),
        ("환자부담 총액 ⑦\n(①+③+④)", "total.patient", sums.patient),
        ("이미 납부한 금액 ⑧", "total.advance", document.advance),
        ("납부할 금액 ⑨\n(⑦-⑧)", "total.due", sums.patient - document.advance),
    ]
    methods = [("카드", "paid.card", document.card), ("현금", "paid.cash", document.cash)]
    if rng.random() < 0.5:
        methods.insert(1, ("현금영수증", "paid.cash_receipt", 0))
    step = min(16.0, (height - 5 - 7 * (len(methods) + 1) - 16) / len(rows))
    y += 5
    for title, name, amount in rows:
        page.label(title, Cell(x, y, w * 0.54, step), 8, framed=True)
        page.frame(Cell(x + w * 0.54, y, w * 0.46, step))
        if amount is not None:
            page.value(name, f"{amount:,}", Cell(x + w * 0.54, y, w * 0.46, step), 9.5, "right")
        y += step
    paid = 7.0 * (len(methods) + 1)
    page.label("납부한\n금액", Cell(x, y, w * 0.25, paid), 8, framed=True)
    for title, name, amount in (*methods, ("합계", "paid.total", document.card + document.cash)):
        page.label(title, Cell(x + w * 0.25, y, w * 0.29, 7), 8, framed=True)
        page.frame(Cell(x + w * 0.54, y, w * 0.46, 7))
        if amount:
            page.value(name, f"{amount:,}", Cell(x + w * 0.54, y, w * 0.46, 7), 9, "right")
        y += 7
    page.label("납부하지 않은 금액", Cell(x, y, w * 0.54, 8), 8, framed=True)
    page.frame(Cell(x + w * 0.54, y, w * 0.46, 8))
    page.value("total.unpaid", "0", Cell(x + w * 0.54, y, w * 0.46, 8), 9, "right")


def _draw_foot(page: Page, rng: Generator, document: Bill, x: float, y: float, w: float) -> float:
    hospital = document.hospital
    page.label("요양기관 종류", Cell(x, y, 28, 7), 8, framed=True)
    kinds = ("의원급·보건기관", "병원급", "종합병원", "상급종합병원")
    chosen = {"의원": 0, "병원": 1, "종합병원": 2, "상급종합병원": 3}[hospital.kind]
    boxes = "   ".join(f"[{'√' if n == chosen else '  '}]{kind}" for n, kind in enumerate(kinds))
    page.label(boxes, Cell(x + 28, y, w - 28, 7), 8.5, framed=True)
    y += 7
    rows = (
        (("사업자등록번호", "hospital.business_number", hospital.business_number, 0.5),
         ("전화번호", "hospital.phone", hospital.phone, 0.5)),
        (("상호", "hospital.name", hospital.name, 0.5),
         ("대표자", "hospital.director", hospital.director, 0.5)),
        (("사업장 소재지", "hospital.address", hospital.address, 1.0),),
    )  # fmt: skip
    for row in rows:
        left = x
        for title, name, text, share in row:
            page.label(title, Cell(left, y, 28, 8), 8.5, framed=True)
            cell = Cell(left + 28, y, w * share - 28, 8)
            page.frame(cell)
            page.value(name, text, cell, 9.5, "left")
            if name == "hospital.director":
                page.label("[인]", Cell(left + w * share - 18, y, 12, 8), 8.5)
                if rng.random() < 0.8:
                    draw_seal(
                        page, rng, hospital.director[:3] + "인", left + w * share - 12, y + 4, 11
                    )
            left += w * share
        y += 8
    written = f"{document.last.year}년 {document.last.month}월 {document.last.day}일"
    page.value("issue.date", written, Cell(x, y, w, 10), 10.5)
    return y + 10


def draw_short_bill(page: Page, rng: Generator, document: Bill) -> None:
    """간이 외래 진료비 계산서·영수증: who, the billed items, the sums, the institution."""
    w = float(rng.uniform(118, 150))
    x = (page.width - w) / 2 + float(rng.uniform(-18, 18))
    y = float(rng.uniform(18, 40))
    page.label(
        "간이 외래 진료비 계산서·영수증", Cell(x, y, w, 11), float(rng.uniform(13, 15)), bold=True
    )
    start = y = y + 14
    day = f"{document.first:%Y-%m-%d}"
    for left, right in (
        (("환자등록번호", "patient.number", document.patient_number),
         ("환자 성명", "patient.name", document.patient.name)),
        (("진료과목", "department", document.hospital.department),
         ("진료기간", "period", f"{day} ~ {day}")),
        (("영수증번호", "receipt.number", document.receipt_number),
         ("환자구분", "patient.kind", "건강보험")),
    ):  # fmt: skip
        for place, (title, name, text) in enumerate((left, right)):
            corner = x + place * w / 2
            page.label(title, Cell(corner, y, 23, 7.5), 8, framed=True)
            cell = Cell(corner + 23, y, w / 2 - 23, 7.5)
            page.frame(cell)
            page.value(name, text, cell, 9, "left")
        y += 7.5
    y = _draw_short_items(page, rng, document, x, y, w)
    sums = document.sums
    for title, name, amount in (
        ("진료비 총액", "total.amount", sums.total),
        ("공단부담 총액", "total.insurer", sums.insurer),
        ("환자부담 총액", "total.patient", sums.patient),
        ("이미 납부한 금액", "total.advance", document.advance),
        ("납부할 금액", "total.due", sums.patient - document.advance),
        ("카드 납부", "paid.card", document.card),
        ("현금 납부", "paid.cash", document.cash),
        ("납부한 금액 합계", "paid.total", document.card + document.cash),
    ):
        page.label(title, Cell(x, y, w * 0.45, 7), 8.5, framed=True)
        page.frame(Cell(x + w * 0.45, y, w * 0.55, 7))
        if amount or name in ("total.insurer", "total.advance", "total.due"):
            page.value(name, f"{amount:,}", Cell(x + w * 0.45, y, w * 0.53, 7), 9.5, "right")
        y += 7
    page.frame(Cell(x, start, w, y - start), page.style.rule_weight * 2)
    hospital = document.hospital
    y += 4
    for title, name, text in (
        ("사업자등록번호", "hospital.business_number", hospital.business_number),
        ("상호", "hospital.name", hospital.name),
        ("소재지", "hospital.address", hospital.address),
        ("전화번호", "hospital.phone", hospital.phone),
        ("대표자", "hospital.director", hospital.director),
    ):
        page.label(title, Cell(x, y, 28, 6.5), 8.5, "left")
        page.value(name, text, Cell(x + 28, y, w - 50, 6.5), 9.5, "left")
        y += 6.5
    if rng.random() < 0.8:
        draw_seal(page, rng, hospital.director[:3] + "인", x + w - 14, y - 8, 12)
    written = f"{document.last.year}년 {document.last.month}월 {document.last.day}일"
    page.value("issue.date", written, Cell(x, y + 2, w, 8), 10)


def _draw_short_items(
    page: Page, rng: Generator, document: Bill, x: float, y: float, w: float
) -> float:
    name = w * 0.32
    column = (w - name) / 4
    titles = ("본인부담금", "공단부담금", "전액본인부담", "비급여")
    page.label("항목", Cell(x, y, name, 7), 8.5, framed=True)
    for number, title in enumerate(titles):
        page.label(title, Cell(x + name + column * number, y, column, 7), 8, framed=True)
    y += 7
    pitch = float(rng.uniform(6.4, 7.4))
    rows = [(item, amounts, "item") for item, amounts in document.items]
    for group, (item, amounts, prefix) in enumerate([*rows, ("합계", document.sums, "sum")]):
        cells = [Cell(x + name + column * number, y, column, pitch) for number in range(4)]
        first = Cell(x, y, name, pitch)
        if prefix == "item":
            page.value("item.name", item, first, 8.5, "left", group, preprinted=True)
        else:
            page.label(item, first, 8.5, bold=True)
        page.frame(first, page.style.rule_weight * 0.7)
        for column_name, cell in zip(
            ("copay", "insurer", "self_pay", "uncovered"), cells, strict=True
        ):
            page.frame(cell, page.style.rule_weight * 0.7)
            amount = getattr(amounts, column_name)
            if amount or prefix == "sum":
                line = group if prefix == "item" else -1
                page.value(f"{prefix}.{column_name}", f"{amount:,}", cell, 9, "right", line)
        y += pitch
    return y
