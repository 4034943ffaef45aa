"""The model card: pure, valid for the Hub, true to the records, safe with foreign text."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys

import pytest
from huggingface_hub import ModelCard

from cards.errors import BogamError
from cards.model_card import render_model_card

RENDER = """
import hashlib, sys
from pathlib import Path
import pyarrow.parquet as pq
from cards.model_card import render_model_card
from cards.records import RunRecord
folder = Path(sys.argv[1])
card = render_model_card(
    RunRecord.read(folder / "run.json"), pq.read_table(folder / "predictions.parquet")
)
print(hashlib.sha256(card.readme.encode()).hexdigest())
for path, data in sorted(card.files.items()):
    print(path, hashlib.sha256(data).hexdigest())
"""


def test_the_same_records_give_the_same_bytes_in_any_process(model_folder, run_record, predictions):
    once, again = (render_model_card(run_record, predictions) for _ in range(2))
    assert once == again
    expected = {
        path.relative_to(model_folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [
            model_folder / "README.md",
            *(model_folder / "figures").iterdir(),
            *(model_folder / ".eval_results").iterdir(),
        ]
    }
    for seed in ("1", "4711"):
        printed = subprocess.run(
            [sys.executable, "-c", RENDER, str(model_folder)],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Seoul", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        readme, *figures = printed
        assert readme == expected["README.md"]
        assert dict(line.split() for line in figures) == {
            path: digest for path, digest in expected.items() if path != "README.md"
        }


def test_metadata_is_what_the_hub_reads(run_record, predictions):
    data = ModelCard(render_model_card(run_record, predictions).readme).data
    assert data.base_model == "hospital/EXAONE-3.5-7.8B-llama"
    assert data["base_model_relation"] == "adapter"
    assert data.datasets == ["hospital/ai-hub-medical-qa"]
    assert (data.library_name, data.pipeline_tag) == ("peft", "text-generation")
    assert (data.license, data.license_name) == ("other", "exaone")
    assert data.license_link.startswith("https://")
    assert data.language == ["ko"]
    assert data.model_name == "EXAONE-3.5-medical-qa"
    results = {result.metric_type: result for result in data.eval_results}
    for name, metric in run_record.metrics["tuned"].items():
        assert results[name].metric_value == metric.value
        assert results[name].dataset_revision == run_record.dataset.revision
        assert results[name].dataset_split == "test"


def test_every_number_of_the_record_is_on_the_card(run_record, predictions):
    readme = render_model_card(run_record, predictions).readme
    for name in run_record.metrics["tuned"]:
        for side in ("zero_shot", "tuned"):
            metric = run_record.metrics[side][name]
            form = "{:.3f}" if metric.unit == "0-1" else "{:.4g}"
            value, low, high = map(form.format, (metric.value, metric.low, metric.high))
            assert f"| {value} [{low}, {high}] |" in readme
    for number in ("1,310,720", "312.5 s", "96,000", "0.0002", "3.21", "411 tokens", "200 "):
        assert number in readme
    for revision in (run_record.base_model.revision, run_record.dataset.revision):
        assert revision in readme
    assert "seed 7" in readme
    assert hashlib.sha256(run_record.to_json().encode()).hexdigest() in readme


def test_nothing_of_the_template_is_left(run_record, predictions):
    readme = render_model_card(run_record, predictions).readme
    for residue in ("{{", "{%", "None", "Undefined", "TODO", "\n\n\n"):
        assert residue not in readme


def test_a_medical_model_is_no_medical_advice(run_record, predictions, changed):
    readme = render_model_card(run_record, predictions).readme
    assert "의학적 조언도 아닙니다" in readme
    assert "not medical advice" in readme
    forensic = changed(run_record, domain="forensic")
    assert "Neither evidence" in render_model_card(forensic, predictions).readme


def test_texts_are_quoted_only_where_the_licence_allows(run_record, predictions, changed):
    some = predictions["reference"][0].as_py()
    best = render_model_card(run_record, predictions).readme
    assert "Reference |" not in best
    assert all(text not in best for text in predictions["reference"].to_pylist())
    free = changed(
        run_record, licence="apache-2.0", base_licence="apache-2.0", dataset_licence="mit"
    )
    quoted = render_model_card(free, predictions).readme
    assert quoted.count("| 기준 답 · Reference |") == 3
    assert some.split()[0] in quoted


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"licence": "apache-2.0"}, "looser than exaone"),
        ({"publication": {"repo_id": "hospital/medical-qa", "private": True}}, "EXAONE"),
        ({"publication": {"repo_id": "hospital/EXAONE-x", "private": False}}, "private"),
    ],
)
def test_no_card_is_made_for_a_push_that_the_licence_forbids(
    run_record, predictions, values, message, changed
):
    with pytest.raises(BogamError, match=message):
        render_model_card(changed(run_record, **values), predictions)


def test_half_a_comparison_makes_no_card(run_record, predictions, changed):
    with pytest.raises(BogamError, match="all three must be the same"):
        render_model_card(changed(run_record, comparison=[]), predictions)


HOSTILE = (
    "<script>alert(1)</script> | `a``b` *x* [y](javascript:z) \n# heading <img src=x onerror=y>"
)


def test_foreign_text_is_shown_and_does_nothing(run_record, predictions, page_of, changed):
    import pyarrow as pa

    row = predictions.slice(0, 1)
    for name in ("id", "prompt", "reference", "zero_shot", "tuned"):
        row = row.set_column(row.column_names.index(name), name, pa.array([HOSTILE]))
    run = changed(
        run_record,
        licence="mit",
        base_licence="mit",
        dataset_licence="mit",
        recipe={"name": HOSTILE, "note": f"```\n{HOSTILE}"},
        dataset_findings=[
            {"kind": HOSTILE, "severity": "info", "count": 1, "detail": HOSTILE},
        ],
        parameter_groups=[{"name": HOSTILE, "lr": 1, "weight_decay": 0, "parameters": 1}],
        environment=run_record.environment.model_dump() | {"packages": {HOSTILE: HOSTILE}},
        artifacts={HOSTILE: HOSTILE},
        base_model={"id": HOSTILE, "revision": "local"},
    )
    readme = render_model_card(run, row).readme
    page = page_of(readme)
    assert "<script" not in page
    assert "<img src=x" not in page
    assert 'href="javascript' not in page
    assert "<h1>heading" not in page
    headings = re.findall(r"^#+ .*", readme, flags=re.MULTILINE)
    assert len(headings) == len(set(headings))
    for table in re.findall(r"<table>.*?</table>", page, flags=re.DOTALL):
        widths = {len(re.findall("<t[dh][ >]", line)) for line in table.split("</tr>")} - {0}
        assert len(widths) == 1


def test_made_up_material_is_told_at_the_top(run_record, predictions, changed):
    finding = {"kind": "drawn", "severity": "info", "count": 1, "detail": "x"}
    told = "say nothing about real papers"
    made_up = render_model_card(changed(run_record, dataset_findings=[finding]), predictions)
    assert told in made_up.readme.partition("## 쓰는 법")[0]
    assert told not in render_model_card(run_record, predictions).readme


def test_folders_of_this_machine_are_not_told(run_record, predictions, changed):
    run = changed(
        run_record,
        base_model={"id": "/home/kim/models/EXAONE-base", "revision": "local"},
        dataset={"id": "/home/kim/data/qa", "revision": "local", "splits": {"test": 120}},
        publication=None,
    )
    readme = render_model_card(run, predictions).readme
    assert "/home/kim" not in readme
    assert "`EXAONE-base`" in readme


def test_answers_before_training_are_shown_where_texts_may_be(run_record, predictions, changed):
    said = [{"id": "v1", "prompt": "왜|<b>?", "reference": "쉬세요", "answer": "모릅니다" * 200}]
    limited = changed(run_record, samples=said)
    assert "모릅니다" not in render_model_card(limited, predictions).readme
    free = changed(
        run_record, samples=said, licence="mit", base_licence="mit", dataset_licence="mit"
    )
    (line,) = [
        line
        for line in render_model_card(free, predictions).readme.splitlines()
        if "| v1 |" in line
    ]
    assert "왜\\|&lt;b&gt;?" in line
    assert len(line) < 400


def test_results_stand_where_the_hub_looks_for_them(run_record, predictions, changed):
    import yaml
    from huggingface_hub import parse_eval_result_entries

    files = render_model_card(run_record, predictions).files
    (path,) = [path for path in files if path.endswith(".yaml")]
    assert path == ".eval_results/ai-hub-medical-qa.yaml"
    entries = {
        entry.task_id: entry for entry in parse_eval_result_entries(yaml.safe_load(files[path]))
    }
    assert entries.keys() == run_record.metrics["tuned"].keys()
    for name, metric in run_record.metrics["tuned"].items():
        assert entries[name].value == metric.value
        assert entries[name].dataset_id == run_record.dataset.id
        assert entries[name].dataset_revision == run_record.dataset.revision
        assert f"n = {metric.n};" in entries[name].notes
    local = changed(
        run_record, dataset={"id": "/data", "revision": "local", "splits": {"test": 120}}
    )
    assert not any(path.startswith(".eval") for path in render_model_card(local, predictions).files)


def test_a_medical_reader_of_chinese_finds_a_summary(run_record, predictions, changed):
    assert "本仓库" not in render_model_card(run_record, predictions).readme
    chinese = changed(run_record, languages=["ko", "zh"])
    readme = render_model_card(chinese, predictions).readme
    value = f"{run_record.metrics['tuned']['character_f1'].value:.3f}"
    (line,) = [line for line in readme.splitlines() if line.startswith("本仓库")]
    assert value in line
    assert "不是医疗器械" in line


def test_the_text_of_an_unread_licence_is_linked_where_it_is(run_record, predictions, changed):
    from cards.lint import publishable

    run = changed(
        run_record,
        licence="acme-terms+aihub",
        base_licence="acme-terms",
        artifacts={"LICENSE.txt": "5" * 64},
    )
    card = render_model_card(run, predictions)
    assert ModelCard(card.readme).data.license_link == "LICENSE.txt"
    assert "](LICENSE.txt)" in card.readme
    assert "](LICENSE)" not in card.readme
    assert publishable(card, run) is card


def test_what_the_model_stands_on_is_cited(run_record, predictions):
    readme = render_model_card(run_record, predictions).readme
    (bibtex,) = re.findall(r"```bibtex\n(.*?)```", readme, flags=re.DOTALL)
    assert re.findall(r"@\w+\{(\w+),", bibtex) == [
        "EXAONE35medicalqa",
        "exaone35",
        "hu2022lora",
        "dettmers2023qlora",
    ]
    assert bibtex.count("{") == bibtex.count("}")
    assert bibtex.count('"') % 2 == 0
