"""What a tiny LLaVA-NeXT twin takes from its base: to see, and to say what it sees.

LoRA on the language model of a twin with random weights has nothing to go by, since its vision
tower tells no picture from another. So the twin is taught as its base was: first the tower, by
pictures and the words for what they show (as CLIP by captions); then projector and language
model, to name these things when asked, and to repeat what they are told. Neither the question nor
labels of the later task need be among the lessons.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from rich.progress import track
from torch import nn
from transformers import AutoModelForImageTextToText

from trainers.conversation import IGNORED, Message, encode_conversation
from trainers.image_inputs import pixel_inputs
from trainers.lesson_steps import LessonSteps
from trainers.padding import padded
from trainers.vision_processor import load_processor

logger = logging.getLogger(__name__)

QUESTION = "무엇이 보입니까?"
SEEN_AT_ONCE = 32
TOLD_AT_ONCE = 16
_PEAK_LEARNING_RATE = 1.5e-3
_DECAY = 0.05
_ROOM = 1.2
"""Pictures are kept that much larger than they are seen, and seen in cut-outs."""


@dataclass(frozen=True)
class DescribedPicture:
    """A picture, upright RGB, and the words for what it shows."""

    image: Image.Image
    words: tuple[str, ...]


def teach_to_see(
    twin: Path,
    pictures: Sequence[DescribedPicture],
    texts: Sequence[str],
    *,
    seeing_steps: int,
    telling_steps: int,
    seed: int = 0,
) -> None:
    """Teach the twin in the folder `twin`, of kind `llava-next`, and save it there again.

    Args:
        pictures: a thousand are few enough to be learnt by heart; mirrored, cut and recoloured
            they still teach what a picture shows. Give nothing that is later held out.
        texts: what the language model is to repeat; have in it the words that it will need.
        seeing_steps: of 32 pictures each.
        telling_steps: of 16 pictures and 16 texts each.
    """
    model = AutoModelForImageTextToText.from_pretrained(twin)
    processor = load_processor(twin, model.config)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _learn_to_see(model, processor, pictures, seeing_steps)
        _learn_to_tell(model, processor, pictures, texts, telling_steps)
    model.save_pretrained(twin)


def _learn_to_see(
    model: Any, processor: Any, pictures: Sequence[DescribedPicture], steps: int
) -> None:
    """The tower's patches, averaged, tell by one linear layer which words a picture has."""
    vocabulary = sorted({word for picture in pictures for word in picture.words})
    words = torch.tensor(
        [[float(word in picture.words) for word in vocabulary] for picture in pictures]
    )
    tower = model.model.vision_tower
    # The language model is shown what comes out of a layer before the last.
    layers = tower.encoder.layers
    tower.encoder.layers = layers[: len(layers) + 1 + model.config.vision_feature_layer]
    side = model.config.vision_config.image_size
    images = _stack(pictures, round(side * _ROOM))
    scale = processor.image_processor
    mean, spread = (torch.tensor(v)[:, None, None] for v in (scale.image_mean, scale.image_std))
    head = nn.Linear(model.config.vision_config.hidden_size, len(vocabulary))
    lesson = LessonSteps(
        [*tower.parameters(), *head.parameters()],
        steps,
        peak_rate=_PEAK_LEARNING_RATE,
        decay=_DECAY,
    )
    tower.train()
    loss = torch.tensor(float("nan"))
    for _ in track(range(steps), description="Teaching the twin to see"):
        chosen = torch.randint(len(images), (SEEN_AT_ONCE,))
        pixels = (_as_seen(images[chosen], side) - mean) / spread
        patches = tower(pixels).last_hidden_state[:, 1:]
        loss = nn.functional.binary_cross_entropy_with_logits(
            head(patches.mean(dim=1)), words[chosen]
        )
        lesson.take(loss)
    tower.encoder.layers = layers
    tower.eval()
    logger.info("twin taught to see for %d steps, last loss %.3f nats a word", steps, loss.item())


def _learn_to_tell(
    model: Any,
    processor: Any,
    pictures: Sequence[DescribedPicture],
    texts: Sequence[str],
    steps: int,
) -> None:
    """Projector and language model; the tower stays as it is.

    Every third time texts are repeated beside pictures that have nothing to do with them, or else
    a number that is never asked for would become the name of whatever it happens to be like.
    """
    model.model.vision_tower.requires_grad_(False)
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    lesson = LessonSteps(learning, steps, peak_rate=_PEAK_LEARNING_RATE, decay=_DECAY)
    model.train()
    losses = torch.full((2,), float("nan"))
    for step in track(range(steps), description="Teaching the twin to say what it sees"):
        seen = [pictures[n] for n in torch.randint(len(pictures), (TOLD_AT_ONCE,)).tolist()]
        said = [texts[n] for n in torch.randint(len(texts), (TOLD_AT_ONCE,)).tolist()]
        shown = pixel_inputs(processor, [picture.image for picture in seen])
        described = [
            encode_conversation(processor, _talk(QUESTION, ", ".join(one.words)), [tokens])
            for one, tokens in zip(seen, shown.tokens, strict=True)
        ]
        beside = [] if step % 3 else shown.tokens
        repeated = [
            encode_conversation(processor, _talk(text, text), beside[place : place + 1])
            for place, text in enumerate(said)
        ]
        parts = []
        for rows, pixels in ((described, shown.inputs), (repeated, shown.inputs if beside else {})):
            ids, mask = padded([row.input_ids for row in rows], 0, left=False)
            labels, _ = padded([row.labels for row in rows], IGNORED, left=False)
            parts.append(model(input_ids=ids, attention_mask=mask, labels=labels, **pixels).loss)
        losses = torch.stack(parts)
        lesson.take(losses.sum())
    model.model.vision_tower.requires_grad_(True)
    model.eval()
    logger.info(
        "twin taught to tell for %d steps, last losses %.2f (pictures) and %.2f (texts) nats",
        steps,
        *losses.tolist(),
    )


def _talk(question: str, answer: str) -> list[Message]:
    return [Message(role="user", content=question), Message(role="assistant", content=answer)]


def _stack(pictures: Sequence[DescribedPicture], side: int) -> torch.Tensor:
    """(pictures, 3, side, side) from 0 to 1."""
    pixels = [np.asarray(one.image.resize((side, side))) for one in pictures]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255


def _as_seen(images: torch.Tensor, side: int) -> torch.Tensor:
    """Cut-outs of a batch: half of them mirrored, half with colours exchanged, all tinted."""
    count, room = len(images), images.shape[-1] - side + 1
    top, left = torch.randint(room, (2,)).tolist()
    seen = images[:, :, top : top + side, left : left + side]
    mirrored = (torch.rand(count) < 0.5)[:, None, None, None]
    seen = torch.where(mirrored, seen.flip(-1), seen)
    colours = torch.stack(
        [
            torch.randperm(3) if exchanged else torch.arange(3)
            for exchanged in torch.rand(count) < 0.5
        ]
    )
    seen = seen.gather(1, colours[:, :, None, None].expand_as(seen))
    shape = (count, 3, 1, 1)
    return seen * (0.7 + 0.6 * torch.rand(shape)) + 0.2 * (torch.rand(shape) - 0.5)
