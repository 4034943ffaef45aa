"""The medical_ocr task: the denominators, the numbers, the card and its audit."""

from __future__ import annotations

import io
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from bogam.figures import draw_figures
from cards.audit import audit_model_folder
from cards.baseline import trivial_baseline
from cards.checks import file_digest
from cards.compare import Contestant, compare_models
from cards.errors import BogamError
from cards.model_card import render_model_card
from cards.page_sheet import PICTURE, with_pictures
from cards.reading_card import SHEET, rows_to_picture, worst_rows
from cards.records import BuilderInfo, DatasetRecord, Revision, Source, SplitInfo
from cards.scoring import score, summarise
from trainers.reading_metrics import (
    AverageNormalisedLevenshteinSimilarity,
    CharacterErrorRate,
    DoseSafety,
    FieldScores,
    WordErrorRate,
)

CODES = "질병분류기호: J30.4, H669"
DRUGS = (
    "처방 의약품: 가스모틴정, 1회 투약량: 1정, 1일 투여횟수: 3회, 총 투약일수: 7일\n"
    "처방 의약품: 나조넥스, 1회 투약량: 2회분무, 1일 투여횟수: 1회, 총 투약일수: 14일"
)
ONE_DRUG = "Single dose: 5 mL, Times a day: 3 times, Days in all: 5 days"
PATIENT = "病人姓名: 王芳, 身份证号: 148809-3******"
RECEIPT = "Silky Green Tea, 1x, 12,500"
REFERENCES = [CODES, DRUGS, ONE_DRUG, PATIENT, RECEIPT]
LANGUAGES = ["ko", "ko", "en", "zh", "en"]
BADLY = [None, DRUGS.replace("7일", "17일"), ONE_DRUG.replace("5 mL", "50 mL"), "", "Silky"]


def predictions(pages: int = 4, **columns: list) -> pa.Table:
    """Five answers about each page: a base model that reads badly, a tuned one that reads well
    but for the first page, whose doses it gets wrong."""
    rows = 5 * pages
    return pa.table(
        {
            "id": [f"page-{row // 5}#{row % 5}" for row in range(rows)],
            "document_id": [f"page-{row // 5}" for row in range(rows)],
            "split": ["test"] * rows,
            "prompt": [f"question {row % 5}" for row in range(rows)],
            "reference": REFERENCES * pages,
            "zero_shot": BADLY * pages,
            "tuned": BADLY + REFERENCES * (pages - 1),
            "document_type": (["prescription"] * 4 + ["receipt"]) * pages,
            "language": LANGUAGES * pages,
            "made_up": [True] * rows,
            **columns,
        }
    )


@pytest.fixture(scope="module")
def scored() -> pa.Table:
    return score("medical_ocr", predictions())


@pytest.fixture(scope="module")
def metrics(scored: pa.Table) -> dict:
    return summarise("medical_ocr", scored, resamples=200, seed=7)[0]


def test_every_answer_is_in_the_denominator(metrics):
    everything = ("field_f1", "field_exact_match", "exact_match", "anls", "cer", "wer")
    assert {metrics["zero_shot"][name].n for name in everything} == {20}
    assert {metrics["zero_shot"][name].documents for name in everything} == {4}
    assert metrics["zero_shot"]["exact_match"].value == 0
    assert metrics["tuned"]["exact_match"].value == 15 / 20


def test_fields_are_counted_over_the_sums(metrics):
    # codes 2, drugs 8 and 3, patient 2, receipt 1; badly: 7 and 2 right, codes and patient missing
    assert metrics["zero_shot"]["field_exact_match"].value == pytest.approx(9 / 16)
    assert metrics["zero_shot"]["field_f1"].value == pytest.approx(2 * 9 / (16 + 12))
    assert metrics["zero_shot"]["field_exact_match/drugs"].value == pytest.approx(9 / 11)
    assert metrics["zero_shot"]["field_exact_match/codes"].value == 0
    assert metrics["tuned"]["field_exact_match/codes"].value == 3 / 4
    assert metrics["tuned"]["field_f1/lines"].n == 4
    assert "field_f1/costs" not in metrics["tuned"], "no reference has any"


def test_dose_safety_is_about_answers_that_list_drugs(metrics):
    assert metrics["zero_shot"]["dose_safety"].n == 4
    assert metrics["zero_shot"]["dose_safety"].value == 0
    assert metrics["zero_shot"]["dose_safety"].high > 0.4, "0 of 4 says little"
    assert metrics["tuned"]["dose_safety"].value == 3 / 4
    assert metrics["zero_shot"]["wrong_doses"].value == pytest.approx(2 / 3)
    assert metrics["tuned"]["wrong_doses"].value == pytest.approx(2 / 12)
    assert not metrics["tuned"]["wrong_doses"].higher_is_better


def test_a_row_has_a_dose_safety_only_where_drugs_are_listed(scored, metrics):
    """Whoever takes the mean of the column gets the number of the card."""
    for side in ("zero_shot", "tuned"):
        column = scored[f"{side}_dose_safety"].to_pylist()
        listed = [value for value in column if value is not None]
        assert [row for row, value in enumerate(column) if value is not None] == [1, 6, 11, 16]
        assert sum(listed) / len(listed) == metrics[side]["dose_safety"].value
        filled = [1.0 if value is None else value for value in column]
        place = scored.column_names.index(f"{side}_dose_safety")
        again = scored.set_column(place, f"{side}_dose_safety", pa.array(filled))
        assert score("medical_ocr", again) == scored


def test_error_rates_are_edits_over_all_characters(scored, metrics):
    edits = sum(scored["zero_shot_character_edits"].to_pylist())
    assert metrics["zero_shot"]["cer"].value == edits / (4 * sum(map(len, REFERENCES)))
    assert scored["zero_shot_cer"][0].as_py() == 1, "nothing was answered"
    assert metrics["tuned"]["wer"].value < metrics["zero_shot"]["wer"].value


@pytest.mark.parametrize(
    ("old", "new"),
    [("王芳", "王方"), ("가스모틴", "가스모딘"), ("H669", "H66.9"), ("12,500", "12.500")],
)
def test_one_other_name_or_number_lowers_every_text_metric(old, new):
    changed = [answer.replace(old, new) for answer in REFERENCES * 4]
    table = predictions(zero_shot=changed, tuned=REFERENCES * 4)
    found, _ = summarise("medical_ocr", score("medical_ocr", table), resamples=20, seed=0)
    for name in ("field_f1", "field_exact_match", "exact_match", "anls"):
        assert found["zero_shot"][name].value < found["tuned"][name].value == 1, name
    for name in ("cer", "wer"):
        assert found["zero_shot"][name].value > found["tuned"][name].value == 0, name


def test_intervals_hold_their_values(metrics):
    for side in metrics.values():
        for name, metric in side.items():
            assert metric.low <= metric.value <= metric.high, name
            assert math.isfinite(metric.value), name


def test_predictions_without_prescriptions_have_no_dose_metrics():
    table = predictions().filter([row % 5 in (0, 3, 4) for row in range(20)])
    found, compared = summarise("medical_ocr", score("medical_ocr", table), resamples=20, seed=0)
    assert not {"dose_safety", "wrong_doses", "field_f1/drugs"} & set(found["tuned"])
    assert {one.metric for one in compared} == set(found["tuned"])


def test_predictions_without_references_are_refused():
    with pytest.raises(BogamError, match="reference"):
        score("medical_ocr", predictions().drop_columns(["reference"]))


def test_the_evaluate_metrics_give_the_numbers_of_the_card(scored, metrics):
    texts = {
        "predictions": [answer or "" for answer in scored["tuned"].to_pylist()],
        "references": scored["reference"].to_pylist(),
    }
    result: dict[str, float] = {}
    for metric in (
        CharacterErrorRate,
        WordErrorRate,
        AverageNormalisedLevenshteinSimilarity,
        FieldScores,
        DoseSafety,
    ):
        result |= metric().compute(**texts)
    assert result.pop("wrong_dose_count") == 2
    of_card = {name: metric.value for name, metric in metrics["tuned"].items()}
    del of_card["exact_match"]
    assert result == pytest.approx(of_card)


def page(colour: str) -> Image.Image:
    return Image.new("RGB", (1240, 1754), colour)


def test_the_worst_rows_are_one_a_document_and_never_a_right_answer(scored):
    rows = worst_rows(scored)
    rates = scored["tuned_cer"].to_pylist()
    assert rows == [0], "the other three pages are read without a fault"
    assert rates[0] == max(rates)
    many = score("medical_ocr", predictions(30, tuned=[f"{n} 번" for n in range(150)]))
    chosen = worst_rows(many)
    assert len(chosen) == len({row // 5 for row in chosen}) == 20


def test_only_pages_that_were_made_up_get_a_picture():
    answers = [f"{n} 번" for n in range(20)]
    made_up = [row < 10 for row in range(20)]
    known = score("medical_ocr", predictions(tuned=answers, made_up=made_up))
    assert {row // 5 for row in rows_to_picture(known)} == {0, 1}
    unknown = predictions(tuned=answers, made_up=pa.nulls(20, pa.bool_()))
    assert rows_to_picture(score("medical_ocr", unknown)) == []
    assert rows_to_picture(known.drop_columns(["made_up"])) == []


def test_a_kept_picture_is_small_and_says_nothing_of_its_origin(scored):
    scanned = page("white")
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    scanned.info |= {"exif": exif.tobytes(), "comment": b"ward 3", "dpi": (300, 300)}
    pictures = with_pictures(scored, {2: scanned})[PICTURE]
    assert pictures.null_count == scored.num_rows - 1
    kept = Image.open(io.BytesIO(pictures[2].as_py()))
    assert (kept.format, kept.size) == ("JPEG", (283, 400))
    assert not kept.getexif()
    assert not {"comment", "dpi", "icc_profile"} & set(kept.info)
    assert scanned.size == (1240, 1754), "the page itself is left alone"


@pytest.fixture
def release(tmp_path, run_record):
    """A folder with predictions, record and card, as a run leaves it."""

    def build(answers: pa.Table, licence: str = "apache-2.0") -> tuple:
        metrics, comparison = summarise("medical_ocr", answers, resamples=200, seed=7)
        pq.write_table(answers, tmp_path / "predictions.parquet")
        run = run_record.model_copy(
            update={
                "task": "medical_ocr",
                "metrics": metrics,
                "comparison": comparison,
                "baseline": trivial_baseline("medical_ocr", answers, resamples=200, seed=7),
                "recipe": {**run_record.recipe, "evaluation": {"turns": "all"}},
                "dataset": run_record.dataset.model_copy(
                    update={"splits": {"test": answers.num_rows // 5}}
                ),
                "artifacts": {"predictions.parquet": file_digest(tmp_path / "predictions.parquet")},
                "library_model_class": "AutoModelForImageTextToText",
                "licence": licence,
                "base_licence": licence,
                "dataset_licence": licence,
                "languages": ("ko", "zh", "en"),
            }
        )
        run.write(tmp_path / "run.json")
        card = render_model_card(run, answers)
        card.write(tmp_path)
        return tmp_path, card

    return build


def test_the_card_shows_kinds_doses_parts_and_the_worst_page(release, scored, page_of):
    pictured = with_pictures(scored, {row: page("grey") for row in rows_to_picture(scored)})
    folder, card = release(pictured)
    sheet = Image.open(io.BytesIO(card.files[f"figures/{SHEET}"]))
    assert sheet.format == "PNG"
    html = page_of(card.readme)
    for words in (
        "Dose safety",
        "disease codes",
        "prescription · ko",
        "The documents read worst",
        "17일",
        "50 mL",
        "no such drug or dose in the answer",
    ):
        assert words in html, words
    (named,) = [line for line in card.readme.splitlines() if "17일" in line and "page-0" in line]
    assert "| 가스모틴정 |" in named
    (unnamed,) = [line for line in card.readme.splitlines() if "| 50 mL · " in line]
    assert "| 질문의 약 · that of the question |" in unnamed, "the question has said the drug"
    assert "the answer's dose is taken as that drug's" in card.readme
    assert "| 0.000 → 0.750 (n = 4) |" in card.readme
    failed = [check for check in audit_model_folder(folder) if not check.ok]
    assert not failed


def test_without_pictures_the_worst_answers_are_listed_in_words(release, scored):
    _, card = release(scored)
    assert f"figures/{SHEET}" not in card.files
    assert "not known to be made up" in card.readme
    assert "page-0\\#0" in card.readme


def test_whoever_has_the_dataset_can_draw_pages_that_no_card_shows(release, scored, tmp_path):
    private = scored.set_column(
        scored.column_names.index("made_up"), "made_up", pa.array([False] * scored.num_rows)
    )
    folder, card = release(private)
    assert f"figures/{SHEET}" not in card.files
    picture = io.BytesIO()
    page("red").save(picture, "PNG")
    dataset, shard = tmp_path / "dataset", "data/test-00000-of-00001.parquet"
    (dataset / "data").mkdir(parents=True)
    rows = [
        {"id": f"page-{n}", "images": [{"bytes": picture.getvalue(), "path": "a.png"}]}
        for n in range(4)
    ]
    pq.write_table(pa.Table.from_pylist(rows), dataset / shard)
    DatasetRecord(
        name="pages",
        builder=BuilderInfo(class_="tests", version="1", arguments={}),
        source=Source(path_name="made-up", bytes=0),
        licence="other",
        languages=("ko",),
        task_categories=("image-text-to-text",),
        raw_items=4,
        rows=4,
        rejects={},
        items_used=4,
        splits={"test": SplitInfo(rows=4, bytes=1)},
        features={},
        artifacts={shard: "0" * 64},
    ).write(dataset / "dataset.json")
    drawn = draw_figures(folder, tmp_path / "out", dataset=dataset)
    (sheet,) = (path for path in drawn if path.name == SHEET)
    pixels = Image.open(sheet).convert("RGB").getcolors(1 << 24)
    assert sum(count for count, (red, green, _) in pixels if red > 200 and green < 60) > 10_000
    assert SHEET not in {path.name for path in draw_figures(folder, tmp_path / "again")}


def test_two_readers_are_compared_whose_worst_pages_differ(run_record, scored):
    other = score("medical_ocr", predictions(tuned=REFERENCES * 3 + BADLY))
    run = run_record.model_copy(update={"task": "medical_ocr"})
    first, second = (
        Contestant(
            Revision(id=f"clinic/{name}", revision="a" * 40),
            run,
            with_pictures(table, dict.fromkeys(rows_to_picture(table), page("grey"))),
        )
        for name, table in (("one", scored), ("two", other))
    )
    found = compare_models(first, second, resamples=50)
    assert found.examples == 20
    assert (found.first_better, found.second_better) == (5, 5)
    by_name = {one.difference.metric: one.difference.difference for one in found.metrics}
    assert by_name["dose_safety"] == 0


def test_where_data_must_not_be_passed_on_the_card_quotes_no_answer(release, scored):
    pictured = with_pictures(scored, {0: page("grey")})
    _, card = release(pictured, licence="aihub")
    assert f"figures/{SHEET}" not in card.files
    assert "王芳" not in card.readme
    assert "17일" not in card.readme
    assert "Dose safety" in card.readme, "numbers are shown"


def test_a_score_put_where_there_is_none_is_found_by_the_audit(release, scored):
    place = scored.column_names.index("tuned_dose_safety")
    column = pa.array([1.0, *scored["tuned_dose_safety"].to_pylist()[1:]])
    folder, _ = release(scored.set_column(place, "tuned_dose_safety", column))
    (failure,) = [check for check in audit_model_folder(folder) if not check.ok]
    assert failure.name == "predictions.parquet: tuned_dose_safety of page-0#0 (1 rows differ)"
    assert (failure.expected, failure.found) == ("None", "1.0")


def test_a_touched_up_score_or_picture_is_found_by_the_audit(release, scored):
    pictured = with_pictures(scored, {0: page("grey")})
    folder, _ = release(pictured)
    doses = scored["tuned_doses"].to_pylist()
    doses[1] = {**doses[1], "wrong_number": 0, "right": 2}
    place = pictured.column_names.index("tuned_doses")
    touched = pictured.set_column(
        place, "tuned_doses", pa.array(doses, pictured.schema.field("tuned_doses").type)
    )
    touched = touched.set_column(
        touched.column_names.index(PICTURE),
        PICTURE,
        with_pictures(scored, {0: page("white")})[PICTURE],
    )
    pq.write_table(touched, folder / "predictions.parquet")
    names = {check.name for check in audit_model_folder(folder) if not check.ok}
    assert "predictions.parquet: sha256" in names
    assert any("tuned_doses" in name for name in names)
    assert f"figures/{SHEET}" in names
