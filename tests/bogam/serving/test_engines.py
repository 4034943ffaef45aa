"""How each engine is called for a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bogam.serving.engines import transformers_call, vllm_call
from bogam.serving.serve import ServeOptions, engine_call
from cards.errors import BogamError
from trainers.model_source import find_model


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name on the PATH; which is all that building its arguments looks at."""
    program = tmp_path / "bin/vllm"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def after(command: list[str], flag: str) -> str:
    return command[command.index(flag) + 1]


def test_vllm_gets_the_adapter_beside_its_base(
    vllm: Path, make_model_release: Callable[..., Path], text_twin: Path, tmp_path: Path
) -> None:
    release = make_model_release(tmp_path / "release", text_twin)

    call = engine_call(find_model(str(release)), tmp_path / "socket", ServeOptions(engine="vllm"))

    assert call.command[:3] == [str(vllm), "serve", str(text_twin)]
    assert after(call.command, "--lora-modules") == f"release={release}"
    # LoRA of rank 4: the least that vLLM has room for.
    assert after(call.command, "--max-lora-rank") == "8"
    assert after(call.command, "--uds") == str(tmp_path / "socket")
    assert json.loads(after(call.command, "--limit-mm-per-prompt")) == {"image": 8}
    assert "--quantization" not in call.command
    assert not call.scores_labels


def test_vllm_gets_the_commit_that_an_adapter_was_trained_on(
    vllm: Path, make_model_release: Callable[..., Path], text_twin: Path, tmp_path: Path
) -> None:
    release = make_model_release(
        tmp_path / "release", text_twin, base_id="org/base", base_revision="c" * 40
    )

    call = vllm_call(
        find_model(str(release)),
        release,
        tmp_path / "socket",
        name="org/model",
        load_in_4bit=True,
        concurrency=4,
        images=2,
    )

    assert call.command[1:5] == ["serve", "org/base", "--revision", "c" * 40]
    assert after(call.command, "--lora-modules") == f"org/model={release}"
    assert after(call.command, "--quantization") == "bitsandbytes"
    assert after(call.command, "--max-num-seqs") == "4"


def test_vllm_serves_a_whole_model_as_it_is(vllm: Path, text_twin: Path, tmp_path: Path) -> None:
    source = find_model(str(text_twin))

    call = engine_call(source, tmp_path / "socket", ServeOptions(engine="vllm"))

    assert after(call.command, "--served-model-name") == text_twin.name
    assert "--enable-lora" not in call.command


def test_what_vllm_cannot_take_is_refused(
    vllm: Path, make_model_release: Callable[..., Path], text_twin: Path, tmp_path: Path
) -> None:
    large = make_model_release(tmp_path / "large", text_twin)
    config = json.loads((large / "adapter_config.json").read_text())
    config["rank_pattern"] = {"q_proj": 1024}
    (large / "adapter_config.json").write_text(json.dumps(config))
    classes = [
        {"name": "raw", "korean": "원물", "answer": "1"},
        {"name": "packed", "korean": "포장", "answer": "2"},
    ]
    classifier = make_model_release(
        tmp_path / "classifier", text_twin, task="classification", classes=classes
    )
    for release, reason in ((large, "rank 1024"), (classifier, "closed set")):
        with pytest.raises(BogamError, match=reason):
            engine_call(find_model(str(release)), tmp_path / "s", ServeOptions(engine="vllm"))


@pytest.mark.recipe
def test_a_hybrid_is_merged_before_vllm_gets_it(
    vllm: Path,
    vision_twins: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """vLLM refuses adapters with parts that were trained whole."""
    import shutil

    from peft import LoraConfig, get_peft_model

    from trainers.base_model import load_base
    from trainers.recipe_schema import BaseModelSection

    base = tmp_path / "base"
    shutil.copytree(vision_twins("qwen2.5-vl"), base)
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Made for tests\n")
    loaded = load_base(BaseModelSection(id=str(base)))
    adapter = LoraConfig(
        r=4, target_modules=r".*language_model.*q_proj", modules_to_save=["merger"]
    )
    get_peft_model(loaded.model, adapter).save_pretrained(tmp_path / "hybrid")
    assert loaded.processor is not None
    loaded.processor.save_pretrained(tmp_path / "hybrid")
    monkeypatch.chdir(tmp_path)

    source = find_model(str(tmp_path / "hybrid"))
    call = engine_call(source, tmp_path / "socket", ServeOptions(engine="vllm"))

    assert call.command[2].startswith("work/merged/hybrid-")
    assert after(call.command, "--served-model-name") == "hybrid"
    assert "--enable-lora" not in call.command
    assert (tmp_path / call.command[2] / "model.safetensors").is_file()
    again = engine_call(source, tmp_path / "socket", ServeOptions(engine="vllm"))
    assert again.command == call.command


def test_transformers_is_called_with_the_commit(text_twin: Path, tmp_path: Path) -> None:
    call = transformers_call(find_model(str(text_twin)), tmp_path / "socket", load_in_4bit=True)
    assert "--revision" not in call.command
    assert "--load-in-4bit" in call.command
    assert call.command[call.command.index("--socket") + 1] == str(tmp_path / "socket")
