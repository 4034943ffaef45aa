"""A merged model answers as adapter and base do together, or is not written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard
from peft import PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from cards.errors import BogamError
from cards.lint import require_publishable
from trainers.base_model import load_base
from trainers.lora_targets import lora_config
from trainers.merge import merge_adapter
from trainers.recipe_schema import BaseModelSection, QuantisationSection, TuningSection

PROBE = torch.arange(5, 60)[None]


def with_licence(twin: Path, folder: Path, licence: str = "apache-2.0") -> Path:
    shutil.copytree(twin, folder)
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n# twin\n", encoding="utf-8")
    (folder / "LICENSE").write_text("terms of the base\n", encoding="utf-8")
    return folder


def write_adapter(base: Path, folder: Path, *, quantised: bool = False) -> Path:
    """An adapter as if trained: no weight of it is zero."""
    section = QuantisationSection() if quantised else None
    loaded = load_base(BaseModelSection(id=str(base)), precision="fp32", quantisation=section)
    model = get_peft_model(loaded.model, lora_config(loaded.model, TuningSection(dropout=0.0)))
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    return folder


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        answer: torch.Tensor = model.eval()(PROBE).logits
    return answer


@pytest.mark.parametrize("twin", ["llama_twin", "exaone_twin"])
def test_merged_logits_are_those_of_adapter_and_base(
    twin: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    base = with_licence(request.getfixturevalue(twin), tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter")
    licence = merge_adapter(str(adapter), tmp_path / "merged")
    assert licence.id == "apache-2.0"
    bare = load_base(BaseModelSection(id=str(base)), precision="fp32").model
    before = logits(bare)
    wanted = logits(PeftModel.from_pretrained(bare, adapter))
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert type(merged).__name__ == "LlamaForCausalLM"  # EXAONE's is Llama's under its own names
    assert (logits(merged) - wanted).abs().max() <= 1e-5
    assert (before - wanted).abs().max() > 1e-2  # the adapter does something
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "merged")
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(base).chat_template


def test_an_adapter_of_a_four_bit_base_is_merged_into_the_full_one(
    llama_twin: Path, tmp_path: Path
) -> None:
    base = with_licence(llama_twin, tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter", quantised=True)
    merge_adapter(str(adapter), tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert not hasattr(merged.config, "quantization_config")
    full = load_base(BaseModelSection(id=str(base)), precision="fp32").model
    wanted = logits(PeftModel.from_pretrained(full, adapter))
    assert (logits(merged) - wanted).abs().max() <= 1e-5


def test_the_result_has_the_precision_of_the_bases_files(llama_twin: Path, tmp_path: Path) -> None:
    base = with_licence(llama_twin, tmp_path / "base")
    AutoModelForCausalLM.from_pretrained(llama_twin, dtype=torch.bfloat16).save_pretrained(base)
    adapter = write_adapter(base, tmp_path / "adapter")
    merge_adapter(str(adapter), tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype="auto")
    assert {weight.dtype for weight in merged.parameters()} == {torch.bfloat16}


def test_card_names_parts_and_licence_without_paths(llama_twin: Path, tmp_path: Path) -> None:
    base = with_licence(llama_twin, tmp_path / "base", "cc-by-nc-4.0")
    adapter = write_adapter(base, tmp_path / "adapter")
    merge_adapter(str(adapter), tmp_path / "merged")
    card = ModelCard.load(tmp_path / "merged" / "README.md")
    assert card.data.license == "cc-by-nc-4.0"
    require_publishable(tmp_path / "merged", "model", "org/merged")
    assert "`adapter`" in card.text
    assert "`base`" in card.text
    for path in (tmp_path / "merged").iterdir():
        if path.suffix in (".md", ".json"):
            assert str(tmp_path) not in path.read_text(encoding="utf-8")
    assert (tmp_path / "merged" / "LICENSE").read_text() == "terms of the base\n"


def test_what_is_no_adapter_is_refused(llama_twin: Path, tmp_path: Path) -> None:
    with pytest.raises(BogamError, match=r"no adapter_config\.json"):
        merge_adapter(str(llama_twin), tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_an_adapter_of_a_base_that_is_gone_is_refused(llama_twin: Path, tmp_path: Path) -> None:
    base = with_licence(llama_twin, tmp_path / "base")
    adapter = write_adapter(base, tmp_path / "adapter")
    base.rename(tmp_path / "moved")
    with pytest.raises(BogamError, match="no such folder"):
        merge_adapter(str(adapter), tmp_path / "merged")


def test_a_folder_that_is_there_is_left_alone(llama_twin: Path, tmp_path: Path) -> None:
    with pytest.raises(BogamError, match="is there already"):
        merge_adapter(str(llama_twin), tmp_path)
