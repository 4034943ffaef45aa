"""Classifying photos with a vision-language model on the CPU: scored labels against generation.

A LLaVA-NeXT of the real class and image geometry (336-pixel tiles, three of them: 1,752 image
tokens) with thin layers, about 200 text tokens, batches of four, four labels. The prompt's images
are nearly all of the work here as on a real 7B, where a token of decoding costs relatively more.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from benchmarks.measurement import Measurement

ROWS = 4
TEXT_TOKENS = 200
IMAGE_TOKENS = 1752
PICTURE = (1000, 500)
VOCABULARY = 32_064
NEW_TOKENS = 8
ROUNDS = 3
SINGLE = ((400,), (401,), (402,), (403,))
LONGER = ((400, 410, 411), (401, 412, 413), (402, 414, 415), (403, 416, 417))
TOLERANCE = 1e-5


def run() -> list[Measurement]:
    """CPU seconds a batch on one thread; every way gives the same answers, or it raises."""
    import torch

    from trainers.label_scoring import LabelBatch, label_log_probs, score_labels_of_pair
    from trainers.label_tokens import LabelTokens

    model, tuned = _models()
    make_batch = _batches()
    inputs = make_batch()
    single, longer = LabelTokens(SINGLE), LabelTokens(LONGER)

    def generate() -> Any:
        return model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=NEW_TOKENS,
            min_new_tokens=NEW_TOKENS,
            pad_token_id=0,
        )

    def all_logits() -> Any:
        with torch.no_grad():
            logits = model(**inputs, use_cache=False).logits[:, -1]
        return torch.log_softmax(logits.float(), dim=-1)[:, [label[0] for label in SINGLE]]

    def separate_forwards() -> Any:
        return torch.stack([_whole_forward(model, inputs, label) for label in LONGER], dim=1)

    def two_runs() -> Any:
        with tuned.disable_adapter():
            base = label_log_probs(tuned, make_batch(), single)
        return base, label_log_probs(tuned, make_batch(), single)

    def pair() -> Any:
        batches = [LabelBatch(range(ROWS), make_batch())]
        return score_labels_of_pair(tuned, batches, single)

    ways = {
        "generate, 8 tokens": generate,
        "logits of all positions": all_logits,
        "labels of one token": lambda: label_log_probs(model, inputs, single),
        "labels of three tokens, a forward each": separate_forwards,
        "labels of three tokens": lambda: label_log_probs(model, inputs, longer),
        "base and tuned, two runs": two_runs,
        "base and tuned, as a pair": pair,
        "image features alone": lambda: _image_features(model, inputs),
        "decoding and tiling the pictures alone": make_batch,
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _check_agreement({name: way() for name, way in ways.items()})
        times = _in_turns(ways)
    finally:
        torch.set_num_threads(threads)

    def row(name: str, against: str | None = None) -> Measurement:
        faster = times[against] / times[name] if against else None
        return Measurement(name, times[name], "s/batch", faster, against)

    return [
        row("generate, 8 tokens"),
        row("logits of all positions", "generate, 8 tokens"),
        row("labels of one token", "generate, 8 tokens"),
        row("labels of three tokens, a forward each"),
        row("labels of three tokens", "labels of three tokens, a forward each"),
        row("base and tuned, two runs"),
        row("base and tuned, as a pair", "base and tuned, two runs"),
        row("image features alone"),
        row("decoding and tiling the pictures alone"),
    ]


def _in_turns(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """CPU seconds of the quickest turn of each way, once a round.

    Other work on the machine takes wall-clock time from a thread, hardly CPU time.
    """
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = time.process_time()
            way()
            seconds[name] = min(seconds[name], time.process_time() - started)
    return seconds


def _check_agreement(found: dict[str, Any]) -> None:
    """One token against all logits, three tokens against separate forwards, pair against two."""
    import numpy as np

    base, tuned = found["base and tuned, as a pair"]
    for name, ours, theirs in (
        ("labels of one token", found["labels of one token"], found["logits of all positions"]),
        (
            "labels of three tokens",
            found["labels of three tokens"],
            found["labels of three tokens, a forward each"],
        ),
        (
            "base of the pair",
            np.stack([base[row] for row in range(ROWS)]),
            found["base and tuned, two runs"][0],
        ),
        (
            "tuned of the pair",
            np.stack([tuned[row] for row in range(ROWS)]),
            found["base and tuned, two runs"][1],
        ),
    ):
        difference = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
        if difference > TOLERANCE:
            raise AssertionError(f"{name}: log-probabilities differ by {difference}")


def _whole_forward(model: Any, inputs: dict[str, Any], label: tuple[int, ...]) -> Any:
    """Log-probabilities of one label from a pass over prompt and label."""
    import torch

    tail = torch.tensor([label]).expand(ROWS, -1)
    with torch.no_grad():
        logits = model(
            **{
                **inputs,
                "input_ids": torch.cat([inputs["input_ids"], tail], dim=1),
                "attention_mask": torch.cat(
                    [inputs["attention_mask"], torch.ones_like(tail)], dim=1
                ),
            },
            use_cache=False,
            logits_to_keep=len(label) + 1,
        ).logits[:, :-1]
    return torch.log_softmax(logits.float(), dim=-1).gather(2, tail[..., None]).sum(dim=(1, 2))


def _image_features(model: Any, inputs: dict[str, Any]) -> Any:
    import torch

    with torch.no_grad():
        return model.get_image_features(inputs["pixel_values"], inputs["image_sizes"])


def _models() -> tuple[Any, Any]:
    """The base model, and the same weights with LoRA on the language model."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import (
        CLIPVisionConfig,
        LlavaNextConfig,
        LlavaNextForConditionalGeneration,
        MistralConfig,
        set_seed,
    )

    config = LlavaNextConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=128,
            intermediate_size=512,
            num_hidden_layers=4,
            num_attention_heads=4,
            image_size=336,
            patch_size=14,
            projection_dim=128,
        ),
        text_config=MistralConfig(
            vocab_size=VOCABULARY,
            hidden_size=256,
            intermediate_size=1024,
            num_hidden_layers=4,
            num_attention_heads=8,
            num_key_value_heads=4,
            sliding_window=None,
        ),
        image_token_index=4,
        image_grid_pinpoints=[[336, 672], [672, 336], [672, 672]],
    )

    def make() -> Any:
        set_seed(0)
        return LlavaNextForConditionalGeneration(config).eval()

    lora = LoraConfig(r=16, target_modules=r".*language_model.*\.(q_proj|v_proj)")
    tuned = get_peft_model(make(), lora).eval()
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return make(), tuned


def _batches() -> Callable[[], dict[str, Any]]:
    """Make a batch from JPEG files in memory, as an evaluation does."""
    import numpy as np
    import torch
    from PIL import Image
    from transformers.models.llava_next.image_processing_pil_llava_next import (
        LlavaNextImageProcessorPil,
    )

    processor = LlavaNextImageProcessorPil(
        size={"shortest_edge": 336},
        crop_size={"height": 336, "width": 336},
        image_grid_pinpoints=[[336, 672], [672, 336], [672, 672]],
    )
    noise = np.random.RandomState(0)
    files = []
    for _ in range(ROWS):
        coarse = Image.fromarray(noise.randint(0, 256, (50, 100, 3), dtype=np.uint8))
        file = io.BytesIO()
        coarse.resize(PICTURE, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    text = noise.randint(500, VOCABULARY, (ROWS, TEXT_TOKENS))
    slots = np.full((ROWS, IMAGE_TOKENS), 4)
    ids = torch.tensor(np.concatenate([text[:, :10], slots, text[:, 10:]], axis=1))

    def make() -> dict[str, Any]:
        pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in files]
        seen = processor([[picture] for picture in pictures], return_tensors="pt")
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), **seen}

    return make
