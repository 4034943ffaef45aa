"""A model is asked with the prompt of its run, wherever it comes from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from cards.errors import BogamError

QUESTION = "두통은 왜 생기나요?"
CLASSES = (
    {"name": "raw", "korean": "원물", "answer": "1"},
    {"name": "packed", "korean": "포장", "answer": "2"},
    {"name": "syringe", "korean": "주사기", "answer": "3"},
)


@pytest.fixture(scope="module")
def release(
    make_model_release: Callable[..., Path],
    llama_twin: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    return make_model_release(
        tmp_path_factory.mktemp("text") / "release", llama_twin, system_prompt="짧게 답하세요."
    )


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    noise = np.random.RandomState(0).randint(0, 256, (60, 84, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def asked(name: str | Path, **options: Any) -> Any:
    from trainers.inference import load_model
    from trainers.model_source import find_model

    return load_model(find_model(str(name)), device=torch.device("cpu"), **options)


def question(text: str = QUESTION, *images: Image.Image) -> Any:
    from trainers.inference import Question

    return Question([{"role": "user", "content": text}], images)


def by_transformers_alone(release: Path, system_prompt: str) -> str:
    """What the snippet on the card gives."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(release)
    model = AutoModelForCausalLM.from_pretrained(release)
    inputs = tokenizer.apply_chat_template(
        [{"role": "system", "content": system_prompt}, {"role": "user", "content": QUESTION}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    output = model.generate(**inputs, max_new_tokens=24, do_sample=False)
    written = output[0, inputs["input_ids"].shape[1] :]
    return str(tokenizer.decode(written, skip_special_tokens=True)).strip()


def test_answers_as_plain_transformers_with_the_prompt_of_the_run(release: Path) -> None:
    from trainers.inference import answer, prompt_inputs

    pieces: list[str] = []
    model = asked(release)
    text = answer(model, question(), on_text=pieces.append)

    [prompt] = model.tokenizer.batch_decode(prompt_inputs(model, [question()])["input_ids"])
    assert "짧게 답하세요." in prompt
    assert text == by_transformers_alone(release, "짧게 답하세요.")
    assert "".join(pieces).strip() == text


def test_an_adapter_a_merged_model_and_a_repo_answer_alike(
    make_model_release: Callable[..., Path],
    llama_twin: Path,
    hub: Any,
    fresh_id: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from trainers.inference import Question, answer
    from trainers.merge import merge_adapter

    api = hub.api("alice")
    base, adapter = fresh_id("org"), fresh_id("org")
    for repo in (base, adapter):
        api.create_repo(repo, private=True)
    licensed = tmp_path / "licensed"
    shutil.copytree(llama_twin, licensed)
    (licensed / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Made for tests\n")
    first = api.upload_folder(repo_id=base, folder_path=licensed)
    release = make_model_release(
        tmp_path / "release",
        llama_twin,
        base_id=base,
        base_revision=first.oid,
        system_prompt="짧게 답하세요.",
    )
    api.upload_folder(repo_id=adapter, folder_path=release)
    monkeypatch.setenv("HF_TOKEN", hub.tokens["alice"])
    merge_adapter(adapter, tmp_path / "merged")

    of_repo = asked(adapter)
    answers = {answer(of_repo, question()), answer(asked(release), question())}
    # What a merged model knows nothing of has to be said.
    told = Question([{"role": "system", "content": "짧게 답하세요."}, *question().messages])
    answers.add(answer(asked(tmp_path / "merged"), told, max_new_tokens=24))

    assert len(answers) == 1
    assert len(of_repo.source.revision.revision) == 40


def test_the_base_is_the_commit_that_the_adapter_names(
    make_model_release: Callable[..., Path],
    llama_twin: Path,
    hub: Any,
    fresh_id: Callable[[str], str],
    tmp_path: Path,
) -> None:
    """A base that moved on since must not change a published model."""
    from safetensors.torch import load_file, save_file

    api = hub.api("alice")
    base = fresh_id("org")
    api.create_repo(base)
    first = api.upload_folder(repo_id=base, folder_path=llama_twin)
    release = make_model_release(
        tmp_path / "release", llama_twin, base_id=base, base_revision=first.oid
    )
    changed = tmp_path / "changed"
    shutil.copytree(llama_twin, changed)
    weights = load_file(changed / "model.safetensors")
    save_file(
        {name: value * 2 for name, value in weights.items()},
        changed / "model.safetensors",
        metadata={"format": "pt"},
    )
    api.upload_folder(repo_id=base, folder_path=changed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", hub.tokens["alice"])
        embedding = asked(release).model.get_input_embeddings().weight

    expected = load_file(llama_twin / "model.safetensors")["model.embed_tokens.weight"]
    assert torch.equal(embedding, expected)


@pytest.mark.parametrize("twin", ["qwen_vl_twin", "llava_twin"])
def test_pictures_are_seen_as_in_training(
    twin: str,
    request: pytest.FixtureRequest,
    make_model_release: Callable[..., Path],
    picture: Image.Image,
    tmp_path: Path,
) -> None:
    from trainers.conversation import prompt_ids
    from trainers.image_inputs import image_tokens
    from trainers.inference import Question, answer, prompt_inputs

    release = make_model_release(
        tmp_path / "release", request.getfixturevalue(twin), system_prompt="보세요."
    )
    model = asked(release)
    picture.save(tmp_path / "picture.png")
    stored = {"bytes": (tmp_path / "picture.png").read_bytes(), "path": None}
    turns = [
        {"role": "user", "content": "무엇이 보이나요?"},
        {"role": "assistant", "content": "점."},
        {"role": "user", "content": "더 말해 주세요."},
    ]
    told = [{"role": "system", "content": "보세요."}, *turns]
    trained = prompt_ids(model.processor, told, image_tokens(model.processor, [stored, stored]))

    inputs = prompt_inputs(
        model, [Question(turns, [picture, picture]), question(QUESTION, picture)]
    )

    row = inputs["input_ids"][0][inputs["attention_mask"][0].bool()].tolist()
    assert row == trained
    white = Image.new("RGB", picture.size, "white")
    assert answer(model, question(QUESTION, picture)) != answer(model, question(QUESTION, white))


def test_a_batch_gives_what_its_rows_give_one_by_one(
    qwen_vl_twin: Path,
    make_model_release: Callable[..., Path],
    picture: Image.Image,
    tmp_path: Path,
) -> None:
    from trainers.inference import answer, answer_batch, class_scores

    model = asked(
        make_model_release(
            tmp_path / "release", qwen_vl_twin, task="classification", classes=CLASSES
        )
    )
    rows = [
        question("무엇인가요?", picture),
        question("이 사진에 보이는 것은 무엇인가요? 번호로 답하세요.", picture, picture),
    ]

    assert answer_batch(model, rows, 8) == [answer(model, row, max_new_tokens=8) for row in rows]
    together = class_scores(model, rows).probabilities
    apart = np.concatenate([class_scores(model, [row]).probabilities for row in rows])
    np.testing.assert_allclose(together, apart, atol=1e-5)
    np.testing.assert_allclose(together.sum(axis=1), 1)


def test_four_bits_leave_the_vision_tower_whole(
    qwen_vl_twin: Path,
    make_model_release: Callable[..., Path],
    picture: Image.Image,
    tmp_path: Path,
) -> None:
    from bitsandbytes.nn import Linear4bit

    from trainers.inference import answer

    release = make_model_release(tmp_path / "release", qwen_vl_twin)

    model = asked(release, load_in_4bit=True)

    quantised = {
        name for name, module in model.model.named_modules() if isinstance(module, Linear4bit)
    }
    assert any("language_model" in name for name in quantised)
    assert not any("visual" in name for name in quantised)
    assert answer(model, question(QUESTION, picture))


def test_an_adapter_of_another_base_is_refused(
    release: Path, qwen_vl_twin: Path, tmp_path: Path
) -> None:
    import json

    wrong = tmp_path / "wrong"
    shutil.copytree(release, wrong)
    config = json.loads((wrong / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = str(qwen_vl_twin)
    (wrong / "adapter_config.json").write_text(json.dumps(config))

    with pytest.raises(BogamError, match="adapter"):
        asked(wrong)


def test_what_cannot_be_asked_is_said(release: Path, picture: Image.Image, tmp_path: Path) -> None:
    from trainers.inference import answer, class_scores
    from trainers.model_source import find_model

    model = asked(release)
    for refused, reason in (
        (question("  \n"), "empty"),
        (question(QUESTION, picture), "text only"),
        (question("길다 " * 600), "do not fit"),
    ):
        with pytest.raises(BogamError, match=reason):
            answer(model, refused)
    with pytest.raises(BogamError, match="no classes"):
        class_scores(model, [question()])
    (tmp_path / "empty").mkdir()
    for name, reason in (
        (str(tmp_path / "empty"), "no model"),
        ("./nowhere", "no such folder"),
        ("one/two/three", "owner/name"),
    ):
        with pytest.raises(BogamError, match=reason):
            find_model(name)


def test_an_unknown_or_hidden_repo_is_said(hub: Any, fresh_id: Callable[[str], str]) -> None:
    from trainers.model_source import find_model

    hidden = fresh_id("alice")
    hub.api("alice").create_repo(hidden, private=True)
    for name in ("org/nowhere", hidden):
        with (
            pytest.MonkeyPatch.context() as patch,
            pytest.raises(BogamError, match="neither a folder here nor a model"),
        ):
            patch.setenv("HF_TOKEN", hub.tokens["bob"])
            find_model(name)
