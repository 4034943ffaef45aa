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
from cards.records import RunRecord

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


def changed(run: RunRecord, **values: object) -> RunRecord:
    return RunRecord.model_validate(run.model_dump(exclude_none=True) | values)


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


def test_a_medical_model_is_no_medical_advice(run_record, predictions):
    readme = render_model_card(run_record, predictions).readme
    assert "의학적 조언도 아닙니다" in readme
    assert "not medical advice" in readme
    forensic = changed(run_record, domain="forensic")
    assert "Neither evidence" in render_model_card(forensic, predictions).readme


def test_the_code_on_the_card_compiles_and_names_the_repo(run_record, predictions):
    run = changed(
        run_record,
        recipe={
            "system_prompt": '친절한 "상담사"입니다.\n```',
            "evaluation": {"max_new_tokens": 77},
        },
    )
    readme = render_model_card(run, predictions).readme
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    compile(code, "card", "exec")
    assert 'repo = "hospital/EXAONE-3.5-medical-qa"' in code
    assert "max_new_tokens=77" in code
    assert '친절한 \\"상담사\\"입니다.' in code
    assert "trust_remote_code" not in code


def test_a_run_in_four_bits_says_how_to_load_it_so(run_record, predictions):
    plain = render_model_card(run_record, predictions).readme
    quantised = {"type": "nf4", "double_quant": True, "compute_dtype": "auto"}
    recipe = {**run_record.recipe, "quantisation": quantised}
    card = render_model_card(changed(run_record, recipe=recipe), predictions).readme

    assert "BitsAndBytesConfig" not in plain
    assert 'bnb_4bit_quant_type="nf4"' in card
    assert "quantization_config=four_bits" in card
    for code in re.findall(r"```python\n(.*?)```", card, re.DOTALL):
        compile(code, "card", "exec")


@pytest.mark.parametrize(
    ("name", "low", "high", "sentence"),
    [
        ("character_f1", 0.1, 0.3, "Character F1 improved"),
        ("character_f1", -0.3, -0.1, "Character F1 got worse"),
        ("character_f1", -0.1, 0.1, "Character F1 shows no clear difference"),
    ],
)
def test_the_summary_says_no_more_than_the_interval(
    run_record, predictions, name, low, high, sentence
):
    comparison = [
        one.model_copy(update={"difference": (low + high) / 2, "low": low, "high": high})
        if one.metric == name
        else one
        for one in run_record.comparison
    ]
    run = run_record.model_copy(update={"comparison": tuple(comparison)})
    assert sentence in render_model_card(run, predictions).readme


def test_texts_are_quoted_only_where_the_licence_allows(run_record, predictions):
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
    run_record, predictions, values, message
):
    with pytest.raises(BogamError, match=message):
        render_model_card(changed(run_record, **values), predictions)


def test_few_documents_are_no_ground_for_confidence(run_record, predictions):
    warning = "Only 6 independent documents"
    assert warning not in render_model_card(run_record, predictions).readme
    few = run_record.metrics["tuned"]["character_f1"].model_copy(update={"documents": 6})
    tuned = run_record.metrics["tuned"] | {"character_f1": few}
    run = run_record.model_copy(update={"metrics": run_record.metrics | {"tuned": tuned}})
    assert warning in render_model_card(run, predictions).readme


def test_half_a_comparison_makes_no_card(run_record, predictions):
    with pytest.raises(BogamError, match="all three must be the same"):
        render_model_card(changed(run_record, comparison=[]), predictions)


HOSTILE = (
    "<script>alert(1)</script> | `a``b` *x* [y](javascript:z) \n# heading <img src=x onerror=y>"
)


def test_foreign_text_is_shown_and_does_nothing(run_record, predictions, page_of):
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


def test_made_up_material_is_told_at_the_top(run_record, predictions):
    finding = {"kind": "drawn", "severity": "info", "count": 1, "detail": "x"}
    told = "say nothing about real papers"
    made_up = render_model_card(changed(run_record, dataset_findings=[finding]), predictions)
    assert told in made_up.readme.partition("## 쓰는 법")[0]
    assert told not in render_model_card(run_record, predictions).readme


def test_rows_that_were_drawn_are_told_with_those_they_were_drawn_from(run_record, predictions):
    rows = run_record.dataset.splits["test"]
    there = {"train": 9000, "test": 9999}
    use = run_record.dataset.model_copy(update={"rows_there": there})
    card = render_model_card(run_record.model_copy(update={"dataset": use}), predictions).readme
    assert f"Of the 9,999 rows of `test`, {rows} were drawn at random" in card
    assert "9,000" not in card, "what was drawn to learn from is no part of the evaluation"
    all_used = use.model_copy(update={"rows_there": {"test": rows}})
    for dataset in (run_record.dataset, all_used):
        run = run_record.model_copy(update={"dataset": dataset})
        assert "drawn at random" not in render_model_card(run, predictions).readme


def test_the_snippet_asks_a_question_of_the_data_where_texts_may_be(run_record, predictions):
    shortest = min(predictions["prompt"].to_pylist(), key=len)
    asked = f'{{"role": "user", "content": "{shortest}"}}'
    assert asked not in render_model_card(run_record, predictions).readme
    assert asked in render_model_card(free(run_record), predictions).readme


def test_folders_of_this_machine_are_not_told(run_record, predictions):
    run = changed(
        run_record,
        base_model={"id": "/home/kim/models/EXAONE-base", "revision": "local"},
        dataset={"id": "/home/kim/data/qa", "revision": "local", "splits": {"test": 120}},
        publication=None,
    )
    readme = render_model_card(run, predictions).readme
    assert "/home/kim" not in readme
    assert "`EXAONE-base`" in readme


def test_a_card_without_a_repo_loads_the_folder_it_lies_in(run_record, predictions):
    run = run_record.model_copy(update={"publication": None})
    readme = render_model_card(run, predictions).readme
    assert 'repo = "."' in readme
    assert "# exaone-medical-qa\n" in readme


def test_answers_before_training_are_shown_where_texts_may_be(run_record, predictions):
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


def free(run: RunRecord, **values: object) -> RunRecord:
    """Of a licence under which a card may quote texts."""
    return changed(run, licence="mit", base_licence="mit", dataset_licence="mit", **values)


def with_columns(table, **columns):
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, [values])
    return table


def test_only_what_got_worse_is_shown_as_worse(run_record, predictions):
    metric = "character_f1"
    rows = predictions.slice(0, 5)
    before = [0.0, 0.0, 0.2, 0.0, 0.0]
    kept = with_columns(rows, **{f"zero_shot_{metric}": before, f"tuned_{metric}": before})
    better = with_columns(kept, **{f"tuned_{metric}": [0.0, 0.9, 0.2, 0.0, 0.0]})
    worse = with_columns(kept, **{f"tuned_{metric}": [0.0, 0.9, 0.1, 0.0, 0.0]})
    for table, titles, counts in (
        (kept, ["median"], "0 got better, 0 got worse."),
        (better, ["largest gain", "median"], "1 got better, 0 got worse."),
        (worse, ["largest gain", "median", "largest loss"], "1 got better, 1 got worse."),
    ):
        readme = render_model_card(free(run_record), table).readme
        assert re.findall(r"^\*\*q\d+\*\* \(.* · (.*): ", readme, flags=re.MULTILINE) == titles
        assert counts in readme


def test_a_talk_shows_who_says_what_and_that_earlier_answers_are_the_references(
    run_record, predictions, page_of
):
    recipe = {**run_record.recipe, "evaluation": {"turns": "all"}}
    talk = with_columns(
        predictions.slice(0, 3),
        id=["q1#1", "q1#2", "q1#3"],
        prompt=["누구?", "누구?\n\n김\n\n무슨 약?", "one\n\nquestion"],
    )
    readme = render_model_card(free(run_record, recipe=recipe), talk).readme
    assert "2 of the examples ask at the second turn of a talk or later" in readme
    assert "예제 2개는 대화의 둘째 차례부터의 질문" in readme
    said = "**질문 · User:** 누구?<br>**기준 답 · Reference:** 김<br>**질문 · User:** 무슨 약?"
    shown = {line for line in readme.splitlines() if line.startswith("| 질문 · Prompt | ")}
    assert shown <= {f"| 질문 · Prompt | {one} |" for one in ("누구?", said, "one question")}, (
        "blank lines that part no turns are no turns"
    )
    last = render_model_card(free(run_record, recipe=recipe), talk.take([1])).readme
    assert f"| 질문 · Prompt | {said} |" in last
    assert "<br" in page_of(last)
    assert "teacher forcing" not in render_model_card(run_record, predictions).readme


def test_a_metric_of_fewer_examples_says_of_how_many(run_record, predictions):
    assert "(n = " not in render_model_card(run_record, predictions).readme
    few = run_record.metrics["tuned"]["exact_match"].model_copy(update={"n": 17})
    tuned = run_record.metrics["tuned"] | {"exact_match": few}
    run = run_record.model_copy(update={"metrics": run_record.metrics | {"tuned": tuned}})
    (line,) = re.findall(r"^.*\(n = 17\).*$", render_model_card(run, predictions).readme, re.M)
    assert "Exact match" in line


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"difference": 0, "low": 0, "high": 0, "p_value": 1}, "differences have no Wilson"),
        ({"low": 0.01, "high": 0.2, "p_value": 0.07}, "answer different questions"),
        ({"low": -0.01, "high": 0.2, "p_value": 0.03}, "answer different questions"),
    ],
)
def test_what_looks_like_a_contradiction_is_explained(run_record, predictions, found, told):
    first, *others = (
        one.model_copy(update={"low": 0.1, "high": 0.2, "p_value": 0.001})
        for one in run_record.comparison
    )
    plain = run_record.model_copy(update={"comparison": (first, *others)})
    assert told not in render_model_card(plain, predictions).readme
    odd = first.model_copy(update=found)
    run = run_record.model_copy(update={"comparison": (odd, *others)})
    assert told in render_model_card(run, predictions).readme


def test_a_model_is_measured_against_answers_that_need_none(run_record, predictions):
    baseline = run_record.baseline
    told = f"{baseline.value:.3f} [{baseline.low:.3f}, {baseline.high:.3f}]"
    readme = render_model_card(run_record, predictions).readme
    assert readme.count(told) == 2, "in Korean and English"
    assert f"; without a model {baseline.value:.3f})." in readme
    assert "not clearly better" not in readme
    level = run_record.metrics["tuned"]["character_f1"]
    run = run_record.model_copy(update={"baseline": level})
    assert "not clearly better" in render_model_card(run, predictions).readme
    alone = run_record.model_copy(update={"baseline": None})
    assert "without a model" not in render_model_card(alone, predictions).readme


def test_results_stand_where_the_hub_looks_for_them(run_record, predictions):
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


def test_a_medical_reader_of_chinese_finds_a_summary(run_record, predictions):
    assert "本仓库" not in render_model_card(run_record, predictions).readme
    chinese = changed(run_record, languages=["ko", "zh"])
    readme = render_model_card(chinese, predictions).readme
    value = f"{run_record.metrics['tuned']['character_f1'].value:.3f}"
    (line,) = [line for line in readme.splitlines() if line.startswith("本仓库")]
    assert value in line
    assert "不是医疗器械" in line


def test_the_text_of_an_unread_licence_is_linked_where_it_is(run_record, predictions):
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


def test_the_form_of_the_page_asks_as_the_model_was_trained(run_record, predictions):
    run = changed(run_record, recipe={"system_prompt": "짧게 답합니다."})
    data = ModelCard(render_model_card(run, predictions).readme).data
    roles = [message["role"] for message in data["widget"][0]["messages"]]
    assert roles == ["system", "user"]


@pytest.mark.recipe
def test_the_code_for_models_that_see_runs_as_it_stands_on_the_card(
    run_record, predictions, tmp_path
):
    """Against a real LLaVA-NeXT of two layers with an untaught adapter."""
    from peft import LoraConfig, get_peft_model
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    size = VisionTwinSize(
        hidden=32,
        intermediate=64,
        layers=2,
        vocabulary=600,
        vision_hidden=32,
        vision_intermediate=64,
        vision_layers=3,
        vision_heads=2,
    )
    texts = ["이 문서에 적힌 약과 용량을 모두 적어 주세요. 짧게 답합니다."] * 20
    twin = make_vision_twin("llava-next", tmp_path / "twin", texts, size=size)
    release = tmp_path / "release"
    model = AutoModelForImageTextToText.from_pretrained(twin)
    get_peft_model(model, LoraConfig(target_modules=["q_proj"])).save_pretrained(release)
    AutoProcessor.from_pretrained(twin).save_pretrained(release)
    Image.new("RGB", (60, 40), "navy").save(release / "picture.png")

    run = changed(
        run_record,
        library_model_class="AutoModelForImageTextToText",
        recipe={"system_prompt": "짧게 답합니다.", "evaluation": {"max_new_tokens": 5}},
        publication=None,
    )
    readme = render_model_card(run.model_copy(update={"publication": None}), predictions).readme
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert 'repo = "."' in code
    script = tmp_path / "card.py"
    script.write_text(code + "\nassert output.shape[1] > inputs['input_ids'].shape[1]\n")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=release, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
