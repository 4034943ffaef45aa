"""Answers to a whole dataset: no row is lost, and an interrupted batch goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from cards.errors import BogamError
from cards.records import BuilderInfo, DatasetRecord, Source, SplitInfo

CLASSES = (
    {"name": "raw", "korean": "원물", "answer": "1"},
    {"name": "packed", "korean": "포장", "answer": "2"},
)


def asked(name: Path) -> Any:
    from trainers.inference import load_model
    from trainers.model_source import find_model

    return load_model(find_model(str(name)), device=torch.device("cpu"))


@pytest.fixture(scope="module")
def text_model(
    make_model_release: Callable[..., Path],
    llama_twin: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    folder = tmp_path_factory.mktemp("text") / "release"
    return asked(make_model_release(folder, llama_twin, system_prompt="짧게 답하세요."))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A dataset folder of four rows with pictures, of which the third is broken."""
    import datasets

    rows = []
    for number in range(4):
        file = tmp_path / f"{number}.png"
        noise = np.random.RandomState(number).randint(0, 256, (56, 84, 3), dtype=np.uint8)
        Image.fromarray(noise).save(file)
        data = file.read_bytes() if number != 2 else b"no picture"
        rows.append(
            {
                "id": f"row-{number}",
                "images": [{"bytes": data, "path": None}],
                "messages": [
                    {"role": "user", "content": "무엇인가요?"},
                    {"role": "assistant", "content": str(1 + number % 2)},
                ],
            }
        )
    text = datasets.Value("string")
    features = datasets.Features(
        {
            "id": text,
            "images": datasets.List(datasets.Image()),
            "messages": datasets.List({"role": text, "content": text}),
        }
    )
    path = tmp_path / "dataset/data/test-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    datasets.Dataset.from_list(rows, features=features).to_parquet(path)
    DatasetRecord(
        name="pictures",
        builder=BuilderInfo(class_="tests", version="1", arguments={}),
        source=Source(path_name="made-up", bytes=0),
        licence="cc-by-4.0",
        languages=("ko",),
        task_categories=("image-classification",),
        raw_items=4,
        rows=4,
        rejects={},
        items_used=4,
        splits={"test": SplitInfo(rows=4, bytes=path.stat().st_size)},
        features=features.to_dict(),
        artifacts={f"data/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()},
    ).write(tmp_path / "dataset/dataset.json")
    return tmp_path / "dataset"


def test_every_row_is_answered_as_alone(text_model: Any, qa_dataset: Path, tmp_path: Path) -> None:
    from trainers.batch_inference import answer_dataset
    from trainers.inference import Question, answer

    out = tmp_path / "answers.parquet"
    report = answer_dataset(text_model, str(qa_dataset), "test", out, batch_size=4)

    assert (report.rows, report.errors, report.kept) == (6, 0, 0)
    table = pq.read_table(out).to_pylist()
    assert [row["id"] for row in table] == [f"test-{number}" for number in range(20, 26)]
    for row in table:
        question = Question([{"role": "user", "content": row["prompt"]}])
        assert row["answer"] == answer(text_model, question)
        assert row["reference"]
    assert list(tmp_path.iterdir()) == [out]


def test_an_interrupted_batch_goes_on_where_it_stopped(
    text_model: Any, qa_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainers.batch_inference import answer_dataset

    whole, out = tmp_path / "whole.parquet", tmp_path / "answers.parquet"
    answer_dataset(text_model, str(qa_dataset), "test", whole, batch_size=2)
    generate, calls = type(text_model.model).generate, []

    def pulled_plug(self: Any, *arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return generate(self, *arguments, **named)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(text_model.model), "generate", pulled_plug)
        answer_dataset(text_model, str(qa_dataset), "test", out, batch_size=2)
    journal = tmp_path / "answers.parquet.partial.jsonl"
    # And the power went in the middle of a line.
    with journal.open("a") as file:
        file.write('{"number": 5, "ans')
    assert not out.exists()

    report = answer_dataset(text_model, str(qa_dataset), "test", out, batch_size=2)

    assert report.kept == 4
    assert pq.read_table(out).equals(pq.read_table(whole))
    assert not journal.exists()


def test_answers_of_another_setting_are_not_mixed_in(
    text_model: Any, qa_dataset: Path, tmp_path: Path
) -> None:
    from trainers.batch_inference import answer_dataset

    out = tmp_path / "answers.parquet"
    journal = tmp_path / "answers.parquet.partial.jsonl"
    journal.write_text(json.dumps({"model": "another"}) + "\n")
    with pytest.raises(BogamError, match="begun with another"):
        answer_dataset(text_model, str(qa_dataset), "test", out)
    journal.unlink()
    out.write_text("mine")
    with pytest.raises(BogamError, match="there already"):
        answer_dataset(text_model, str(qa_dataset), "test", out)
    with pytest.raises(BogamError, match="no split 'tset'"):
        answer_dataset(text_model, str(qa_dataset), "tset", tmp_path / "new.parquet")
    assert out.read_text() == "mine"


def test_classes_are_scored_and_a_broken_picture_keeps_its_row(
    pictures: Path,
    make_model_release: Callable[..., Path],
    llava_twin: Path,
    tmp_path: Path,
) -> None:
    from trainers.batch_inference import answer_dataset

    model = asked(
        make_model_release(tmp_path / "release", llava_twin, task="classification", classes=CLASSES)
    )
    out = tmp_path / "answers.parquet"

    report = answer_dataset(model, str(pictures), "test", out, batch_size=3)

    assert (report.rows, report.errors) == (4, 1)
    table = pq.read_table(out).to_pylist()
    assert [row["error"] is None for row in table] == [True, True, False, True]
    assert "row row-2" in table[2]["error"] and table[2]["answer"] is None
    for row in table[:2] + table[3:]:
        shares = row["probabilities"]
        assert sum(shares.values()) == pytest.approx(1)
        assert row["answer"] == ("1" if shares["raw"] > shares["packed"] else "2")


def test_questions_without_room_are_named_and_the_others_answered(
    text_model: Any, qa_dataset: Path, tmp_path: Path
) -> None:
    """512 tokens are all that this model places."""
    from trainers.batch_inference import answer_dataset

    out = tmp_path / "answers.parquet"
    report = answer_dataset(text_model, str(qa_dataset), "test", out, max_new_tokens=480)

    table = pq.read_table(out).to_pylist()
    assert 0 < report.errors == sum("do not fit" in (row["error"] or "") for row in table)
    assert all((row["answer"] is None) == (row["error"] is not None) for row in table)
