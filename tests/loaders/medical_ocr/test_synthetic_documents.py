"""What stands on a drawn page hangs together, can be read, and is all that questions ask about."""

from __future__ import annotations

import random
import re
from collections import Counter
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import orjson
import pytest
from fontTools.ttLib import TTFont
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from cards.errors import BogamError
from hub.gates.pii import personal_data
from loaders.medical_ocr import synthesis
from loaders.medical_ocr.synthesis.bill import write_bill
from loaders.medical_ocr.synthesis.checkup import judge_body_mass
from loaders.medical_ocr.synthesis.conditions import CONDITIONS
from loaders.medical_ocr.synthesis.drugs import ALTERNATIVES, DIRECTION_TIMES
from loaders.medical_ocr.synthesis.page import FAMILIES, font_file
from loaders.medical_ocr.synthesis.people import make_person
from loaders.medical_ocr.synthesis.prescription import write_prescription
from loaders.medical_ocr.synthesis.questions import wordings
from loaders.medical_ocr.synthesis.writer import (
    DOCUMENTS_FILE,
    Document,
    make_document,
    write_documents,
)

COUNT = 72
HANGUL = re.compile(r"[가-힣]")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
KOREAN_UNIT = re.compile(r"\d(정|캡슐|포|방울|매|단위|회|일|원)(?![가-힣])")


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return [make_document(3, number) for number in range(COUNT)]


def table(document: Document, name: str) -> list[dict[str, str]]:
    """The lines of a document's table that hold `name`."""
    lines: dict[int, dict[str, str]] = {}
    for field in document.picture.fields:
        if field.group >= 0:
            lines.setdefault(field.group, {})[field.name] = field.value
    return [line for _, line in sorted(lines.items()) if name in line]


def single(document: Document) -> dict[str, str]:
    return {field.name: field.value for field in document.picture.fields if field.group < 0}


def test_every_type_language_and_quality_occurs(documents: list[Document]) -> None:
    assert {document.type for document in documents} == {"prescription", "checkup", "bill"}
    assert {document.language for document in documents} == {"zh", "ko", "en"}
    assert len({document.picture.quality for document in documents}) == 6
    assert {document.dpi for document in documents} == {150, 175, 200}


def test_drugs_fit_the_diagnosis_the_patient_and_each_other() -> None:
    by_code: dict[str, set[str]] = {}
    for condition in CONDITIONS:
        names = {drug.name for drug in condition.drugs}
        by_code.setdefault(f"{condition.code} {condition.department}", set()).update(names)
    for seed in range(800):
        rng = np.random.default_rng(seed)
        patient = make_person(rng, "p")
        document = write_prescription(rng, patient)
        age = patient.age(document.day)
        allowed: set[str] = set()
        for condition in document.conditions:
            assert condition.ages[0] <= age <= condition.ages[1]
            assert condition.sex in (None, patient.sex)
            assert condition.department == document.hospital.department
            allowed |= by_code[f"{condition.code} {condition.department}"]
        names = [line.drug.name for line in document.lines]
        assert names and set(names) <= allowed
        assert len(names) == len(set(names))
        for group in ALTERNATIVES:
            assert len(group & set(names)) <= 1
        for line in document.lines:
            assert line.amount in line.drug.amounts
            assert line.times in line.drug.times
            assert DIRECTION_TIMES.get(line.directions, line.times) == line.times
            tablet = re.search(r"정( |$)", line.drug.name)
            assert ("정" in line.amount) == bool(tablet), line
        assert document.day.weekday() != 6
        assert all(re.fullmatch(r"[A-Z]\d\d(\.\d)?", c.code) for c in document.conditions)


def test_bills_add_up_as_printed(documents: list[Document]) -> None:
    bills = [document for document in documents if document.type == "bill"]
    assert bills
    for document in bills:
        printed = single(document)
        number = {
            name: int(value.replace(",", ""))
            for name, value in printed.items()
            if name.startswith(("sum.", "total.", "paid."))
        }
        lines = table(document, "item.name")
        for column in ("copay", "insurer", "self_pay", "uncovered"):
            amounts = [int(line.get(f"item.{column}", "0").replace(",", "")) for line in lines]
            assert sum(amounts) == number[f"sum.{column}"]
        sums = [number[f"sum.{c}"] for c in ("copay", "insurer", "self_pay", "uncovered")]
        assert number["total.amount"] == sum(sums)
        assert number["total.insurer"] == sums[1]
        assert number["total.patient"] == sums[0] + sums[2] + sums[3]
        assert number["total.due"] == number["total.patient"] - number["total.advance"]
        paid = number.get("paid.card", 0) + number.get("paid.cash", 0)
        assert paid == number.get("paid.total", 0) == number["total.due"]


def test_patients_pay_the_share_that_the_law_sets() -> None:
    for seed in range(300):
        rng = np.random.default_rng(seed)
        bill = write_bill(rng, make_person(rng, "p"))
        share = 20 if bill.inpatient else {
            "의원": 30, "병원": 40, "종합병원": 50, "상급종합병원": 60,
        }[bill.hospital.kind]  # fmt: skip
        for name, amounts in bill.items:
            if amounts.insurer and name != "식대":
                covered = amounts.copay + amounts.insurer
                assert abs(amounts.copay - covered * share / 100) < 10


def test_checkup_values_follow_from_each_other(documents: list[Document]) -> None:
    checkups = [document for document in documents if document.type == "checkup"]
    assert checkups
    for document in checkups:
        tests = {line["test.name"]: line for line in table(document, "test.name")}
        value = {name: line["test.result"] for name, line in tests.items()}
        metres = float(value["신장"]) / 100
        mass = float(value["체질량지수"])
        assert mass == pytest.approx(float(value["체중"]) / metres**2, abs=0.06)
        assert tests["체질량지수"]["test.judgement"] == judge_body_mass(mass)
        low_density = (
            int(value["총콜레스테롤"]) - int(value["HDL-콜레스테롤"]) - int(value["중성지방"]) / 5
        )
        assert int(value["LDL-콜레스테롤"]) == pytest.approx(low_density, abs=0.51)
        glucose = int(value["공복혈당"])
        expected = "질환의심" if glucose >= 126 else "정상B(경계)" if glucose >= 100 else "정상A"
        assert tests["공복혈당"]["test.judgement"] == expected
        order = ("정상A", "정상B(경계)", "질환의심")
        judged = [line["test.judgement"] for line in tests.values() if "test.judgement" in line]
        assert single(document)["overall.judgement"] == max(judged, key=order.index)


def test_answers_name_only_what_was_drawn(documents: list[Document]) -> None:
    """Every number, code and name in an answer stands on the page; translations are set phrases."""
    for document in documents:
        values = {field.value for field in document.picture.fields}
        drawn = " ".join(values)
        digits = set(re.findall(r"\d+", drawn)) | {n.lstrip("0") for n in re.findall(r"\d+", drawn)}
        digits |= {n.zfill(2) for n in digits}
        for question, answer in document.turns:
            for number in re.findall(r"\d+", f"{question} {answer}"):
                assert number in digits or number in ("30", "1", "73"), (
                    document.id,
                    number,
                    answer,
                )
        if document.language != "ko":
            for _, answer in document.turns:
                for word in re.findall(r"[가-힣]+", answer):
                    assert word in drawn, (document.id, word)


def test_units_are_of_one_language(documents: list[Document]) -> None:
    for document in documents:
        drugs = [line["drug.name"] for line in table(document, "drug.name")]
        for question, answer in document.turns:
            text = f"{question}\n{answer}"
            for drug in drugs:
                text = text.replace(drug, "")
            if document.language == "ko":
                assert not CHINESE.search(text), text
                continue
            assert not KOREAN_UNIT.search(text), text
            if document.language == "en":
                assert not CHINESE.search(text), text


def test_the_gate_before_publishing_finds_no_personal_data(documents: list[Document]) -> None:
    for document in documents:
        texts = [("messages", text) for turn in document.turns for text in turn]
        texts += [("fields", field.value) for field in document.picture.fields]
        for column, text in texts:
            assert personal_data(text, column) == [], text


def test_no_question_is_asked_twice(documents: list[Document]) -> None:
    for document in documents:
        questions = [question for question, _ in document.turns]
        assert len(questions) == len(set(questions))
        assert all(answer.strip() for _, answer in document.turns)


def test_every_intent_has_wordings_in_every_language() -> None:
    for intent, languages in wordings().items():
        assert set(languages) == {"zh", "ko", "en"}, intent
        for ways in languages.values():
            assert len(ways) >= 2
            named = intent.startswith("one_") or intent == "directions"
            assert all(("{name}" in way) == named for way in ways), intent


def test_every_value_can_still_be_read(documents: list[Document]) -> None:
    """Within each box there are paper and ink, well apart, whatever the quality."""
    for document in documents:
        picture = document.picture
        pixels = np.asarray(Image.open(BytesIO(picture.jpeg)).convert("L"), np.int16)
        assert pixels.shape == (picture.height, picture.width)
        for field in picture.fields:
            left, top, right, bottom = field.box
            assert 0 <= left < right <= picture.width, field
            assert 0 <= top < bottom <= picture.height, field
            inside = pixels[top:bottom, left:right]
            contrast = np.percentile(inside, 90) - np.percentile(inside, 4)
            assert contrast > 45, (document.id, picture.quality, field, contrast)


def test_corners_show_paper(documents: list[Document]) -> None:
    for document in documents:
        pixels = np.asarray(Image.open(BytesIO(document.picture.jpeg)).convert("L"), np.int16)
        for rows in (slice(0, 24), slice(-24, None)):
            for columns in (slice(0, 24), slice(-24, None)):
                corner = float(np.median(pixels[rows, columns]))
                beside = pixels[slice(24, 96) if rows.start == 0 else slice(-96, -24)]
                beside = beside[:, slice(24, 96) if columns.start == 0 else slice(-96, -24)]
                assert abs(corner - float(np.median(beside))) < 25, document.id
                assert corner > 70, document.id


def test_fonts_hold_every_character_that_is_drawn() -> None:
    folder = Path(synthesis.__file__).parent
    drawn = set()
    for source in ("people", "drugs", "conditions", "prescription", "prescription_form",
                   "checkup", "checkup_form", "bill", "bill_form",
                   "label", "label_form"):  # fmt: skip
        drawn |= set((folder / f"{source}.py").read_text(encoding="utf-8"))
    drawn = {character for character in drawn if ord(character) > 126}
    assert len(drawn) > 300
    for family in FAMILIES:
        for bold in (False, True):
            known = TTFont(font_file(family, bold)[0]).getBestCmap()
            assert not [character for character in drawn if ord(character) not in known], family


def test_documents_do_not_depend_on_workers_or_count(tmp_path: Path) -> None:
    random.seed(1)
    np.random.seed(1)
    assert write_documents(tmp_path / "one", 20, 9, workers=1) == 20
    random.seed(2)
    np.random.seed(2)
    write_documents(tmp_path / "two", 20, 9, workers=2)
    write_documents(tmp_path / "few", 5, 9, workers=1)
    one, two, few = ({p.relative_to(tmp_path / name).as_posix(): p.read_bytes()
                      for p in (tmp_path / name).rglob("*") if p.is_file()}
                     for name in ("one", "two", "few"))  # fmt: skip
    assert one == two
    assert all(one[name] == data for name, data in few.items() if name.startswith("images/"))
    assert one[DOCUMENTS_FILE].startswith(few[DOCUMENTS_FILE])


def test_another_seed_gives_other_documents() -> None:
    assert make_document(1, 0).picture.jpeg != make_document(2, 0).picture.jpeg


def test_a_person_has_several_documents(tmp_path: Path) -> None:
    write_documents(tmp_path / "out", 8, 4, workers=1)
    lines = [orjson.loads(line) for line in (tmp_path / "out" / DOCUMENTS_FILE).open("rb")]
    assert Counter(line["person_id"] for line in lines) == {
        f"synthetic-4-{n:06}": 2 for n in range(4)
    }
    named = {}
    for line in lines:
        name = next(f["value"] for f in line["fields"] if f["name"] == "patient.name")
        assert named.setdefault(line["person_id"], name) == name


def test_a_finished_folder_is_kept_and_another_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_documents(out, 2, 1, workers=1)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert write_documents(out, 2, 1, workers=1) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    with pytest.raises(BogamError, match="another count"):
        write_documents(out, 3, 1, workers=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(BogamError, match="holds no made-up documents"):
        write_documents(tmp_path / "mine", 2, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0, "seed": 1}, "--count is 0"),
        ({"count": 1, "seed": -1}, "--seed is -1"),
        ({"count": 1, "seed": 1, "languages": ("ja",)}, "no templates for the language ja"),
    ],
)
def test_senseless_arguments_are_refused(
    tmp_path: Path, arguments: dict[str, int], message: str
) -> None:
    with pytest.raises(BogamError, match=message):
        write_documents(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BogamError, match="file/out: cannot be written: Not a directory"):
        write_documents(tmp_path / "file" / "out", 1, 1)


def test_progress_is_shown(tmp_path: Path) -> None:
    progress = Progress(console=Console(file=StringIO()))
    write_documents(tmp_path / "out", 3, 1, workers=1, progress=progress)
    (task,) = progress.tasks
    assert (task.completed, task.total) == (3, 3)
