"""Rows whose pictures differ in number, size, format and orientation."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

FEATURES = datasets.Features(
    {
        "id": datasets.Value("string"),
        "images": datasets.List(datasets.Image(decode=False)),
        "messages": datasets.List(
            {"role": datasets.Value("string"), "content": datasets.Value("string")}
        ),
        "language": datasets.Value("string"),
    }
)


def stored_noise(
    width: int, height: int, image_format: str = "PNG", **options: Any
) -> dict[str, Any]:
    """A picture of noise, as a dataset keeps it."""
    noise = np.random.RandomState(width).randint(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, image_format, **options)
    return {"bytes": file.getvalue(), "path": None}


def lying() -> Image.Exif:
    """Exif data that says: to be turned by a quarter."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def turns(*contents: str) -> list[dict[str, str]]:
    return [
        {"role": "assistant" if place % 2 else "user", "content": content}
        for place, content in enumerate(contents)
    ]


@pytest.fixture(scope="session")
def stored() -> Callable[..., dict[str, Any]]:
    """`stored(width, height)`: a picture as a dataset keeps it."""
    return stored_noise


@pytest.fixture(scope="session")
def image_rows() -> Callable[..., datasets.Dataset]:
    """`image_rows({id: (images, messages)})`: a split as a run reads it."""

    def make(rows: dict[str, tuple[list[dict[str, Any]], list[dict[str, str]]]]) -> Any:
        return datasets.Dataset.from_list(
            [
                {"id": id, "images": images, "messages": messages, "language": f"lang-{id}"}
                for id, (images, messages) in rows.items()
            ],
            features=FEATURES,
        )

    return make


@pytest.fixture(scope="session")
def ragged(image_rows: Callable[..., datasets.Dataset]) -> datasets.Dataset:
    """One wide picture; one lying on its side and asked about twice; two; none; a small one."""
    question, answer = "두통의 증상은 무엇인가요?", "쉬세요."
    return image_rows(
        {
            "wide": ([stored_noise(180, 60)], turns(question, "몸이 무겁습니다.")),
            "lying": (
                [stored_noise(120, 60, "JPEG", exif=lying())],
                turns(question, "두통이 있으면 쉽게 지칩니다.", "약은 의사와 상의하나요?", answer),
            ),
            "two": ([stored_noise(60, 60), stored_noise(60, 140)], turns("감기인가요?", answer)),
            "none": ([], turns(question, answer)),
            "small": (
                [stored_noise(28, 28)],
                [{"role": "system", "content": "친절하게 답하세요."}, *turns(question, answer)],
            ),
        }
    )
