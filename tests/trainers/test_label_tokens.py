"""The tokens of an answer are those that training labels, and no prompt changes under them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cards.errors import BogamError
from trainers.conversation import IGNORED, Message, encode_conversation, prompt_ids
from trainers.generation import stop_tokens
from trainers.label_tokens import AnsweredPrompt, LabelTokens, label_tokens, text_label_tokens

QUESTIONS = ("이 사진은 무엇입니까?", "두통은 어떻게 치료하나요? 번호로 답하세요.")


@pytest.fixture(scope="module", params=["exaone_twin", "llama_twin"])
def base(request: pytest.FixtureRequest) -> Any:
    from trainers.base_model import load_base
    from trainers.recipe_schema import BaseModelSection

    folder: Path = request.getfixturevalue(request.param)
    return load_base(BaseModelSection(id=str(folder)))


def asked(question: str) -> list[Message]:
    return [Message(role="user", content=question)]


@pytest.mark.parametrize("answers", [("0", "1", "2", "3"), ("무관", "대화 내역", "장소", "마약")])
def test_answers_have_the_tokens_that_training_labels(base: Any, answers: tuple[str, ...]) -> None:
    stops = stop_tokens(base.model, base.tokenizer)
    labels = text_label_tokens(base.tokenizer, map(asked, QUESTIONS), answers, stops)
    for answer, ids in zip(answers, labels.ids, strict=True):
        row = encode_conversation(
            base.tokenizer,
            [*asked(QUESTIONS[0]), Message(role="assistant", content=answer)],
        )
        labelled = [label for label in row.labels if label != IGNORED]
        assert labelled[: len(ids)] == list(ids)
        assert set(labelled[len(ids) :]) <= set(stops)
        assert base.tokenizer.decode(ids).strip() == answer
    prompt = prompt_ids(base.tokenizer, asked(QUESTIONS[0]))
    assert row.input_ids[: len(prompt)] == prompt


def test_an_answer_that_begins_like_another_takes_its_end_along(base: Any) -> None:
    stops = stop_tokens(base.model, base.tokenizer)
    answers = ("1", "10", "2")
    labels = text_label_tokens(base.tokenizer, map(asked, QUESTIONS), answers, stops)
    assert all(ids[-1] in stops for ids in labels.ids)
    assert not labels.are_single


def test_single_tokens_need_no_end() -> None:
    row = AnsweredPrompt([7, 8], [[7, 8, 20, 2], [7, 8, 21, 2]])
    assert label_tokens([row, row], stops=[2]) == LabelTokens(((20,), (21,)))
    assert label_tokens([row], stops=[2]).are_single


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no row"),
        ([AnsweredPrompt([7, 8], [[7, 9, 20], [7, 8, 21]])], "other tokens than alone"),
        ([AnsweredPrompt([7], [[7, 20, 2], [7, 20, 2]])], "same tokens"),
        ([AnsweredPrompt([7], [[7, 20], [7, 20, 21]])], "begins with another"),
        ([AnsweredPrompt([7], [[7], [7, 21]])], "begins with another"),
        (
            [AnsweredPrompt([7], [[7, 20], [7, 21]]), AnsweredPrompt([7], [[7, 20], [7, 22]])],
            "row 1: the answers have the tokens",
        ),
    ],
)
def test_answers_that_cannot_be_scored_are_refused(
    rows: list[AnsweredPrompt], message: str
) -> None:
    with pytest.raises(BogamError, match=message):
        label_tokens(rows, stops=[2])
