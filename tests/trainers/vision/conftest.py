"""Twins that see, and a picture to show them."""

from __future__ import annotations

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
