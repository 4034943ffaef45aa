"""The tiny Qwen2.5-VL twin of `recipes/tiny/qwenvl-*.yaml`: it has been taught to read print.

It learns letters and words on sheets that are drawn for its lessons alone. The texts it is given
lend their words, and are repeated without a picture; they must be training rows' only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainers.reading_lessons import ReadingCourse, teach_to_read
from trainers.vision_twins import VisionTwinSize, make_vision_twin

SIZE = VisionTwinSize(
    hidden=128,
    intermediate=256,
    layers=3,
    heads=4,
    key_value_heads=4,
    vocabulary=1500,
    vision_hidden=96,
    vision_intermediate=288,
    vision_layers=2,
    vision_heads=4,
    max_pixels=12 * 6 * 28 * 28,
)
COURSE = ReadingCourse(letter_steps=200, short_steps=550, long_steps=120)
_TEMPLATE_WORDS = ("You are a helpful assistant.", "system", "user", "assistant")


def make_reading_twin(folder: Path, texts: Sequence[str], course: ReadingCourse = COURSE) -> Path:
    """Write the twin to `folder` and return it; the same arguments give the same twin."""
    letters = sorted({letter for text in texts for letter in text})
    # Each letter is a token, so that to read is to say one token after another. Only what the
    # template puts into every conversation is longer.
    make_vision_twin("qwen2.5-vl", folder, [*letters, *_TEMPLATE_WORDS], size=SIZE)
    words = sorted({word for text in texts for word in text.split()})
    teach_to_read(folder, words, texts, course)
    return folder
