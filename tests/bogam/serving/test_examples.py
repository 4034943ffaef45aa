"""The page offers held-out rows of the very dataset that a model was measured on."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bogam.serving.examples import load_examples
from cards.errors import BogamError
from trainers.model_source import find_model


@pytest.fixture
def release(
    make_model_release: Callable[..., Path],
    text_twin: Path,
    documents: Path,
    hub: Any,
    fresh_id: Callable[[str], str],
    tmp_path: Path,
) -> Path:
    """Its dataset is private, and has changed since."""
    api, dataset = hub.api("alice"), fresh_id("org")
    api.create_repo(dataset, repo_type="dataset", private=True)
    first = api.upload_folder(repo_id=dataset, repo_type="dataset", folder_path=documents)
    api.delete_folder("data", repo_id=dataset, repo_type="dataset")
    return make_model_release(
        tmp_path / "release",
        text_twin,
        task="medical_ocr",
        dataset=dataset,
        dataset_revision=first.oid,
    )


def test_rows_come_from_the_commit_of_the_run(
    release: Path, documents: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setenv("HF_TOKEN", hub.tokens["alice"])
    [file] = sorted((documents / "data").glob("test-*"))
    expected = pq.read_table(file).slice(0, 2).to_pylist()

    examples = load_examples(find_model(str(release)), 2)

    assert [one.id for one in examples] == [row["id"] for row in expected][: len(examples)]
    for one, row in zip(examples, expected, strict=False):
        assert one.image == row["images"][0]["bytes"]
        assert one.question == row["messages"][0]["content"]
        assert one.reference == row["messages"][1]["content"]
        told = one.to_json()
        assert told["image"].startswith("data:image/")
        with Image.open(io.BytesIO(one.image or b"")) as picture:
            width, height = picture.size
        assert one.fields and all(field["labels"]["ko"] for field in one.fields)
        for field in one.fields:
            if field["box"]:
                left, top, right, bottom = field["box"]
                assert 0 <= left < right <= width and 0 <= top < bottom <= height


def test_a_dataset_that_may_not_be_read_is_said(
    release: Path, hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.tokens["bob"])
    with pytest.raises(BogamError, match="dataset org/"):
        load_examples(find_model(str(release)), 2)


def test_a_model_from_elsewhere_has_none(text_twin: Path) -> None:
    assert load_examples(find_model(str(text_twin)), 0) == []
    with pytest.raises(BogamError, match="no run record"):
        load_examples(find_model(str(text_twin)), 2)
