"""Tiny twins of vision-language models: real classes, configs, templates and processors.

See `trainers.tiny_twins`. A twin sees pictures of a few dozen pixels a side in a few tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from transformers import (
    AutoModelForImageTextToText,
    LlavaNextConfig,
    LlavaNextProcessor,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    ProcessorMixin,
    Qwen2_5_VLConfig,
    set_seed,
)
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from trl import chat_template_utils

from trainers.tiny_twins import SpecialTokens, TwinSize, train_tokenizer
from trainers.vision_processor import Qwen2_5_VLProcessor

VisionKind = Literal["qwen2.5-vl", "llava-next"]

PATCH = 14
"""Pixels a side of what the vision towers take in at once; Qwen's make a token of four."""
TILE = 28
"""Pixels a side of Qwen's tokens, and of LLaVA-NeXT's tiles where nothing else is said."""


@dataclass(frozen=True)
class VisionTwinSize(TwinSize):
    """Shape of a twin: the language model's as `TwinSize` has it, and the vision tower's."""

    vision_hidden: int = 64
    vision_intermediate: int = 128
    vision_layers: int = 3
    vision_heads: int = 4
    max_pixels: int = 64 * TILE * TILE
    """Of Qwen's processor; 784 pixels are a token."""
    tiles: int = 2
    """LLaVA-NeXT cuts a picture into at most this many tiles a side, beside the whole of it."""
    tile: int = TILE
    """Pixels a side of such a tile: a token for each 14 x 14."""


_SPECIAL_TOKENS: dict[VisionKind, SpecialTokens] = {
    "qwen2.5-vl": SpecialTokens(
        names=(
            "<|endoftext|>",
            "<|im_start|>",
            "<|im_end|>",
            "<|vision_start|>",
            "<|vision_end|>",
            "<|vision_pad|>",
            "<|image_pad|>",
            "<|video_pad|>",
        ),
        bos=None,
        eos="<|im_end|>",
        pad="<|endoftext|>",
        bos_is_added=False,
    ),
    "llava-next": SpecialTokens(
        names=("<unk>", "<s>", "</s>", "<image>", "<pad>"),
        bos="<s>",
        eos="</s>",
        pad="<pad>",
        bos_is_added=True,
    ),
}
_CHAT_TEMPLATES: dict[VisionKind, str] = {
    "qwen2.5-vl": chat_template_utils.qwen2_5_vl_chat_template,
    "llava-next": chat_template_utils.llava_next_chat_template,
}


def make_vision_twin(
    kind: VisionKind,
    folder: Path,
    texts: Sequence[str],
    *,
    seed: int = 0,
    size: VisionTwinSize | None = None,
) -> Path:
    """Write an untaught twin to `folder` and return it; the same arguments give the same twin.

    The vocabulary is learnt from `texts`.
    """
    size = size or VisionTwinSize()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(texts, _SPECIAL_TOKENS[kind], _CHAT_TEMPLATES[kind], size=size)
    set_seed(seed)
    if kind == "qwen2.5-vl":
        processor, config = _qwen_processor(tokenizer, size), _qwen_config(tokenizer, size)
    else:
        processor, config = _llava_processor(tokenizer, size), _llava_config(tokenizer, size)
    model = AutoModelForImageTextToText.from_config(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _text_config(tokenizer: PreTrainedTokenizerBase, size: VisionTwinSize) -> dict[str, Any]:
    return {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "hidden_size": size.hidden,
        "intermediate_size": size.intermediate,
        "max_position_embeddings": size.positions,
        "num_attention_heads": size.heads,
        "num_hidden_layers": size.layers,
        "num_key_value_heads": size.key_value_heads,
        "sliding_window": None,
        "vocab_size": len(tokenizer),
    }


def _qwen_config(tokenizer: PreTrainedTokenizerBase, size: VisionTwinSize) -> PreTrainedConfig:
    half = size.hidden // size.heads // 2
    beside_time = (half - half // 4) // 2
    text = _text_config(tokenizer, size) | {
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1_000_000.0,
            # Of the rotations that count time, height and width: a quarter, the rest by halves.
            "mrope_section": [half - 2 * beside_time, beside_time, beside_time],
        },
    }
    vision = {
        "depth": size.vision_layers,
        "hidden_size": size.vision_hidden,
        "intermediate_size": size.vision_intermediate,
        "num_heads": size.vision_heads,
        "out_hidden_size": size.hidden,
        "patch_size": PATCH,
        "window_size": 8 * PATCH,
        "fullatt_block_indexes": [size.vision_layers - 1],
    }
    ids = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(token)
        for name, token in (
            ("image", "<|image_pad|>"),
            ("video", "<|video_pad|>"),
            ("vision_start", "<|vision_start|>"),
            ("vision_end", "<|vision_end|>"),
        )
    }
    return Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, tie_word_embeddings=False, dtype="float32", **ids
    )


def _qwen_processor(tokenizer: PreTrainedTokenizerBase, size: VisionTwinSize) -> ProcessorMixin:
    images = Qwen2VLImageProcessorPil(min_pixels=4 * TILE * TILE, max_pixels=size.max_pixels)
    return Qwen2_5_VLProcessor(images, tokenizer, chat_template=tokenizer.chat_template)


def _pinpoints(size: VisionTwinSize) -> list[list[int]]:
    """Height and width in pixels of all arrangements of tiles; a single one is left out."""
    sides = range(1, size.tiles + 1)
    return [
        [size.tile * high, size.tile * wide] for high in sides for wide in sides if high * wide > 1
    ]


def _llava_config(tokenizer: PreTrainedTokenizerBase, size: VisionTwinSize) -> PreTrainedConfig:
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": size.vision_hidden,
        "intermediate_size": size.vision_intermediate,
        "num_hidden_layers": size.vision_layers,
        "num_attention_heads": size.vision_heads,
        "image_size": size.tile,
        "patch_size": PATCH,
        "projection_dim": size.vision_hidden,
    }
    return LlavaNextConfig(
        text_config=_text_config(tokenizer, size) | {"model_type": "mistral"},
        vision_config=vision,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=_pinpoints(size),
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        tie_word_embeddings=False,
        dtype="float32",
    )


def _llava_processor(tokenizer: PreTrainedTokenizerBase, size: VisionTwinSize) -> ProcessorMixin:
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": size.tile},
        crop_size={"height": size.tile, "width": size.tile},
        image_grid_pinpoints=_pinpoints(size),
    )
    return LlavaNextProcessor(
        images,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tokenizer.chat_template,
    )
