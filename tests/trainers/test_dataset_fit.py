"""A recipe runs on datasets of its own task and classes, and says so before it loads a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards.errors import BogamError
from cards.licences import find_licence
from cards.records import DatasetRecord, Revision
from trainers.dataset_fit import require_fit
from trainers.dataset_source import DatasetSource
from trainers.recipe import load_recipe

TINY = Path(__file__).parents[2] / "recipes" / "tiny"
CLASSES = ["irrelevant", "chat_history", "transaction_place", "drug_raw"]


@pytest.fixture
def source(qa_dataset: Path) -> Callable[..., DatasetSource]:
    """`source(label=..., human_or_machine=...)`: a dataset with these columns besides the usual."""
    record = DatasetRecord.read(qa_dataset / "dataset.json")

    def make(**columns: Any) -> DatasetSource:
        changed = record.model_copy(update={"features": record.features | columns})
        where = Revision(id="org/data", revision="1" * 40)
        return DatasetSource(where, changed, find_licence(record.licence))

    return make


def _classes(names: list[str]) -> dict[str, Any]:
    return {"names": names, "_type": "ClassLabel"}


def _text() -> dict[str, Any]:
    return {"dtype": "string", "_type": "Value"}


@pytest.mark.parametrize(
    ("recipe", "columns"),
    [
        ("llava-drug-forensics", {"label": _classes(CLASSES)}),
        ("qwenvl-chartqa", {"labels": _text(), "human_or_machine": _text()}),
        ("qwenvl-medical-ocr", {"document_type": _text()}),
        ("exaone-medical-qa", {}),
        ("exaone-medical-qa", {"label": _classes(CLASSES)}),
    ],
)
def test_datasets_of_the_task_fit(
    source: Callable[..., DatasetSource], recipe: str, columns: dict[str, Any]
) -> None:
    require_fit(load_recipe(TINY / f"{recipe}.yaml"), source(**columns))


@pytest.mark.parametrize(
    ("recipe", "columns", "told"),
    [
        (
            "llava-drug-forensics",
            {"label": _classes(["drug", "chat", "place", "other"])},
            "classes are drug, chat, place, other, the recipe's are irrelevant, chat_history",
        ),
        ("llava-drug-forensics", {"label": _classes(CLASSES[:3])}, "under the wrong names"),
        ("llava-drug-forensics", {"label": _classes(CLASSES[::-1])}, "in this order"),
        ("qwenvl-chartqa", {"label": _classes(CLASSES)}, "no column labels, human_or_machine"),
        ("qwenvl-medical-ocr", {"label": _classes(CLASSES)}, "`task: classification`"),
    ],
)
def test_a_dataset_of_something_else_is_refused(
    source: Callable[..., DatasetSource], recipe: str, columns: dict[str, Any], told: str
) -> None:
    with pytest.raises(BogamError, match=told):
        require_fit(load_recipe(TINY / f"{recipe}.yaml"), source(**columns))
