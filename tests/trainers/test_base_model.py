"""A base model is loaded whole, at a known commit, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from cards.errors import BogamError
from cards.records import Revision
from trainers.base_model import (
    LOCAL,
    LoadedBase,
    compute_dtype,
    load_base,
    load_tokenizer,
    refuse_unpublishable,
    resolve_base,
)
from trainers.quantisation import quantisation_config
from trainers.recipe_schema import BaseModelSection, QuantisationSection

if TYPE_CHECKING:
    from tests.conftest import ServedHub


def load(base: Path | str, **arguments: object) -> LoadedBase:
    return load_base(BaseModelSection(id=str(base)), **arguments)  # type: ignore[arg-type]


def refused(base: Path | str, revision: str = "main") -> str:
    with pytest.raises(BogamError) as error:
        load_base(BaseModelSection(id=str(base), revision=revision))
    return str(error.value)


@pytest.fixture
def copy(llama_twin: Path, tmp_path: Path) -> Path:
    """A base model that a test may damage."""
    return Path(shutil.copytree(llama_twin, tmp_path / "base"))


def edit_json(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | changes), encoding="utf-8")


def test_folder_is_loaded_with_tokenizer_and_template(exaone_twin: Path) -> None:
    base = load(exaone_twin)
    assert base.source == Revision(id=str(exaone_twin), revision=LOCAL)
    assert base.compute_dtype == compute_dtype("auto")
    assert type(base.model).__name__ == "ExaoneForCausalLM"
    assert base.tokenizer.chat_template
    assert base.model.config.vocab_size == len(base.tokenizer)


def test_weights_have_the_precision_that_is_asked_for(llama_twin: Path) -> None:
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        base = load(llama_twin, precision=precision)
        assert {weight.dtype for weight in base.model.parameters()} == {dtype}
        assert base.compute_dtype == dtype


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
def test_auto_is_float32_on_a_cpu() -> None:
    assert compute_dtype("auto") == torch.float32


def test_quantisation_is_the_one_of_the_recipe(llama_twin: Path) -> None:
    from bitsandbytes.nn import Linear4bit

    section = QuantisationSection(type="nf4", double_quant=True)
    model = load(llama_twin, quantisation=section).model
    layers = [part for part in model.modules() if isinstance(part, Linear4bit)]
    assert len(layers) == 7 * 2
    assert all(part.weight.quant_state.nested for part in layers)  # double quantisation
    assert {part.weight.quant_state.quant_type for part in layers} == {"nf4"}
    assert type(model.lm_head) is torch.nn.Linear
    config = model.config.quantization_config
    assert config.to_dict() == quantisation_config(section, torch.float32).to_dict()


def test_pad_token_may_be_the_end_token(llama_twin: Path) -> None:
    base = load(llama_twin)
    assert base.tokenizer.pad_token_id == base.tokenizer.eos_token_id
    assert base.model.config.pad_token_id == base.tokenizer.pad_token_id
    assert base.model.generation_config.pad_token_id == base.tokenizer.pad_token_id


def test_a_missing_pad_token_becomes_the_end_token(copy: Path) -> None:
    edit_json(copy / "tokenizer_config.json", pad_token=None)
    tokenizer = load_tokenizer(Revision(id=str(copy), revision=LOCAL))
    assert tokenizer.pad_token == tokenizer.eos_token


def test_a_lost_weight_stops_the_run(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.self_attn.o_proj.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    message = refused(copy)
    assert "1 missing" in message
    assert "model.layers.1.self_attn.o_proj.weight" in message


def test_a_weight_that_nothing_uses_stops_the_run(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors") | {"model.extra.weight": torch.zeros(2)}
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert "1 not used ['model.extra.weight']" in refused(copy)


def test_a_weight_of_another_shape_stops_the_run(copy: Path) -> None:
    edit_json(copy / "config.json", intermediate_size=80)
    assert str(copy) in refused(copy)


def test_a_cut_off_file_stops_the_run(copy: Path) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    assert "its model could not be loaded" in refused(copy)


def test_pickled_weights_are_not_read(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    torch.save(weights, copy / "pytorch_model.bin")
    assert "model.safetensors" in refused(copy)


def test_a_base_without_template_cannot_be_asked(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    assert "has no chat template" in refused(copy)


def test_an_image_model_is_no_base_for_text(copy: Path) -> None:
    edit_json(copy / "config.json", model_type="clip")
    assert "its model could not be loaded" in refused(copy)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("./nowhere", "no such folder"),
        ("a/b/c", "no such folder"),
        ("not a name", "owner/name"),
    ],
)
def test_what_is_neither_folder_nor_id_is_said(base: str, said: str) -> None:
    assert said in refused(base)


def test_a_folder_without_model_is_said(tmp_path: Path) -> None:
    assert "has no config.json" in refused(tmp_path)


class TestOnAHub:
    @pytest.fixture(scope="class")
    def repo(self, hub: ServedHub, llama_twin: Path) -> str:
        api = hub.api("alice")
        repo = api.create_repo("org/base-model-tests", private=True).repo_id
        api.upload_folder(repo_id=repo, folder_path=llama_twin)
        return repo

    @pytest.fixture
    def login(self, hub: ServedHub, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        return lambda user: monkeypatch.setenv("HF_TOKEN", hub.tokens.get(user, user))

    def test_a_branch_is_resolved_to_its_commit(
        self, hub: ServedHub, repo: str, login: Callable[[str], None]
    ) -> None:
        login("alice")
        sha = hub.api("alice").model_info(repo).sha
        base = load(repo)
        assert base.source == Revision(id=repo, revision=sha or "")
        again = resolve_base(BaseModelSection(id=repo, revision=base.source.revision))
        assert again == base.source

    def test_offline_the_copy_in_the_cache_is_used(
        self, repo: str, login: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        login("alice")
        online = load(repo).source
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        assert load(repo).source == online
        assert "not in the cache of this machine" in refused("org/never-seen")

    def test_strangers_are_told_what_to_check(
        self, repo: str, login: Callable[[str], None]
    ) -> None:
        login("bob")
        message = refused(repo)
        assert repo in message
        assert "HF_ENDPOINT and HF_TOKEN" in message

    def test_a_wrong_token_is_told_apart_from_a_wrong_name(
        self, repo: str, login: Callable[[str], None]
    ) -> None:
        login("hf_wrong")
        assert "does not accept the token" in refused(repo)

    def test_an_unknown_revision_is_named(self, repo: str, login: Callable[[str], None]) -> None:
        login("alice")
        assert "no branch, tag or commit 'v9'" in refused(repo, "v9")

    def test_a_gated_base_says_where_its_terms_are(
        self, hub: ServedHub, llama_twin: Path, login: Callable[[str], None]
    ) -> None:
        api = hub.api("alice")
        repo = api.create_repo("org/gated-base", private=False).repo_id
        api.upload_file(
            repo_id=repo,
            path_in_repo="config.json",
            path_or_fileobj=llama_twin / "config.json",
        )
        api.update_repo_settings(repo, gated="manual")
        login("bob")
        message = refused(repo)
        assert repo in message
        assert "terms" in message

    def test_a_llama_base_on_the_hub_may_be_published_on(
        self, repo: str, login: Callable[[str], None]
    ) -> None:
        login("alice")
        refuse_unpublishable(load(repo), "org/tuned")


def test_an_exaone_base_must_be_converted_before_publishing(exaone_twin: Path) -> None:
    base = load(exaone_twin)
    with pytest.raises(BogamError, match="which nobody else has"):
        refuse_unpublishable(base, "org/EXAONE-tuned")
    on_a_hub = LoadedBase(
        base.model, base.tokenizer, Revision(id="org/b", revision="0" * 40), base.compute_dtype
    )
    with pytest.raises(BogamError, match="bogam convert-base"):
        refuse_unpublishable(on_a_hub, "org/EXAONE-tuned")
