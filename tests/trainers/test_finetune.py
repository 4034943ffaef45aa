"""A recipe goes all the way to a Hub and back, and whatever is wrong is one clear line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from huggingface_hub import HfApi, snapshot_download

from cards import scoring
from cards.baseline import trivial_baseline
from cards.errors import BogamError
from cards.records import RunRecord
from trainers import finetune as command
from trainers.finetune import FinetuneResult, finetune

if TYPE_CHECKING:
    from tests.conftest import ServedHub

pytestmark = pytest.mark.recipe

# What a stranger runs: plain transformers, none of our code on the path.
STRANGER = """
import sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

repo, question, target = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(repo)
model = AutoModelForCausalLM.from_pretrained(repo)
ids = tokenizer.apply_chat_template(
    [{"role": "user", "content": question}], add_generation_prompt=True, return_dict=True,
    return_tensors="pt",
)
with torch.no_grad():
    torch.save(model(**ids).logits, target)
assert not {name.partition(".")[0] for name in sys.modules} & {"bogam", "cards", "hub", "trainers"}
"""


@pytest.fixture(scope="module")
def published_base(hub: ServedHub, llama_twin: Path) -> str:
    """The Llama twin on the Hub, with a licence."""
    api = hub.api("alice")
    api.create_repo("org/EXAONE-tiny-Llama", private=True)
    api.upload_folder(repo_id="org/EXAONE-tiny-Llama", folder_path=llama_twin)
    for name, text in (("README.md", "---\nlicense: apache-2.0\n---\n"), ("LICENSE", "Terms.\n")):
        api.upload_file(
            repo_id="org/EXAONE-tiny-Llama", path_in_repo=name, path_or_fileobj=text.encode()
        )
    return "org/EXAONE-tiny-Llama"


@pytest.fixture(scope="module")
def published_dataset(hub: ServedHub, qa_dataset: Path) -> str:
    api = hub.api("alice")
    api.create_repo("org/tiny-qa", repo_type="dataset", private=True)
    api.upload_folder(repo_id="org/tiny-qa", repo_type="dataset", folder_path=qa_dataset)
    return "org/tiny-qa"


@pytest.fixture
def as_alice(hub: ServedHub, monkeypatch: pytest.MonkeyPatch) -> HfApi:
    monkeypatch.setenv("HF_TOKEN", hub.tokens["alice"])
    return hub.api("alice")


@pytest.fixture(scope="module")
def result(
    hub: ServedHub,
    published_base: str,
    published_dataset: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> FinetuneResult:
    """One run, from the Hub to the Hub."""
    from trainers.recipe_schema import Recipe

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", hub.tokens["alice"])
        return finetune(
            Recipe.model_validate(
                {
                    "name": "tiny",
                    "task": "generation",
                    "base_model": {"id": published_base},
                    "dataset": {"id": published_dataset},
                    "tuning": {"rank": 4, "alpha": 8},
                    "optimiser": {"lr": 5e-3},
                    "schedule": {"epochs": 4, "batch_size": 2, "logging_steps": 1},
                    "evaluation": {"batch_size": 4, "max_new_tokens": 8, "resamples": 100},
                    "publication": {"repo": "org/EXAONE-tiny-medical-qa"},
                    "output_dir": str(tmp_path_factory.mktemp("runs") / "tiny"),
                }
            )
        )


class TestARunFromHubToHub:
    def test_it_is_one_private_commit(self, result: FinetuneResult, hub: ServedHub) -> None:
        assert result.published is not None
        info = hub.api("alice").model_info(result.published.id)
        assert info.private
        assert info.sha == result.published.revision
        commits = hub.api("alice").list_repo_commits(result.published.id)
        assert len(commits) == 2, "the Hub's own first commit, and the release"

    @pytest.mark.system
    def test_a_stranger_loads_it_in_one_line_and_gets_the_trained_model(
        self,
        result: FinetuneResult,
        client_environment: Callable[[str | None], dict[str, str]],
        llama_twin: Path,
        tmp_path: Path,
    ) -> None:
        """A fresh process with nothing but HF_ENDPOINT and a token; equal to the bit."""
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        assert result.published is not None
        question, target = "두통의 증상은 무엇인가요?", tmp_path / "logits.pt"
        subprocess.run(
            [sys.executable, "-c", STRANGER, result.published.id, question, str(target)],
            env=client_environment("alice"),
            cwd=tmp_path,
            check=True,
        )
        base = AutoModelForCausalLM.from_pretrained(llama_twin)
        trained = PeftModel.from_pretrained(base, result.release.parent / "adapter").eval()
        ids = AutoTokenizer.from_pretrained(llama_twin).apply_chat_template(
            [{"role": "user", "content": question}],
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        )
        with torch.no_grad():
            assert torch.equal(torch.load(target), trained(**ids).logits)
            with trained.disable_adapter():
                assert not torch.equal(torch.load(target), trained(**ids).logits)

    def test_the_numbers_follow_from_the_published_predictions(
        self, result: FinetuneResult, as_alice: HfApi
    ) -> None:
        assert result.published is not None
        folder = Path(snapshot_download(result.published.id, token=as_alice.token))
        record = RunRecord.read(folder / "run.json")
        table = pq.read_table(folder / "predictions.parquet")
        assert scoring.score("generation", table).equals(table)
        draws = {"resamples": 100, "seed": record.seeds["bootstrap"]}
        metrics, comparison = scoring.summarise("generation", table, **draws)
        assert (metrics, comparison) == (record.metrics, record.comparison)
        assert record.baseline == trivial_baseline("generation", table, **draws)
        assert table["id"].to_pylist() == [f"test-{number}" for number in range(20, 26)]
        assert {"document_id", "zero_shot_nll", "tuned_nll", "answer_tokens"} <= set(
            table.column_names
        )
        tuned, before = (metrics[side]["perplexity"].value for side in ("tuned", "zero_shot"))
        assert tuned < before, "training did nothing for the held-out answers"

    def test_the_record_tells_what_happened(
        self, result: FinetuneResult, published_base: str, published_dataset: str, as_alice: HfApi
    ) -> None:
        record = result.record
        assert record.base_model.revision == as_alice.model_info(published_base).sha
        assert record.dataset.revision == as_alice.dataset_info(published_dataset).sha
        assert record.dataset.splits == {"train": 16, "validation": 4, "test": 6}
        assert record.dataset.rows_there == record.dataset.splits, "all of them"
        assert (record.base_licence, record.dataset_licence) == ("apache-2.0", "cc-by-4.0")
        assert record.training.frozen_unchanged
        assert record.training.steps == 8
        assert [point.step for point in record.training.loss_history] == list(range(1, 9))
        assert any(point.eval_loss is not None for point in record.training.loss_history)
        [group] = record.parameter_groups
        assert group.update_norm is not None and group.update_norm > 0
        assert record.training.peak_memory_bytes > 0
        assert record.training.samples_per_second > 0

    def test_the_repo_holds_nothing_that_does_not_belong_there(
        self, result: FinetuneResult, as_alice: HfApi, published_base: str
    ) -> None:
        assert result.published is not None
        folder = Path(snapshot_download(result.published.id, token=as_alice.token))
        paths = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.relative_to(folder).as_posix() for path in paths} - {".gitattributes"} == {
            ".eval_results/tiny-qa.yaml",
            "LICENSE.txt",
            "README.md",
            "adapter_config.json",
            "adapter_model.safetensors",
            "chat_template.jinja",
            "figures/loss.png",
            "figures/metrics.png",
            "predictions.parquet",
            "run.json",
            "tokenizer.json",
            "tokenizer_config.json",
        }
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        assert config["base_model_name_or_path"] == published_base
        assert config["revision"] == result.record.base_model.revision
        for path in paths:
            assert str(result.release.parent).encode() not in path.read_bytes(), path

    def test_the_same_run_again_trains_and_publishes_nothing(
        self, result: FinetuneResult, as_alice: HfApi
    ) -> None:
        assert result.published is not None
        recipe = dict(result.record.recipe) | {"output_dir": str(result.release.parent)}
        from trainers.recipe_schema import Recipe

        again = finetune(Recipe.model_validate_json(json.dumps(recipe)))
        assert again.published == result.published
        assert len(as_alice.list_repo_commits(result.published.id)) == 2


def test_a_push_that_failed_is_made_up_for_without_training_again(
    recipe_for: Callable[..., Any],
    published_base: str,
    published_dataset: str,
    as_alice: HfApi,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from trainers import push

    recipe = recipe_for(
        published_base,
        dataset__id=published_dataset,
        publication__repo="org/EXAONE-made-up-for",
        schedule__max_steps=1,
    )

    def unreachable(*args: Any, **kwargs: Any) -> None:
        raise BogamError("the Hub cannot be reached")

    with monkeypatch.context() as patch:
        patch.setattr(push, "publish_model", unreachable)
        with pytest.raises(BogamError, match="cannot be reached"):
            finetune(recipe)
    assert not as_alice.repo_exists("org/EXAONE-made-up-for")

    weights = Path(recipe.output_dir) / "adapter" / "adapter_model.safetensors"
    before = weights.stat().st_mtime_ns
    assert finetune(recipe).published is not None
    assert weights.stat().st_mtime_ns == before
    assert as_alice.file_exists("org/EXAONE-made-up-for", "run.json")


def test_an_exaone_base_in_a_folder_is_trained_for_this_machine(
    recipe_for: Callable[..., Any], exaone_twin: Path, tmp_path: Path
) -> None:
    """Under its real names, quantised, stopped and taken up again, never published."""
    recipe = recipe_for(exaone_twin, tuning__method="qlora", quantisation={})
    result = finetune(recipe)
    assert result.published is None
    assert result.record.recipe["output_dir"] == "run"

    folder = Path(recipe.output_dir)
    shutil.rmtree(result.release)
    shutil.rmtree(folder / "checkpoints" / "checkpoint-4")
    again = finetune(recipe)
    assert again.record.artifacts == result.record.artifacts, "the same weights and answers"
    assert again.record.training.loss_history == result.record.training.loss_history


def test_a_recipe_is_checked_before_anything_heavy_is_imported() -> None:
    script = (
        "import sys; from trainers.finetune import main; code = main(['no-such-recipe.yaml']); "
        "assert not {'torch', 'transformers', 'datasets', 'huggingface_hub'} & set(sys.modules); "
        "sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: no-such-recipe.yaml: no such recipe file")
    assert "Traceback" not in done.stderr


class TestBadInput:
    """Exit code 2, one clear line, and nothing begun that is half done."""

    @pytest.fixture
    def run(
        self,
        recipe_for: Callable[..., Any],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> Callable[..., str]:
        def run(base: Path | str, *overrides: str, **changes: Any) -> str:
            file = tmp_path / "recipe.yaml"
            file.write_text(
                yaml.safe_dump(recipe_for(base, **changes).resolved()), encoding="utf-8"
            )
            assert command.main([str(file), *overrides]) == 2
            assert not (tmp_path / "run" / "release").exists()
            return capsys.readouterr().err.rpartition("error: ")[2]

        return run

    def test_unknown_key(self, run: Callable[..., str], llama_twin: Path) -> None:
        assert "schedule.epochs" in run(llama_twin, "schedule.epoch=1")

    def test_base_model_that_is_nowhere(self, run: Callable[..., str], hub: ServedHub) -> None:
        assert "org/no-such-model" in run("org/no-such-model")

    def test_base_folder_that_is_missing(self, run: Callable[..., str]) -> None:
        assert "no such folder" in run("./no-such-folder")

    def test_dataset_that_is_nowhere(
        self, run: Callable[..., str], llama_twin: Path, hub: ServedHub
    ) -> None:
        assert "dataset org/no-such-data" in run(llama_twin, dataset__id="org/no-such-data")

    def test_split_that_is_not_there(self, run: Callable[..., str], llama_twin: Path) -> None:
        told = run(llama_twin, evaluation__split="held-out")
        assert "no split 'held-out'" in told and "train, validation, test" in told

    def test_column_that_is_missing(
        self, run: Callable[..., str], llama_twin: Path, qa_dataset: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "other"
        shutil.copytree(qa_dataset, folder)
        for path in (folder / "data").iterdir():
            table = pq.read_table(path)
            names = ["question" if n == "messages" else n for n in table.column_names]
            pq.write_table(table.rename_columns(names).replace_schema_metadata(), path)
        told = run(llama_twin, dataset__id=str(folder))
        assert "no column messages" in told and "question" in told

    def test_images_that_would_be_left_out(
        self, run: Callable[..., str], llama_twin: Path, qa_dataset: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "other"
        shutil.copytree(qa_dataset, folder)
        for path in (folder / "data").iterdir():
            table = pq.read_table(path)
            images = pa.array([["a", "b"]] * table.num_rows)
            pq.write_table(table.append_column("images", images).replace_schema_metadata(), path)
        assert "its rows hold 32 images" in run(llama_twin, dataset__id=str(folder))

    def test_split_without_rows(
        self, run: Callable[..., str], llama_twin: Path, qa_dataset: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / "other"
        shutil.copytree(qa_dataset, folder)
        path = folder / "data" / "test-00000-of-00001.parquet"
        pq.write_table(pq.read_table(path).slice(0, 0), path)
        record = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        record["splits"]["test"]["rows"] = 0
        for count in ("raw_items", "rows", "items_used"):
            record[count] = 20
        (folder / "dataset.json").write_text(json.dumps(record), encoding="utf-8")
        assert "without rows cannot be: test" in run(llama_twin, dataset__id=str(folder))

    def test_rows_that_are_too_long(self, run: Callable[..., str], llama_twin: Path) -> None:
        told = run(llama_twin, schedule__max_length=16)
        assert "16 of 16 rows are longer than 16 tokens" in told and "on_too_long" in told

    def test_lora_target_that_does_not_exist(
        self, run: Callable[..., str], llama_twin: Path, tmp_path: Path
    ) -> None:
        assert "'out_proj'" in run(llama_twin, tuning__targets=["q_proj", "out_proj"])
        log = (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
        assert "Traceback" in log, "who looks into it later finds where it happened"

    def test_publishing_on_a_base_that_nobody_else_has(
        self, run: Callable[..., str], llama_twin: Path
    ) -> None:
        told = run(llama_twin, publication__repo="org/tiny")
        assert "which nobody else has" in told or "licence is not known" in told

    @pytest.mark.parametrize(("token", "told"), [("hf_wrong", "token"), ("reader", "read")])
    def test_a_token_that_may_not_publish_is_found_before_training(
        self,
        run: Callable[..., str],
        hub: ServedHub,
        published_base: str,
        published_dataset: str,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        token: str,
        told: str,
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", hub.tokens.get(token, token))
        assert told in run(
            published_base,
            dataset__id=published_dataset,
            publication__repo="org/EXAONE-refused",
        )
        assert not (tmp_path / "run" / "checkpoints").exists()

    def test_hub_that_is_down(
        self,
        run: Callable[..., str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from huggingface_hub import constants

        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        told = run("org/some-model")
        assert "127.0.0.1:9" in told and "reach" in told

    def test_folder_of_another_run(
        self, run: Callable[..., str], llama_twin: Path, recipe_for: Callable[..., Any]
    ) -> None:
        recipe = recipe_for(llama_twin, schedule__max_steps=1)
        finetune(recipe)
        with pytest.raises(BogamError, match=r"schedule\.max_steps: 1 before, 2 now"):
            finetune(recipe_for(llama_twin, schedule__max_steps=2))
