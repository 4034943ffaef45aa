"""What a row with pictures is in tokens: as at inference, labelled on answers, never cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from cards.errors import BogamError
from loaders.image_files import read_rgb
from trainers.conversation import (
    IGNORED,
    encode_conversation,
    message_parts,
    prompt_ids,
)
from trainers.image_inputs import image_tokens, pixel_inputs
from trainers.training_set import TrainingSet, encode_training_set


@pytest.fixture
def processor(twin: Path, load: Callable[..., Any]) -> Any:
    return load(twin).processor


def encode(rows: datasets.Dataset, processor: Any, **changes: Any) -> TrainingSet:
    settings: dict[str, Any] = {
        "max_length": 512,
        "on_too_long": "refuse",
        "system_prompt": None,
    } | changes
    return encode_training_set(rows, processor, split="train", **settings)


def at_inference(processor: Any, row: dict[str, Any], messages: list[Any]) -> dict[str, Any]:
    """What whoever loads the published model makes of these messages."""
    pictures = [{"type": "image", "image": read_rgb(one["bytes"])} for one in row["images"]]
    inputs = processor.apply_chat_template(
        message_parts(messages, pictures),
        tokenize=True,
        add_generation_prompt=True,
        return_dict=True,
    )
    return dict(inputs)


def test_the_prompt_is_what_the_processor_gives_at_inference(
    processor: Any, ragged: datasets.Dataset
) -> None:
    encoded = encode(ragged, processor).rows
    for row, ids, labels in zip(ragged, encoded["input_ids"], encoded["labels"], strict=True):
        for place, message in enumerate(row["messages"]):
            if message["role"] != "assistant":
                continue
            before = row["messages"][:place]
            [expected] = at_inference(processor, row, before)["input_ids"]
            assert prompt_ids(processor, before, image_tokens(processor, row["images"])) == expected
            assert ids[: len(expected)] == expected
            assert labels[len(expected) - 1] == IGNORED
            assert labels[len(expected)] == ids[len(expected)], "the answer is labelled at once"


def test_every_answer_is_labelled_up_to_its_end_token_and_nothing_else_is(
    processor: Any, ragged: datasets.Dataset
) -> None:
    tokenizer = processor.tokenizer
    encoded = encode(ragged, processor).rows
    for row, ids, labels in zip(ragged, encoded["input_ids"], encoded["labels"], strict=True):
        answers = [one["content"] for one in row["messages"] if one["role"] == "assistant"]
        learnt = tokenizer.decode([label for label in labels if label != IGNORED])
        assert [one.strip() for one in learnt.split(tokenizer.eos_token)] == [*answers, ""]
        for token, label in zip(ids, labels, strict=True):
            assert label in (IGNORED, token)
            if token in (processor.image_token_id, tokenizer.pad_token_id):
                assert label == IGNORED


def test_pictures_stand_once_in_the_first_user_message(
    processor: Any, ragged: datasets.Dataset
) -> None:
    encoded = encode(ragged, processor).rows
    for row, ids, length in zip(ragged, encoded["input_ids"], encoded["length"], strict=True):
        tokens = image_tokens(processor, row["images"])
        places = [place for place, token in enumerate(ids) if token == processor.image_token_id]
        assert len(places) == sum(tokens)
        assert length == len(ids), "pictures count"
        if places:
            first_question = processor.tokenizer.decode(ids[places[-1] + 1 :])
            user = next(one for one in row["messages"] if one["role"] == "user")
            assert user["content"] in first_question


def test_the_tokens_of_a_picture_follow_from_its_header(
    processor: Any, ragged: datasets.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [image for row in ragged for image in row["images"]]
    by_pixels = pixel_inputs(processor, [read_rgb(one["bytes"]) for one in images]).tokens

    def decode(image: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    assert image_tokens(processor, images) == by_pixels
    assert len(set(by_pixels)) > 1


def test_a_row_too_long_with_its_pictures_is_refused_or_counted_never_cut(
    processor: Any, ragged: datasets.Dataset
) -> None:
    lengths = encode(ragged, processor).rows["length"][:]
    limit = sorted(lengths)[-2]
    with pytest.raises(BogamError, match=f"1 of 5 rows are longer than {limit} tokens"):
        encode(ragged, processor, max_length=limit)
    kept = encode(ragged, processor, max_length=limit, on_too_long="drop")
    assert (len(kept.rows), kept.over_length, kept.longest) == (4, 1, max(lengths))
    assert kept.rows["length"][:] == [length for length in lengths if length <= limit]


def test_a_placeholder_in_the_text_is_refused(processor: Any, image_rows: Any) -> None:
    """As the last word of a question it would be taken for a picture."""
    messages = [
        {"role": "user", "content": f"무엇인가요? {processor.image_token}"},
        {"role": "assistant", "content": "쉬세요."},
    ]
    rows = image_rows({"a": ([], messages)})
    with pytest.raises(BogamError, match=r"row a: it has 0 pictures, but 1 placeholders"):
        encode(rows, processor)


def test_pictures_without_a_question_are_refused(processor: Any) -> None:
    messages = [{"role": "assistant", "content": "쉬세요."}]
    with pytest.raises(BogamError, match="no user message"):
        encode_conversation(processor, messages, [4])  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "no picture"])
def test_a_picture_that_cannot_be_read_stops_the_run_by_the_name_of_its_row(
    processor: Any, ragged: datasets.Dataset, image_rows: Any, tmp_path: Path, damage: str
) -> None:
    data = ragged[1]["images"][0]["bytes"]
    broken = {
        "missing": {"bytes": None, "path": str(tmp_path / "gone.jpg")},
        "empty": {"bytes": b"", "path": None},
        "truncated": {"bytes": data[: len(data) // 2], "path": None},
        "no picture": {"bytes": b"<html>404</html>", "path": None},
    }[damage]
    messages = ragged[0]["messages"]
    rows = image_rows({"good": ([ragged[1]["images"][0]], messages), "bad": ([broken], messages)})
    with pytest.raises(BogamError, match=r"split 'train', row bad: one of its pictures"):
        encode(rows, processor)
