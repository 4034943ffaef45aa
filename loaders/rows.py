"""The row that every dataset shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets

SHARED_COLUMNS = ("id", "document_id", "images", "messages")


def row_features(own_columns: Mapping[str, Any]) -> datasets.Features:
    """The shared columns, then the dataset's own.

    `id` is unique in the dataset. `document_id` names what must not be split apart: a page, a
    patient, a group of questions; no value of it stands in two splits. `images` holds 0..n encoded
    images. `messages` is TRL's conversational form with plain strings as content.

    Args:
        own_columns: {column: `datasets` feature}.

    Raises:
        ValueError: an own column has the name of a shared one.
    """
    import datasets

    taken = [column for column in own_columns if column in SHARED_COLUMNS]
    if taken:
        raise ValueError(f"columns of every dataset, not to be defined again: {', '.join(taken)}")
    text = datasets.Value("string")
    return datasets.Features(
        {
            "id": text,
            "document_id": text,
            "images": datasets.List(datasets.Image()),
            "messages": datasets.List({"role": text, "content": text}),
            **own_columns,
        }
    )
