"""`bogam ask` in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from cards.errors import BogamError

CLASSES = (
    {"name": "raw", "korean": "원물", "answer": "1"},
    {"name": "packed", "korean": "포장", "answer": "2"},
)


@pytest.fixture(scope="module")
def classifier(
    make_model_release: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    folder = tmp_path_factory.mktemp("classifier")
    size = VisionTwinSize(
        hidden=32,
        intermediate=64,
        layers=2,
        vocabulary=600,
        positions=512,
        vision_hidden=32,
        vision_intermediate=64,
        vision_layers=3,
        vision_heads=2,
    )
    texts = ["이 사진은 무엇입니까?", "번호로 답하세요. 1 2"] * 20
    twin = make_vision_twin("llava-next", folder / "twin", texts, size=size)
    return make_model_release(
        folder / "release", twin, task="classification", domain="forensic", classes=CLASSES
    )


def ask(*arguments: Any) -> Any:
    from bogam.cli import bogam

    return CliRunner().invoke(bogam, ["ask", *map(str, arguments)])


def test_a_classifier_gives_probabilities_or_writes_freely(
    classifier: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "photo.jpg"
    Image.new("RGB", (90, 60), "red").save(picture)

    scored = ask(classifier, "--image", picture, "이 사진은 무엇입니까?")
    free = ask(
        classifier, "--image", picture, "--image", picture, "--free", "--max-new-tokens", 4, "?"
    )

    assert scored.exit_code == 0, scored.output
    assert "원물" in scored.output and "packed" in scored.output
    assert free.exit_code == 0 and free.output.strip()
    assert "packed" not in free.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["{model}"], "empty"),
        (["{model}", "  "], "empty"),
        (["{model}", "--image", "{text}", "?"], "cannot be used as a picture"),
        (["{model}", "--image", "{folder}/nowhere.png", "?"], "cannot be read"),
        (["{model}", "--dataset", "org/rows"], "needs --out"),
        (["{model}", "?", "--dataset", "org/rows", "--out", "x.parquet"], "of its own"),
        (["{model}", "--dataset", "org/rows", "--out", "x.csv"], "x.parquet"),
        (["{model}", "--dataset", "org/rows", "--out", "{there}"], "there already"),
        (["{model}", "--image", "{moving}", "?"], "animated"),
        (["{folder}", "?"], "no model"),
        (["./nowhere", "?"], "no such folder"),
    ],
)
def test_what_cannot_be_asked_is_said(
    arguments: list[str], reason: str, classifier: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.png"
    text.write_text("hello")
    there, moving = tmp_path / "there.parquet", tmp_path / "moving.gif"
    there.touch()
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    places = {"text": text, "there": there, "moving": moving, "folder": tmp_path}
    filled = [one.format(model=classifier, **places) for one in arguments]

    result = ask(*filled)

    assert isinstance(result.exception, BogamError), result.output
    assert reason in str(result.exception)
