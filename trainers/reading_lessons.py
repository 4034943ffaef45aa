"""What a tiny Qwen2.5-VL twin takes from its base: to read print, and to say what it read.

Vision tower and merger learn to hand on letters: from each picture token two linear maps lead to
the output embedding of the letters in its place. Then the language model learns to read sheets
aloud, to say what follows a word, and to repeat what it is told. Nothing that is later held out is
needed for this, nor are questions or answers of the later task.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from rich.progress import track
from torch import nn
from transformers import AutoModelForImageTextToText

from trainers.conversation import IGNORED, EncodedConversation, Message, encode_conversation
from trainers.image_inputs import pixel_inputs
from trainers.lesson_steps import LessonSteps
from trainers.padding import padded
from trainers.reading_sheets import Sheet, SheetMaker
from trainers.vision_processor import load_processor

logger = logging.getLogger(__name__)

READ_ALOUD = "읽기"
_PEAK_LEARNING_RATE = 2e-3
_DECAY = 0.01
_SHEETS_AT_ONCE = 16
_TEXTS_AT_ONCE = 8
_BLANK_WEIGHT = 0.1
"""Of places without a letter, which are the most."""


@dataclass(frozen=True)
class ReadingCourse:
    """How long is learnt from what."""

    letter_steps: int
    """Of 16 sheets of 12 x 4 tokens each."""
    short_steps: int
    """Of 16 sheets of 6 x 2 tokens and 8 texts each."""
    long_steps: int
    """Of 16 sheets of 12 x 6 tokens and 8 texts each."""


def teach_to_read(
    twin: Path, words: Sequence[str], texts: Sequence[str], course: ReadingCourse, seed: int = 0
) -> None:
    """Teach the twin in the folder `twin`, of kind `qwen2.5-vl`, and save it there again.

    Args:
        words: what stands on the sheets, beside made-up names of their letters and numbers.
        texts: what the language model is to repeat; have in it the phrases that it will need.

    Raises:
        ValueError: a letter is more than one token of the twin's.
    """
    model = AutoModelForImageTextToText.from_pretrained(twin)
    processor = load_processor(twin, model.config)
    maker = SheetMaker.of(words)
    rng = Random(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _learn_letters(model, processor, maker, rng, course.letter_steps)
        model.model.visual.requires_grad_(False)
        for columns, lines, steps in ((6, 2, course.short_steps), (12, 6, course.long_steps)):
            rows = _conversations(processor, maker, rng, columns, lines, texts)
            _learn_to_say(model, rows, steps)
        model.model.visual.requires_grad_(True)
    model.save_pretrained(twin)


class _Letters(nn.Module):
    """Which letters, if any, stand in the left and the right half of each picture token."""

    def __init__(self, model: Any, processor: Any, letters: Sequence[str]) -> None:
        super().__init__()
        hidden = model.config.text_config.hidden_size
        self.halves = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(2))
        self.norm = nn.RMSNorm(hidden)
        self.blank = nn.Parameter(torch.randn(1, hidden) * 0.02)
        self.embeddings = model.lm_head.weight
        self.classes = {"": 0} | {letter: number for number, letter in enumerate(letters, start=1)}
        encoded = processor.tokenizer(list(letters), add_special_tokens=False)["input_ids"]
        if any(len(ids) != 1 for ids in encoded):
            raise ValueError("a letter is more than one token of this twin's vocabulary")
        self.register_buffer("ids", torch.tensor([ids[0] for ids in encoded]))

    def forward(self, seen: torch.Tensor, sheets: Sequence[Sheet]) -> tuple[torch.Tensor, float]:
        """Loss, and the share of letters that are right; `seen` has a row for each token."""
        known = torch.cat([self.blank, self.embeddings[self.ids]])
        logits = torch.stack([self.norm(half(seen)) @ known.T for half in self.halves], dim=1)
        written = np.concatenate([sheet.letters.reshape(-1) for sheet in sheets])
        classes = torch.tensor([self.classes[letter] for letter in written.tolist()])
        weight = torch.ones(len(known))
        weight[0] = _BLANK_WEIGHT
        flat = logits.flatten(0, 1)
        right = (flat.argmax(dim=-1) == classes)[classes > 0]
        return nn.functional.cross_entropy(
            flat, classes, weight=weight
        ), right.float().mean().item()


def _learn_letters(model: Any, processor: Any, maker: SheetMaker, rng: Random, steps: int) -> None:
    letters = sorted({letter for word in maker.words for letter in word} | set("0123456789."))
    head = _Letters(model, processor, letters)
    tower = model.model.visual
    learning = [*tower.parameters(), *head.parameters()]
    lesson = LessonSteps(learning, steps, peak_rate=_PEAK_LEARNING_RATE, decay=_DECAY)
    model.train()
    right = float("nan")
    for _ in track(range(steps), description="Teaching the twin its letters"):
        sheets = [maker.make(rng, 12, 4) for _ in range(_SHEETS_AT_ONCE)]
        shown = pixel_inputs(processor, [sheet.image for sheet in sheets]).inputs
        seen = tower(shown["pixel_values"], grid_thw=shown["image_grid_thw"]).pooler_output
        loss, right = head(seen, sheets)
        lesson.take(loss)
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(model.lm_head.weight)
    logger.info("twin taught its letters for %d steps, at last %.1f %% right", steps, 100 * right)


def _conversations(
    processor: Any,
    maker: SheetMaker,
    rng: Random,
    columns: int,
    lines: int,
    texts: Sequence[str],
) -> Iterator[tuple[list[EncodedConversation], dict[str, torch.Tensor]]]:
    """Batches without end: sheets that are asked about, and texts to repeat without a picture."""
    while True:
        sheets: list[Sheet] = []
        while len(sheets) < _SHEETS_AT_ONCE:
            sheet = maker.make(rng, columns, lines)
            if any(sheet.lines):
                sheets.append(sheet)
        shown = pixel_inputs(processor, [sheet.image for sheet in sheets])
        rows = [
            encode_conversation(processor, _asked(sheet, rng), [tokens])
            for sheet, tokens in zip(sheets, shown.tokens, strict=True)
        ]
        rows += [
            encode_conversation(processor, _turn(text, text))
            for text in rng.choices(texts, k=_TEXTS_AT_ONCE)
        ]
        yield rows, shown.inputs


def _asked(sheet: Sheet, rng: Random) -> list[Message]:
    """To read all of it, and what follows the first words of some of its lines."""
    written = [line for line in sheet.lines if line]
    aloud = _turn(READ_ALOUD, "\n".join(" ".join(line) for line in written))
    first = [line[0] for line in written]
    followed = [line for line in written if len(line) > 1 and first.count(line[0]) == 1]
    turns = [
        _turn(line[0], " ".join(line[1:])) for line in rng.sample(followed, min(3, len(followed)))
    ]
    turns.insert(rng.randrange(len(turns) + 1), aloud)
    return [message for turn in turns for message in turn]


def _turn(question: str, answer: str) -> list[Message]:
    return [Message(role="user", content=question), Message(role="assistant", content=answer)]


def _learn_to_say(
    model: Any,
    rows: Iterator[tuple[list[EncodedConversation], dict[str, torch.Tensor]]],
    steps: int,
) -> None:
    """Everything but the vision tower."""
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    lesson = LessonSteps(learning, steps, peak_rate=_PEAK_LEARNING_RATE, decay=_DECAY)
    loss = torch.tensor(float("nan"))
    for _, (batch, pixels) in zip(
        track(range(steps), description="Teaching the twin to say what it reads"),
        rows,
        strict=False,
    ):
        ids, mask = padded([row.input_ids for row in batch], 0, left=False)
        labels, _ = padded([row.labels for row in batch], IGNORED, left=False)
        kinds = (ids == model.config.image_token_id).int()
        hidden = model.model(
            input_ids=ids, attention_mask=mask, mm_token_type_ids=kinds, **pixels
        ).last_hidden_state[:, :-1]
        wanted = labels[:, 1:]
        said = wanted != IGNORED
        loss = nn.functional.cross_entropy(model.lm_head(hidden[said]), wanted[said])
        lesson.take(loss)
    logger.info("twin taught to say what it reads for %d steps, last loss %.2f", steps, loss.item())
