"""A dataset folder and a model folder as the builder and the trainer leave them, in miniature."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cards.baseline import trivial_baseline
from cards.dataset_card import render_dataset_card
from cards.licences import derive, find_licence
from cards.model_card import render_model_card
from cards.records import (
    BuilderInfo,
    DatasetRecord,
    DatasetUse,
    Environment,
    Finding,
    LossPoint,
    Note,
    ParameterGroup,
    PersonalDataCheck,
    Publication,
    Reject,
    Revision,
    RunRecord,
    Source,
    SplitInfo,
    TrainingSummary,
)
from cards.row_description import measure_rows, sample_rows
from cards.scoring import score, summarise

BASE_REVISION = "1" * 40
DATASET_REVISION = "2" * 40
DISEASES = ("공기가슴증(기흉)", "요추 추간판 탈출증", "성인 호흡곤란 증후군", "당뇨병")
INTENTIONS = ("증상", "식이, 생활", "약물", "예방")
WORDS = tuple(
    word
    for sentence in (
        "증상은 발열과 두통이 나타나며 물을 자주 마시고 충분히 쉬어야 합니다",
        "병원에서 검사를 받으십시오",
        "통증이 심하면 약물 치료를 시작하고 운동은 의사와 상의합니다",
    )
    for word in sentence.split()
)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_predictions(rows: int, seed: int = 0) -> pa.Table:
    """Answers of a model that knows little and of one that knows more; two rows a document."""
    draw = random.Random(seed)

    def sentence(words: int) -> str:
        return " ".join(draw.choice(WORDS) for _ in range(words))

    references = [sentence(12) for _ in range(rows)]
    tuned = [
        reference if draw.random() < 0.2 else f"{reference[: draw.randrange(8, 40)]} {sentence(4)}"
        for reference in references
    ]
    nats = np.random.RandomState(seed).rand(rows, 2)
    return pa.table(
        {
            "id": [f"q{row:06d}" for row in range(rows)],
            "document_id": [f"d{row // 2}" for row in range(rows)],
            "split": ["test"] * rows,
            "prompt": [f"{draw.choice(DISEASES)} {draw.choice(INTENTIONS)}?" for _ in range(rows)],
            "reference": references,
            "zero_shot": [sentence(9) for _ in range(rows)],
            "tuned": tuned,
            "answer_tokens": [24] * rows,
            "zero_shot_nll": 24 * (3.0 + nats[:, 0]),
            "tuned_nll": 24 * (1.2 + nats[:, 1]),
        }
    )


def make_run(
    predictions: pa.Table,
    *,
    artifacts: dict[str, str] | None = None,
    repo_id: str = "hospital/EXAONE-3.5-medical-qa",
    base_licence: str = "exaone",
    dataset_licence: str = "aihub",
    resamples: int = 200,
) -> RunRecord:
    """The record of a run whose numbers really come from the (scored) predictions."""
    metrics, comparison = summarise("generation", predictions, resamples=resamples, seed=7)
    steps = range(10, 210, 10)
    return RunRecord(
        recipe={
            "name": "exaone-medical-qa",
            "task": "generation",
            "tuning": {"method": "qlora", "rank": 16, "targets": ["q_proj", "v_proj"]},
            "evaluation": {"split": "test", "max_new_tokens": 512},
        },
        task="generation",
        base_model=Revision(id="hospital/EXAONE-3.5-7.8B-llama", revision=BASE_REVISION),
        dataset=DatasetUse(
            id="hospital/ai-hub-medical-qa",
            revision=DATASET_REVISION,
            splits={"train": 4000, "test": predictions.num_rows},
        ),
        licence=derive(find_licence(base_licence), find_licence(dataset_licence)).id,
        base_licence=base_licence,
        dataset_licence=dataset_licence,
        parameter_groups=(
            ParameterGroup(
                name="lora", lr=2e-4, weight_decay=0.0, parameters=1_310_720, update_norm=3.21
            ),
        ),
        training=TrainingSummary(
            steps=200,
            epochs=3.0,
            loss_history=tuple(
                LossPoint(
                    step=step,
                    loss=3.1 * 0.99**step + 0.8,
                    learning_rate=2e-4 * (1 - step / 210),
                    grad_norm=1.5,
                    eval_loss=3.1 * 0.99**step + 0.95 if step % 50 == 0 else None,
                )
                for step in steps
            ),
            seconds=312.5,
            peak_memory_bytes=2_147_483_648,
            samples_per_second=12.8,
            frozen_unchanged=True,
            label_tokens=96_000,
            longest_sample_tokens=411,
            samples_over_length=0,
        ),
        metrics=metrics,
        comparison=comparison,
        baseline=trivial_baseline("generation", predictions, resamples=resamples, seed=7),
        environment=Environment(
            python="3.11.9",
            platform="Linux-6.1-x86_64",
            packages={"torch": "2.13.0", "transformers": "5.23.0", "peft": "0.21.2"},
            device="cpu",
            device_count=1,
            cpu_count=2,
            memory_bytes=25_000_000_000,
            git_commit="3" * 40,
        ),
        seeds={"training": 42, "bootstrap": 7},
        artifacts=artifacts or {},
        library_model_class="AutoModelForCausalLM",
        dataset_findings=(
            Finding(
                kind="no_gold_pairs",
                severity="warning",
                count=predictions.num_rows,
                detail="Answers were paired by category, disease and intention.",
            ),
        ),
        bootstrap_resamples=resamples,
        languages=("ko",),
        domain="medical",
        publication=Publication(
            repo_id=repo_id,
            private=True,
            personal_data=PersonalDataCheck(policy="refuse", texts_scanned=1234),
        ),
    )


@pytest.fixture(scope="session")
def page_of() -> Callable[[str], str]:
    """A README as a page, the way a Hub shows it."""
    from markdown_it import MarkdownIt

    def render(readme: str) -> str:
        body = re.sub(r"\A---\n.*?\n---\n", "", readme, flags=re.DOTALL)
        return str(MarkdownIt("commonmark").enable("table").render(body))

    return render


@pytest.fixture(scope="session")
def predictions() -> pa.Table:
    return score("generation", make_predictions(120))


@pytest.fixture(scope="session")
def run_record(predictions: pa.Table) -> RunRecord:
    return make_run(predictions)


@pytest.fixture
def model_folder(tmp_path: Path, model_release: Path) -> Path:
    """A copy to damage of weights, predictions, record and card."""
    return shutil.copytree(model_release, tmp_path / "model")


@pytest.fixture
def dataset_folder(tmp_path: Path, dataset_release: Path) -> Path:
    """A copy to damage of shards, rejects, record and card."""
    return shutil.copytree(dataset_release, tmp_path / "dataset")


@pytest.fixture(scope="session")
def model_release(tmp_path_factory: pytest.TempPathFactory, predictions: pa.Table) -> Path:
    from safetensors.numpy import save_file

    folder = tmp_path_factory.mktemp("model")
    pq.write_table(predictions, folder / "predictions.parquet")
    save_file({"lora_A": np.arange(64, dtype=np.float32)}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "hospital/EXAONE-3.5-7.8B-llama"})
    )
    files = ("adapter_config.json", "adapter_model.safetensors", "predictions.parquet")
    run = make_run(predictions, artifacts={name: digest(folder / name) for name in files})
    run.write(folder / "run.json")
    render_model_card(run, predictions).write(folder)
    return folder


@pytest.fixture(scope="session")
def changed() -> Callable[..., RunRecord]:
    """`changed(run, **values)`: the record with other values, checked as one that is read."""

    def change(run: RunRecord, **values: object) -> RunRecord:
        return RunRecord.model_validate(run.model_dump(exclude_none=True) | values)

    return change


@pytest.fixture(scope="session")
def free(changed: Callable[..., RunRecord]) -> Callable[..., RunRecord]:
    """`free(run, **values)`: the same, of a licence under which a card may quote texts."""

    def change(run: RunRecord, **values: object) -> RunRecord:
        return changed(run, licence="mit", base_licence="mit", dataset_licence="mit", **values)

    return change


def make_dataset_record(**changes: object) -> DatasetRecord:
    """600 questions; two splits; some rejects."""
    values: dict[str, object] = {
        "name": "medical-qa",
        "builder": BuilderInfo(
            class_="MedicalQA", version="1.0.0", arguments={"pairing": "by_topic", "seed": 42}
        ),
        "source": Source(path_name="TL.zip", bytes=1_234_567, sha256="4" * 64, files=1300),
        "licence": "aihub",
        "languages": ("ko",),
        "task_categories": ("question-answering", "text-generation"),
        "raw_items": 1300,
        "items_used": 1250,
        "rows": 600,
        "rejects": {"empty_text": 30, "unreadable_encoding": 20},
        "counting": "a question file and an answer file make one row",
        "splits": {
            "train": SplitInfo(rows=500, bytes=0),
            "test": SplitInfo(rows=100, bytes=0),
        },
        "features": {},
        "findings": (
            Finding(
                kind="no_gold_pairs",
                severity="warning",
                count=600,
                detail="Questions and answers carry no key that joins them; each question got an "
                "answer of the same category, disease and intention.",
            ),
            Finding(kind="duplicate_questions", severity="info", count=12, detail="Kept together."),
        ),
        "domain": "medical",
        "title": Note(ko="AI Hub 의료 질의응답", en="AI Hub medical QA"),
        "description": Note(
            ko="AI Hub 헬스케어 질의응답 자료에서 만든 질문과 답의 쌍입니다.",
            en="Pairs of questions and answers made from the AI Hub healthcare QA files.",
        ),
        "columns": {
            "disease": Note(ko="질병명", en="name of the disease"),
            "intention": Note(ko="질문 의도", en="what is asked about"),
        },
        "publication": Publication(
            repo_id="hospital/ai-hub-medical-qa",
            private=True,
            personal_data=PersonalDataCheck(policy="refuse", texts_scanned=2400),
        ),
    }
    return DatasetRecord.model_validate(values | changes)


@pytest.fixture(scope="session")
def dataset_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from datasets import Dataset, Features, List, Value

    folder = tmp_path_factory.mktemp("dataset")
    (folder / "data").mkdir()
    features = Features(
        {
            "id": Value("string"),
            "document_id": Value("string"),
            "messages": List({"role": Value("string"), "content": Value("string")}),
            "disease": Value("string"),
            "intention": Value("string"),
        }
    )
    splits, statistics = {}, {"disease": {}, "intention": {}}
    artifacts = {}
    for split, start, stop in (("train", 0, 500), ("test", 500, 600)):
        rows = [
            {
                "id": f"r{row}",
                "document_id": f"d{row // 2}",
                "messages": [
                    {"role": "user", "content": f"{DISEASES[row % 4]} 질문 {row}"},
                    {"role": "assistant", "content": f"답 {row}"},
                ],
                "disease": DISEASES[row % 4],
                "intention": INTENTIONS[row % 3],
            }
            for row in range(start, stop)
        ]
        for row in rows:
            for column in statistics:
                values = statistics[column]
                values[row[column]] = values.get(row[column], 0) + 1
        shard = f"data/{split}-00000-of-00001.parquet"
        Dataset.from_list(rows, features=features).to_parquet(folder / shard)
        splits[split] = SplitInfo(rows=len(rows), bytes=(folder / shard).stat().st_size)
        artifacts[shard] = digest(folder / shard)
    rejects = [Reject(path=f"1.질문/{n}.json", reason="empty_text") for n in range(30)]
    rejects += [Reject(path=f"2.답변/{n}.json", reason="unreadable_encoding") for n in range(20)]
    (folder / "rejects.jsonl").write_text(
        "".join(f"{reject.model_dump_json()}\n" for reject in rejects), encoding="utf-8"
    )
    artifacts["rejects.jsonl"] = digest(folder / "rejects.jsonl")
    shards = {split: [f"data/{split}-00000-of-00001.parquet"] for split in splits}
    record = make_dataset_record(
        splits=splits,
        features=features.to_dict(),
        statistics=statistics,
        artifacts=artifacts,
        histograms=measure_rows(folder, shards),
        samples=sample_rows(folder, shards),
        task="generation",
        annotation=Note(ko="AI Hub가 붙였습니다.", en="By AI Hub."),
    )
    record.write(folder / "dataset.json")
    render_dataset_card(record).write(folder)
    return folder
