"""Copies made while training: those of a build first, then others, and never of a held-out row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

from cards.errors import BogamError

PLACES = {"classes": ["transaction_place"], "copies": 2}


def materialised(folder: Path) -> list[dict[str, Any]]:
    rows = datasets.load_dataset(
        "parquet", data_files=str(folder / "data" / "train-*.parquet"), split="train"
    )
    return list(rows.cast_column("images", datasets.List(datasets.Image(decode=False))))


def test_the_first_epoch_shows_what_a_build_would_have_written(
    class_data: Callable[..., Any], evidence_datasets: dict[str, Path]
) -> None:
    _, _, data = class_data(augmentation=PLACES)
    written = materialised(evidence_datasets["materialise"])
    images = data.train.images
    assert len(data.train.rows) == len(written)
    assert data.rows_used["train"] == sum(not row["augmentation"] for row in written)
    seen = Counter[bool]()
    for number, row in enumerate(written):
        [shown] = images[number]
        expected = Image.open(BytesIO(row["images"][0]["bytes"])).convert("RGB")
        assert shown == expected
        assert row["id"].startswith(images.rows[number]["id"])
        seen[bool(row["augmentation"])] += 1
    assert seen[True] == 2 * sum(row["label"] == 2 and not row["augmentation"] for row in written)


def test_every_epoch_shows_other_copies_and_the_same_originals(
    class_data: Callable[..., Any],
) -> None:
    _, _, data = class_data(augmentation=PLACES)
    images = data.train.images
    first = [images[number] for number in range(len(images.copies))]
    data.collator.begin_epoch(1)
    for number, copy in enumerate(images.copies):
        assert (images[number] == first[number]) == (copy == 0)
        assert images[number][0].size == first[number][0].size
    data.collator.begin_epoch(0)
    assert [images[number] for number in range(len(images.copies))] == first


@pytest.mark.system
def test_processes_that_preprocess_pictures_follow_the_epoch(
    class_trainer: Callable[..., Any],
) -> None:
    logs = []
    for workers in (0, 1):
        trainer = class_trainer(
            augmentation=PLACES,
            loss={"kind": "focal"},
            schedule={"workers": workers, "batch_size": 12, "max_steps": 8, "epochs": 8},
            optimiser={"lr": 1e-3},
        )
        assert len(trainer.train_dataset) < 4 * 12  # so there are several epochs
        trainer.train_from(None)
        logs.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert logs[0] == logs[1]


def test_a_dataset_with_copies_is_not_augmented_again(
    class_data: Callable[..., Any], evidence_datasets: dict[str, Path]
) -> None:
    with pytest.raises(BogamError, match="build it with --augment online"):
        class_data(augmentation=PLACES, dataset={"id": str(evidence_datasets["materialise"])})


def test_a_changed_setting_changes_the_copies(class_data: Callable[..., Any]) -> None:
    _, _, data = class_data(augmentation=PLACES)
    _, _, other = class_data(augmentation=PLACES | {"seed": 43})
    copies = [number for number, copy in enumerate(data.train.images.copies) if copy]
    assert copies
    assert all(data.train.images[number] != other.train.images[number] for number in copies)
    _, _, more = class_data(augmentation=PLACES | {"classes": ["drug_raw", "chat_history"]})
    assert len(more.train.images.copies) > len(data.train.images.copies)
