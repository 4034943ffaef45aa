"""Processors work without torchvision, and what they save is what the original classes read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, ProcessorMixin

from cards.errors import BogamError
from trainers.base_model import load_base
from trainers.recipe_schema import BaseModelSection, ImagesSection
from trainers.vision_processor import is_vision_language, load_processor


def test_a_model_that_sees_comes_with_its_processor(twin: Path, load: Callable[..., Any]) -> None:
    base = load(twin)
    assert isinstance(base.processor, ProcessorMixin)
    assert base.tokenizer is base.processor.tokenizer
    assert base.tokenizer.chat_template == base.processor.chat_template
    assert base.model_class.__name__ == "AutoModelForImageTextToText"
    assert is_vision_language(base.model.config)


def test_a_text_model_has_none(llama_twin: Path, load: Callable[..., Any]) -> None:
    base = load(llama_twin)
    assert base.processor is None
    assert base.model_class.__name__ == "AutoModelForCausalLM"


def test_a_text_model_with_limits_for_pictures_is_an_error(llama_twin: Path) -> None:
    section = BaseModelSection(id=str(llama_twin))
    with pytest.raises(BogamError, match="sees no pictures, but the recipe has a section `images`"):
        load_base(section, images=ImagesSection(max_pixels=50_000))


def test_what_is_saved_bears_the_name_of_the_original_class(
    qwen_vl_twin: Path, load: Callable[..., Any], tmp_path: Path
) -> None:
    load(qwen_vl_twin).processor.save_pretrained(tmp_path)
    written = json.loads((tmp_path / "processor_config.json").read_text(encoding="utf-8"))
    assert written["processor_class"] == "Qwen2_5_VLProcessor"
    assert written["image_processor"]["image_processor_type"] == "Qwen2VLImageProcessor"
    assert written["video_processor"]["video_processor_type"] == "Qwen2VLVideoProcessor"
    everything = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert str(qwen_vl_twin) not in everything


def test_settings_for_videos_go_on_as_they_came(
    qwen_vl_twin: Path, load: Callable[..., Any], tmp_path: Path
) -> None:
    folder = shutil.copytree(qwen_vl_twin, tmp_path / "base")
    config = folder / "processor_config.json"
    settings = json.loads(config.read_text(encoding="utf-8"))
    settings["video_processor"]["max_frames"] = 12
    config.write_text(json.dumps(settings), encoding="utf-8")
    load(folder).processor.save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved/processor_config.json").read_text(encoding="utf-8"))
    assert saved["video_processor"] == settings["video_processor"]


def test_repos_of_the_old_layout_give_the_same_inputs(
    qwen_vl_twin: Path, load: Callable[..., Any], shown: Callable[..., Any], tmp_path: Path
) -> None:
    folder = shutil.copytree(qwen_vl_twin, tmp_path / "old")
    settings = json.loads((folder / "processor_config.json").read_text(encoding="utf-8"))
    (folder / "processor_config.json").unlink()
    images = settings["image_processor"]
    size = images.pop("size")
    images |= {"min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"]}
    images["processor_class"] = "Qwen2_5_VLProcessor"
    (folder / "preprocessor_config.json").write_text(json.dumps(images), encoding="utf-8")
    template = (folder / "chat_template.jinja").read_text(encoding="utf-8")
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.json").write_text(
        json.dumps({"chat_template": template}), encoding="utf-8"
    )
    old, new = shown(load(folder)), shown(load(qwen_vl_twin))
    assert old.keys() == new.keys()
    assert all(torch.equal(old[name], new[name]) for name in new)


def test_limits_of_the_recipe_decide_how_many_tokens_a_picture_takes(
    qwen_vl_twin: Path, load: Callable[..., Any], shown: Callable[..., Any], tmp_path: Path
) -> None:
    def picture_tokens(images: ImagesSection | None) -> int:
        base = load(qwen_vl_twin, images=images)
        ids = shown(base)["input_ids"]
        return int((ids == base.processor.image_token_id).sum())

    assert picture_tokens(None) == 4  # 70 x 56 pixels are 2 x 2 tokens of 28 x 28
    assert picture_tokens(ImagesSection(min_pixels=784, max_pixels=784 * 2)) == 1
    assert picture_tokens(ImagesSection(min_pixels=784 * 20)) >= 20
    base = load(qwen_vl_twin, images=ImagesSection(min_pixels=784, max_pixels=1568))
    base.processor.save_pretrained(tmp_path)
    again = load_processor(tmp_path, base.model.config)
    assert dict(again.image_processor.size)["longest_edge"] == 1568


@pytest.mark.parametrize("limits", [{"max_pixels": 700}, {"max_pixels": 1568}])
def test_limits_that_leave_no_room_are_an_error(
    qwen_vl_twin: Path, load: Callable[..., Any], limits: dict[str, int]
) -> None:
    with pytest.raises(BogamError, match=r"no range of whole tokens; one takes 784 pixels"):
        load(qwen_vl_twin, images=ImagesSection(**limits))


def test_llava_has_no_limits_of_pixels(llava_twin: Path, load: Callable[..., Any]) -> None:
    with pytest.raises(BogamError, match=r"tiles of a fixed size\. Leave `images` out"):
        load(llava_twin, images=ImagesSection(max_pixels=50_000))


def test_a_model_without_its_processor_is_an_error_not_a_tokenizer(
    llava_twin: Path, load: Callable[..., Any], tmp_path: Path
) -> None:
    folder = shutil.copytree(llava_twin, tmp_path / "base")
    (folder / "processor_config.json").unlink()
    with pytest.raises(BogamError, match=r"base model .*processor"):
        load(folder)
    assert AutoConfig.from_pretrained(folder).model_type == "llava_next"
