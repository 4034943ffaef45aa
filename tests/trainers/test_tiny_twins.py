"""A twin has the real model's form, is the same for the same seed, and can be taught."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from trainers.exaone import register_exaone
from trainers.tiny_twins import Kind, TwinSize, make_twin

SIZE = TwinSize(hidden=32, intermediate=64, layers=2, vocabulary=500, positions=256)
TEXTS = [
    "두통은 어떻게 치료하나요?",
    "두통은 충분히 쉬면 나아집니다.",
    "감기를 예방하려면 손을 씻으세요.",
    "위염은 맵고 짠 음식을 피하면 좋아집니다.",
]
MESSAGES = [
    {"role": "system", "content": "짧게 답하세요."},
    {"role": "user", "content": "두통은?"},
    {"role": "assistant", "content": "쉬세요."},
    {"role": "user", "content": "감기는?"},
]
KINDS: tuple[Kind, ...] = ("exaone-3.5", "exaone-4", "solar")


def load(folder: Path) -> tuple[Any, Any]:
    register_exaone()
    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    return model, AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("kind", "model_class"),
    [
        ("exaone-3.5", "ExaoneForCausalLM"),
        ("exaone-4", "Exaone4ForCausalLM"),
        ("solar", "LlamaForCausalLM"),
    ],
)
def test_twins_are_of_the_real_class_and_generate(
    tmp_path: Path, kind: Kind, model_class: str
) -> None:
    model, tokenizer = load(make_twin(kind, tmp_path, TEXTS, size=SIZE))
    assert type(model).__name__ == model_class
    assert model.config.vocab_size == len(tokenizer)
    assert model.config.eos_token_id == tokenizer.eos_token_id
    prompt = tokenizer("두통은", return_tensors="pt")
    answer = model.generate(**prompt, max_new_tokens=4, do_sample=False)
    assert answer.shape[1] > prompt["input_ids"].shape[1]


def test_exaone_twin_has_the_checkpoints_own_names_and_keys(tmp_path: Path) -> None:
    make_twin("exaone-3.5", tmp_path, TEXTS, size=SIZE, steps=1)
    config = json.loads((tmp_path / "config.json").read_text())
    assert {"num_layers", "layer_norm_epsilon", "activation_function", "rope_theta"} <= set(config)
    assert not {"num_hidden_layers", "rms_norm_eps", "rope_parameters"} & set(config)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        names = set(file.keys())
    assert "transformer.h.1.attn.attention.out_proj.weight" in names
    assert {name.partition(".")[0] for name in names} == {"transformer", "lm_head"}


def test_exaone4_twin_mixes_local_and_global_attention(tmp_path: Path) -> None:
    size = TwinSize(hidden=32, intermediate=64, layers=4, vocabulary=400, positions=256)
    model, _ = load(make_twin("exaone-4", tmp_path, TEXTS, size=size))
    assert model.config.layer_types == ["sliding_attention"] * 3 + ["full_attention"]


# What the published templates give for MESSAGES and the next answer.
RENDERED = {
    "exaone-3.5": (
        "[|system|]짧게 답하세요.[|endofturn|]\n[|user|]두통은?\n"
        "[|assistant|]쉬세요.[|endofturn|]\n"
        "[|user|]감기는?\n[|assistant|]"
    ),
    "exaone-4": (
        "[|system|]\n짧게 답하세요.[|endofturn|]\n[|user|]\n두통은?[|endofturn|]\n"
        "[|assistant|]\n<think>\n\n</think>\n\n쉬세요.[|endofturn|]\n"
        "[|user|]\n감기는?[|endofturn|]\n[|assistant|]\n<think>\n\n</think>\n\n"
    ),
    "solar": (
        "### System:\n짧게 답하세요.\n\n### User:\n두통은?\n\n### Assistant:\n쉬세요."
        "### User:\n감기는?\n\n### Assistant:\n"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_template_renders_as_the_real_one(tmp_path: Path, kind: Kind) -> None:
    make_twin(kind, tmp_path, TEXTS, size=SIZE)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    rendered = tokenizer.apply_chat_template(MESSAGES, tokenize=False, add_generation_prompt=True)
    assert rendered == RENDERED[kind]


def test_exaone_template_opens_with_an_empty_system_turn(tmp_path: Path) -> None:
    make_twin("exaone-3.5", tmp_path, TEXTS, size=SIZE)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    rendered = tokenizer.apply_chat_template(MESSAGES[1:2], tokenize=False)
    assert rendered == "[|system|][|endofturn|]\n[|user|]두통은?\n"


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_survives_the_tokenizer(tmp_path: Path, kind: Kind) -> None:
    make_twin(kind, tmp_path, TEXTS, size=SIZE)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for text in (*TEXTS, "never seen: ÄÖ 漢字 🩺\n\ttab  two blanks"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == text


def test_solar_twin_pads_with_its_end_token_and_adds_a_start(tmp_path: Path) -> None:
    make_twin("solar", tmp_path, TEXTS, size=SIZE)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    assert tokenizer("두통")["input_ids"][0] == tokenizer.bos_token_id


def test_the_same_arguments_give_the_same_twin_and_leave_chance_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    weights = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = make_twin("solar", tmp_path / name, TEXTS, size=SIZE, steps=3, seed=seed)
        weights[name] = load_file(folder / "model.safetensors")
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(weights["a"][key], weights["b"][key]) for key in weights["a"])
    assert not torch.equal(weights["a"]["lm_head.weight"], weights["c"]["lm_head.weight"])


@pytest.mark.recipe
def test_a_taught_twin_knows_its_texts(tmp_path: Path) -> None:
    losses = {}
    for steps in (0, 80):
        model, tokenizer = load(
            make_twin("exaone-3.5", tmp_path / str(steps), TEXTS, size=SIZE, steps=steps)
        )
        ids = tokenizer(TEXTS[1], return_tensors="pt", add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            losses[steps] = float(model(input_ids=ids, labels=ids).loss)
    assert losses[0] > 5
    assert losses[80] < losses[0] / 3
