"""A tiny base model, a tiny dataset and recipes over them, made once for all tests of trainers."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards.records import BuilderInfo, DatasetRecord, Source, SplitInfo

DISEASES = ("두통", "감기", "고혈압", "당뇨병", "위염", "빈혈", "천식", "불면증")
QUESTIONS = ("{}의 증상은 무엇인가요?", "{}은 어떻게 치료하나요?", "{}을 예방하려면 무엇을 하나요?")
ANSWERS = (
    "{}이 있으면 몸이 무겁고 쉽게 지칩니다. 오래가면 진료를 받으세요.",
    "{}은 충분히 쉬고 물을 자주 마시면 나아집니다. 약은 의사와 상의하세요.",
    "{}을 막으려면 고르게 먹고 매일 걷고 일찍 주무세요.",
)


def conversation(number: int) -> list[dict[str, str]]:
    """One question with its answer; answers differ in length."""
    disease = DISEASES[number % len(DISEASES)]
    kind = number % len(QUESTIONS)
    answer = " ".join([ANSWERS[kind].format(disease)] * (1 + number % 2))
    return [
        {"role": "user", "content": QUESTIONS[kind].format(disease)},
        {"role": "assistant", "content": answer},
    ]


def texts() -> list[str]:
    return [turn["content"] for number in range(24) for turn in conversation(number)]


@pytest.fixture(scope="session")
def conversations() -> list[list[dict[str, str]]]:
    """The messages of the dataset's rows, in order: 16 train, 4 validation, 6 test."""
    return [conversation(number) for number in range(26)]


@pytest.fixture(scope="session")
def exaone_twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An EXAONE-3.5 of two layers under its real names, untaught."""
    from trainers.tiny_twins import TwinSize, make_twin

    size = TwinSize(hidden=32, intermediate=64, layers=2, vocabulary=600, positions=512)
    return make_twin("exaone-3.5", tmp_path_factory.mktemp("exaone"), texts(), size=size)


@pytest.fixture(scope="session")
def llama_twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers whose pad token is its end token, as SOLAR's is, untaught."""
    from trainers.tiny_twins import TwinSize, make_twin

    size = TwinSize(hidden=32, intermediate=64, layers=2, vocabulary=600, positions=512)
    return make_twin("solar", tmp_path_factory.mktemp("solar"), texts(), size=size)


@pytest.fixture(scope="session")
def qwen_vl_twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2.5-VL of two layers and two vision blocks, untaught."""
    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    size = VisionTwinSize(
        hidden=32,
        intermediate=64,
        layers=2,
        vocabulary=600,
        positions=512,
        vision_hidden=32,
        vision_intermediate=64,
        vision_layers=2,
        vision_heads=2,
    )
    return make_vision_twin("qwen2.5-vl", tmp_path_factory.mktemp("qwen-vl"), texts(), size=size)


@pytest.fixture(scope="session")
def llava_twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LLaVA-NeXT on Mistral of two layers, of whose three vision layers the last is not used."""
    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    size = VisionTwinSize(
        hidden=32,
        intermediate=64,
        layers=2,
        vocabulary=600,
        positions=512,
        vision_hidden=32,
        vision_intermediate=64,
        vision_layers=3,
        vision_heads=2,
    )
    return make_vision_twin("llava-next", tmp_path_factory.mktemp("llava"), texts(), size=size)


@pytest.fixture(scope="session")
def write_splits() -> Callable[..., Path]:
    """`write_splits(folder, task_category, rows, **columns)`: a folder as `bogam build` leaves it.

    rows: of each split. columns: features beside the id, the document and the messages.
    """
    import datasets

    def write(
        folder: Path, task_category: str, rows: dict[str, list[dict[str, Any]]], **columns: Any
    ) -> Path:
        message = {"role": datasets.Value("string"), "content": datasets.Value("string")}
        features = datasets.Features(
            {
                "id": datasets.Value("string"),
                "document_id": datasets.Value("string"),
                **columns,
                "messages": datasets.List(message),
            }
        )
        splits, artifacts = {}, {}
        for split, of_split in rows.items():
            path = folder / "data" / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            datasets.Dataset.from_list(of_split, features=features).to_parquet(path)
            splits[split] = SplitInfo(rows=len(of_split), bytes=path.stat().st_size)
            artifacts[f"data/{path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
        count = sum(map(len, rows.values()))
        DatasetRecord(
            name=folder.name,
            builder=BuilderInfo(class_="tests", version="1", arguments={}),
            source=Source(path_name="made-up", bytes=0),
            licence="cc-by-4.0",
            languages=("ko",),
            task_categories=(task_category,),
            raw_items=count,
            rows=count,
            rejects={},
            items_used=count,
            splits=splits,
            features=features.to_dict(),
            artifacts=artifacts,
            domain="medical",
        ).write(folder / "dataset.json")
        return folder

    return write


@pytest.fixture(scope="session")
def qa_dataset(tmp_path_factory: pytest.TempPathFactory, write_splits: Callable[..., Path]) -> Path:
    """16 rows to learn, 4 to watch, 6 held out."""

    def rows(split: str, numbers: range) -> list[dict[str, Any]]:
        return [
            {"id": f"{split}-{n}", "document_id": f"d{n}", "messages": conversation(n)}
            for n in numbers
        ]

    splits = {"train": range(16), "validation": range(16, 20), "test": range(20, 26)}
    return write_splits(
        tmp_path_factory.mktemp("qa") / "qa",
        "question-answering",
        {split: rows(split, numbers) for split, numbers in splits.items()},
    )


@pytest.fixture
def recipe_for(qa_dataset: Path, tmp_path: Path) -> Callable[..., Any]:
    """`recipe_for(base, **changes)`: four steps on 16 rows, changes by dotted key."""
    from trainers.recipe_schema import Recipe

    def make(base: Path | str, **changes: Any) -> Recipe:
        recipe: dict[str, Any] = {
            "name": "tiny",
            "task": "generation",
            "base_model": {"id": str(base)},
            "dataset": {"id": str(qa_dataset)},
            "tuning": {"rank": 4, "alpha": 8, "dropout": 0.1},
            "optimiser": {"lr": 5e-3},
            "schedule": {
                "epochs": 2,
                "batch_size": 2,
                "accumulation": 4,
                "logging_steps": 1,
                "save_steps": 2,
                "warmup": 0.0,
            },
            "evaluation": {"batch_size": 4, "max_new_tokens": 8, "resamples": 100},
            "output_dir": str(tmp_path / "run"),
        }
        for key, value in changes.items():
            *sections, last = key.split("__")
            place = recipe
            for section in sections:
                place = place.setdefault(section, {})
            place[last] = value
        return Recipe.model_validate(recipe)

    return make


@pytest.fixture
def launch(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`launch(recipe, *accelerate_arguments)` runs the script under accelerate's launcher."""

    import yaml

    def run(recipe: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "recipe.yaml"
        file.write_text(yaml.safe_dump(recipe.resolved()), encoding="utf-8")
        environment = {k: v for k, v in os.environ.items() if k != "HF_ENDPOINT"}
        return subprocess.run(
            [
                *(sys.executable, "-m", "accelerate.commands.launch"),
                *arguments,
                *("--main_process_port", "0"),
                *("trainers/finetune.py", str(file)),
            ],
            env=environment | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def make_trainer(recipe_for: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """`make_trainer(base, rows=..., **changes)`: a trainer over a fresh adapter, nothing run yet.

    The learning rate is the recipe's; validation rows are the training rows.
    """
    import datasets
    import torch
    from peft import get_peft_model
    from transformers import set_seed

    from trainers.base_model import load_base
    from trainers.lora_targets import lora_config
    from trainers.parameter_groups import GroupRule
    from trainers.trainer import AnswerTrainer
    from trainers.training_arguments import training_arguments
    from trainers.training_set import encode_training_set

    def make(
        base: Path, *, numbers: range = range(16), callbacks: Any = (), **changes: Any
    ) -> AnswerTrainer:
        recipe = recipe_for(base, **changes)
        loaded = load_base(
            recipe.base_model,
            precision=recipe.schedule.precision,
            quantisation=recipe.quantisation,
        )
        rows = datasets.Dataset.from_list(
            [{"id": str(number), "messages": conversation(number)} for number in numbers]
        )
        encoded = encode_training_set(
            rows,
            loaded.tokenizer,
            split="train",
            system_prompt=None,
            max_length=512,
            on_too_long="refuse",
        )
        set_seed(recipe.schedule.seed)
        model = get_peft_model(loaded.model, lora_config(loaded.model, recipe.tuning))
        arguments = training_arguments(
            recipe, tmp_path / "checkpoints", loaded.compute_dtype, validates=False
        )
        # Half of LoRA starts at zero, which would leave the other half without a gradient.
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.02)
        return AnswerTrainer(
            model,
            arguments,
            tokenizer=loaded.tokenizer,
            train_rows=encoded.rows,
            validation_rows=None,
            rules=[GroupRule("lora", ".*", recipe.optimiser.lr, recipe.optimiser.weight_decay)],
            keep=recipe.schedule.keep,
            callbacks=list(callbacks),
        )

    return make
