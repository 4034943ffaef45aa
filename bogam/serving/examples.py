"""Held-out rows of the dataset that a model was measured on, to try it with."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from huggingface_hub import HfApi, HfFileSystem

from bogam.serving.documents import labels_of
from cards.document_labels import FIELD_LABELS
from cards.errors import BogamError
from cards.records import RunRecord
from hub.refusals import said_plainly
from trainers.model_source import LOCAL, ModelSource


@dataclass(frozen=True)
class Example:
    """One row: its first picture, its first question, and what is known of the answer."""

    id: str
    image: bytes | None
    question: str
    reference: str
    document_type: str | None
    """Of a medical document, as the page offers them."""
    fields: list[dict[str, Any]]
    """Those that a reader is asked about: `name`, `labels`, `value`, and `box` (left, top, right,
    bottom in pixels; empty where it is not known)."""

    def to_json(self) -> dict[str, Any]:
        image = None
        if self.image is not None:
            kind = "png" if self.image.startswith(b"\x89PNG") else "jpeg"
            image = f"data:image/{kind};base64,{base64.b64encode(self.image).decode()}"
        return {
            "id": self.id,
            "image": image,
            "question": self.question,
            "reference": self.reference,
            "document_type": self.document_type,
            "fields": self.fields,
        }


def load_examples(source: ModelSource, count: int) -> list[Example]:
    """The first rows of the split that the run was measured on.

    Raises:
        BogamError: the model has no run record, or its dataset cannot be read.
    """
    if not count:
        return []
    if source.run is None:
        raise BogamError(
            f"model {source.name}: has no run record, so its dataset is not known. Leave "
            "--examples out."
        )
    rows = _rows(source.run, count)
    return [_example(row) for row in rows]


def _rows(run: RunRecord, count: int) -> list[dict[str, Any]]:
    dataset, split = run.dataset, run.recipe["evaluation"]["split"]
    pattern = f"data/{split}-*.parquet"
    with said_plainly(f"dataset {dataset.id}", HfApi()):
        if dataset.revision == LOCAL:
            files: list[Any] = sorted(Path(dataset.id).glob(pattern))
        else:
            hub = HfFileSystem()
            at = f"datasets/{dataset.id}@{dataset.revision}"
            files = [hub.open(path) for path in sorted(hub.glob(f"{at}/{pattern}"))[:1]]
        if not files:
            raise BogamError(
                f"dataset {dataset.id}: no rows of the split {split!r} in {pattern} that "
                "this token may read. Leave --examples out."
            )
        table = pq.ParquetFile(files[0])
        batch = next(table.iter_batches(batch_size=count))
    return list(batch.to_pylist())


def _example(row: dict[str, Any]) -> Example:
    turns = row["messages"]
    asked = next(turn for turn, one in enumerate(turns) if one["role"] == "user")
    images = row.get("images") or []
    return Example(
        id=str(row["id"]),
        image=images[0]["bytes"] if images else None,
        question=turns[asked]["content"],
        reference=turns[asked + 1]["content"] if asked + 1 < len(turns) else "",
        document_type=row.get("document_type"),
        fields=[
            {
                "name": field["name"],
                "labels": labels_of(field["name"]),
                "value": field["value"],
                "box": field["box"] or [],
            }
            for field in row.get("fields") or ()
            if field["name"] in FIELD_LABELS
        ],
    )
