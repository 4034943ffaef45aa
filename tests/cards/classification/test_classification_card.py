"""The card of a classifier: tables and figures of every class, checked again by an audit."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from bogam.figures import draw_figures
from cards.audit import audit_model_folder
from cards.card import Card
from cards.classification_card import wrong_answers
from cards.error_sheet import error_sheet
from cards.errors import BogamError
from cards.model_card import render_model_card
from cards.records import (
    BuilderInfo,
    DatasetRecord,
    RunRecord,
    Source,
    SplitInfo,
)
from cards.scoring import score

FIGURES = {"confusion.png", "classes.png", "reliability.png", "abstention.png"}
RunOf = Callable[[pa.Table], RunRecord]


def failures(folder: Path) -> dict[str, tuple[str, str]]:
    return {
        check.name: (check.expected, check.found)
        for check in audit_model_folder(folder)
        if not check.ok
    }


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, run_of: RunOf, scored: pa.Table) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    path = folder / "predictions.parquet"
    pq.write_table(scored, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    run = run_of(scored).model_copy(update={"artifacts": {"predictions.parquet": digest}})
    run.write(folder / "run.json")
    render_model_card(run, scored).write(folder)
    return folder


@pytest.fixture(scope="module")
def written_card(run_of: RunOf, written: pa.Table) -> Card:
    return render_model_card(run_of(written), written)


@pytest.fixture
def folder(release: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(release, tmp_path / "copy")


def test_an_honest_classifier_passes_and_its_figures_are_drawn_again(release: Path) -> None:
    checks = audit_model_folder(release)
    assert [check for check in checks if not check.ok] == []
    names = {check.name for check in checks}
    assert {f"figures/{figure}" for figure in FIGURES} <= names
    assert {
        "predictions.parquet: label",
        "predictions.parquet: tuned_label",
        "metrics.tuned.f1/drug_raw.low",
        "metrics.zero_shot.roc_auc.value",
        "comparison.calibration_error.p_value",
    } <= names


def test_the_snippet_asks_what_was_measured(run_of: RunOf, scored: pa.Table) -> None:
    (asked,) = set(scored["prompt"].to_pylist())
    run = run_of(scored).model_copy(update={"library_model_class": "AutoModelForImageTextToText"})
    assert f'"text": "{asked}"' in render_model_card(run, scored).readme


def test_every_number_of_a_class_is_on_the_card(release: Path) -> None:
    run = RunRecord.read(release / "run.json")
    readme = (release / "README.md").read_text(encoding="utf-8")
    for side in ("zero_shot", "tuned"):
        for name, metric in run.metrics[side].items():
            form = "{:.3f}" if metric.unit == "0-1" else "{:.4g}"
            value, low, high = map(form.format, (metric.value, metric.low, metric.high))
            assert f"| {value} [{low}, {high}] |" in readme, name
    assert "zero-shot 0.125, tuned 0.875" in readme
    for figure in FIGURES:
        assert f"(figures/{figure})" in readme
    for residue in ("{{", "{%", "None", "Undefined", "\n\n\n"):
        assert residue not in readme


def test_tables_are_whole(release: Path, written_card: Card, page_of: Callable[[str], str]) -> None:
    """Every row of every table has the cells of its heading."""
    for readme in ((release / "README.md").read_text(encoding="utf-8"), written_card.readme):
        assert page_of(readme).count("<table>") >= 8
        widths: list[int] = []
        for line in [*readme.splitlines(), ""]:
            if line.startswith("|"):
                widths.append(line.replace("\\|", "").count("|"))
            else:
                assert len(set(widths)) <= 1, line
                widths = []


def test_the_hub_is_told_of_the_whole_not_of_every_class(release: Path) -> None:
    from huggingface_hub import ModelCard

    results = ModelCard.load(release / "README.md").data.eval_results
    assert {"accuracy", "macro_f1", "roc_auc"} <= {one.metric_type for one in results}
    assert not any("/" in one.metric_type for one in results)


def test_written_answers_have_no_figures_of_confidence(
    written_card: Card, written: pa.Table
) -> None:
    assert {"figures/confusion.png", "figures/classes.png"} <= written_card.files.keys()
    assert "figures/abstention.png" not in written_card.files
    unreadable = written["zero_shot_label"].to_pylist().count("unparsed")
    assert unreadable > 0
    assert f"zero-shot {unreadable}개" in written_card.readme


def test_a_probability_changed_in_favour_of_the_model(folder: Path) -> None:
    path = folder / "predictions.parquet"
    table = pq.read_table(path)
    wrong = table["tuned_accuracy"].to_pylist().index(0.0)
    rows = table["tuned_probabilities"].to_pylist()
    label = table["label"][wrong].as_py()
    rows[wrong] = {name: float(name == label) for name in rows[wrong]}
    place = table.column_names.index("tuned_probabilities")
    pq.write_table(table.set_column(place, "tuned_probabilities", pa.array(rows)), path)
    found = failures(folder)
    row = table["id"][wrong]
    assert f"predictions.parquet: tuned_label of {row} (1 rows differ)" in found
    assert f"predictions.parquet: tuned_accuracy of {row} (1 rows differ)" in found
    assert "metrics.tuned.accuracy.value" in found


def test_predictions_without_their_classes_fail_the_audit(folder: Path) -> None:
    path = folder / "predictions.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata({}), path)
    assert "do not say what their classes are" in failures(folder)["predictions.parquet"][1]


def test_wrong_answers_come_surest_first(scored: pa.Table) -> None:
    wrong = wrong_answers(scored)
    assert len(wrong) == scored["tuned_accuracy"].to_pylist().count(0.0) > 3
    sure = [one.confidence for one in wrong]
    assert sure == sorted(sure, reverse=True)
    assert all("(" in one.label and one.label != one.answer for one in wrong)


def test_figures_are_drawn_into_a_folder_with_the_pictures_that_were_got_wrong(
    release: Path, scored: pa.Table, tmp_path: Path
) -> None:
    wrong = {one.id for one in wrong_answers(scored)}
    dataset = tmp_path / "dataset"
    (dataset / "data").mkdir(parents=True)
    picture = io.BytesIO()
    Image.new("RGB", (900, 600), (200, 30, 30)).save(picture, "JPEG")
    rows = [
        {"id": row_id, "images": [{"bytes": picture.getvalue(), "path": "a.jpg"}]}
        for row_id in scored["id"].to_pylist()
    ]
    shard = "data/test-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows), dataset / shard)
    DatasetRecord(
        name="photos",
        builder=BuilderInfo(class_="tests", version="1", arguments={}),
        source=Source(path_name="made-up", bytes=0),
        licence="other",
        languages=("ko",),
        task_categories=("image-classification",),
        raw_items=len(rows),
        rows=len(rows),
        rejects={},
        items_used=len(rows),
        splits={"test": SplitInfo(rows=len(rows), bytes=1)},
        features={},
        artifacts={shard: "0" * 64},
    ).write(dataset / "dataset.json")

    drawn = draw_figures(release, tmp_path / "out", dataset=dataset)
    names = {path.name for path in drawn}
    assert names == {*FIGURES, "metrics.png", "loss.png", "errors.png"}
    for figure in FIGURES:
        assert (tmp_path / "out" / figure).read_bytes() == (
            release / "figures" / figure
        ).read_bytes()
    sheet = Image.open(tmp_path / "out" / "errors.png").convert("RGB")
    red = sum(
        count for count, pixel in sheet.getcolors(1 << 24) if pixel[0] > 180 and pixel[1] < 60
    )
    assert red > len(wrong) * 1000

    others = [row | {"id": f"other-{row['id']}"} for row in rows]
    pq.write_table(pa.Table.from_pylist(others), dataset / shard)
    with pytest.raises(BogamError, match=r"a picture of none of the \d+ rows.* Evaluated was "):
        draw_figures(release, tmp_path / "other", dataset=dataset)
    assert not (tmp_path / "other").exists()


def test_a_picture_that_is_missing_keeps_its_place(scored: pa.Table) -> None:
    wrong = wrong_answers(scored)[:5]
    size = Image.open(io.BytesIO(error_sheet(wrong, {}))).size
    assert size[1] > Image.open(io.BytesIO(error_sheet(wrong[:4], {}))).size[1]


def test_a_model_that_gets_all_right_has_a_card_too(
    run_of: RunOf, table_of: Callable[..., pa.Table], scored: pa.Table
) -> None:
    references = [int(answer) for answer in scored["reference"].to_pylist()]
    texts = [str(number) for number in references]
    predictions = score("classification", table_of(references, texts, texts))
    readme = render_model_card(run_of(predictions), predictions).readme
    assert "Wrong answers" not in readme
    assert "1.000 [" in readme
