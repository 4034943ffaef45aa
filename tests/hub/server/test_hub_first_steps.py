"""The shortest way through the Hub: make a repo, fill it, read it back by three clients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import datasets
import pytest
from huggingface_hub import hf_hub_download, snapshot_download

if TYPE_CHECKING:
    from tests.conftest import ServedHub

pytestmark = pytest.mark.system


def test_a_folder_comes_back_byte_for_byte(
    hub: ServedHub, fresh_id: Callable[[str], str], tmp_path: Path
) -> None:
    repo_id = fresh_id("org")
    folder = tmp_path / "folder"
    (folder / "사진").mkdir(parents=True)
    contents = {
        "README.md": b"# card\n",
        "weights.bin": bytes(range(256)) * 5000,
        "사진/a b.txt": b"",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    api = hub.api("alice")
    api.create_repo(repo_id)
    api.upload_folder(repo_id=repo_id, folder_path=folder)

    snapshot = Path(snapshot_download(repo_id, token=hub.tokens["alice"]))
    assert {name: (snapshot / name).read_bytes() for name in contents} == contents
    file = hf_hub_download(repo_id, "weights.bin", token=hub.tokens["alice"], revision="main")
    assert Path(file).read_bytes() == contents["weights.bin"]


def test_a_parquet_file_is_a_dataset(
    hub: ServedHub, fresh_id: Callable[[str], str], tmp_path: Path
) -> None:
    repo_id = fresh_id("org")
    rows = {"question": ["머리가 아파요", "열이 나요"], "number": [1, 2]}
    datasets.Dataset.from_dict(rows).to_parquet(tmp_path / "train.parquet")
    api = hub.api("alice")
    api.create_repo(repo_id, repo_type="dataset")
    api.upload_file(
        repo_id=repo_id,
        repo_type="dataset",
        path_or_fileobj=tmp_path / "train.parquet",
        path_in_repo="data/train-00000-of-00001.parquet",
    )

    loaded = datasets.load_dataset(repo_id, token=hub.tokens["reader"])
    assert loaded["train"].to_dict() == rows
