"""Whatever is changed in a model repo is found, and said by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cards.audit import audit_model_folder
from cards.card import CARD_FORMAT
from cards.checks import file_digest
from cards.model_card import render_model_card
from cards.records import RunRecord


def failures(folder: Path) -> dict[str, tuple[str, str]]:
    return {
        check.name: (check.expected, check.found)
        for check in audit_model_folder(folder)
        if not check.ok
    }


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_run(folder: Path, change: Callable[[dict], None]) -> None:
    """Change `run.json` and render the card again: a forger who knows the tool."""
    record = json.loads((folder / "run.json").read_bytes())
    change(record)
    run = RunRecord.model_validate(record)
    run.write(folder / "run.json")
    render_model_card(run, pq.read_table(folder / "predictions.parquet")).write(folder)


def with_value(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = value
    place = table.column_names.index(column)
    return table.set_column(place, column, pa.array(values, table.schema.field(column).type))


def test_an_honest_repo_passes(model_folder):
    checks = audit_model_folder(model_folder)
    assert [check for check in checks if not check.ok] == []
    names = {check.name for check in checks}
    assert {
        "metrics.tuned.character_f1.value",
        "metrics.zero_shot.perplexity.low",
        "comparison.chrf.p_value",
        "adapter_model.safetensors: sha256",
        "README.md",
        "figures/metrics.png",
        "licence",
    } <= names


def test_a_number_in_the_readme(model_folder):
    run = RunRecord.read(model_folder / "run.json")
    value = f"{run.metrics['tuned']['character_f1'].value:.3f}"
    rewrite(model_folder / "README.md", f"→ {value}", "→ 0.999")
    ((name, (expected, found)),) = failures(model_folder).items()
    assert name.startswith("README.md, line ")
    assert value in expected
    assert "0.999" in found


def test_a_line_taken_out_of_the_readme(model_folder):
    rewrite(model_folder / "README.md", "> **Not a medical device and not medical advice.**", "> ")
    assert any(name.startswith("README.md, line ") for name in failures(model_folder))


def test_numbers_of_the_record_also_when_the_card_agrees(model_folder):
    metric_numbers = ("value", "low", "high", "n", "documents")
    comparison_numbers = ("difference", "low", "high", "p_value")

    def change(record: dict) -> None:
        for number in metric_numbers:
            record["metrics"]["tuned"]["chrf"][number] += 1
        for number in comparison_numbers:
            record["comparison"][1][number] += 1e-6
        record["baseline"]["value"] -= 1e-6

    edit_run(model_folder, change)
    assert failures(model_folder).keys() == {
        *(f"metrics.tuned.chrf.{number}" for number in metric_numbers),
        *(f"comparison.character_f1.{number}" for number in comparison_numbers),
        "baseline.character_f1.value",
    }


def test_a_metric_left_out_of_record_and_card(model_folder):
    def change(record: dict) -> None:
        for side in record["metrics"].values():
            del side["exact_match"]
        record["comparison"] = [
            one for one in record["comparison"] if one["metric"] != "exact_match"
        ]

    edit_run(model_folder, change)
    assert {"metrics.tuned: names", "comparison: names"} <= failures(model_folder).keys()


def test_the_baseline_left_out_of_record_and_card(model_folder):
    edit_run(model_folder, lambda record: record.pop("baseline"))
    assert failures(model_folder).keys() == {"baseline: names"}


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["training"].update(seconds=1.0),
        lambda record: record["training"]["loss_history"][3].update(loss=0.01),
        lambda record: record["training"]["loss_history"][3].update(grad_norm=9.0),
        lambda record: record["recipe"].update(secret_data=True),
        lambda record: record["seeds"].update(training=1),
    ],
)
def test_any_number_of_the_record_that_the_card_does_not_repeat(model_folder, change):
    """What no prediction can confirm still has to agree with the card."""
    record = json.loads((model_folder / "run.json").read_bytes())
    change(record)
    RunRecord.model_validate(record).write(model_folder / "run.json")
    assert any(name.startswith("README.md") for name in failures(model_folder))


def test_a_prediction(model_folder):
    path = model_folder / "predictions.parquet"
    table = pq.read_table(path)
    pq.write_table(with_value(table, "tuned", 5, table["reference"][5].as_py()), path)
    found = failures(model_folder)
    assert next(iter(found)) == "predictions.parquet: sha256", "the cause is read first"
    assert any(name.startswith("predictions.parquet: tuned_chrf of q000005") for name in found)
    assert "metrics.tuned.chrf.value" in found


def test_a_score_beside_its_prediction_also_when_every_hash_agrees(model_folder):
    path = model_folder / "predictions.parquet"
    pq.write_table(with_value(pq.read_table(path), "tuned_chrf", 5, 1.0), path)
    edit_run(
        model_folder,
        lambda record: record["artifacts"].update({"predictions.parquet": file_digest(path)}),
    )
    (name,) = failures(model_folder)
    assert name == "predictions.parquet: tuned_chrf of q000005 (1 rows differ)"


def test_easy_rows_counted_twice(model_folder):
    path = model_folder / "predictions.parquet"
    table = pq.read_table(path)
    pq.write_table(pa.concat_tables([table, table.slice(0, 10)]), path)
    found = failures(model_folder)
    assert found["predictions.parquet: distinct ids"] == ("130", "120")
    assert found["predictions.parquet: rows of test"] == ("120", "130")


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_a_byte_of_a_file(model_folder, name):
    path = model_folder / name
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    assert f"{name}: sha256" in failures(model_folder)


def test_a_file_taken_away_and_a_file_put_in(model_folder):
    (model_folder / "adapter_model.safetensors").unlink()
    (model_folder / "training_args.bin").write_bytes(b"pickle")
    found = failures(model_folder)
    assert found["adapter_model.safetensors: sha256"][1] == "no such file"
    assert found["files that no record names"][1] == "training_args.bin"


def redraw(path: Path, software: str, change: Callable[[Image.Image], None]) -> None:
    from PIL.PngImagePlugin import PngInfo

    image = Image.open(path).convert("RGB")
    change(image)
    text = PngInfo()
    text.add_text("Software", software)
    image.save(path, pnginfo=text)


def test_a_pixel_of_a_figure(model_folder):
    path = model_folder / "figures" / "metrics.png"
    software = Image.open(path).info["Software"]
    redraw(path, software, lambda image: image.putpixel((300, 200), (255, 0, 0)))
    assert failures(model_folder)["figures/metrics.png"][1] == "1 differ"
    path.write_bytes(b"no picture")
    expected, found = failures(model_folder)["figures/metrics.png"]
    assert expected == "the figure drawn from the records"
    assert found.startswith("not that figure")


def test_a_figure_of_another_matplotlib_may_differ_by_a_hair(model_folder):
    path = model_folder / "figures" / "metrics.png"
    redraw(path, "matplotlib 3.9", lambda image: image.putpixel((300, 200), (255, 0, 0)))
    assert failures(model_folder) == {}
    redraw(path, "matplotlib 3.9", lambda image: image.paste((255, 0, 0), (200, 100, 500, 300)))
    assert "drawn by matplotlib 3.9" in failures(model_folder)["figures/metrics.png"][1]


def test_an_adapter_of_another_base_model(model_folder):
    path = model_folder / "adapter_config.json"
    path.write_text(json.dumps({"base_model_name_or_path": "/home/me/base"}))
    found = failures(model_folder)
    assert found["adapter_config.json: base model"] == (
        "hospital/EXAONE-3.5-7.8B-llama",
        "/home/me/base",
    )


def test_a_licence_looser_than_that_of_the_base(model_folder):
    record = json.loads((model_folder / "run.json").read_bytes()) | {"licence": "mit"}
    RunRecord.model_validate(record).write(model_folder / "run.json")
    assert failures(model_folder)["licence"] == ("exaone+aihub", "mit")


def test_a_licence_chain_that_was_not_recorded(model_folder):
    record = json.loads((model_folder / "run.json").read_bytes())
    del record["base_licence"]
    RunRecord.model_validate(record).write(model_folder / "run.json")
    assert "licence chain" in failures(model_folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "run.json").unlink(),
        lambda folder: (folder / "run.json").write_text("{}"),
        lambda folder: (folder / "predictions.parquet").unlink(),
        lambda folder: (folder / "predictions.parquet").write_bytes(b"PAR1"),
        lambda folder: (folder / "README.md").unlink(),
        lambda folder: rewrite(folder / "run.json", '"generation"', '"no_such_task"'),
        lambda folder: rewrite(folder / "run.json", '"adapter_config.json"', '"../x.json"'),
        lambda folder: pq.write_table(pa.table({"id": [1]}), folder / "predictions.parquet"),
    ],
)
def test_a_broken_repo_is_a_failure_not_a_crash(model_folder, damage):
    damage(model_folder)
    assert failures(model_folder)


def test_a_card_of_another_format_says_so(model_folder):
    rewrite(model_folder / "README.md", f"Card format {CARD_FORMAT}", "Card format 999")
    expected, found = failures(model_folder)["README.md"]
    assert f"card format {CARD_FORMAT}" in expected
    assert "card format 999" in found
