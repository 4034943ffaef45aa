"""A batch answers what its rows answer one by one, and an answer holds nothing but the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from trainers.conversation import IGNORED, Message, encode_conversation, prompt_ids
from trainers.generation import answer_nll, generate_answers, stop_tokens
from trainers.recipe_schema import BaseModelSection, QuantisationSection

NEW_TOKENS = 12


@pytest.fixture(scope="module", params=["exaone_twin", "llama_twin"])
def base(request: pytest.FixtureRequest) -> Any:
    from trainers.base_model import load_base

    folder: Path = request.getfixturevalue(request.param)
    return load_base(BaseModelSection(id=str(folder)))


@pytest.fixture(scope="module")
def prompts(base: Any, conversations: list[list[Message]]) -> list[list[int]]:
    """Prompts of unequal length."""
    before = [turns[:1] for turns in conversations[:4]]
    before += [[Message(role="system", content="친절하게 답하세요."), *conversations[5][:1]]]
    ids = [prompt_ids(base.tokenizer, messages) for messages in before]
    assert len({len(prompt) for prompt in ids}) > 1
    return ids


def test_a_batch_answers_like_its_rows_alone(base: Any, prompts: list[list[int]]) -> None:
    def answers(batch_size: int) -> list[str]:
        return generate_answers(
            base.model,
            base.tokenizer,
            prompts,
            batch_size=batch_size,
            max_new_tokens=NEW_TOKENS,
        )

    alone = answers(1)
    assert any(alone)
    assert answers(5) == alone
    assert answers(2) == alone


def test_an_answer_is_what_follows_the_prompt(base: Any, prompts: list[list[int]]) -> None:
    """Against plain `generate` on one row: no token of the prompt, none left out."""
    [answer] = generate_answers(
        base.model, base.tokenizer, prompts[:1], batch_size=1, max_new_tokens=NEW_TOKENS
    )
    ids = torch.tensor(prompts[:1])
    output = base.model.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False)
    expected = base.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
    assert answer == expected.strip()


def test_decoding_ignores_the_sampling_that_a_model_asks_for(
    base: Any, prompts: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers() -> list[str]:
        return generate_answers(
            base.model, base.tokenizer, prompts, batch_size=5, max_new_tokens=NEW_TOKENS
        )

    expected = answers()
    settings = base.model.generation_config
    for name, value in (("do_sample", True), ("temperature", 5.0), ("repetition_penalty", 9.0)):
        monkeypatch.setattr(settings, name, value)
    assert answers() == expected


def test_nothing_after_the_end_token_is_kept(base: Any, prompts: list[list[int]]) -> None:
    """Whatever the model would write first is made an end token: the answer is empty."""
    ids = torch.tensor(prompts[:1])
    first = int(base.model(ids).logits[0, -1].argmax())
    before = base.model.generation_config.eos_token_id
    base.model.generation_config.eos_token_id = [first]
    try:
        assert stop_tokens(base.model, base.tokenizer) == sorted(
            {first, base.tokenizer.eos_token_id}
        )
        answers = generate_answers(
            base.model, base.tokenizer, prompts[:1], batch_size=1, max_new_tokens=NEW_TOKENS
        )
    finally:
        base.model.generation_config.eos_token_id = before
    assert answers == [""]


def test_the_likelihood_of_a_reference_is_the_models_own_loss(
    base: Any, conversations: list[list[Message]]
) -> None:
    rows = [encode_conversation(base.tokenizer, turns) for turns in conversations[:5]]
    batched = answer_nll(base.model, rows, batch_size=5)
    for row, nats in zip(rows, batched, strict=True):
        ids, labels = torch.tensor([row.input_ids]), torch.tensor([row.labels])
        with torch.no_grad():
            mean = base.model(input_ids=ids, labels=labels).loss
        assert nats == pytest.approx(float(mean) * row.answer_tokens, rel=1e-5)
        assert row.answer_tokens == sum(label != IGNORED for label in row.labels)


def test_the_base_is_quantised_alike_in_training_and_evaluation(exaone_twin: Path) -> None:
    """One loader serves both; heads and towers stay as they are, double quantisation is on."""
    from bitsandbytes.nn import Linear4bit

    from trainers.base_model import load_base

    loaded = load_base(BaseModelSection(id=str(exaone_twin)), quantisation=QuantisationSection())
    config = loaded.model.config.quantization_config
    assert (config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == ("nf4", True)
    kinds = {
        name.rpartition(".")[2]: type(module)
        for name, module in loaded.model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    assert kinds.pop("lm_head") is torch.nn.Linear
    assert set(kinds.values()) == {Linear4bit}
