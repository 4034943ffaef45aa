"""How to load a model: the code on its card, and what it asks."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from huggingface_hub import ModelCard

from cards.model_card import render_model_card


def test_the_code_on_the_card_compiles_and_names_the_repo(run_record, predictions, changed):
    run = changed(
        run_record,
        recipe={
            "system_prompt": '친절한 "상담사"입니다.\n```',
            "evaluation": {"max_new_tokens": 77},
        },
    )
    readme = render_model_card(run, predictions).readme
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    compile(code, "card", "exec")
    assert 'repo = "hospital/EXAONE-3.5-medical-qa"' in code
    assert "max_new_tokens=77" in code
    assert '친절한 \\"상담사\\"입니다.' in code
    assert "trust_remote_code" not in code


def test_a_run_in_four_bits_says_how_to_load_it_so(run_record, predictions, changed):
    plain = render_model_card(run_record, predictions).readme
    quantised = {"type": "nf4", "double_quant": True, "compute_dtype": "auto"}
    recipe = {**run_record.recipe, "quantisation": quantised}
    card = render_model_card(changed(run_record, recipe=recipe), predictions).readme

    assert "BitsAndBytesConfig" not in plain
    assert 'bnb_4bit_quant_type="nf4"' in card
    assert "quantization_config=four_bits" in card
    for code in re.findall(r"```python\n(.*?)```", card, re.DOTALL):
        compile(code, "card", "exec")


def test_the_snippet_asks_a_question_of_the_data_where_texts_may_be(run_record, predictions, free):
    shortest = min(predictions["prompt"].to_pylist(), key=len)
    asked = f'{{"role": "user", "content": "{shortest}"}}'
    assert asked not in render_model_card(run_record, predictions).readme
    assert asked in render_model_card(free(run_record), predictions).readme


def test_a_card_without_a_repo_loads_the_folder_it_lies_in(run_record, predictions):
    run = run_record.model_copy(update={"publication": None})
    readme = render_model_card(run, predictions).readme
    assert 'repo = "."' in readme
    assert "# exaone-medical-qa\n" in readme


def test_the_form_of_the_page_asks_as_the_model_was_trained(run_record, predictions, changed):
    run = changed(run_record, recipe={"system_prompt": "짧게 답합니다."})
    data = ModelCard(render_model_card(run, predictions).readme).data
    roles = [message["role"] for message in data["widget"][0]["messages"]]
    assert roles == ["system", "user"]


@pytest.mark.recipe
def test_the_code_for_models_that_see_runs_as_it_stands_on_the_card(
    run_record, predictions, tmp_path, changed
):
    """Against a real LLaVA-NeXT of two layers with an untaught adapter."""
    from peft import LoraConfig, get_peft_model
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from trainers.vision_twins import VisionTwinSize, make_vision_twin

    size = VisionTwinSize(
        hidden=32,
        intermediate=64,
        layers=2,
        vocabulary=600,
        vision_hidden=32,
        vision_intermediate=64,
        vision_layers=3,
        vision_heads=2,
    )
    texts = ["이 문서에 적힌 약과 용량을 모두 적어 주세요. 짧게 답합니다."] * 20
    twin = make_vision_twin("llava-next", tmp_path / "twin", texts, size=size)
    release = tmp_path / "release"
    model = AutoModelForImageTextToText.from_pretrained(twin)
    get_peft_model(model, LoraConfig(target_modules=["q_proj"])).save_pretrained(release)
    AutoProcessor.from_pretrained(twin).save_pretrained(release)
    Image.new("RGB", (60, 40), "navy").save(release / "picture.png")

    run = changed(
        run_record,
        library_model_class="AutoModelForImageTextToText",
        recipe={"system_prompt": "짧게 답합니다.", "evaluation": {"max_new_tokens": 5}},
        publication=None,
    )
    readme = render_model_card(run.model_copy(update={"publication": None}), predictions).readme
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert 'repo = "."' in code
    script = tmp_path / "card.py"
    script.write_text(code + "\nassert output.shape[1] > inputs['input_ids'].shape[1]\n")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=release, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
