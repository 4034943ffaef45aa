"""Twins with louder weights, and ragged batches for them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

# In pixels: for LLaVA one, two and four tiles of 28 pixels beside the whole picture.
SIZES = ((28, 28), (60, 30), (30, 70), (112, 84))


def outspoken(folder: Path) -> Any:
    """A twin whose answers differ more than an untaught one's do."""
    from trainers.base_model import load_base
    from trainers.recipe_schema import BaseModelSection

    model = load_base(BaseModelSection(id=str(folder))).model.eval()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data *= 10
    return model


def ragged(folder: Path) -> Callable[[list[int]], dict[str, torch.Tensor]]:
    """Makes batches of prompts of unequal length about pictures of unequal shape."""
    from transformers import AutoConfig

    from trainers.vision_processor import load_processor

    processor: Any = load_processor(folder, AutoConfig.from_pretrained(folder))
    processor.tokenizer.padding_side = "left"
    noise = np.random.RandomState(0)
    pictures = [
        Image.fromarray(noise.randint(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in SIZES
    ]

    def make(rows: list[int]) -> dict[str, torch.Tensor]:
        texts = []
        for row in rows:
            content = [{"type": "image"}, {"type": "text", "text": "두통" * (1 + row)}]
            asked = [{"role": "user", "content": content}]
            texts.append(processor.apply_chat_template(asked, add_generation_prompt=True))
        images = [[pictures[row]] for row in rows]
        return dict(processor(images=images, text=texts, padding=True, return_tensors="pt"))

    return make


@pytest.fixture(scope="session")
def llava(llava_twin: Path) -> Any:
    return outspoken(llava_twin)


@pytest.fixture(scope="session")
def llava_batch(llava_twin: Path) -> Callable[[list[int]], dict[str, torch.Tensor]]:
    return ragged(llava_twin)


@pytest.fixture(scope="session")
def qwen(qwen_vl_twin: Path) -> Any:
    """Its positions have three dimensions."""
    return outspoken(qwen_vl_twin)


@pytest.fixture(scope="session")
def qwen_batch(qwen_vl_twin: Path) -> Callable[[list[int]], dict[str, torch.Tensor]]:
    return ragged(qwen_vl_twin)


def left_padded(prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask


@pytest.fixture(scope="session")
def llama(llama_twin: Path) -> Any:
    from trainers.base_model import load_base
    from trainers.recipe_schema import BaseModelSection

    return load_base(BaseModelSection(id=str(llama_twin))).model.eval()


@pytest.fixture(scope="session")
def llama_batch() -> Callable[[list[int]], dict[str, torch.Tensor]]:
    def make(rows: list[int]) -> dict[str, torch.Tensor]:
        ids, mask = left_padded([list(range(100 + row, 106 + 6 * row)) for row in rows])
        return {"input_ids": ids, "attention_mask": mask}

    return make


@pytest.fixture
def adapted(request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    """`adapted(model, targets)`: a copy with LoRA of which both halves say something."""
    from peft import LoraConfig, get_peft_model

    def make(name: str, targets: str) -> Any:
        torch.manual_seed(1)
        base = copy.deepcopy(request.getfixturevalue(name))
        model = get_peft_model(base, LoraConfig(r=4, target_modules=targets)).eval()
        for parameter_name, parameter in model.named_parameters():
            if "lora_B" in parameter_name:
                torch.nn.init.normal_(parameter, std=0.1)
        return model

    return make
