"""Labels cover answers and nothing else; prompts are the same in training and at inference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cards.errors import BogamError
from trainers.conversation import (
    IGNORED,
    Message,
    encode_conversation,
    prompt_ids,
    split_last_answer,
    with_system_prompt,
)
from trainers.tiny_twins import make_twin

KINDS = ("exaone-3.5", "exaone-4", "solar")
SINGLE = [
    Message(role="user", content="두통의 증상은 무엇인가요?"),
    Message(role="assistant", content="머리가 아프고\n어지럽습니다.  쉬세요!"),
]
MULTI = [
    Message(role="system", content="당신은 도우미입니다."),
    *SINGLE,
    Message(role="user", content="약을 먹어도 되나요?"),
    Message(role="assistant", content="의사와 상의하세요."),
]


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    folder: Path = make_twin(
        request.param, tmp_path_factory.mktemp("twin"), [turn["content"] for turn in MULTI]
    )
    return AutoTokenizer.from_pretrained(folder)


def labelled_runs(labels: list[int]) -> list[list[int]]:
    """The unbroken runs of labels."""
    runs: list[list[int]] = [[]]
    for label in labels:
        if label == IGNORED:
            runs.append([])
        else:
            runs[-1].append(label)
    return [run for run in runs if run]


def test_labels_decode_to_the_answer_and_its_end_token(tokenizer: Any) -> None:
    encoded = encode_conversation(tokenizer, SINGLE)
    labels = [label for label in encoded.labels if label != IGNORED]
    assert tokenizer.decode(labels) == SINGLE[1]["content"] + tokenizer.eos_token
    assert encoded.answer_tokens == len(labels)


def test_labels_repeat_the_ids_they_stand_under(tokenizer: Any) -> None:
    encoded = encode_conversation(tokenizer, MULTI)
    assert len(encoded.labels) == len(encoded.input_ids)
    for label, token in zip(encoded.labels, encoded.input_ids, strict=True):
        assert label in (IGNORED, token)


def test_every_answer_of_a_conversation_is_labelled(tokenizer: Any) -> None:
    runs = labelled_runs(encode_conversation(tokenizer, MULTI).labels)
    answers = [turn["content"] for turn in MULTI if turn["role"] == "assistant"]
    decoded = [tokenizer.decode(run).removesuffix(tokenizer.eos_token) for run in runs]
    assert decoded == answers
    assert tokenizer.decode(runs[-1]).endswith(tokenizer.eos_token)


def test_the_prompt_is_what_the_chat_template_gives_at_inference(tokenizer: Any) -> None:
    before, _ = split_last_answer(SINGLE)
    expected = tokenizer.apply_chat_template(before, add_generation_prompt=True)["input_ids"]
    assert prompt_ids(tokenizer, before) == expected
    assert encode_conversation(tokenizer, SINGLE).input_ids[: len(expected)] == expected


def test_later_prompts_are_repeated_token_by_token_too(tokenizer: Any) -> None:
    before, _ = split_last_answer(MULTI)
    expected = tokenizer.apply_chat_template(before, add_generation_prompt=True)["input_ids"]
    encoded = encode_conversation(tokenizer, MULTI)
    assert encoded.input_ids[: len(expected)] == expected
    assert encoded.labels[len(expected)] == encoded.input_ids[len(expected)]


def test_a_system_prompt_is_added_only_where_there_is_none() -> None:
    assert with_system_prompt(SINGLE, "새 지시")[0]["content"] == "새 지시"
    assert with_system_prompt(MULTI, "새 지시") == MULTI
    assert with_system_prompt(SINGLE, None) == SINGLE


def test_a_token_that_spans_prompt_and_answer_is_cut_at_the_border(tokenizer: Any) -> None:
    """Such a token exists where a template puts nothing special between the two."""
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['content'] }}{% endfor %}{{ '' if add_generation_prompt }}"
    )
    # '니다' is one token of the vocabulary, since it ends most sentences it was learnt from.
    messages = [
        Message(role="user", content="증상은 습니"),
        Message(role="assistant", content="다."),
    ]
    whole = tokenizer("증상은 습니다.", add_special_tokens=False)["input_ids"]
    encoded = encode_conversation(tokenizer, messages)
    assert encoded.input_ids[: len(whole)] != whole, "the tokenizer does not merge here"
    assert encoded.input_ids[: -encoded.answer_tokens] == prompt_ids(tokenizer, messages[:1])
    answer = tokenizer.decode(encoded.input_ids[-encoded.answer_tokens :])
    assert answer == "다." + tokenizer.eos_token


def test_what_only_a_coming_answer_is_given_stands_before_a_learnt_one_too(
    tokenizer: Any,
) -> None:
    """As in templates that open an answer with an empty thought."""
    tokenizer.chat_template = (
        "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant><think></think>{% endif %}"
    )
    # 's' also stands in the names of the end tokens.
    for answer in (SINGLE[1]["content"], "s"):
        messages = [SINGLE[0], Message(role="assistant", content=answer)]
        encoded = encode_conversation(tokenizer, messages)
        prompt = encoded.input_ids[: -encoded.answer_tokens]
        assert prompt == prompt_ids(tokenizer, SINGLE[:1])
        assert tokenizer.decode(prompt).endswith("<think></think>")
        learnt = tokenizer.decode(encoded.input_ids[-encoded.answer_tokens :])
        assert learnt == answer + tokenizer.eos_token


def test_a_template_that_rewrites_earlier_answers_is_refused(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] }}:"
        "{{ '...' if m['role'] == 'assistant' and not loop.last else m['content'] }}\n"
        "{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    )
    with pytest.raises(BogamError, match="turn 3"):
        encode_conversation(tokenizer, MULTI)


@pytest.mark.parametrize(
    "messages",
    [[], SINGLE[:1], [SINGLE[0], Message(role="assistant", content="  ")]],
    ids=["empty", "no answer", "blank answer"],
)
def test_a_conversation_without_an_answer_is_refused(
    tokenizer: Any, messages: list[Message]
) -> None:
    with pytest.raises(BogamError, match="does not end with an answer"):
        encode_conversation(tokenizer, messages)
