"""The printed form of a prescription: 별지 제9호서식, as the Medical Service Act has it."""

from __future__ import annotations

from numpy.random import Generator

from loaders.medical_ocr.synthesis.marks import (
    draw_bar_code,
    draw_matrix_code,
    draw_seal,
    draw_signature,
)
from loaders.medical_ocr.synthesis.page import Cell, Page
from loaders.medical_ocr.synthesis.prescription import INSURERS, Prescription

_COPIES = ("", "[약국제출용]", "[환자보관용]")


def draw_prescription(page: Page, rng: Generator, document: Prescription) -> None:
    """Fill the form. What is optional on it, and where it lies on the sheet, varies."""
    left = float(rng.uniform(16, 20))
    width = page.width - 2 * left + float(rng.uniform(-1, 1))
    top = float(rng.uniform(14, 22))
    form = _Form(page, rng, document, left, top, width)
    y = form.heading()
    start = y
    y = form.parties(y)
    y = form.diagnosis(y)
    y = form.drugs(y)
    y = form.injections(y)
    y = form.validity(y)
    y = form.dispensing(y)
    page.frame(Cell(left, start, width, y - start), page.style.rule_weight * 2)


class _Form:
    """The blocks of the form from top to bottom; each returns the height where it ends."""

    def __init__(
        self, page: Page, rng: Generator, document: Prescription, x: float, y: float, w: float
    ) -> None:
        self.page, self.rng, self.document = page, rng, document
        self.x, self.y, self.w = x, y, w
        self.stamped = rng.random()

    def heading(self) -> float:
        page, rng, document, x, y, w = (
            self.page, self.rng, self.document, self.x, self.y, self.w,
        )  # fmt: skip
        if rng.random() < 0.6:
            page.label("■ 의료법 시행규칙 [별지 제9호서식]", Cell(x, y, 80, 5), 7, "left")
        title = ("처   방   전", "처 방 전", "처    방    전")[int(rng.integers(3))]
        page.label(
            title, Cell(x, y + 4, w, 12), float(rng.uniform(18, 23)), bold=rng.random() < 0.6
        )
        copy = str(rng.choice(_COPIES))
        if copy:
            page.label(copy, Cell(x + w - 36, y + 10, 36, 6), 9, "right")
        if rng.random() < 0.35:
            draw_matrix_code(page, rng, x + w - 17, y - 6, 15)
        elif rng.random() < 0.3:
            draw_bar_code(page, rng, x, y + 7, 38, 7)
        y += 17
        mark = str(rng.choice(("√", "V", "■", "○")))
        across = x
        for insurer in INSURERS:
            ticked = insurer == document.insurer
            text = f"[{mark if ticked else '  '}]{insurer}"
            room = 7 + 3.4 * len(insurer)
            if ticked:
                # The tick is part of the value: it is what the reader reads.
                page.label(f"[{mark}]", Cell(across, y, 7, 6), 8.5, "left")
                page.value(
                    "insurer",
                    insurer,
                    Cell(across + 5, y, room - 4, 6),
                    8.5,
                    "left",
                    preprinted=True,
                )
            else:
                page.label(text, Cell(across, y, room + 2, 6), 8.5, "left")
            across += room
        page.label("요양기관기호:", Cell(x + w - 48, y, 24, 6), 8.5, "right")
        page.value(
            "hospital.number", document.hospital.institution_number,
            Cell(x + w - 24, y, 24, 6), 8.5, "left",
        )  # fmt: skip
        return y + 6.5

    def parties(self, y: float) -> float:
        page, rng, document, x, w = self.page, self.rng, self.document, self.x, self.w
        half = x + w * 0.53
        rows = (10.5, 8.0, 8.0, 8.0)
        label = 23.0
        page.label("교부 연월일\n및 번호", Cell(x, y, label, 12), 8.5, framed=True)
        page.frame(Cell(x + label, y, half - x - label, 12))
        day = document.day
        written = (
            f"{day.year}년 {day.month:02}월 {day.day:02}일",
            day.isoformat(),
            f"{day:%Y.%m.%d}",
        )[int(rng.choice(3, p=(0.6, 0.25, 0.15)))]
        page.value("issue.date", written, Cell(x + label, y, 38, 12))
        page.label("- 제", Cell(x + label + 37, y, 9, 12), 8.5)
        page.value(
            "issue.number", f"{document.number:05}", Cell(x + label + 45, y, 15, 12), align="left"
        )
        page.label("호", Cell(half - 7, y, 6, 12), 8.5)
        page.label("환자", Cell(x, y + 12, 8, 22.5), 8.5, framed=True)
        name = Cell(x + 8, y + 12, label - 8, 11)
        page.label("성 명", name, 8.5, framed=True)
        page.frame(Cell(x + label, y + 12, half - x - label, 11))
        page.value(
            "patient.name", document.patient.name,
            Cell(x + label + 2, y + 12, half - x - label - 4, 11), 11, "left",
        )  # fmt: skip
        page.label("주민등록\n번호", Cell(x + 8, y + 23, label - 8, 11.5), 8, framed=True)
        page.frame(Cell(x + label, y + 23, half - x - label, 11.5))
        number = document.patient.resident_number
        if rng.random() < 0.2:
            number = number[:8] + "******"
        page.value(
            "patient.resident_number", number,
            Cell(x + label + 2, y + 23, half - x - label - 4, 11.5), 10.5, "left",
        )  # fmt: skip
        page.label("의\n료\n기\n관", Cell(half, y, 8, sum(rows)), 8.5, framed=True)
        hospital = document.hospital
        fax = hospital.fax if rng.random() < 0.7 else ""
        email = hospital.email if rng.random() < 0.4 else ""
        for title, field, text, height, size in (
            ("명 칭", "hospital.name", hospital.name, rows[0], 10.5),
            ("전화번호", "hospital.phone", hospital.phone, rows[1], 9),
            ("팩스번호", "hospital.fax", fax, rows[2], 9),
            ("e-mail 주소", "hospital.email", email, rows[3], 9),
        ):
            page.label(title, Cell(half + 8, y, 20, height), 8, framed=True)
            room = Cell(half + 28, y, x + w - half - 28, height)
            page.frame(room)
            if text:
                page.value(field, text, room, size, "left")
            if field == "hospital.name" and self.stamped < 0.35:
                draw_seal(page, rng, hospital.name[:4] + "인", x + w - 9, y + 6, 15)
            y += height
        return y

    def diagnosis(self, y: float) -> float:
        page, rng, document, x, w = self.page, self.rng, self.document, self.x, self.w
        height = 15.0
        page.label("질병\n분류\n기호", Cell(x, y, 12, height), 8, framed=True)
        block = Cell(x + 12, y, 34, height)
        page.frame(block)
        codes = [condition.code for condition in document.conditions]
        if rng.random() < 0.5:
            side = block.w / 5
            for row in range(2):
                cells = [
                    Cell(block.x + side * n, y + row * height / 2, side, height / 2)
                    for n in range(5)
                ]
                for cell in cells:
                    page.frame(cell, page.style.rule_weight * 0.7)
                if row < len(codes):
                    page.boxed_value("diagnosis.code", codes[row].replace(".", ""), cells, row)
        else:
            for row, code in enumerate(codes):
                step = height / max(2, len(codes))
                page.value(
                    "diagnosis.code",
                    code,
                    Cell(block.x, y + step * row, block.w, step),
                    10.5,
                    group=row,
                )
        x1 = block.x + block.w
        page.label("처방\n의료인의\n성명", Cell(x1, y, 20, height), 8, framed=True)
        x2 = x1 + 20
        room = x + w - 52 - x2
        page.frame(Cell(x2, y, room, height))
        page.value("doctor.name", document.doctor.name, Cell(x2, y, room * 0.5, height), 11)
        page.label(
            "(서명 또는 날인)",
            Cell(x2 + room * 0.45, y, room * 0.55, height),
            7,
            colour=(90, 90, 90),
        )
        if self.stamped > 0.55:
            draw_seal(
                page,
                rng,
                document.doctor.name.replace(" ", "")[:3] + "인",
                x2 + room * 0.72,
                y + 7.5,
                11,
            )
        elif self.stamped > 0.3:
            draw_signature(page, rng, x2 + room * 0.5, y + 2.5, min(20.0, room * 0.48))
        page.label("면허종류", Cell(x + w - 52, y, 18, height / 2), 8, framed=True)
        page.frame(Cell(x + w - 34, y, 34, height / 2))
        page.value("doctor.kind", "의사", Cell(x + w - 34, y, 34, height / 2), 9.5)
        page.label("면허번호", Cell(x + w - 52, y + height / 2, 18, height / 2), 8, framed=True)
        page.frame(Cell(x + w - 34, y + height / 2, 34, height / 2))
        page.label("제", Cell(x + w - 34, y + height / 2, 7, height / 2), 8)
        page.value(
            "doctor.licence",
            document.doctor.licence,
            Cell(x + w - 28, y + height / 2, 20, height / 2),
        )
        page.label("호", Cell(x + w - 8, y + height / 2, 7, height / 2), 8)
        y += height
        page.label(
            "※ 환자가 요구하면 질병분류기호를 적지 않습니다.", Cell(x, y, w, 5.5), 7.5, "left"
        )
        page.frame(Cell(x, y, w, 5.5))
        return y + 5.5

    def drugs(self, y: float) -> float:
        page, rng, document, x, w = self.page, self.rng, self.document, self.x, self.w
        usage = float(rng.uniform(30, 38))
        narrow = float(rng.uniform(14.5, 17))
        name = w - usage - 3 * narrow
        edges = [x, x + name, x + name + narrow, x + name + 2 * narrow, x + w - usage, x + w]
        for title, a, b in zip(
            ("처방 의약품의 명칭", "1회\n투약량", "1일\n투여\n횟수", "총\n투약\n일수", "용   법"),
            edges, edges[1:], strict=False,
        ):  # fmt: skip
            page.label(title, Cell(a, y, b - a, 14), 8.5, framed=True)
        y += 14
        pitch = float(rng.uniform(7.0, 8.2))
        rows = max(len(document.lines) + 1, int(rng.integers(9, 12)))
        with_code = rng.random() < 0.4
        with_units = rng.random() < 0.7
        dashed = rng.random() < 0.6
        size = float(rng.uniform(8.8, 10))
        for row, line in enumerate(document.lines):
            top = y + row * pitch
            start = edges[0]
            if with_code:
                page.value("drug.code", line.code, Cell(start, top, 19, pitch), 7.5, "left", row)
                start += 18.5
            page.value(
                "drug.name",
                line.drug.name,
                Cell(start, top, edges[1] - start, pitch),
                size,
                "left",
                row,
            )
            amount = line.amount if with_units else _bare(line.amount)
            for field, text, column in (
                ("drug.dose", amount, 1),
                ("drug.frequency", f"{line.times}회" if with_units else str(line.times), 2),
                ("drug.days", f"{line.days}일" if with_units else str(line.days), 3),
                ("drug.directions", line.directions, 4),
            ):
                cell = Cell(edges[column], top, edges[column + 1] - edges[column], pitch)
                page.value(field, text, cell, size, "centre", row)
        for row in range(1, rows):
            page.rule(
                x,
                y + row * pitch,
                edges[4],
                y + row * pitch,
                page.style.rule_weight * 0.7,
                dashed=dashed,
            )
        if document.lines and rng.random() < 0.5:
            below = y + len(document.lines) * pitch
            page.label("*** 이하 여백 ***", Cell(x, below, name, pitch), 8)
        for edge in edges[1:5]:
            page.rule(edge, y, edge, y + rows * pitch)
        note = y + (rows - 3) * pitch
        if len(document.lines) <= rows - 4:
            page.label("조제 시 참고 사항", Cell(edges[4], note, usage, pitch), 7.5, framed=True)
            if document.note:
                page.value(
                    "note", document.note, Cell(edges[4], note + pitch, usage, pitch * 2), 7.5
                )
        y += rows * pitch
        page.rule(x, y, x + w, y)
        return y

    def injections(self, y: float) -> float:
        page, rng, x, w = self.page, self.rng, self.x, self.w
        page.label(
            "주사제 처방명세 (원내조제 [  ], 원외처방 [  ])", Cell(x, y, w, 7), 8.5, framed=True
        )
        y += 7
        rows = int(rng.integers(2, 4))
        for row in range(1, rows + 1):
            page.rule(x, y + row * 7, x + w, y + row * 7, page.style.rule_weight * 0.7)
        return y + rows * 7

    def validity(self, y: float) -> float:
        page, x, w = self.page, self.x, self.w
        page.label("사용기간", Cell(x, y, 23, 8), 8.5, framed=True)
        page.frame(Cell(x + 23, y, w - 23, 8))
        page.label("교부일부터 (", Cell(x + 24, y, 23, 8), 8.5, "right")
        page.value("valid_days", str(self.document.valid_days), Cell(x + 47, y, 10, 8))
        page.label(")일간", Cell(x + 57, y, 14, 8), 8.5, "left")
        page.label(
            "사용기간 내에 약국에 제출하여야 합니다.", Cell(x + 74, y, w - 75, 8), 8.5, "left"
        )
        return y + 8

    def dispensing(self, y: float) -> float:
        page, x, w = self.page, self.x, self.w
        page.label("의약품 조제 명세", Cell(x, y, w, 7), 9, bold=True, framed=True)
        y += 7
        page.label("조제\n명세", Cell(x, y, 11, 32), 8.5, framed=True)
        split = x + w * 0.62
        height = 8
        for title in ("조제기관의\n명칭", "조제약사", "조제량\n(조제일수)", "조제\n연월일"):
            page.label(title, Cell(x + 11, y, 20, height), 7.5, framed=True)
            page.frame(Cell(x + 31, y, split - x - 31, height))
            if title == "조제약사":
                page.label("성명", Cell(x + 31, y, 12, height), 7.5, framed=True)
                page.label("(서명 또는 날인)", Cell(x + 60, y, 34, height), 7, colour=(90, 90, 90))
            y += height
        page.label(
            "처방의 변경·수정·확인·대체\n시 그 내용 등",
            Cell(split, y - 32, x + w - split, 9),
            7.5,
            "left",
        )
        return y


def _bare(amount: str) -> str:
    """The number of an amount, as forms that print no unit show it."""
    return amount.rstrip("정캡슐포방울매단위회분무mLg")
