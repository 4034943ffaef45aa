"""A real run, published: its card's code runs, its model answers again, every forgery shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from bogam.attestation import SignedSummary, attach, sign
from bogam.cli import bogam
from bogam.verify import Verification, verify, verify_folder
from cards.baseline import trivial_baseline
from cards.checks import file_digest
from cards.dataset_card import render_dataset_card
from cards.errors import BogamError
from cards.model_card import render_model_card
from cards.records import DatasetRecord, Revision, RunRecord, SplitInfo
from cards.scoring import score, summarise
from hub.publish import publish_dataset

if TYPE_CHECKING:
    from tests.conftest import ServedHub

pytestmark = [pytest.mark.recipe, pytest.mark.system]

DISEASES = ("두통", "감기", "고혈압", "위염", "천식")
ROWS = {"train": range(12), "validation": range(12, 14), "test": range(14, 20)}


def conversation(number: int) -> list[dict[str, str]]:
    disease = DISEASES[number % len(DISEASES)]
    return [
        {"role": "user", "content": f"{number}번 {disease}에는 무엇이 좋은가요?"},
        {"role": "assistant", "content": f"{disease}에는 쉬고 물을 마시는 것이 좋습니다."},
    ]


def write_dataset(folder: Path) -> Path:
    from datasets import Dataset, Features, List, Value

    features = Features(
        {
            "id": Value("string"),
            "messages": List({"role": Value("string"), "content": Value("string")}),
            "intention": Value("string"),
        }
    )
    (folder / "data").mkdir(parents=True)
    splits, artifacts = {}, {}
    for split, numbers in ROWS.items():
        shard = f"data/{split}-00000-of-00001.parquet"
        Dataset.from_list(
            [
                {
                    "id": f"r{n}",
                    "messages": conversation(n),
                    "intention": "약물" if n % 2 else "식이",
                }
                for n in numbers
            ],
            features=features,
        ).to_parquet(folder / shard)
        splits[split] = SplitInfo(rows=len(numbers), bytes=(folder / shard).stat().st_size)
        artifacts[shard] = file_digest(folder / shard)
    DatasetRecord.model_validate(
        {
            "name": "rerun-qa",
            "builder": {"class": "tests", "version": "1.0.0", "arguments": {}},
            "source": {"path_name": "made-up", "bytes": 1},
            "licence": "cc-by-4.0",
            "languages": ["ko"],
            "task_categories": ["question-answering"],
            "raw_items": 20,
            "items_used": 20,
            "rows": 20,
            "rejects": {},
            "splits": splits,
            "features": features.to_dict(),
            "artifacts": artifacts,
            "domain": "medical",
            "task": "generation",
        }
    ).write(folder / "dataset.json")
    return folder


@pytest.fixture(scope="module")
def published(hub: ServedHub, tmp_path_factory: pytest.TempPathFactory) -> Revision:
    """A twin tuned for a few steps, from the Hub to the Hub."""
    from trainers.finetune import finetune
    from trainers.recipe_schema import Recipe
    from trainers.tiny_twins import TwinSize, make_twin

    root = tmp_path_factory.mktemp("rerun")
    size = TwinSize(hidden=32, intermediate=64, layers=2, vocabulary=500, positions=256)
    texts = [turn["content"] for n in range(20) for turn in conversation(n)]
    twin = make_twin("solar", root / "twin", texts, size=size)
    api = hub.api("alice")
    api.create_repo("org/rerun-base", private=True)
    api.upload_folder(repo_id="org/rerun-base", folder_path=twin)
    card = b"---\nlicense: apache-2.0\n---\n"
    api.upload_file(repo_id="org/rerun-base", path_in_repo="README.md", path_or_fileobj=card)
    dataset = write_dataset(root / "dataset")
    done = publish_dataset(dataset, "org/rerun-qa", card=render_dataset_card, api=api)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", hub.tokens["alice"])
        result = finetune(
            Recipe.model_validate(
                {
                    "name": "rerun",
                    "task": "generation",
                    "system_prompt": "짧게 답합니다.",
                    "base_model": {"id": "org/rerun-base"},
                    "dataset": {"id": done.repo_id, "revision": done.commit},
                    "tuning": {"rank": 4, "alpha": 8},
                    "optimiser": {"lr": 2e-3},
                    "schedule": {"epochs": 3, "batch_size": 2},
                    "evaluation": {"batch_size": 4, "max_new_tokens": 12, "resamples": 100},
                    "publication": {"repo": "org/rerun-tuned"},
                    "output_dir": str(root / "run"),
                }
            )
        )
    assert result.published is not None
    return result.published


@pytest.fixture
def as_alice(hub: ServedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.tokens["alice"])


@pytest.fixture
def release(hub: ServedHub, published: Revision, tmp_path: Path) -> Path:
    """The published model as a folder to change."""
    folder = tmp_path / "release"
    hub.api("alice").snapshot_download(published.id, revision=published.revision, local_dir=folder)
    shutil.rmtree(folder / ".cache")
    return folder


def forge(folder: Path, repo_id: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record, then make hashes, scores, metrics and card agree: a forger who knows
    the tool."""
    record = json.loads((folder / "run.json").read_bytes())
    table = score("generation", pq.read_table(folder / "predictions.parquet"))
    pq.write_table(table, folder / "predictions.parquet")
    draws = {"resamples": 100, "seed": record["seeds"]["bootstrap"]}
    metrics, comparison = summarise("generation", table, **draws)
    record["metrics"] = {
        side: {name: metric.model_dump() for name, metric in found.items()}
        for side, found in metrics.items()
    }
    record["comparison"] = [one.model_dump() for one in comparison]
    record["baseline"] = trivial_baseline("generation", table, **draws).model_dump()
    record["artifacts"] = {path: file_digest(folder / path) for path in record["artifacts"]}
    record["publication"]["repo_id"] = repo_id
    change(record)
    run = RunRecord.model_validate(record)
    run.write(folder / "run.json")
    render_model_card(run, table).write(folder)


def push(hub: ServedHub, folder: Path, repo_id: str) -> None:
    api = hub.api("alice")
    api.create_repo(repo_id, private=True, exist_ok=True)
    api.upload_folder(repo_id=repo_id, folder_path=folder)


def verified(hub: ServedHub, repo_id: str, *, rerun: int = 6) -> Verification:
    return verify(repo_id, rerun=rerun, api=hub.api("alice"))


def test_the_code_on_the_card_runs_as_it_stands_there(hub, published, client_environment, tmp_path):
    readme = Path(hub.api("alice").hf_hub_download(published.id, "README.md")).read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    script = tmp_path / "card.py"
    script.write_text(code + "\nassert output.shape[1] > inputs['input_ids'].shape[1]\n")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=client_environment("alice"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_an_honest_model_gives_its_published_answers_again(hub, published, as_alice):
    result = verified(hub, published.id)
    assert result.failures == ()
    again = {check.name for check in result.checks if check.name.startswith("re-run ")}
    assert again == {
        f"re-run r{n}: {side}" for n in ROWS["test"] for side in ("tuned", "zero_shot")
    }
    assert result.rerun == 6


def test_only_as_many_are_asked_as_wanted(release, as_alice):
    result = verify_folder(release, rerun=2)
    assert result.failures == ()
    again = [check for check in result.checks if check.name.startswith("re-run ")]
    assert len(again) == 4


def test_the_intention_of_every_row_came_into_the_predictions(release):
    intentions = pq.read_table(release / "predictions.parquet")["intention"].to_pylist()
    assert intentions == ["약물" if n % 2 else "식이" for n in ROWS["test"]]


@pytest.mark.parametrize("side", ["tuned", "zero_shot"])
def test_an_answer_that_the_model_never_gave_is_found(hub, release, fresh_id, as_alice, side):
    """Though every score, metric, hash and line of the card agrees with it."""
    repo_id = fresh_id("org")
    path = release / "predictions.parquet"
    table = pq.read_table(path)
    answers = [table["reference"][0].as_py(), *table[side].to_pylist()[1:]]
    assert answers[0] != table[side][0].as_py()
    place = table.column_names.index(side)
    pq.write_table(table.set_column(place, side, pa.array(answers)), path)
    forge(release, repo_id, lambda record: None)
    push(hub, release, repo_id)
    assert verified(hub, repo_id, rerun=0).failures == ()
    (failure,) = verified(hub, repo_id).failures
    assert failure.name == f"re-run r14: {side}"


def test_other_weights_with_a_hash_to_match_are_found(hub, release, fresh_id, as_alice):
    from safetensors.torch import load_file, save_file

    repo_id = fresh_id("org")
    weights = release / "adapter_model.safetensors"
    tensors = {
        name: -200 * tensor if "lora_B" in name else tensor
        for name, tensor in load_file(weights).items()
    }
    save_file(tensors, weights)
    forge(release, repo_id, lambda record: None)
    push(hub, release, repo_id)
    assert verified(hub, repo_id, rerun=0).failures == ()
    failures = {check.name for check in verified(hub, repo_id).failures}
    assert failures
    assert all(name.startswith("re-run ") and name.endswith("tuned") for name in failures)


def test_another_commit_of_the_dataset_is_found(hub, release, fresh_id):
    """One that exists, but from before the rows were there; and one with other rows."""
    api = hub.api("alice")
    empty = api.list_repo_commits("org/rerun-qa", repo_type="dataset")[-1].commit_id
    repo_id = fresh_id("org")
    forge(release, repo_id, lambda record: record["dataset"].update(revision=empty))
    push(hub, release, repo_id)
    names = {check.name for check in verified(hub, repo_id, rerun=0).failures}
    assert names == {"dataset: rows"}

    shard = "data/test-00000-of-00001.parquet"
    path = Path(api.hf_hub_download("org/rerun-qa", shard, repo_type="dataset"))
    table = pq.read_table(path)
    other = release.parent / "other.parquet"
    intention = pa.array(["증상", *table["intention"].to_pylist()[1:]])
    pq.write_table(table.set_column(2, "intention", intention), other)
    changed = api.upload_file(
        repo_id="org/rerun-qa", repo_type="dataset", path_in_repo=shard, path_or_fileobj=other,
        create_pr=False, revision="main",
    )  # fmt: skip
    forge(release, repo_id, lambda record: record["dataset"].update(revision=changed.oid))
    push(hub, release, repo_id)
    (failure,) = verified(hub, repo_id, rerun=0).failures
    assert failure.name == "dataset: intention of the predictions"
    assert failure.found == "1 differ, the first is r14"


class TestASignedResult:
    @pytest.fixture
    def copied(self, hub, release, fresh_id, as_alice) -> str:
        repo_id = fresh_id("org")
        forge(release, repo_id, lambda record: None)
        push(hub, release, repo_id)
        return repo_id

    def test_is_attached_as_one_commit_and_checked_by_the_next(self, hub, copied, tmp_path):
        key = tmp_path / "keys" / "key.pem"
        ran = CliRunner().invoke(
            bogam, ["verify", copied, "--rerun", "2", "--attach", "--key", str(key)]
        )
        assert ran.exit_code == 0, ran.output
        assert key.stat().st_mode & 0o777 == 0o600
        api = hub.api("alice")
        newest, verified_one, *_ = api.list_repo_commits(copied)
        assert newest.title.startswith("Attach the verification of")
        signed = SignedSummary.read(Path(api.hf_hub_download(copied, "verify.json")))
        assert signed.summary.revision == verified_one.commit_id
        assert (signed.summary.repo, signed.summary.failures) == (copied, ())
        assert signed.summary.rerun == 2

        result = verify(copied, api=api)
        assert result.failures == ()
        assert "verify.json: signature" in {check.name for check in result.checks}
        again = sign(result, key)
        assert again.public_key == signed.public_key

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            (lambda text: text.replace('"rerun": 0', '"rerun": 5000'), "verify.json: signature"),
            (lambda text: text.replace('"checks": ', '"checks": 1'), "verify.json: signature"),
            (lambda text: text.replace('"signature": "', '"signature": "A'), "verify.json"),
            (lambda text: "{}", "verify.json"),
        ],
    )
    def test_is_worth_nothing_once_it_is_changed(self, hub, copied, tmp_path, change, name):
        api = hub.api("alice")
        signed = sign(verify(copied, api=api), tmp_path / "key.pem")
        text = change(signed.to_json())
        assert text != signed.to_json()
        api.upload_file(repo_id=copied, path_in_repo="verify.json", path_or_fileobj=text.encode())
        assert name in {check.name for check in verify(copied, api=api).failures}

    def test_of_another_content_or_repo_or_key_is_found(self, hub, copied, published, tmp_path):
        api = hub.api("alice")
        signed = sign(verify(copied, api=api), tmp_path / "key.pem")
        elsewhere = sign(verify(published.id, api=api), tmp_path / "key.pem")
        api.upload_file(
            repo_id=copied,
            path_in_repo="verify.json",
            path_or_fileobj=elsewhere.to_json().encode(),
        )
        names = {check.name for check in verify(copied, api=api).failures}
        assert {"verify.json: repo", "verify.json: commit"} <= names
        assert "verify.json: run.json as it was verified" in names

        other_key = sign(verify(published.id, api=api), tmp_path / "other.pem")
        mixed = signed.model_copy(update={"public_key": other_key.public_key})
        api.upload_file(
            repo_id=copied, path_in_repo="verify.json", path_or_fileobj=mixed.to_json().encode()
        )
        failures = {check.name for check in verify(copied, api=api).failures}
        assert failures == {"verify.json: signature"}

    def test_of_a_commit_that_is_no_longer_the_newest_is_not_attached(self, hub, copied, tmp_path):
        api = hub.api("alice")
        signed = sign(verify(copied, api=api), tmp_path / "key.pem")
        api.upload_file(repo_id=copied, path_in_repo="LICENSE", path_or_fileobj=b"Terms.\n")
        with pytest.raises(BogamError, match="Attaching"):
            attach(signed, api)

    def test_with_failures_is_not_attached(self, hub, copied, release, tmp_path):
        api = hub.api("alice")
        api.upload_file(repo_id=copied, path_in_repo="x.txt", path_or_fileobj=b"stray")
        result = verify(copied, api=api)
        assert result.failures
        with pytest.raises(BogamError, match="1 checks do not hold"):
            attach(sign(result, tmp_path / "key.pem"), api)

    def test_is_left_alone_when_the_same_release_is_published_again(
        self, hub, copied, release, tmp_path
    ):
        from hub.publish import publish_model

        api = hub.api("alice")
        run = RunRecord.read(release / "run.json")
        table = pq.read_table(release / "predictions.parquet")
        plain = run.model_copy(update={"publication": None})
        plain.write(release / "run.json")
        card = lambda record: render_model_card(record, table)  # noqa: E731
        publish_model(release, copied, card=card, api=api)
        attach(sign(verify(copied, api=api), tmp_path / "key.pem"), api)
        again = publish_model(release, copied, card=card, api=api)
        assert not again.is_new
        assert "verify.json" in api.list_repo_files(copied)

    def test_needs_a_key_of_its_kind(self, release, tmp_path):
        key = tmp_path / "key.pem"
        key.write_text("not a key")
        with pytest.raises(BogamError, match="cannot be used as the key"):
            sign(verify_folder(release), key)
