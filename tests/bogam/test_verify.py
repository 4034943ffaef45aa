"""A sceptic with a token and nothing else checks repos on a real Hub over HTTP."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import CommitOperationAdd

from bogam.attestation import attach, sign
from bogam.verify import verify, verify_folder
from cards.baseline import trivial_baseline
from cards.dataset_card import render_dataset_card
from cards.errors import BogamError
from cards.licences import derive, find_licence
from cards.model_card import render_model_card
from cards.records import DatasetRecord, Revision, RunRecord, SplitInfo
from cards.scoring import score, summarise
from hub.publish import publish_dataset, publish_model

ANSWERS = [f"{n}번 답은 물을 마시고 쉬는 것입니다." for n in range(60)]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_dataset(folder: Path) -> None:
    from datasets import Dataset, Features, List, Value

    (folder / "data").mkdir(parents=True)
    features = Features(
        {
            "id": Value("string"),
            "document_id": Value("string"),
            "messages": List({"role": Value("string"), "content": Value("string")}),
        }
    )
    splits, artifacts = {}, {}
    for split, numbers in (("train", range(40)), ("test", range(40, 60))):
        rows = [
            {
                "id": f"r{n}",
                "document_id": f"d{n}",
                "messages": [
                    {"role": "user", "content": f"{n}번 질문"},
                    {"role": "assistant", "content": ANSWERS[n]},
                ],
            }
            for n in numbers
        ]
        shard = f"data/{split}-00000-of-00001.parquet"
        Dataset.from_list(rows, features=features).to_parquet(folder / shard)
        splits[split] = SplitInfo(rows=len(rows), bytes=(folder / shard).stat().st_size)
        artifacts[shard] = digest(folder / shard)
    (folder / "rejects.jsonl").write_text("")
    artifacts["rejects.jsonl"] = digest(folder / "rejects.jsonl")
    DatasetRecord.model_validate(
        {
            "name": "medical-qa",
            "builder": {"class": "MedicalQA", "version": "1.0.0", "arguments": {}},
            "source": {"path_name": "TL.zip", "bytes": 1},
            "licence": "aihub",
            "languages": ["ko"],
            "task_categories": ["question-answering"],
            "raw_items": 60,
            "items_used": 60,
            "rows": 60,
            "rejects": {},
            "splits": splits,
            "features": features.to_dict(),
            "artifacts": artifacts,
            "domain": "medical",
        }
    ).write(folder / "dataset.json")


def write_run(folder: Path, base: Revision, dataset: Revision, plain_run) -> None:
    from safetensors.numpy import save_file

    folder.mkdir()
    table = pa.table(
        {
            "id": [f"r{n}" for n in range(40, 60)],
            "split": ["test"] * 20,
            "prompt": [f"{n}번 질문" for n in range(40, 60)],
            "reference": ANSWERS[40:],
            "zero_shot": ["모르겠습니다"] * 20,
            "tuned": [ANSWERS[n] if n % 2 else "물을 마시는 것입니다" for n in range(40, 60)],
        }
    )
    predictions = score("generation", table)
    pq.write_table(predictions, folder / "predictions.parquet")
    save_file({"lora_A": np.zeros(8, np.float32)}, folder / "adapter_model.safetensors")
    config = {"base_model_name_or_path": base.id, "revision": base.revision}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    metrics, comparison = summarise("generation", predictions, resamples=100, seed=1)
    run = plain_run(
        base_model=base,
        dataset=dataset.model_dump() | {"splits": {"train": 40, "test": 20}},
        licence=derive(find_licence("exaone"), find_licence("aihub")).id,
        base_licence="exaone",
        dataset_licence="aihub",
        metrics=metrics,
        comparison=comparison,
        baseline=trivial_baseline("generation", predictions, resamples=100, seed=1),
        seeds={"bootstrap": 1},
        bootstrap_resamples=100,
        artifacts={path.name: digest(path) for path in sorted(folder.iterdir())},
        domain="medical",
    )
    run.write(folder / "run.json")


@pytest.fixture(scope="module")
def published(hub, tmp_path_factory, plain_run) -> dict[str, Revision]:
    """A base model, a dataset and a tuned model of `org`, all private."""
    api = hub.api("alice")
    root = tmp_path_factory.mktemp("verify")
    base_id = "org/EXAONE-verify-base"
    api.create_repo(base_id, private=True)
    commit = api.create_commit(
        base_id,
        [
            CommitOperationAdd(
                "README.md", b"---\nlicense: other\nlicense_name: exaone\nlicense_link: x\n---\n"
            )
        ],
        commit_message="base",
    )
    base = Revision(id=base_id, revision=commit.oid)
    write_dataset(root / "dataset")
    done = publish_dataset(root / "dataset", "org/verify-qa", card=render_dataset_card, api=api)
    dataset = Revision(id=done.repo_id, revision=done.commit)
    write_run(root / "model", base, dataset, plain_run)
    predictions = pq.read_table(root / "model" / "predictions.parquet")
    done = publish_model(
        root / "model",
        "org/EXAONE-verify-tuned",
        card=lambda run: render_model_card(run, predictions),
        api=api,
    )
    tuned = Revision(id=done.repo_id, revision=done.commit)
    return {"base": base, "dataset": dataset, "model": tuned}


@pytest.fixture
def release(hub, published, tmp_path) -> Path:
    """The published model as a folder to change and to push under another name."""
    folder = tmp_path / "release"
    hub.api("alice").snapshot_download(published["model"].id, local_dir=folder)
    shutil.rmtree(folder / ".cache")
    return folder


def push(hub, folder: Path, repo_id: str) -> None:
    """Push whatever is in the folder, past every gate of ours."""
    api = hub.api("alice")
    api.create_repo(repo_id, private=True, exist_ok=True)
    api.upload_folder(repo_id=repo_id, folder_path=folder)


def as_published_under(folder: Path, repo_id: str, **values: object) -> None:
    """Change the record and make the card agree: a forger who knows the tool."""
    record = json.loads((folder / "run.json").read_bytes()) | values
    record["publication"]["repo_id"] = repo_id
    run = RunRecord.model_validate(record)
    run.write(folder / "run.json")
    render_model_card(run, pq.read_table(folder / "predictions.parquet")).write(folder)


@pytest.mark.system
@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_an_honest_repo_passes_for_a_reader(hub, published, kind):
    result = verify(published[kind].id, api=hub.api("reader"))
    assert result.failures == ()
    assert result.repo_type == kind
    assert result.revision == published[kind].revision
    assert len(result.checks) > 10


@pytest.mark.system
def test_a_dataset_carries_a_signed_result_too(hub, tmp_path, fresh_id):
    api, repo_id = hub.api("alice"), fresh_id("org")
    write_dataset(tmp_path / "dataset")
    publish_dataset(tmp_path / "dataset", repo_id, card=render_dataset_card, api=api)
    attach(sign(verify(repo_id, api=api), tmp_path / "key.pem"), api)
    result = verify(repo_id, api=hub.api("reader"))
    assert result.failures == ()
    assert {"verify.json: signature", "verify.json: commit"} <= {one.name for one in result.checks}

    readme = hub.api("alice").hf_hub_download(repo_id, "README.md", repo_type="dataset")
    text = Path(readme).read_text(encoding="utf-8").replace("60 rows", "61 rows")
    api.upload_file(
        repo_id=repo_id,
        repo_type="dataset",
        path_in_repo="README.md",
        path_or_fileobj=text.encode(),
    )
    names = {one.name for one in verify(repo_id, api=api).failures}
    assert "verify.json: README.md as it was verified" in names


@pytest.mark.system
def test_metadata_of_both_cards_satisfies_the_hub(hub, published):
    """The server's own validate-yaml, as the client calls it before every commit."""
    from huggingface_hub import DatasetCard, ModelCard

    for kind, card in (("model", ModelCard), ("dataset", DatasetCard)):
        path = hub.api("reader").hf_hub_download(published[kind].id, "README.md", repo_type=kind)
        card.load(path).validate()


@pytest.mark.system
def test_a_byte_changed_on_the_hub_is_found(hub, release, fresh_id):
    repo_id = f"org/EXAONE-{fresh_id('x').rpartition('/')[2]}"
    as_published_under(release, repo_id)
    weights = release / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    push(hub, release, repo_id)
    (failure,) = verify(repo_id, api=hub.api("reader")).failures
    assert failure.name == "adapter_model.safetensors: sha256"


@pytest.mark.system
@pytest.mark.parametrize(
    ("changed", "name", "found"),
    [
        (
            {"base_model": {"id": "org/no-such-base", "revision": "1" * 40}},
            "base model: org/no-such-base",
            "no such repo",
        ),
        (
            {"base_model": {"id": "org/EXAONE-verify-base", "revision": "1" * 40}},
            "base model: org/EXAONE-verify-base",
            "no such commit",
        ),
        (
            {"base_model": {"id": "/home/me/base", "revision": "local"}},
            "base model: /home/me/base",
            "not the name of a repo",
        ),
        (
            {"dataset": {"id": "org/verify-qa", "revision": "2" * 40, "splits": {"test": 20}}},
            "dataset: org/verify-qa",
            "no such commit",
        ),
        ({"base_licence": "mit", "licence": "aihub"}, "base model: licence", "mit"),
        (
            {"dataset_findings": [{"kind": "k", "severity": "info", "count": 1, "detail": "d"}]},
            "dataset: findings",
            "kind='k'",
        ),
    ],
)
def test_what_a_repo_refers_to_must_exist_and_agree(hub, release, fresh_id, changed, name, found):
    repo_id = f"org/EXAONE-{fresh_id('x').rpartition('/')[2]}"
    as_published_under(release, repo_id, **changed)
    push(hub, release, repo_id)
    failures = verify(repo_id, api=hub.api("reader")).failures
    assert any(name in check.name and found in check.found for check in failures)


@pytest.mark.system
def test_references_that_the_dataset_does_not_hold_are_found(hub, release, fresh_id):
    """Predictions of easier questions, with every score and hash made to agree."""
    repo_id = f"org/EXAONE-{fresh_id('x').rpartition('/')[2]}"
    path = release / "predictions.parquet"
    table = pq.read_table(path)
    easy = pa.array(["쉬운 답", *table["reference"].to_pylist()[1:]])
    tuned = pa.array(["쉬운 답", *table["tuned"].to_pylist()[1:]])
    for column, values in (("reference", easy), ("tuned", tuned)):
        table = table.set_column(table.column_names.index(column), column, values)
    table = score("generation", table)
    pq.write_table(table, path)
    metrics, comparison = summarise("generation", table, resamples=100, seed=1)
    artifacts = json.loads((release / "run.json").read_bytes())["artifacts"]
    as_published_under(
        release,
        repo_id,
        metrics=metrics,
        comparison=comparison,
        baseline=trivial_baseline("generation", table, resamples=100, seed=1),
        artifacts=artifacts | {"predictions.parquet": digest(path)},
    )
    push(hub, release, repo_id)
    (failure,) = verify(repo_id, api=hub.api("reader")).failures
    assert failure.name == "dataset: references of the predictions"
    assert failure.found == "1 differ, the first is r40"


@pytest.mark.system
def test_a_copy_under_another_name_is_not_what_its_card_says(hub, release, fresh_id):
    repo_id = fresh_id("org")
    push(hub, release, repo_id)
    failures = {
        check.name: check.found for check in verify(repo_id, api=hub.api("reader")).failures
    }
    assert failures == {"repo that the card names": "org/EXAONE-verify-tuned"}


@pytest.mark.system
def test_ai_hub_material_that_was_made_public_is_found(hub, release, fresh_id):
    repo_id = f"org/EXAONE-{fresh_id('x').rpartition('/')[2]}"
    as_published_under(release, repo_id)
    push(hub, release, repo_id)
    hub.api("alice").update_repo_settings(repo_id, private=False)
    (failure,) = verify(repo_id, api=hub.api("reader")).failures
    assert (failure.name, failure.expected, failure.found) == ("visibility", "private", "public")


@pytest.mark.system
@pytest.mark.parametrize(
    ("repo_id", "user", "message"),
    [
        ("org/no-such-repo", "reader", "Verifying org/no-such-repo: .*no such repo"),
        ("org/EXAONE-verify-tuned", "bob", "hides it from this token"),
        ("no name at all", "reader", "Verifying no name at all"),
        ("org/EXAONE-verify-base", "reader", "^org/EXAONE-verify-base: holds neither run.json"),
    ],
)
def test_what_cannot_be_verified_is_said_in_one_line(hub, published, repo_id, user, message):
    with pytest.raises(BogamError, match=message):
        verify(repo_id, api=hub.api(user))


@pytest.mark.system
def test_a_name_of_both_kinds_asks_which(hub, published):
    api = hub.api("alice")
    api.create_repo("org/verify-qa", repo_type="model", private=True, exist_ok=True)
    with pytest.raises(BogamError, match="--type model or --type dataset"):
        verify("org/verify-qa", api=api)
    assert verify("org/verify-qa", repo_type="dataset", api=api).failures == ()
    api.delete_repo("org/verify-qa", repo_type="model")


def test_a_folder_is_audited_without_a_hub(tmp_path):
    write_dataset(tmp_path / "dataset")
    record = DatasetRecord.read(tmp_path / "dataset" / "dataset.json")
    render_dataset_card(record).write(tmp_path / "dataset")
    assert verify_folder(tmp_path / "dataset").failures == ()
    with pytest.raises(BogamError, match="only models can be asked"):
        verify_folder(tmp_path / "dataset", rerun=3)
    with pytest.raises(BogamError, match="neither"):
        verify_folder(tmp_path)
