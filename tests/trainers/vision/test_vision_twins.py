"""Twins that see are the real architectures, made again from the same arguments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trainers.vision_twins import VisionKind, VisionTwinSize, make_vision_twin

TEXTS = ["처방전에 적힌 약은 무엇인가요?", "처방받은 약은 세 가지입니다."] * 3
SIZE = VisionTwinSize(
    hidden=32, intermediate=64, layers=2, vocabulary=400, vision_hidden=32, vision_layers=2
)


@pytest.mark.parametrize("kind", ["qwen2.5-vl", "llava-next"])
def test_the_same_arguments_give_the_same_files(tmp_path: Path, kind: VisionKind) -> None:
    def digests(folder: Path) -> dict[str, str]:
        make_vision_twin(kind, folder, TEXTS, size=SIZE)
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()
        }

    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_configs_name_the_real_architectures(qwen_vl_twin: Path, llava_twin: Path) -> None:
    def named(folder: Path) -> tuple[str, list[str]]:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return config["model_type"], config["architectures"]

    assert named(qwen_vl_twin) == ("qwen2_5_vl", ["Qwen2_5_VLForConditionalGeneration"])
    assert named(llava_twin) == ("llava_next", ["LlavaNextForConditionalGeneration"])


def test_the_picture_has_a_say_in_the_answer(
    twin: Path, load: Callable[..., Any], shown: Callable[..., Any]
) -> None:
    base = load(twin)
    batch = shown(base)
    with torch.no_grad():
        seen = base.model(**batch).logits
        other = base.model(**batch | {"pixel_values": -batch["pixel_values"]}).logits
    assert not torch.equal(seen[0, -1], other[0, -1])


def test_qwen_places_pictures_in_two_dimensions(
    qwen_vl_twin: Path, load: Callable[..., Any], shown: Callable[..., Any]
) -> None:
    base = load(qwen_vl_twin)
    batch = shown(base)
    with torch.no_grad():
        placed = base.model(**batch).logits
        del batch["mm_token_type_ids"]
        in_a_row = base.model(**batch).logits
    assert not torch.equal(placed, in_a_row)
