"""A twin that was taught to see says what is on pictures that it was not shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainers.base_model import load_base
from trainers.conversation import IGNORED, encode_conversation
from trainers.image_inputs import pixel_inputs
from trainers.recipe_schema import BaseModelSection
from trainers.seeing_lessons import QUESTION, DescribedPicture, teach_to_see
from trainers.vision_twins import VisionTwinSize, make_vision_twin

WORDS = ("가로줄", "세로줄")


def stripes(number: int) -> DescribedPicture:
    """Lines of any colour, width and phase; only their direction tells the word."""
    source = np.random.RandomState(number)
    upright = number % 2
    step, phase = source.randint(6, 10), source.randint(10)
    pixels = np.empty((64, 64, 3), dtype=np.uint8)
    pixels[:] = source.randint(0, 90, 3)
    lines = (np.arange(64) + phase) // (step // 2) % 2 == 0
    pixels[(slice(None), lines) if upright else lines] = source.randint(150, 256, 3)
    return DescribedPicture(Image.fromarray(pixels), (WORDS[upright],))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught")
    size = VisionTwinSize(
        hidden=48,
        intermediate=96,
        layers=2,
        vocabulary=400,
        positions=512,
        vision_hidden=48,
        vision_intermediate=96,
    )
    make_vision_twin("llava-next", folder, [QUESTION, *WORDS], size=size)
    pictures = [stripes(number) for number in range(80)]
    teach_to_see(folder, pictures, WORDS, seeing_steps=200, telling_steps=60)
    return folder


def test_it_names_what_new_pictures_show(taught: Path) -> None:
    base = load_base(BaseModelSection(id=str(taught)))
    assert base.processor is not None
    right = 0
    for number in range(1000, 1020):
        picture = stripes(number)
        shown = pixel_inputs(base.processor, [picture.image])
        losses = []
        for word in WORDS:
            talk = encode_conversation(
                base.processor,
                [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": word}],
                shown.tokens,
            )
            with torch.no_grad():
                answer = base.model(
                    input_ids=torch.tensor([talk.input_ids]),
                    labels=torch.tensor([talk.labels]),
                    **shown.inputs,
                )
            assert talk.labels.count(IGNORED) < len(talk.labels)
            losses.append(float(answer.loss) * talk.answer_tokens)
        right += WORDS[int(np.argmin(losses))] in picture.words
    assert right >= 18


def test_the_twin_of_the_forensic_recipe_knows_its_words_and_numbers(tmp_path: Path) -> None:
    """The dataset's question is a few dozen tokens for it, and each answer has its own."""
    from loaders.forensics.classes import DEFAULT_CLASSES, question
    from trainers.generation import stop_tokens
    from trainers.label_tokens import text_label_tokens
    from trainers.seeing_twin import make_seeing_twin

    folder = make_seeing_twin(
        tmp_path / "seer", drawings=30, seeing_steps=2, telling_steps=2, workers=1
    )
    base = load_base(BaseModelSection(id=str(folder)))
    asked = question(DEFAULT_CLASSES)
    assert len(base.tokenizer(asked)["input_ids"]) < 60
    labels = text_label_tokens(
        base.processor,
        [[{"role": "user", "content": asked}]],
        ["0", "1", "2", "3"],
        stop_tokens(base.model, base.tokenizer),
    )
    assert len(set(labels.ids)) == 4
