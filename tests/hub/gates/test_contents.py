"""A release holds known kinds of files only, each what its name says, and nothing that runs."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors.numpy import save_file

from cards.errors import BogamError
from hub.gates.contents import check_contents

CARD = "---\nlicense: apache-2.0\n---\n\n# A model\n"


class _Runs:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return print, ("ran",)


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "release"
    (folder / "figures").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    (folder / "LICENSE").write_text("terms\n")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "org/EXAONE-base"}')
    (folder / "rejects.jsonl").write_text("")
    (folder / "tokenizer.model").write_bytes(b"\n\x0e\n\x05<unk>")
    save_file({"w": np.ones(3, np.float32)}, folder / "model.safetensors")
    pq.write_table(pa.table({"a": [1]}), folder / "predictions.parquet")
    Image.new("RGB", (2, 2)).save(folder / "figures" / "loss.png")
    return folder


def test_a_proper_release_passes(release: Path) -> None:
    assert check_contents(release) == [
        "LICENSE",
        "README.md",
        "adapter_config.json",
        "chat_template.jinja",
        "config.json",
        "figures/loss.png",
        "model.safetensors",
        "predictions.parquet",
        "rejects.jsonl",
        "tokenizer.model",
    ]


def test_results_and_benchmark_tasks_are_the_only_yaml(release: Path) -> None:
    (release / ".eval_results").mkdir()
    (release / ".eval_results" / "qa.yaml").write_text("- {dataset: {id: a/b}, value: 1}")
    (release / "eval.yaml").write_text("name: qa")
    assert {".eval_results/qa.yaml", "eval.yaml"} <= set(check_contents(release))
    (release / "figures" / "eval.yaml").write_text("name: qa")
    (release / ".eval_results" / "notes.txt").write_text("x")
    with pytest.raises(BogamError) as refusal:
        check_contents(release)
    for name in ("figures/eval.yaml", ".eval_results/notes.txt"):
        assert f"{name}: not a kind of file that is published" in str(refusal.value)


def _torch_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(_Runs()))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["a.txt", "README.md", "tokenizer.model", "model.safetensors"])
@pytest.mark.parametrize("protocol", [0, 1, 2, 5])
def test_a_pickle_is_refused_under_any_name(release: Path, name: str, protocol: int) -> None:
    (release / name).write_bytes(pickle.dumps(_Runs(), protocol=protocol))
    with pytest.raises(BogamError, match=f"{name}: is a pickle"):
        check_contents(release)


def test_an_archive_of_pickles_is_refused_under_the_name_of_weights(release: Path) -> None:
    (release / "model.safetensors").write_bytes(_torch_zip())
    with pytest.raises(BogamError, match=r"model\.safetensors: is a zip archive"):
        check_contents(release)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("training_args.bin", b"x", "may be a pickle"),
        ("optimizer.pt", b"x", "a pickle"),
        ("modeling_exaone.py", b"x = 1", "nobody should have to run it"),
        (".DS_Store", b"x", "not a kind of file that is published"),
        ("train.csv", b"a,b", "not a kind of file that is published"),
        ("model.safetensors", b"\x10\0\0\0\0\0\0\0{}", "not a whole safetensors file"),
        ("predictions.parquet", b"PAR1 cut short", "not a whole parquet file"),
        ("figures/loss.png", b"\x89PNG\r\n\x1a\n cut", "not a whole PNG image"),
        ("config.json", b"{", "not valid JSON"),
        ("config.json", b'{"auto_map": {"AutoModel": "m.M"}}', "code of its own"),
        ("rejects.jsonl", b'{"a": 1}\n{', "line 2: not valid JSON"),
        ("notes.txt", b"\xb0\xa8\xb1\xe2", "not UTF-8"),
        ("notes.txt", b"a\0b", "NUL bytes"),
        ("adapter_config.json", b'{"base_model_name_or_path": "/models/x"}', "no repo on a Hub"),
        (
            "adapter_config.json",
            b'{"base_model_name_or_path": "release/figures"}',
            "no repo on a Hub",
        ),
        ("adapter_config.json", b'{"base_model_name_or_path": null}', "no repo on a Hub"),
        ("eval.yaml", b"a: [", "not valid YAML"),
        ("eval.yaml", b"!!python/object/apply:os.system [ls]", "not valid YAML"),
        ("eval.yaml", b"just words", "neither a mapping nor a list"),
        ("README.md", b"# no metadata", "no metadata"),
        ("README.md", b"---\nlicense: [\n---\n", "cannot be read"),
        ("README.md", b"---\ntags: [x]\n---\n", "name no `license`"),
    ],
)
def test_what_is_not_fit_is_said_by_name_and_reason(
    release: Path, name: str, content: bytes, reason: str
) -> None:
    (release / name).write_bytes(content)
    with pytest.raises(BogamError) as refusal:
        check_contents(release)
    line = next(line for line in str(refusal.value).splitlines() if line.startswith(f"  {name}: "))
    assert reason in line


def test_all_that_is_wrong_is_said_at_once(release: Path) -> None:
    (release / "README.md").unlink()
    (release / "optimizer.pt").write_bytes(b"x")
    (release / "link.json").symlink_to(release / "config.json")
    (release / "data").symlink_to(release / "figures")
    os.mkfifo(release / "pipe.txt")
    with pytest.raises(BogamError) as refusal:
        check_contents(release)
    for line in (
        "README.md: missing",
        "optimizer.pt: a pickle",
        "link.json: a symbolic link",
        "data: a symbolic link",
        "pipe.txt: not an ordinary file",
    ):
        assert line in str(refusal.value)


def test_a_missing_shard_of_weights_is_noticed(release: Path) -> None:
    index = {"weight_map": {"w": "model.safetensors", "v": "model-00002-of-00002.safetensors"}}
    (release / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BogamError, match="names shards that are not in the release"):
        check_contents(release)


def test_a_picture_with_exif_is_refused(release: Path) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Kim"
    Image.new("RGB", (2, 2)).save(release / "figures" / "photo.png", exif=exif)
    with pytest.raises(BogamError, match=r"figures/photo\.png: carries EXIF data"):
        check_contents(release)
