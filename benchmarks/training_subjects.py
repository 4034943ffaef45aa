"""What the training step is measured on: a text model, and one that sees.

Both have vocabularies of real size over a few thin layers, so the head outweighs everything else,
as it does for small models and small batches; on a real 7B it is 4-6 % of a step.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BATCH = 2


@dataclass(frozen=True)
class Subject:
    """An adapted model with the rows of one batch, which comes again and again: then the order of
    rows cannot set losses apart."""

    model: Any
    rows: Any
    tokenizer: Any
    collator: Any = None
    """None for text, of which trainers make batches themselves."""


def text_subject(folder: Path) -> Subject:
    """A Llama with EXAONE's vocabulary; two rows of 512 tokens, 30 % of them the answer."""
    import datasets
    import torch
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

    set_seed(0)
    vocabulary, tokens, answer_tokens = 102_400, 512, 154
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    model = _adapted(LlamaForCausalLM(config))
    ids = torch.randint(2, vocabulary, (BATCH, tokens)).tolist()
    labels = [[-100] * (tokens - answer_tokens) + row[-answer_tokens:] for row in ids]
    rows = datasets.Dataset.from_dict(
        {"input_ids": ids, "labels": labels, "length": [tokens] * BATCH}
    )
    words = models.WordLevel({"<pad>": 0, "</s>": 1}, unk_token="<pad>")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(words), pad_token="<pad>", eos_token="</s>"
    )
    return Subject(model, rows, tokenizer)


def picture_subject(folder: Path) -> Subject:
    """A Qwen2.5-VL with its vocabulary; two rows of a picture of 600 tokens, about 60 of question
    and 60 of answer."""
    import datasets
    import numpy as np
    from PIL import Image
    from transformers import AutoConfig, AutoModelForImageTextToText, set_seed

    from trainers.collator import AnswerCollator
    from trainers.training_set import encode_training_set
    from trainers.vision_processor import load_processor
    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    size = VisionTwinSize(
        hidden=256,
        intermediate=1024,
        layers=4,
        heads=8,
        key_value_heads=4,
        vision_hidden=128,
        vision_intermediate=256,
        vision_layers=4,
        max_pixels=700 * 28 * 28,
    )
    make_vision_twin("qwen2.5-vl", folder, ["what is on the picture"], size=size)
    config = AutoConfig.from_pretrained(folder)
    processor = load_processor(folder, config)
    config.text_config.vocab_size = 151_936
    set_seed(0)
    model = _adapted(AutoModelForImageTextToText.from_config(config))

    noise = np.random.default_rng(0)
    stored = []
    for _ in range(BATCH):
        file = io.BytesIO()
        pixels = noise.integers(0, 256, (560, 840, 3), dtype=np.uint8)  # 20 x 30 tokens
        Image.fromarray(pixels).save(file, "PNG")
        stored.append([{"bytes": file.getvalue(), "path": None}])
    letters = [noise.choice(list("abcdefghijklm"), (2, 60)) for _ in range(BATCH)]
    rows = datasets.Dataset.from_list(
        [
            {
                "id": str(number),
                "images": images,
                "messages": [
                    {"role": "user", "content": "".join(words[0])},
                    {"role": "assistant", "content": "".join(words[1])},
                ],
            }
            for number, (images, words) in enumerate(zip(stored, letters, strict=True))
        ]
    )
    encoded = encode_training_set(
        rows,
        processor,
        split="train",
        system_prompt=None,
        max_length=size.positions,
        on_too_long="refuse",
    )
    images = {"train": encoded.images} if encoded.images is not None else {}
    tokenizer = processor.tokenizer
    collator = AnswerCollator(tokenizer.pad_token_id, processor, images)
    return Subject(model, encoded.rows, tokenizer, collator)


SUBJECTS: dict[str, Callable[[Path], Subject]] = {"text": text_subject, "pictures": picture_subject}


def _adapted(model: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    targets = ["q_proj", "v_proj"]  # Qwen's vision tower has none of these names
    lora = LoraConfig(r=16, lora_alpha=32, target_modules=targets, task_type="CAUSAL_LM")
    return get_peft_model(model, lora)
