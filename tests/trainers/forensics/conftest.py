"""Drawn evidence as a published dataset has it, and classification recipes over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loaders.dataset_folder import build
from loaders.forensics.classes import DEFAULT_CLASSES
from loaders.forensics.drawing.writer import write_drawings


@pytest.fixture(scope="session")
def evidence_datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """40 drawings, built with `--augment materialise` and `--augment online`."""
    folder = tmp_path_factory.mktemp("evidence")
    write_drawings(folder / "drawn", 40, seed=5, workers=1)
    for augment in ("materialise", "online"):
        options = {"augment": augment, "augment_copies": 2}
        build("drug-forensics", folder / "drawn", folder / augment, options)
    return {augment: folder / augment for augment in ("materialise", "online")}


@pytest.fixture
def class_recipe(
    evidence_datasets: dict[str, Path], llava_twin: Path, tmp_path: Path
) -> Callable[..., Any]:
    """`class_recipe(**sections)`: two steps of four rows on drawn evidence."""
    from trainers.recipe_schema import Recipe

    def make(**sections: Any) -> Recipe:
        recipe: dict[str, Any] = {
            "name": "evidence",
            "task": "classification",
            "classes": [
                {"answer": str(number), "name": one.english, "korean": one.korean}
                for number, one in enumerate(DEFAULT_CLASSES)
            ],
            "base_model": {"id": str(llava_twin)},
            "dataset": {"id": str(evidence_datasets["online"]), "validation_split": None},
            "tuning": {"rank": 4, "dropout": 0.0, "targets": ["q_proj", "v_proj"]},
            "optimiser": {"lr": 1e-2},
            "schedule": {
                "max_steps": 2,
                "batch_size": 4,
                "accumulation": 1,
                "logging_steps": 1,
                "warmup": 0.0,
                "gradient_checkpointing": False,
            },
            "evaluation": {"batch_size": 4, "max_new_tokens": 8, "resamples": 100},
            "output_dir": str(tmp_path / "run"),
        }
        for name, section in sections.items():
            known = recipe.get(name)
            recipe[name] = known | section if isinstance(known, dict) else section
        return Recipe.model_validate(recipe)

    return make


@pytest.fixture
def class_data(class_recipe: Callable[..., Any]) -> Callable[..., Any]:
    """`class_data(**sections)`: (recipe, base model, rows) as a run begins with them."""
    from trainers.base_model import load_base
    from trainers.dataset_source import find_dataset
    from trainers.run_data import read_run_data

    def make(**sections: Any) -> Any:
        recipe = class_recipe(**sections)
        base = load_base(recipe.base_model)
        return recipe, base, read_run_data(recipe, find_dataset(recipe.dataset), base)

    return make


@pytest.fixture
def class_trainer(class_data: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """`class_trainer(**sections)`: a trainer over a fresh adapter, nothing run yet."""
    from transformers import set_seed

    from trainers.class_trainer import ClassTrainer, answer_loss
    from trainers.training_arguments import training_arguments
    from trainers.tuning import group_rules, with_adapter

    def make(**sections: Any) -> Any:
        recipe, base, data = class_data(**sections)
        loss = answer_loss(recipe.loss, data.train)
        assert loss is not None
        set_seed(recipe.schedule.seed)
        return ClassTrainer(
            with_adapter(base.model, recipe.tuning),
            training_arguments(
                recipe,
                tmp_path / "checkpoints",
                base.compute_dtype,
                validates=data.validation is not None,
            ),
            tokenizer=base.tokenizer,
            train_rows=data.train.rows,
            validation_rows=data.validation.rows if data.validation else None,
            rules=group_rules(base.model, recipe.tuning, recipe.optimiser),
            keep=recipe.schedule.keep,
            collator=data.collator,
            loss=loss,
        )

    return make
