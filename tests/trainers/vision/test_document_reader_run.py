"""A run of the medical_ocr task from pages to a card with pictures that an audit confirms."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from bogam.rerun import rerun
from cards.audit import audit_model_folder
from cards.page_sheet import PICTURE
from cards.reading_card import SHEET
from cards.records import DatasetRecord

pytestmark = pytest.mark.recipe


@pytest.fixture(scope="module")
def pages(seeing_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of the other tests as documents; one of the held-out pages is not made up."""
    folder = shutil.copytree(seeing_dataset, tmp_path_factory.mktemp("documents") / "pages")
    record = DatasetRecord.read(folder / "dataset.json")
    artifacts = {}
    for name in record.artifacts:
        rows = datasets.Dataset.from_parquet(
            str(folder / name), cache_dir=str(folder.parent / "cache")
        )
        count = len(rows)
        for column, values in (
            ("document_type", ["prescription"] * count),
            ("language", ["ko"] * count),
            ("quality", ["phone"] * count),
            ("made_up", [number > 0 for number in range(count)]),
        ):
            rows = rows.add_column(column, values)
        (folder / name).unlink()
        rows.to_parquet(folder / name)
        artifacts[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        features = rows.features.to_dict()
    record.model_copy(update={"artifacts": artifacts, "features": features}).write(
        folder / "dataset.json"
    )
    return folder


def test_every_turn_is_an_example_and_the_card_shows_made_up_pages_only(
    qwen_vl_twin: Path, pages: Path, hybrid_recipe: Callable[..., Any], tmp_path: Path
) -> None:
    from trainers.finetune import finetune
    from trainers.recipe_schema import Recipe

    base = shutil.copytree(qwen_vl_twin, tmp_path / "base")
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\n", encoding="utf-8")
    recipe = hybrid_recipe(
        base,
        tmp_path / "run",
        dataset={"id": str(pages)},
        evaluation={"turns": "all"},
    )
    recipe = Recipe.model_validate(recipe.model_dump() | {"task": "medical_ocr"})
    result = finetune(recipe)

    predictions = pq.read_table(result.release / "predictions.parquet")
    # Rows 12 to 15 are held out; every other one is asked twice.
    assert predictions["id"].to_pylist() == ["r12#1", "r13#1", "r13#2", "r14#1", "r15#1", "r15#2"]
    assert set(predictions["document_type"].to_pylist()) == {"prescription"}
    assert result.record.metrics["tuned"]["cer"].n == 6
    assert result.record.metrics["tuned"]["cer"].documents == 4

    pictured = {
        one.partition("#")[0]: picture
        for one, picture in zip(
            predictions["id"].to_pylist(), predictions[PICTURE].to_pylist(), strict=True
        )
        if picture is not None
    }
    assert set(pictured) == {"r13", "r14", "r15"}, "r12 may be of a real person"
    size = Image.open(io.BytesIO(pictured["r13"])).size
    assert size == (56 + 14 * (13 % 4), 70), "the picture of that very row"
    assert (result.release / "figures" / SHEET).is_file()
    assert [check for check in audit_model_folder(result.release) if not check.ok] == []

    again = list(rerun(str(result.release), result.record, predictions, 6))
    assert [check.name for check in again if not check.ok] == []
    assert {check.name for check in again} >= {"re-run r13#2: tuned", "re-run r15#1: zero_shot"}
    place = predictions.column_names.index("tuned")
    forged = ["지어낸 답", *predictions["tuned"].to_pylist()[1:]]
    false = predictions.set_column(place, "tuned", pa.array(forged))
    failures = [one for one in rerun(str(result.release), result.record, false, 6) if not one.ok]
    assert [one.name for one in failures] == ["re-run r12#1: tuned"]
