"""What a dataset card says of the rows: lengths, sizes, examples, Croissant, the Hub's boards."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from cards.audit import audit_dataset_folder
from cards.dataset_card import render_dataset_card
from cards.licences import find_licence
from cards.records import DatasetRecord, Finding
from cards.row_description import may_show_rows, measure_rows
from cards.sample_sheet import draw_sample_sheet
from cards.tasks import find_task

SHARD = "data/train-00000-of-00001.parquet"


def failures(folder: Path) -> set[str]:
    return {check.name for check in audit_dataset_folder(folder) if not check.ok}


def edit(folder: Path, **changes: object) -> None:
    """Change the record and render the card again: a forger who knows the tool."""
    record = json.loads((folder / "dataset.json").read_bytes()) | changes
    changed = DatasetRecord.model_validate(record)
    changed.write(folder / "dataset.json")
    render_dataset_card(changed).write(folder)


def picture(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Four rows of three pictures, two of them in one row."""
    (tmp_path / "data").mkdir()
    colours = (["red"], ["green", "blue"], ["red"], [])
    rows = {
        "id": [f"r{n}" for n in range(4)],
        "images": [[{"bytes": picture(one), "path": None} for one in row] for row in colours],
        "messages": [[{"role": "user", "content": "가" * (n * 10)}] for n in range(4)],
        "width": [[40], [40, 70], [2000], []],
        "height": [[30], [30, 70], [900], []],
    }
    pq.write_table(pa.table(rows), tmp_path / SHARD)
    return tmp_path


def test_every_message_and_picture_is_in_one_range(pictures):
    measured = measure_rows(pictures, {"train": [SHARD]})
    assert measured.keys() == {"characters (user)", "image width", "image height"}
    lengths = measured["characters (user)"]
    assert sum(lengths.counts) == 4
    assert (lengths.edges, lengths.counts) == ((0, 10, 20, 50), (1, 1, 2))
    widths = measured["image width"]
    assert sum(widths.counts) == 4
    assert (widths.edges[0], widths.edges[-1]) == (0, 2048)


def test_a_sheet_shows_each_picture_once(pictures, tmp_path):
    sheet = draw_sample_sheet(pictures, {"train": [SHARD]})
    assert sheet is not None
    colours = {
        colour for _, colour in Image.open(io.BytesIO(sheet)).convert("RGB").getcolors(1 << 20)
    }
    assert (255, 0, 0) in colours
    assert (0, 128, 0) in colours
    assert (0, 0, 255) not in colours


def test_samples_are_the_same_rows_every_time(dataset_folder):
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    assert [sample.id for sample in record.samples] == ["r0", "r250", "r499"]
    readme = (dataset_folder / "README.md").read_text(encoding="utf-8")
    assert "질문 250 |" in readme


@pytest.mark.parametrize(
    ("licence", "domain", "kinds", "shown"),
    [
        ("gpl-3.0", "general", [], True),
        ("cc0-1.0", "medical", [], False),
        ("aihub", "general", [], False),
        ("other", "forensic", [], False),
        ("other", "forensic", ["drawn"], True),
        ("aihub", "medical", ["made_up"], True),
    ],
)
def test_rows_are_shown_where_nobody_can_be_hurt(licence, domain, kinds, shown):
    findings = [Finding(kind=kind, severity="info", count=1, detail="x") for kind in kinds]
    assert may_show_rows(find_licence(licence), domain, findings) is shown


def test_a_histogram_or_a_sample_that_is_not_of_the_rows_is_found(dataset_folder):
    record = json.loads((dataset_folder / "dataset.json").read_bytes())
    histograms, samples = record["histograms"], record["samples"]
    histograms["characters (user)"]["counts"][0] += 1
    samples[1]["messages"][1]["content"] = "지어낸 답"
    edit(dataset_folder, histograms=histograms, samples=samples)
    assert failures(dataset_folder) == {"histograms.characters (user)", "sample r250"}


def test_a_sheet_of_other_pictures_is_found(dataset_folder, pictures):
    """Also when the record holds the hash of the false sheet."""
    from cards.checks import file_digest

    table = pq.read_table(dataset_folder / SHARD)
    images = [[{"bytes": picture("navy"), "path": None}]] * table.num_rows
    record = json.loads((dataset_folder / "dataset.json").read_bytes())
    pq.write_table(table.append_column("images", pa.array(images)), dataset_folder / SHARD)
    sheet = dataset_folder / "figures/samples.png"
    sheet.write_bytes(draw_sample_sheet(pictures, {"train": [SHARD]}) or b"")
    artifacts = record["artifacts"] | {"figures/samples.png": file_digest(sheet)}
    edit(dataset_folder, artifacts=artifacts)
    assert "figures/samples.png" in failures(dataset_folder)


def test_boards_find_a_task_for_every_metric(dataset_folder):
    content = yaml.safe_load((dataset_folder / "eval.yaml").read_bytes())
    assert content["evaluation_framework"] == "bogam"
    assert [task["id"] for task in content["tasks"]] == [
        metric.name for metric in find_task("generation").metrics
    ]
    assert {task["split"] for task in content["tasks"]} == {"test"}
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    assert "eval.yaml" not in render_dataset_card(record.model_copy(update={"task": None})).files


def test_the_reference_implementation_of_croissant_reads_every_row(dataset_folder):
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(dataset_folder / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    rows = list(dataset.records(record_set="rows"))
    assert len(rows) == 600
    first = next(row for row in rows if row["rows/id"] == b"r500")
    assert first["rows/disease"].decode() == "공기가슴증(기흉)"
    assert (
        first["rows/messages"][0]["rows/messages/content"].decode() == "공기가슴증(기흉) 질문 500"
    )
    hashes = {file.id: file.sha256 for file in dataset.metadata.file_objects}
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    assert hashes == {path: record.artifacts[path] for path in hashes}
    assert len(hashes) == 2


def test_a_line_changed_in_croissant_or_eval_yaml_is_found(dataset_folder):
    for name in ("croissant.json", "eval.yaml"):
        path = dataset_folder / name
        path.write_text(path.read_text(encoding="utf-8").replace("medical", "musical", 1))
    names = failures(dataset_folder)
    assert any(name.startswith("croissant.json, line ") for name in names)
    assert any(name.startswith("eval.yaml, line ") for name in names)


def test_rejects_copies_annotation_and_consent_are_on_the_card(dataset_folder):
    readme = (dataset_folder / "README.md").read_text(encoding="utf-8")
    copies = readme.partition("## 누출과 중복")[2].partition("\n## ")[0]
    assert "duplicate_questions" in copies
    assert "no_gold_pairs" not in copies
    assert "By AI Hub." in readme
    assert "cannot be seen from its files" in readme
    record = DatasetRecord.read(dataset_folder / "dataset.json")
    made_up = Finding(kind="made_up", severity="info", count=600, detail="x")
    said = render_dataset_card(record.model_copy(update={"findings": (made_up,)})).readme
    assert "it is about nobody" in said
    assert "\n- synthetic\n" in said
    assert "The material is made up" in said.partition("## 요약")[2].partition("\n## ")[0]
    assert "synthetic" not in readme
