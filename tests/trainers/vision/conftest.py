"""Twins that see, and a picture to show them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image


def picture(number: int, width: int = 70, height: int = 56) -> Image.Image:
    noise = np.random.RandomState(number).randint(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


@pytest.fixture(params=["qwen2.5-vl", "llava-next"])
def twin(request: pytest.FixtureRequest) -> Path:
    """Each of the two architectures in turn."""
    name = "qwen_vl_twin" if request.param == "qwen2.5-vl" else "llava_twin"
    folder = request.getfixturevalue(name)
    assert isinstance(folder, Path)
    return folder


@pytest.fixture
def load() -> Callable[..., Any]:
    """`load(folder, **arguments)`: the base model as a run loads it."""
    from trainers.base_model import load_base
    from trainers.recipe_schema import BaseModelSection

    return lambda folder, **arguments: load_base(BaseModelSection(id=str(folder)), **arguments)


@pytest.fixture
def shown() -> Callable[[Any], dict[str, torch.Tensor]]:
    """`shown(base)`: a question about a picture with its answer, as a batch of one."""

    def make(base: Any) -> dict[str, torch.Tensor]:
        messages = [
            {
                "role": "user",
                "content": [{"type": "image"}, {"type": "text", "text": "증상은 무엇인가요?"}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "두통입니다."}]},
        ]
        text = base.processor.apply_chat_template(messages, tokenize=False)
        return dict(base.processor(images=[picture(0)], text=[text], return_tensors="pt"))

    return make


@pytest.fixture
def tuning() -> Callable[..., Any]:
    """`tuning(("merger", None), ...)`: LoRA on q_proj and v_proj, and these parts whole."""
    from trainers.recipe_schema import FullTuning, TuningSection

    def make(*parts: tuple[str, int | None], **changes: Any) -> Any:
        full = tuple(
            FullTuning.model_validate({"part": part, "lr": 10.0**-place, "last_layers": layers})
            for place, (part, layers) in enumerate(parts, start=3)
        )
        settings = {"rank": 4, "dropout": 0.0, "targets": ("q_proj", "v_proj"), **changes}
        return TuningSection(full=full, **settings)

    return make


DISEASES = ("두통", "감기", "고혈압", "위염")


@pytest.fixture(scope="session")
def seeing_dataset(
    tmp_path_factory: pytest.TempPathFactory, write_splits: Callable[..., Path]
) -> Path:
    """8 rows to learn, 4 to watch, 4 held out: a picture each, every other one asked twice."""
    return write_pages(write_splits, tmp_path_factory.mktemp("seeing") / "pages", blind=())


@pytest.fixture(scope="session")
def mixed_dataset(
    tmp_path_factory: pytest.TempPathFactory, write_splits: Callable[..., Path]
) -> Path:
    """The same, but some of the rows to learn have no picture."""
    return write_pages(write_splits, tmp_path_factory.mktemp("mixed") / "pages", blind=(1, 2, 6))


def write_pages(write_splits: Callable[..., Path], folder: Path, blind: tuple[int, ...]) -> Path:
    import datasets

    def row(number: int) -> dict[str, Any]:
        stored = io.BytesIO()
        picture(number, 56 + 14 * (number % 4), 70).save(stored, "PNG")
        turns = []
        for turn in range(1 + number % 2):
            disease = DISEASES[(number + turn) % 4]
            turns += [
                {"role": "user", "content": f"{disease}의 증상은 무엇인가요?"},
                {"role": "assistant", "content": f"{disease}이 있으면 쉽게 지칩니다."},
            ]
        image = {"bytes": stored.getvalue(), "path": None}
        return {
            "id": f"r{number}",
            "document_id": f"d{number}",
            "images": [] if number in blind else [image],
            "messages": turns,
        }

    splits = {"train": range(8), "validation": range(8, 12), "test": range(12, 16)}
    return write_splits(
        folder,
        "image-text-to-text",
        {split: [row(number) for number in numbers] for split, numbers in splits.items()},
        images=datasets.List(datasets.Image()),
    )


HYBRID = [{"part": "vision_tower", "lr": 2e-3}, {"part": "merger", "lr": 5e-3}]


@pytest.fixture(scope="session")
def hybrid_recipe(seeing_dataset: Path) -> Callable[..., Any]:
    """`hybrid_recipe(base, output, **sections)`: two epochs of two steps of four rows."""
    from trainers.recipe_schema import Recipe

    def make(base: Path, output: Path, **sections: Any) -> Recipe:
        recipe: dict[str, dict[str, Any]] = {
            "base_model": {"id": str(base)},
            "dataset": {"id": str(seeing_dataset)},
            "tuning": {"rank": 4, "dropout": 0.1, "targets": ["q_proj", "v_proj"], "full": HYBRID},
            "optimiser": {"lr": 1e-3, "weight_decay": 0.1},
            "schedule": {"epochs": 2, "batch_size": 2, "accumulation": 2, "logging_steps": 1},
            "evaluation": {"batch_size": 4, "max_new_tokens": 8, "resamples": 100},
        }
        for name, section in sections.items():
            recipe[name] = recipe.get(name, {}) | section
        return Recipe.model_validate(
            {"name": "seeing", "task": "generation", "output_dir": str(output), **recipe}
        )

    return make


@pytest.fixture
def seeing_trainer(tmp_path: Path) -> Callable[..., Any]:
    """`seeing_trainer(recipe, callbacks=...)`: a trainer over a fresh adapter, nothing run yet."""
    from transformers import set_seed

    from trainers.base_model import load_base
    from trainers.dataset_source import find_dataset
    from trainers.run_data import read_run_data
    from trainers.trainer import AnswerTrainer
    from trainers.training_arguments import training_arguments
    from trainers.tuning import group_rules, with_adapter

    def make(recipe: Any, *, callbacks: Any = ()) -> Any:
        base = load_base(
            recipe.base_model,
            precision=recipe.schedule.precision,
            quantisation=recipe.quantisation,
            images=recipe.images,
        )
        data = read_run_data(recipe, find_dataset(recipe.dataset), base)
        set_seed(recipe.schedule.seed)
        return AnswerTrainer(
            with_adapter(base.model, recipe.tuning),
            training_arguments(
                recipe, tmp_path / "checkpoints", base.compute_dtype, validates=True
            ),
            tokenizer=base.tokenizer,
            train_rows=data.train.rows,
            validation_rows=data.validation.rows if data.validation else None,
            rules=group_rules(base.model, recipe.tuning, recipe.optimiser),
            keep=recipe.schedule.keep,
            collator=data.collator,
            callbacks=list(callbacks),
        )

    return make
