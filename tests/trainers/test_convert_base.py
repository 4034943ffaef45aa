"""An EXAONE checkpoint becomes a Llama repo that anybody loads, equal to the bit, or nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from cards.errors import BogamError
from cards.lint import require_publishable
from trainers.convert_base import convert_base, publish_converted
from trainers.exaone import register_exaone
from trainers.safetensors_names import rename_tensors

if TYPE_CHECKING:
    from tests.conftest import ServedHub

REPO = "org/EXAONE-converted-Llama"
README = "---\nlicense: other\nlicense_name: exaone\nlicense_link: LICENSE\n---\n# twin\n"


@pytest.fixture(scope="module")
def original(exaone_twin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twin with card and agreement, its weights in three files, as large models come."""
    folder = tmp_path_factory.mktemp("original") / "exaone"
    shutil.copytree(exaone_twin, folder)
    register_exaone()
    (folder / "model.safetensors").unlink()
    stated = (folder / "config.json").read_text(encoding="utf-8")
    model = AutoModelForCausalLM.from_pretrained(exaone_twin)
    model.save_pretrained(folder, max_shard_size="90KB")
    (folder / "config.json").write_text(stated, encoding="utf-8")
    (folder / "README.md").write_text(README, encoding="utf-8")
    (folder / "LICENSE").write_text("EXAONE AI Model License Agreement 1.1 - NC\n")
    assert len(list(folder.glob("*.safetensors"))) > 1
    return folder


@pytest.fixture(scope="module")
def converted(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted") / "llama"
    licence = convert_base(str(original), folder, REPO)
    assert licence.id == "exaone"
    return folder


def copy(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "exaone"))


def refused(base: Path, tmp_path: Path, repo: str = REPO) -> str:
    target = tmp_path / "llama"
    with pytest.raises(BogamError) as error:
        convert_base(str(base), target, repo)
    assert [path for path in tmp_path.iterdir() if path.name.startswith("llama")] == []
    return str(error.value)


STRANGER = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, out = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)
assert type(model).__name__ == "LlamaForCausalLM", type(model)
prompt = tokenizer.apply_chat_template(
    [{"role": "user", "content": "두통"}], add_generation_prompt=True, return_tensors="pt",
    return_dict=True,
)
with torch.no_grad():
    torch.save({"ids": prompt["input_ids"], "logits": model(**prompt).logits}, out)
ours = {"bogam", "cards", "hub", "trainers"} & set(sys.modules)
assert not ours, ours
"""


def test_a_stranger_loads_it_with_equal_logits(
    original: Path, converted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "logits.pt"
    subprocess.run(
        [sys.executable, "-c", STRANGER, str(converted), str(out)],
        cwd=tmp_path,
        check=True,
    )
    seen = torch.load(out)
    model = AutoModelForCausalLM.from_pretrained(original)
    with torch.no_grad():
        assert torch.equal(model(seen["ids"]).logits, seen["logits"])


def test_tensors_are_the_same_bytes_under_llamas_names(original: Path, converted: Path) -> None:
    before, after = {}, {}
    for folder, tensors in ((original, before), (converted, after)):
        for path in folder.glob("*.safetensors"):
            tensors |= load_file(path)
    assert len(before) == len(after) == 9 * 2 + 3
    assert "model.layers.1.self_attn.o_proj.weight" in after
    assert torch.equal(
        before["transformer.h.1.attn.attention.out_proj.weight"],
        after["model.layers.1.self_attn.o_proj.weight"],
    )
    index = json.loads((converted / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"]) == set(after)


def test_readers_of_both_generations_find_the_rotary_scaling(converted: Path) -> None:
    config = json.loads((converted / "config.json").read_text())
    assert config["model_type"] == "llama"
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert config["rope_theta"] == config["rope_parameters"]["rope_theta"]
    assert config["rope_scaling"]["rope_type"] == "llama3"
    assert config["rope_parameters"]["factor"] == config["rope_scaling"]["factor"] == 8.0


def test_tokenizer_template_and_agreement_go_along_unchanged(
    original: Path, converted: Path
) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "LICENSE"):
        assert (converted / name).read_bytes() == (original / name).read_bytes()


def test_card_has_what_every_reader_looks_for(converted: Path, tmp_path: Path) -> None:
    """And one without is not published."""
    require_publishable(converted, "model", REPO)
    bare = shutil.copytree(converted, tmp_path / "bare")
    text = (bare / "README.md").read_text(encoding="utf-8")
    (bare / "README.md").write_text(text.partition("## 한계")[0], encoding="utf-8")
    with pytest.raises(BogamError, match="missing-limits"):
        require_publishable(bare, "model", REPO)


def test_card_keeps_the_licence_and_says_what_was_done(converted: Path) -> None:
    card = ModelCard.load(converted / "README.md")
    assert card.data.license == "other"
    assert card.data.license_name == "exaone"
    assert card.data.license_link.startswith("https://")
    assert "byte for byte" in card.text
    assert "Research only" in card.text
    assert str(converted.parent) not in card.content  # no path of this machine


def test_names_that_the_licence_forbids_are_refused(original: Path, tmp_path: Path) -> None:
    message = refused(original, tmp_path, "org/my-llama")
    assert "EXAONE-my-llama" in message


def test_a_base_without_licence_is_refused(exaone_twin: Path, tmp_path: Path) -> None:
    assert "licence is not known" in refused(exaone_twin, tmp_path)


def test_other_architectures_need_no_converting(llama_twin: Path, tmp_path: Path) -> None:
    assert "'llama'" in refused(llama_twin, tmp_path)


def test_a_cut_off_file_leaves_nothing_behind(original: Path, tmp_path: Path) -> None:
    base = copy(original, tmp_path)
    file = sorted(base.glob("*.safetensors"))[1]
    file.write_bytes(file.read_bytes()[:-10])
    message = refused(base, tmp_path)
    assert file.name in message
    assert "cut off" in message


def test_a_foreign_weight_leaves_nothing_behind(original: Path, tmp_path: Path) -> None:
    base = copy(original, tmp_path)
    file = sorted(base.glob("*.safetensors"))[0]
    weights = load_file(file) | {"transformer.h.0.attn.bias": torch.zeros(1)}
    save_file(weights, file, metadata={"format": "pt"})
    assert "transformer.h.0.attn.bias" in refused(base, tmp_path)


def test_a_lost_file_leaves_nothing_behind(original: Path, tmp_path: Path) -> None:
    base = copy(original, tmp_path)
    sorted(base.glob("*.safetensors"))[-1].unlink()
    (base / "model.safetensors.index.json").unlink()
    refused(base, tmp_path)


def test_pickled_weights_are_refused(original: Path, tmp_path: Path) -> None:
    base = copy(original, tmp_path)
    for path in base.glob("*.safetensors"):
        path.unlink()
    (base / "pytorch_model.bin").write_bytes(b"pickle")
    assert "can run code" in refused(base, tmp_path)


def test_a_folder_that_is_there_is_left_alone(original: Path, converted: Path) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in converted.iterdir())
    with pytest.raises(BogamError, match="is there already"):
        convert_base(str(original), converted, REPO)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in converted.iterdir()) == before


def test_it_goes_from_hub_to_hub(
    hub: ServedHub,
    original: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_id: Callable[[str], str],
) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.tokens["alice"])
    api = hub.api("alice")
    source = api.create_repo("org/EXAONE-to-convert", private=True).repo_id
    commit = api.upload_folder(repo_id=source, folder_path=original).oid
    folder = tmp_path / "llama"
    licence = convert_base(source, folder, REPO)
    published = publish_converted(folder, REPO, licence)
    assert published.private
    assert published.is_new
    card = ModelCard.load(REPO, token=hub.tokens["alice"])
    assert card.data.base_model == source
    assert commit in card.text
    assert not publish_converted(folder, REPO, licence).is_new
    model = AutoModelForCausalLM.from_pretrained(REPO)
    assert type(model).__name__ == "LlamaForCausalLM"


class TestRenamingTensors:
    def test_other_readers_find_the_same_tensors(self, tmp_path: Path) -> None:
        tensors = {"a": torch.arange(5), "b.c": torch.rand(3, 4), "d": torch.zeros(2).bfloat16()}
        save_file(tensors, tmp_path / "in.safetensors", metadata={"format": "pt"})
        rename_tensors(
            tmp_path / "in.safetensors", tmp_path / "out.safetensors", lambda name: f"x.{name}é"
        )
        renamed = load_file(tmp_path / "out.safetensors")
        assert set(renamed) == {"x.aé", "x.b.cé", "x.dé"}
        for name, tensor in tensors.items():
            assert torch.equal(renamed[f"x.{name}é"], tensor)
        with safe_open(tmp_path / "out.safetensors", "pt") as file:
            assert file.metadata() == {"format": "pt"}

    def test_two_tensors_never_get_one_name(self, tmp_path: Path) -> None:
        save_file({"a": torch.ones(1), "b": torch.zeros(1)}, tmp_path / "in.safetensors")
        with pytest.raises(BogamError, match="the same name"):
            rename_tensors(
                tmp_path / "in.safetensors", tmp_path / "out.safetensors", lambda name: "same"
            )

    @pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]"])
    def test_what_is_no_safetensors_file_is_said(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "in.safetensors").write_bytes(content)
        with pytest.raises(BogamError, match="not a safetensors file"):
            rename_tensors(tmp_path / "in.safetensors", tmp_path / "out", str)
