"""The tiny LLaVA-NeXT twin of `recipes/tiny/llava-drug-forensics.yaml`: it has seen drawings.

What it is taught by are drawings of another seed than those of any dataset, told by what they show
(a street, tablets, a cat). It is never told classes, and never asked the dataset's question.
"""

from __future__ import annotations

from pathlib import Path

from rich.progress import Progress

from loaders.forensics.classes import DEFAULT_CLASSES, question
from loaders.forensics.drawing.writer import describe_drawings
from trainers.seeing_lessons import QUESTION, DescribedPicture, teach_to_see
from trainers.vision_twins import VisionTwinSize, make_vision_twin

SIZE = VisionTwinSize(
    hidden=96,
    intermediate=288,
    layers=2,
    heads=4,
    key_value_heads=2,
    vocabulary=700,
    vision_hidden=96,
    vision_intermediate=192,
    vision_layers=3,
    vision_heads=4,
    tile=56,
)
DRAWINGS = 2600
SEED = 2**31 - 1
"""Of the lessons. A dataset of drawings of this seed would hold what the twin knows already."""
SEEING_STEPS = 8000
TELLING_STEPS = 260
_LONGEST_SIDE = 4 * SIZE.tile


def make_seeing_twin(
    folder: Path,
    *,
    drawings: int = DRAWINGS,
    seeing_steps: int = SEEING_STEPS,
    telling_steps: int = TELLING_STEPS,
    workers: int | None = None,
) -> Path:
    """Write the twin to `folder` and return it; the same arguments give the same twin.

    Args:
        workers: processes that draw, by default one a core.
    """
    with Progress() as bars:
        told = describe_drawings(SEED, drawings, _LONGEST_SIDE, workers, bars)
    pictures = [DescribedPicture(drawing.image, drawing.shows) for drawing in told]
    words = sorted({word for picture in pictures for word in picture.words})
    spoken = [QUESTION, *words, *map(str, range(10))]
    # The question is in the vocabulary, so that it does not take a hundred tokens, but no lesson.
    make_vision_twin("llava-next", folder, [question(DEFAULT_CLASSES), *spoken], size=SIZE)
    teach_to_see(folder, pictures, spoken, seeing_steps=seeing_steps, telling_steps=telling_steps)
    return folder
