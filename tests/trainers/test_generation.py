"""A batch answers what its rows answer one by one, and an answer holds nothing but the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest
import torch

from trainers.conversation import IGNORED, Message
from trainers.evaluation_set import EvaluationSet, encode_evaluation_set
from trainers.generation import answer_nll, generate_answers, stop_tokens
from trainers.recipe_schema import BaseModelSection, QuantisationSection

NEW_TOKENS = 12


@pytest.fixture(scope="module", params=["exaone_twin", "llama_twin"])
def base(request: pytest.FixtureRequest) -> Any:
    from trainers.base_model import load_base

    folder: Path = request.getfixturevalue(request.param)
    return load_base(BaseModelSection(id=str(folder)))


@pytest.fixture(scope="module")
def examples(base: Any, conversations: list[list[Message]]) -> EvaluationSet:
    """Five prompts of unequal length."""
    asked = [*conversations[:4], [Message(role="system", content="친절하게."), *conversations[5]]]
    rows = datasets.Dataset.from_list(
        [{"id": str(number), "messages": messages} for number, messages in enumerate(asked)]
    )
    found = encode_evaluation_set(
        rows, base.tokenizer, split="test", system_prompt=None, max_length=512, max_new_tokens=12
    )
    assert len(set(found.lengths)) > 1
    return found


def answers(base: Any, examples: EvaluationSet, numbers: range, batch_size: int) -> list[str]:
    return generate_answers(
        base.model,
        base.tokenizer,
        examples,
        numbers,
        batch_size=batch_size,
        max_new_tokens=NEW_TOKENS,
    )


def test_a_batch_answers_like_its_rows_alone(base: Any, examples: EvaluationSet) -> None:
    alone = answers(base, examples, range(5), 1)
    assert any(alone)
    assert answers(base, examples, range(5), 5) == alone
    assert answers(base, examples, range(5), 2) == alone
    assert answers(base, examples, range(4, -1, -2), 2) == alone[::-2]


def test_an_answer_is_what_follows_the_prompt(base: Any, examples: EvaluationSet) -> None:
    """Against plain `generate` on one row: no token of the prompt, none left out."""
    [answer] = answers(base, examples, range(1), 1)
    ids = torch.tensor(examples.prompt_ids[:1])
    output = base.model.generate(ids, max_new_tokens=NEW_TOKENS, do_sample=False)
    expected = base.tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)
    assert answer == expected.strip()


def test_decoding_ignores_the_sampling_that_a_model_asks_for(
    base: Any, examples: EvaluationSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers(base, examples, range(5), 5)
    settings = base.model.generation_config
    for name, value in (("do_sample", True), ("temperature", 5.0), ("repetition_penalty", 9.0)):
        monkeypatch.setattr(settings, name, value)
    assert answers(base, examples, range(5), 5) == expected


def test_nothing_after_the_end_token_is_kept(base: Any, examples: EvaluationSet) -> None:
    """Whatever the model would write first is made an end token: the answer is empty."""
    ids = torch.tensor(examples.prompt_ids[:1])
    first = int(base.model(ids).logits[0, -1].argmax())
    before = base.model.generation_config.eos_token_id
    base.model.generation_config.eos_token_id = [first]
    try:
        assert stop_tokens(base.model, base.tokenizer) == sorted(
            {first, base.tokenizer.eos_token_id}
        )
        written = answers(base, examples, range(1), 1)
    finally:
        base.model.generation_config.eos_token_id = before
    assert written == [""]


def test_the_likelihood_of_a_reference_is_the_models_own_loss(
    base: Any, examples: EvaluationSet
) -> None:
    batched = answer_nll(base.model, examples, range(5), batch_size=5)
    for row, nats in zip(examples.conversations, batched, strict=True):
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
