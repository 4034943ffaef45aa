"""Every text of a release is looked at, wherever it stands, and what is found is not repeated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, PngImagePlugin
from safetensors.numpy import save_file

from cards.errors import BogamError
from hub.gates import local_paths, pii, secrets
from hub.gates.text_scan import Place, Scan, scan_files

NUMBER = "900101-1234567"
HF_TOKEN = "hf_" + "a1B2" * 8


def scan(folder: Path) -> dict[str, Scan]:
    paths = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.*"))]
    detectors = {
        "personal data": pii.detector(),
        "secrets": secrets.detector("x-token-of-this-process"),
        "paths": local_paths.detector([folder]),
    }
    return scan_files(folder, paths, detectors)


def test_nested_columns_are_looked_at_and_rows_are_named_by_id(tmp_path: Path) -> None:
    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    rows = [
        {"id": "a", "messages": [{"role": "user", "content": "안녕하세요"}], "notes": None},
        {"id": "b", "messages": None, "notes": {"free": "kim@naver.com으로", "n": 1}},
        {"id": "c", "messages": [{"role": "user", "content": f"번호 {NUMBER}"}] * 2, "notes": None},
    ]
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("messages", messages),
            ("notes", pa.struct([("free", pa.large_string()), ("n", pa.int64())])),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "rows.parquet", row_group_size=2)

    found = scan(tmp_path)["personal data"]

    assert found.cells == 3 + 6 + 1
    assert found.by_kind() == {"resident registration number": 2, "e-mail address": 1}
    number = Place("rows.parquet", "messages.content", "resident registration number", "suspected")
    assert (found.tallies[number].count, found.tallies[number].rows) == (2, ["c"])
    assert NUMBER not in found.listing()


def test_every_kind_of_column_that_can_hold_text_is_looked_at(tmp_path: Path) -> None:
    columns = {
        "plain": pa.array([NUMBER]),
        "large": pa.array([NUMBER], pa.large_string()),
        "view": pa.array([NUMBER], pa.string_view()),
        "category": pa.array([NUMBER]).dictionary_encode(),
        "fixed": pa.array([[NUMBER, "x"]], pa.list_(pa.string(), 2)),
        "map": pa.array([[("key", NUMBER)]], pa.map_(pa.string(), pa.string())),
        "deep": pa.array([[{"a": [{"b": NUMBER}]}]]),
    }
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    found = scan(tmp_path)["personal data"]
    assert {place.column.split(".")[0] for place in found.tallies} == set(columns)


def test_an_id_that_is_personal_is_not_shown(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [NUMBER], "text": ["a@b.co.kr"]}), tmp_path / "rows.parquet")
    listing = scan(tmp_path)["personal data"].listing()
    assert "(id withheld)" in listing
    assert NUMBER not in listing


def test_keys_and_values_of_json_are_looked_at_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"counts": {NUMBER: {"n": ["b@c.kr"]}}}))
    (tmp_path / "b.jsonl").write_text(json.dumps({"연락처": "0212345678"}) + "\n\n{}\n")
    found = scan(tmp_path)["personal data"]
    assert found.found == 3
    assert "counts.*.n[]" in found.listing()
    assert NUMBER not in found.listing()


def test_notes_in_weights_and_figures_are_looked_at(tmp_path: Path) -> None:
    tensors = {"w": np.zeros(2, np.float32)}
    save_file(tensors, tmp_path / "model.safetensors", metadata={"by": "/home/kim/train.py"})
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "token " + HF_TOKEN)
    Image.new("RGB", (2, 2)).save(tmp_path / "loss.png", pnginfo=info)
    found = scan(tmp_path)
    assert found["paths"].by_kind() == {"home folder": 1}
    assert found["secrets"].by_kind() == {"Hugging Face token": 1}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"export HF_TOKEN={HF_TOKEN}", "Hugging Face token"),
        ("key: sk-proj-" + "a1" * 20, "OpenAI or Anthropic key"),
        ("AKIA" + "ABCDEFGH12345678", "AWS access key"),
        ("aws_secret_access_key = " + "aB3/" * 10, "AWS secret key"),
        ("ghp_" + "a1B2" * 9, "GitHub token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private key"),
        ("https://kim:secret@hub.example/x", "password in a URL"),
        ("said x-token-of-this-process once", "token in use"),
    ],
)
def test_secrets_are_found(tmp_path: Path, text: str, kind: str) -> None:
    (tmp_path / "notes.md").write_text(f"first line\n{text}\n")
    found = scan(tmp_path)["secrets"]
    assert kind in found.by_kind()
    assert {row for tally in found.tallies.values() for row in tally.rows} == {"line 2"}


@pytest.mark.parametrize(
    "text",
    ["hf_hub_download", "task-oriented", "sk-learn", "https://huggingface.co/a:b", "a@b: c://d"],
)
def test_ordinary_words_are_no_secrets(tmp_path: Path, text: str) -> None:
    (tmp_path / "notes.md").write_text(text)
    assert scan(tmp_path)["secrets"].found == 0


@pytest.mark.parametrize(
    "value",
    [
        "/home/kim/data/TL.zip",
        "see /Users/kim/model",
        "C:\\Users\\kim\\data",
        "D:\\자료\\의료\\a.json",
        "file:///srv/data",
        "/data/aihub/TL.zip",
        "/mnt/nas/models/exaone",
    ],
)
def test_paths_of_the_machine_are_found(tmp_path: Path, value: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"recipe": {"data": [value]}}))
    found = scan(tmp_path)["paths"]
    assert found.found == 1
    assert "recipe.data[]" in found.listing()


def test_the_folder_of_the_release_is_found_within_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(f"Made in {tmp_path}/data with care.")
    assert scan(tmp_path)["paths"].found == 1


@pytest.mark.parametrize(
    "value",
    [
        "data/train-00000-of-00001.parquet",
        "120/80",
        "그리고/또는",
        "https://huggingface.co/home/kim/x",
        "see https://x.org/Users/guide",
        "/질환",
        "A: B\\C",
    ],
)
def test_relative_paths_and_urls_are_left_alone(tmp_path: Path, value: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"value": value}))
    assert scan(tmp_path)["paths"].found == 0


def test_a_broken_text_is_said_by_name(tmp_path: Path) -> None:
    (tmp_path / "rejects.jsonl").write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(BogamError, match=r"rejects\.jsonl line 2: not valid JSON"):
        scan(tmp_path)
