"""What `bogam card lint` promises: our own cards are clean, and every kind of fault is found."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from cards.card import Card
from cards.errors import BogamError
from cards.lint import CardRepo, LintFinding, lint_card, lint_folder, publishable
from cards.model_card import render_model_card
from cards.records import DatasetRecord, RunRecord

MODEL = """---
license: apache-2.0
language: [ko, en]
pipeline_tag: text-generation
base_model: Qwen/Qwen2.5-VL-7B-Instruct
datasets: [org/questions]
---

# A model for questions about trains

It answers questions about Korean trains and was tuned on one small dataset of them.

## 사용법

```python
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("org/trains")
```

## Training data

Questions that passengers asked. See [results](#성능).

## Fine-tuning

LoRA.

## 성능

Exact match 0.412 on 120 questions.

## Limitations

It makes up timetables.

## License

Apache 2.0
"""
DATASET = """---
license: cc-by-4.0
language: ko
task_categories: [question-answering]
---

# Questions about trains

Every question that passengers of one station asked within a month, with an answer.

## Usage

`load_dataset("org/questions")`

## Fields

`question` and `answer`.

## 출처

A station.

## 개인정보

None.

## Known limitations

One station only.

## Licence

CC BY 4.0
"""


@pytest.fixture(scope="module")
def model() -> CardRepo:
    files = frozenset({"README.md", "model.safetensors", "figures/loss.png"})
    return CardRepo("model", files, repo_id="org/trains")


@pytest.fixture(scope="module")
def dataset() -> CardRepo:
    return CardRepo("dataset", frozenset({"README.md"}), repo_id="org/questions")


def rules(findings: list[LintFinding]) -> list[str]:
    return [finding.rule for finding in findings]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_our_own_cards_are_clean(model_release: Path, dataset_release: Path) -> None:
    assert lint_folder(model_release) == []
    assert lint_folder(dataset_release) == []


def test_good_cards_of_others_are_clean(model: CardRepo, dataset: CardRepo) -> None:
    assert lint_card(MODEL, model) == []
    assert lint_card(DATASET, dataset) == []


@pytest.mark.parametrize(
    ("heading", "rule", "severity"),
    [
        ("성능", "missing-evaluation", "error"),
        ("Limitations", "missing-limits", "error"),
        ("Training data", "missing-data", "error"),
        ("License", "missing-licence", "warning"),
    ],
)
def test_a_section_that_is_missing_is_named(
    model: CardRepo, heading: str, rule: str, severity: str
) -> None:
    card = MODEL.replace(f"## {heading}", "## Etwas").replace("(#성능)", "(#etwas)")
    (finding,) = lint_card(card, model)
    assert (finding.rule, finding.severity, finding.line) == (rule, severity, 0)


def test_a_heading_without_text_is_found(model: CardRepo) -> None:
    card = MODEL.replace("It makes up timetables.\n", "")
    (finding,) = lint_card(card, model)
    assert (finding.rule, finding.line) == ("empty-section", line_of(card, "## Limitations"))


def test_the_untouched_template_of_the_hub_is_full_of_errors(model: CardRepo) -> None:
    from huggingface_hub import ModelCard, ModelCardData

    card = str(ModelCard.from_template(ModelCardData(license="mit", language="en")))
    findings = lint_card(card, model)
    left_in = [one for one in findings if one.rule == "placeholder"]
    lines = card.split("\n")
    assert {one.line for one in left_in} == {
        number
        for number, line in enumerate(lines, start=1)
        if re.search(r"more information needed", line, re.IGNORECASE)
    } | {line_of(card, "# Model Card for Model ID")}
    assert all(one.severity == "error" for one in left_in)
    assert "template-text" in rules(findings)


def test_the_card_that_trainer_writes_is_unfinished(model: CardRepo, tmp_path: Path) -> None:
    """The wording is that of `TrainingSummary.to_model_card` of transformers."""
    from transformers.modelcard import TrainingSummary

    summary = TrainingSummary(
        model_name="trains", language="ko", license="mit", finetuned_from="org/base",
        tasks="text-generation", dataset="None", hyperparameters={}, eval_results={"Loss": 1.2},
        eval_lines=[],
    )  # fmt: skip
    findings = lint_card(summary.to_model_card(), model)
    assert rules(findings).count("placeholder") >= 3
    assert "template-text" in rules(findings)


def test_trl_demo_question_is_a_template() -> None:
    from importlib.resources import files

    template = files("trl").joinpath("templates/lm_model_card.md").read_text(encoding="utf-8")
    repo = CardRepo("model", frozenset({"README.md"}))
    found = [one for one in lint_card(template, repo) if one.rule == "template-text"]
    assert [one.line for one in found] == [line_of(template, "question = ")]


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("[More Information Needed]", "error"),
        ("Lorem ipsum dolor sit amet.", "error"),
        ("추후 업데이트 예정입니다.", "error"),
        ("Trained by {{ developers }}.", "error"),
        ("TODO", "warning"),
    ],
)
def test_what_nobody_filled_in_is_found_in_its_line(
    model: CardRepo, text: str, severity: str
) -> None:
    card = MODEL.replace("It makes up timetables.", f"It makes up timetables.\n\n{text}")
    (finding,) = lint_card(card, model)
    assert finding.rule == "placeholder"
    assert (finding.severity, finding.line) == (severity, line_of(card, text))


def test_code_and_words_that_look_alike_are_no_placeholders(model: CardRepo) -> None:
    card = MODEL.replace("LoRA.", "The chat template has `{{ messages }}`; todo lists work too.")
    assert lint_card(card, model) == []


@pytest.mark.parametrize(
    ("link", "rule"),
    [
        ("[results](#performance)", "dead-anchor"),
        ("![loss](figures/Loss.png)", "dead-image"),
        ("[weights](adapter.bin)", "dead-link"),
        ('<img src="figures/no.png">', "dead-image"),
        ("[terms](LICENSE)", "missing-licence-file"),
        ("[nowhere]()", "empty-link"),
    ],
)
def test_links_that_lead_nowhere_are_found(model: CardRepo, link: str, rule: str) -> None:
    card = MODEL.replace("LoRA.", f"One line\nand then {link}.")
    (finding,) = lint_card(card, model)
    assert (finding.rule, finding.line) == (rule, line_of(card, link))


@pytest.mark.parametrize(
    "link",
    [
        "[limits](#limitations)",
        "![loss](./figures/loss.png?raw=true)",
        "[figures](figures)",
        "[another repo](/org/questions)",
        "[elsewhere](https://example.org/x#y)",
        '<a id="here"></a>[here](#here)',
        "[mail](mailto:someone@example.org)",
    ],
)
def test_links_that_hold_are_left_alone(model: CardRepo, link: str) -> None:
    assert lint_card(MODEL.replace("LoRA.", link), model) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("pipeline_tag: text-generation", "pipeline_tag: text-gen", "metadata-pipeline-tag"),
        ("[ko, en]", "[kr]", "metadata-language"),
        ("[ko, en]", "no", "metadata-language"),
        ("[ko, en]", "Korean text", "metadata-language"),
        ("[org/questions]", "[/home/me/questions]", "metadata-datasets"),
        ("base_model: ", "base_model: https://huggingface.co/", "metadata-base-model"),
        ("datasets:", "base_model_relation: child\ndatasets:", "metadata-base-model-relation"),
        ("datasets:", "model-index: [{name: x, results: [{}]}]\ndatasets:", "metadata-model-index"),
    ],
)
def test_metadata_that_the_hub_does_not_know_is_found(
    model: CardRepo, old: str, new: str, rule: str
) -> None:
    card = MODEL.replace(old, new)
    findings = lint_card(card, model)
    assert set(rules(findings)) == {rule}
    assert findings[0].line == line_of(card, new.split("\n")[0].split(":")[0]) or "[" in old


def test_yaml_that_cannot_be_read_is_told_with_its_line(model: CardRepo) -> None:
    card = MODEL.replace("language: [ko, en]", "language: [ko, en")
    finding = next(one for one in lint_card(card, model) if one.rule == "metadata")
    assert finding.severity == "error"
    assert finding.line in (3, 4)


@pytest.mark.parametrize(
    ("stated", "rule"),
    [
        ("", "missing-licence"),
        ("license: Apache License 2.0\n", "unknown-licence"),
        ("license: other\n", "incomplete-licence"),
    ],
)
def test_a_licence_is_stated_and_known(model: CardRepo, stated: str, rule: str) -> None:
    card = MODEL.replace("license: apache-2.0\n", stated)
    findings = lint_card(card, model)
    assert rule in rules(findings)
    assert next(one for one in findings if one.rule == rule).severity == "error"


def test_a_licence_looser_than_the_base_models_is_refused(model: CardRepo) -> None:
    card = MODEL.replace("Qwen/Qwen2.5-VL-7B", "Qwen/Qwen2.5-VL-3B")
    (finding,) = lint_card(card, model)
    assert finding.rule == "licence-mismatch"
    assert "qwen-research" in finding.message


def test_a_licence_looser_than_the_datasets_is_refused() -> None:
    files = frozenset({"README.md"})
    cards = {"org/questions": {"license": "cc-by-nc-4.0"}}
    repo = CardRepo("model", files, repo_id="org/trains", datasets=cards)
    assert rules(lint_card(MODEL, repo)) == ["licence-mismatch"]


@pytest.mark.parametrize(
    ("stated", "dataset_licence"),
    [("mit", "gemma"), ("mit", "apache-2.0"), ("cc-by-nc-4.0", "cc-by-4.0")],
)
def test_terms_that_nobody_has_read_or_that_allow_it_are_no_mismatch(
    stated: str, dataset_licence: str
) -> None:
    cards = {"org/questions": {"license": dataset_licence}}
    repo = CardRepo("model", frozenset({"README.md"}), repo_id="org/trains", datasets=cards)
    assert lint_card(MODEL.replace("license: apache-2.0", f"license: {stated}"), repo) == []


def test_a_licence_is_known_by_the_names_that_makers_give_it(model: CardRepo) -> None:
    terms = (
        "license: other\nlicense_name: EXAONE AI Model License 1.1-NC\n"
        "license_link: https://example.org/LICENSE\n"
    )
    card = MODEL.replace("license: apache-2.0\n", terms)
    card = card.replace("Qwen/Qwen2.5-VL-7B-Instruct", "LGAI-EXAONE/EXAONE-Deep-7.8B")
    (finding,) = lint_card(card, model)
    assert finding.rule == "licence-mismatch"
    assert "begin with 'EXAONE'" in finding.message
    named = CardRepo("model", model.files, repo_id="org/EXAONE-trains")
    card = card.replace("org/trains", "org/EXAONE-trains")
    assert lint_card(card, named) == []


@pytest.mark.parametrize(
    ("domain", "limit"),
    [
        ("medical", "This is not a medical device."),
        ("medical", "진단이나 처방에 쓸 수 없습니다."),
        ("forensic", "Its output is not evidence."),
        ("forensic", "증거로 쓸 수 없으며 사람의 검토가 필요합니다."),
    ],
)
def test_material_of_a_domain_states_the_limits_of_that_domain(
    model: CardRepo, domain: str, limit: str
) -> None:
    card = MODEL.replace("datasets:", f"tags: [{domain}]\ndatasets:")
    assert rules(lint_card(card, model)) == [f"missing-{domain}-limits"]
    assert lint_card(card.replace("It makes up timetables.", limit), model) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("AutoModelForCausalLM", "AutoModelForImageTextToText", "snippet-wrong-class"),
        ('"org/trains")', '"org/trains"', "snippet-syntax"),
        ('"org/trains"', '"org/other"', "snippet-loads-another-repo"),
    ],
)
def test_a_snippet_that_would_not_load_this_model_is_found(
    model: CardRepo, old: str, new: str, rule: str
) -> None:
    card = MODEL.replace(old, new)
    (finding,) = lint_card(card, model)
    assert finding.rule == rule
    if rule != "snippet-syntax":
        assert finding.line == line_of(card, "model = ")


def test_a_class_of_another_architecture_is_found() -> None:
    repo = CardRepo(
        "model",
        frozenset({"README.md", "config.json"}),
        repo_id="org/trains",
        architectures=("Qwen2_5_VLForConditionalGeneration",),
    )
    card = MODEL.replace("AutoModelForCausalLM", "Qwen2VLForConditionalGeneration")
    assert rules(lint_card(card, repo)) == ["snippet-wrong-class"]


def test_a_number_that_no_record_contains_is_found(model_folder: Path) -> None:
    readme = model_folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    line = next(line for line in text.split("\n") if line.startswith("| 글자 F1"))
    changed = re.sub(r"0\.\d{3} \[", "0.987 [", line)
    readme.write_text(text.replace(line, changed), encoding="utf-8")
    findings = lint_folder(model_folder)
    assert changed != line
    (finding,) = findings
    assert (finding.rule, finding.severity) == ("number-without-record", "error")
    assert finding.line == line_of(text, line)
    assert "0.987" in finding.message


def test_prose_may_repeat_recorded_numbers_in_fewer_digits(
    model_folder: Path, run_record: RunRecord
) -> None:
    value = run_record.metrics["tuned"]["character_f1"].value
    readme = model_folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    good = (
        f"글자 F1 {value:.2f}, 곧 {100 * value:.1f} %, 120개 예제, 312.5초, EXAONE-3.5, 2026-11-21."
    )
    readme.write_text(text + f"\n{good}\n", encoding="utf-8")
    assert lint_folder(model_folder) == []
    readme.write_text(text + f"\n{good} 97.4 % of 4711 patients.\n", encoding="utf-8")
    shown = [one.message.split(" stands")[0] for one in lint_folder(model_folder)]
    assert shown == ["97.4 %", "4711"]


def test_numbers_of_others_are_held_to_what_their_tools_left(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(MODEL, encoding="utf-8")
    (tmp_path / "all_results.json").write_text(json.dumps({"em": 0.41234, "samples": 120}))
    assert lint_folder(tmp_path, repo_id="org/trains") == []
    (tmp_path / "all_results.json").write_text(json.dumps({"em": 0.39, "samples": 120}))
    (finding,) = lint_folder(tmp_path, repo_id="org/trains")
    assert (finding.rule, finding.severity) == ("number-without-record", "warning")
    assert "0.412" in finding.message


def test_metadata_that_differs_from_the_record_is_found(model_folder: Path) -> None:
    readme = model_folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(
        re.sub(r"license: other\nlicense_name: .*\nlicense_link: .*\n", "license: mit\n", text),
        encoding="utf-8",
    )
    assert "licence-differs-from-record" in rules(lint_folder(model_folder))


def test_a_value_in_the_model_index_that_was_changed_is_found(model_folder: Path) -> None:
    readme = model_folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    changed = re.sub(r"(      value: )0\.\d+", r"\g<1>0.98765", text, count=1)
    assert changed != text
    readme.write_text(changed, encoding="utf-8")
    (finding,) = lint_folder(model_folder)
    assert "0.98765" in finding.message


def test_a_figure_that_is_missing_is_found(model_folder: Path, dataset_folder: Path) -> None:
    for folder in (model_folder, dataset_folder):
        shutil.rmtree(folder / "figures")
        assert set(rules(lint_folder(folder))) == {"dead-image"}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{}", "is no list of results"),
        ("- {dataset: {id: org/qa, task_id: f1}}", "result 1 has no value"),
        ("- {dataset: {id: org/qa}, value: 0.4}", "no task of the benchmark"),
        ("- {dataset: {id: /data/qa, task_id: f1}, value: 0.4}", "no id of a dataset"),
        ("- {value: 0.4}", "names no dataset"),
    ],
)
def test_a_results_file_that_boards_cannot_read_is_found(
    tmp_path: Path, content: str, fault: str
) -> None:
    (tmp_path / "README.md").write_text(MODEL, encoding="utf-8")
    (tmp_path / ".eval_results").mkdir()
    (tmp_path / ".eval_results" / "qa.yaml").write_text(content)
    found = [one for one in lint_folder(tmp_path) if one.rule == "results-file"]
    assert [fault in one.message for one in found] == [True]


def test_a_folder_without_a_card_is_an_error(tmp_path: Path) -> None:
    assert rules(lint_folder(tmp_path)) == ["missing-card"]
    with pytest.raises(BogamError, match="no such folder"):
        lint_folder(tmp_path / "nothing")


def test_what_kind_of_repo_it_is_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(DATASET, encoding="utf-8")
    assert lint_folder(tmp_path) == []


def test_the_gate_lets_our_cards_through_and_refuses_others(
    run_record: RunRecord, predictions: pa.Table, dataset_release: Path
) -> None:
    card = render_model_card(run_record, predictions)
    assert publishable(card, run_record) is card
    record = DatasetRecord.read(dataset_release / "dataset.json")
    broken = Card("---\nlicense: mit\n---\n\n# x\n\n[More Information Needed]\n", {})
    with pytest.raises(BogamError, match="nothing was sent") as refused:
        publishable(broken, record)
    for rule in ("placeholder", "licence-differs-from-record", "missing-medical-limits"):
        assert rule in str(refused.value)


def test_hostile_text_breaks_no_rule(model: CardRepo) -> None:
    """Whatever stands in a README, the linter answers."""
    hostile: list[str] = [
        "",
        "---\n",
        "---\n---\n",
        "---\n- a\n---\n",
        "---\n? [a]\n: b\n---\n",
        "---\nlicense: mit\nmodel-index: &a [*a]\n---\n",
        "---\n"
        + "\n".join(
            f"k{n}: &k{n} [" + ", ".join([f"*k{n - 1}" if n else "x"] * 9) + "]" for n in range(20)
        )
        + "\nmodel-index: *k19\ndataset_info: *k19\n---\n",
        "<p>\n" + "<a href " * 3000,
        "<!--" * 3000,
        "---\nmodel-index: 3\nlanguage: {a: b}\nlicense: [1, 2]\nbase_model: [[1]]\n---\n",
        "# \n[](#)\n![](<>)\n```python\n" + "(" * 300 + "\n```",
        "\x00\ufeff" + "| a |\n|---|\n" * 50,
        "1" * 5000 + " %",
    ]
    for text in hostile:
        assert lint_card(text, model)
