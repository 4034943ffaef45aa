"""A merged model that sees answers as adapter and base do together, vision tower included."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from trainers.merge import merge_adapter
from trainers.recipe_schema import ImagesSection
from trainers.tuning import with_adapter
from trainers.vision_processor import load_processor


@pytest.fixture
def adapter(
    twin: Path, load: Callable[..., Any], tuning: Callable[..., Any], tmp_path: Path
) -> Path:
    """As if trained: no weight of it is the base's."""
    base = shutil.copytree(twin, tmp_path / "base")
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\n", encoding="utf-8")
    images = ImagesSection(max_pixels=784 * 5) if "qwen" in str(twin) else None
    loaded = load(base, images=images)
    whole = (("vision_tower", None), ("merger", None), ("language_model", 1))
    model = with_adapter(loaded.model, tuning(*whole))
    torch.manual_seed(0)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.05 * torch.randn_like(parameter)
    model.save_pretrained(tmp_path / "adapter")
    loaded.processor.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_merged_logits_are_those_of_adapter_and_base(
    adapter: Path, load: Callable[..., Any], shown: Callable[..., Any], tmp_path: Path
) -> None:
    merge_adapter(str(adapter), tmp_path / "merged")
    base = load(tmp_path / "base")
    batch = shown(base)
    with torch.no_grad():
        before = base.model.eval()(**batch).logits
        wanted = PeftModel.from_pretrained(base.model, adapter).eval()(**batch).logits
        merged = AutoModelForImageTextToText.from_pretrained(tmp_path / "merged")
        found = merged(**batch).logits
    assert (found - wanted).abs().max() <= 1e-5
    assert (before - wanted).abs().max() > 1e-2


def test_the_merged_folder_is_whole_and_under_the_names_of_its_base(
    adapter: Path, tmp_path: Path
) -> None:
    merged = tmp_path / "merged"
    merge_adapter(str(adapter), merged)
    names = load_file(merged / "model.safetensors").keys()
    assert names == load_file(tmp_path / "base/model.safetensors").keys()
    config = json.loads((merged / "config.json").read_text(encoding="utf-8"))
    processor = load_processor(merged, AutoModelForImageTextToText.from_pretrained(merged).config)
    trained_with = load_processor(
        adapter, AutoModelForImageTextToText.from_pretrained(merged).config
    )
    assert processor.image_processor.to_dict() == trained_with.image_processor.to_dict()
    assert (
        config["architectures"]
        == json.loads((tmp_path / "base/config.json").read_text(encoding="utf-8"))["architectures"]
    )
    assert ModelCard.load(merged / "README.md").data.pipeline_tag == "image-text-to-text"
