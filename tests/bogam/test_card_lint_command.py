"""`bogam card lint` as a user runs it, on folders and on repos of a real Hub over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from huggingface_hub import CommitOperationAdd

from bogam.card_lint import lint_repo
from bogam.cli import bogam
from cards.checks import file_digest
from cards.errors import BogamError
from cards.records import DatasetRecord

CARD = """---
license: mit
language: ko
pipeline_tag: text-generation
base_model: {base}
---

# A model

It was tuned to answer questions about trains, and about nothing else.

```python
from transformers import AutoModelForCausalLM

AutoModelForCausalLM.from_pretrained("{repo}")
```

## Data and training

Questions; LoRA. ![loss](figures/loss.png)

## Evaluation

Not evaluated.

## Limits

It knows nothing else.

## Licence

MIT
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(bogam, ["card", "lint", *arguments], catch_exceptions=False)


def upload(hub, repo_id: str, repo_type: str = "model", **files: str) -> None:
    api = hub.api("alice")
    api.create_repo(repo_id, private=True, repo_type=repo_type)
    named = {"readme": "README.md", "figure": "figures/loss.png", "weights": "model.safetensors"}
    api.create_commit(
        repo_id,
        [CommitOperationAdd(named[name], text.encode()) for name, text in files.items()],
        commit_message="card",
        repo_type=repo_type,
    )


def test_the_exit_code_says_whether_there_are_errors(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/loss.png").touch()
    readme = tmp_path / "README.md"
    text = CARD.format(base="org/base", repo="org/model")
    readme.write_text(text, encoding="utf-8")
    clean = run(str(tmp_path))
    assert (clean.exit_code, clean.output.split()[0]) == (0, "0")
    readme.write_text(text + "\nTODO\n", encoding="utf-8")
    warned = run(str(tmp_path))
    assert warned.exit_code == 0
    assert "warning placeholder" in warned.output
    readme.write_text(text + "\n[More Information Needed]\n", encoding="utf-8")
    failed = run(str(tmp_path))
    assert failed.exit_code == 1
    line = text.count("\n") + 2
    assert f"README.md:{line}: error placeholder: '[More Information Needed]'" in failed.output


def test_json_holds_every_finding(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# x\n", encoding="utf-8")
    done = run(str(tmp_path), "--json")
    findings = json.loads(done.output)
    assert done.exit_code == 1
    assert {"rule", "severity", "line", "message", "advice"} == set(findings[0])
    assert "metadata" in {finding["rule"] for finding in findings}


@pytest.mark.system
def test_a_repo_is_linted_with_what_it_is_made_from(hub, fresh_id) -> None:
    base, model = fresh_id("org"), fresh_id("org")
    upload(hub, base, readme="---\nlicense: cc-by-nc-4.0\n---\n")
    upload(hub, model, readme=CARD.format(base=base, repo=model), weights="w")
    findings = {finding.rule: finding for finding in lint_repo(model, api=hub.api("reader"))}
    assert set(findings) == {"licence-mismatch", "dead-image"}
    assert base in findings["licence-mismatch"].message


@pytest.mark.system
def test_a_repo_that_is_in_order_is_clean_and_a_missing_base_is_told(hub, fresh_id) -> None:
    model, base = fresh_id("org"), fresh_id("org")
    upload(hub, model, readme=CARD.format(base=base, repo=model), figure="x", weights="w")
    (finding,) = lint_repo(model, api=hub.api("reader"))
    assert (finding.rule, finding.severity) == ("metadata-base-model", "warning")
    assert finding.line == 5


@pytest.mark.system
def test_snippets_must_load_the_repo_that_they_stand_in(hub, fresh_id) -> None:
    model, other = fresh_id("org"), fresh_id("org")
    upload(hub, other, readme="---\nlicense: mit\n---\n")
    upload(hub, model, readme=CARD.format(base=other, repo=other), figure="x", weights="w")
    assert [one.rule for one in lint_repo(model, api=hub.api("reader"))] == [
        "snippet-loads-another-repo"
    ]


@pytest.mark.system
def test_a_repo_that_is_not_there_is_said_in_one_line(hub) -> None:
    with pytest.raises(BogamError, match="Linting the card of org/no-such"):
        lint_repo("org/no-such", api=hub.api("reader"))


def write_dataset(folder: Path, description: str) -> None:
    """A dataset as `bogam build` leaves it, with words of a person on it."""
    from datasets import Dataset, Features, Value

    (folder / "data").mkdir(parents=True)
    features = Features({"id": Value("string"), "document_id": Value("string")})
    shard = "data/train-00000-of-00001.parquet"
    rows = [{"id": f"r{n}", "document_id": f"d{n}"} for n in range(4)]
    Dataset.from_list(rows, features=features).to_parquet(folder / shard)
    (folder / "rejects.jsonl").write_text("")
    DatasetRecord.model_validate(
        {
            "name": "trains",
            "builder": {"class": "Trains", "version": "1.0.0", "arguments": {}},
            "source": {"path_name": "trains.zip", "bytes": 1},
            "licence": "cc-by-4.0",
            "languages": ["ko"],
            "task_categories": ["question-answering"],
            "raw_items": 4,
            "items_used": 4,
            "rows": 4,
            "rejects": {},
            "splits": {"train": {"rows": 4, "bytes": (folder / shard).stat().st_size}},
            "features": features.to_dict(),
            "artifacts": {path: file_digest(folder / path) for path in (shard, "rejects.jsonl")},
            "description": {"ko": "역에서 받은 질문입니다.", "en": description},
        }
    ).write(folder / "dataset.json")


@pytest.mark.system
def test_a_card_with_errors_is_not_published(hub, fresh_id, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.tokens["alice"])
    repo_id = fresh_id("org")
    write_dataset(tmp_path / "unfinished", "More information needed.")
    publish = ["publish", str(tmp_path / "unfinished"), "--repo", repo_id]
    with pytest.raises(BogamError, match="must not be published as it is") as refused:
        CliRunner().invoke(bogam, publish, catch_exceptions=False)
    assert "placeholder" in str(refused.value)
    assert not hub.api("alice").repo_exists(repo_id, repo_type="dataset")
    write_dataset(tmp_path / "finished", "Questions that passengers asked at a station.")
    publish = ["publish", str(tmp_path / "finished"), "--repo", repo_id]
    assert CliRunner().invoke(bogam, publish, catch_exceptions=False).exit_code == 0
    # What passed the gate is also clean as a repo, by the command line.
    linted = run(repo_id, "--type", "dataset")
    assert (linted.exit_code, linted.output.split()[0]) == (0, "0")
