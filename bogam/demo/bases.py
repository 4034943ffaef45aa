"""The base models of the demo: tiny twins of the real ones, taught what those know already.

What is held out is never among the lessons: words come from training rows, pictures are others.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bogam.demo.stages import ORGANISATION
from bogam.report import bars, console, show_published

if TYPE_CHECKING:
    from cards.licences import Licence

EXAONE = f"{ORGANISATION}/EXAONE-3.5-tiny"
CONVERTED_EXAONE = f"{ORGANISATION}/EXAONE-3.5-tiny-Llama"
READER = f"{ORGANISATION}/Qwen2.5-VL-tiny"
SEER = f"{ORGANISATION}/llava-v1.6-tiny"

_EXAONE_STEPS = 500
_SEEN_DRAWINGS, _SEEN_SEED = 1200, 7
"""Of another seed than those of the dataset."""


def publish_exaone(dataset: Path, run: Path) -> None:
    """Under EXAONE's own names first, then converted, as the real one is by `convert-base`.

    The twin learns its Korean from training rows.
    """
    from cards.licences import licence_of_base
    from trainers.convert_base import convert_base, publish_converted
    from trainers.tiny_twins import make_twin

    twin, converted = run / "twin", run / "twin-llama"
    licence = licence_of_base("LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", None)
    if not _is_made(twin):
        rows = _training_rows(dataset, ["instruction", "output"])
        texts = [text for row in rows for text in (row["instruction"], row["output"])]
        make_twin("exaone-3.5", twin, texts, steps=_EXAONE_STEPS)
        _write_card(twin, EXAONE, "EXAONE-3.5", "its Korean from the demo's training rows", licence)
    _publish(twin, EXAONE, licence)
    if not converted.is_dir():
        with bars() as progress:
            convert_base(EXAONE, converted, CONVERTED_EXAONE, progress=progress)
    show_published(publish_converted(converted, CONVERTED_EXAONE, licence))


def publish_reader(datasets: Sequence[Path], twin: Path) -> None:
    """One Qwen2.5-VL for labels and charts, which can read sheets of words and numbers aloud."""
    from cards.licences import licence_of_base
    from trainers.reading_lessons import ReadingCourse, teach_to_read
    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    licence = licence_of_base("Qwen/Qwen2.5-VL-7B-Instruct", None)
    if not _is_made(twin):
        texts = [
            message["content"]
            for dataset in datasets
            for row in _training_rows(dataset, ["messages"])
            for message in row["messages"]
            if message["role"] != "system"
        ]
        letters = sorted({letter for text in texts for letter in text})
        size = VisionTwinSize(
            hidden=128,
            intermediate=256,
            layers=3,
            key_value_heads=4,
            vocabulary=1500,
            vision_hidden=96,
            vision_intermediate=288,
            vision_layers=2,
            max_pixels=12 * 6 * 28 * 28,
        )
        # Each letter is a token, so that reading is one token after another; words of the
        # template may be longer.
        make_vision_twin("qwen2.5-vl", twin, [*letters, *_TEMPLATE_WORDS], size=size)
        words = sorted({word for text in texts for word in text.split()})
        teach_to_read(twin, words, texts, ReadingCourse(200, 550, 120))
        lessons = "to read words of the demo's training rows on random sheets"
        _write_card(twin, READER, "Qwen2.5-VL", lessons, licence)
    _publish(twin, READER, licence)


_TEMPLATE_WORDS = ("You are a helpful assistant.", "system", "user", "assistant")


def publish_seer(twin: Path) -> None:
    """A LLaVA-NeXT that can say what drawings show, which is not yet what evidence they are."""
    from cards.licences import licence_of_base
    from loaders.forensics.classes import DEFAULT_CLASSES, question
    from loaders.forensics.drawing.writer import describe_drawing
    from trainers.seeing_lessons import QUESTION, DescribedPicture, teach_to_see
    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    licence = licence_of_base("llava-hf/llava-v1.6-mistral-7b-hf", None)
    if not _is_made(twin):
        with bars() as progress:
            task = progress.add_task("Drawing what the twin is shown", total=_SEEN_DRAWINGS)
            pictures = []
            for number in range(_SEEN_DRAWINGS):
                drawing = describe_drawing(_SEEN_SEED, number)
                pictures.append(DescribedPicture(drawing.image, drawing.shows))
                progress.advance(task)
        shown = sorted({word for picture in pictures for word in picture.words})
        texts = [QUESTION, *map(str, range(10)), *shown]
        size = VisionTwinSize(
            hidden=96,
            intermediate=288,
            layers=2,
            vocabulary=700,
            vision_hidden=96,
            vision_intermediate=192,
            tile=56,
        )
        make_vision_twin("llava-next", twin, [question(DEFAULT_CLASSES), *texts], size=size)
        teach_to_see(twin, pictures, texts, seeing_steps=1200, telling_steps=300)
        _write_card(twin, SEER, "LLaVA-NeXT", "to name what other drawings show", licence)
    _publish(twin, SEER, licence)


def _training_rows(dataset: Path, columns: list[str]) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    shards = sorted((dataset / "data").glob("train-*.parquet"))
    rows: list[dict[str, Any]] = pq.ParquetDataset(shards).read(columns=columns).to_pylist()
    return rows


def _is_made(twin: Path) -> bool:
    """Its card is written last."""
    made = (twin / "README.md").is_file()
    if made:
        console.print(f"{twin}: made before; kept as it is", highlight=False)
    return made


def _publish(twin: Path, repo_id: str, licence: Licence) -> None:
    from hub.publish import publish_release
    from hub.release import Release

    release = Release(twin, repo_id, "model", licence)
    show_published(publish_release(release, "Publish a tiny twin"))


def _write_card(twin: Path, repo_id: str, of: str, lessons: str, licence: Licence) -> None:
    metadata = "\n".join(f"{key}: {value}" for key, value in licence.metadata().items())
    (twin / "README.md").write_text(
        f"---\n{metadata}\nlanguage: [ko]\nlibrary_name: transformers\n---\n\n"
        f"# {repo_id}\n\nA tiny model of {of}'s architecture, made by `bogam demo`. It has been "
        f"taught {lessons}, knows nothing else and is good for nothing else.\n\n"
        "`bogam demo`가 만든 시험용 초소형 모델입니다.\n",
        encoding="utf-8",
    )
