"""Tiny models of the real classes with random weights, and ragged batches for them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

# In pixels: one, two and four tiles of 28 pixels, beside the whole picture.
SIZES = ((28, 28), (60, 30), (30, 70), (56, 50))


@pytest.fixture(scope="session")
def llava() -> Any:
    """A LLaVA-NeXT of two layers each for images and text, with random weights."""
    from transformers import (
        CLIPVisionConfig,
        LlavaNextConfig,
        LlavaNextForConditionalGeneration,
        MistralConfig,
        set_seed,
    )

    set_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        projection_dim=32,
    )
    text = MistralConfig(
        vocab_size=60,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=None,
        initializer_range=0.3,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    config = LlavaNextConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=4,
        image_grid_pinpoints=[[28, 56], [56, 28], [56, 56]],
        vision_feature_layer=-2,
    )
    return LlavaNextForConditionalGeneration(config).eval()


@pytest.fixture(scope="session")
def llava_batch() -> Callable[[list[int]], dict[str, torch.Tensor]]:
    """`llava_batch(rows)`: prompts of unequal length about pictures of unequal shape."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlavaNextProcessor, PreTrainedTokenizerFast
    from transformers.models.llava_next.image_processing_pil_llava_next import (
        LlavaNextImageProcessorPil,
    )

    words = ["<pad>", "<s>", "</s>", "<unk>", "<image>", *(f"w{n}" for n in range(55))]
    backend = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, "<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens={"image_token": "<image>"},
        padding_side="left",
    )
    processor = LlavaNextProcessor(
        LlavaNextImageProcessorPil(
            size={"shortest_edge": 28},
            crop_size={"height": 28, "width": 28},
            image_grid_pinpoints=[[28, 56], [56, 28], [56, 56]],
        ),
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    noise = np.random.RandomState(0)
    pictures = [
        Image.fromarray(noise.randint(0, 256, (height, width, 3), dtype=np.uint8))
        for width, height in SIZES
    ]

    def make(rows: list[int]) -> dict[str, torch.Tensor]:
        texts = [f"<s> w1 <image> {' '.join(f'w{n}' for n in range(3 + row))}" for row in rows]
        images = [[pictures[row]] for row in rows]
        inputs = processor(images=images, text=texts, padding=True, return_tensors="pt")
        return dict(inputs)

    return make


@pytest.fixture(scope="session")
def qwen() -> Any:
    """A Qwen2.5-VL of two layers, whose positions have three dimensions."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, set_seed

    set_seed(0)
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 60,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10_000.0,
                "mrope_section": [1, 1, 2],
            },
            "initializer_range": 0.3,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "pad_token_id": 0,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "patch_size": 14,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        image_token_id=50,
        vision_start_token_id=51,
        vision_end_token_id=52,
    )
    return Qwen2_5_VLForConditionalGeneration(config).eval()


@pytest.fixture(scope="session")
def qwen_batch() -> Callable[[list[int]], dict[str, torch.Tensor]]:
    grids = [(1, 4, 4), (1, 4, 8), (1, 8, 6), (1, 2, 4)]
    source = torch.Generator().manual_seed(0)
    patches = [torch.randn(t * h * w, 3 * 2 * 14 * 14, generator=source) for t, h, w in grids]

    def make(rows: list[int]) -> dict[str, torch.Tensor]:
        prompts = [
            [5, 51, *[50] * (grids[row][1] * grids[row][2] // 4), 52, *range(6, 9 + row)]
            for row in rows
        ]
        ids, mask = left_padded(prompts)
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "pixel_values": torch.cat([patches[row] for row in rows]),
            "image_grid_thw": torch.tensor([grids[row] for row in rows]),
            "mm_token_type_ids": (ids == 50).int(),
        }

    return make


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
