"""Messages -> token ids, by the same functions in training and at inference.

A model that is trained on one prompt and asked with another is measured on the difference. So the
tokens of a prompt are made in one place, :func:`prompt_ids`, and are exactly those that
`tokenizer.apply_chat_template(messages, add_generation_prompt=True)` gives to whoever loads the
published model; a training row begins with them or is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from cards.errors import BogamError

IGNORED = -100
"""Label of a position that does not count towards the loss (`torch.nn.CrossEntropyLoss`)."""


class Message(TypedDict):
    """One turn; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True)
class EncodedConversation:
    """Token ids of a conversation up to the end of its last answer.

    `labels` has the length of `input_ids`: the same id at every position of an answer and of the
    token that ends it, :data:`IGNORED` everywhere else.
    """

    input_ids: list[int]
    labels: list[int]

    @property
    def answer_tokens(self) -> int:
        return len(self.labels) - self.labels.count(IGNORED)


@dataclass(frozen=True)
class _Answer:
    """Where an answer stands in the rendered text: `text[start:end]`, its end token included."""

    start: int
    end: int


def with_system_prompt(messages: Sequence[Message], system_prompt: str | None) -> list[Message]:
    """Put `system_prompt` first, unless the conversation brings a system message of its own."""
    if system_prompt is None or (messages and messages[0]["role"] == "system"):
        return list(messages)
    return [Message(role="system", content=system_prompt), *messages]


def split_last_answer(messages: Sequence[Message]) -> tuple[list[Message], str]:
    """The messages before the last answer, and that answer.

    Raises:
        BogamError: the last message is not an answer, or the answer is empty.
    """
    if not messages or messages[-1]["role"] != "assistant" or not messages[-1]["content"].strip():
        raise BogamError(
            "the conversation does not end with an answer (a last message of the role "
            "'assistant' with text)"
        )
    return list(messages[:-1]), messages[-1]["content"]


def prompt_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Tokens that stand before the next answer, as the chat template renders them."""
    ids: list[int] = tokenizer(
        _render(tokenizer, messages, generation_prompt=True), add_special_tokens=False
    )["input_ids"]
    return ids


def encode_conversation(tokenizer: Any, messages: Sequence[Message]) -> EncodedConversation:
    """Tokens and labels of a conversation; every assistant turn is labelled.

    The text is tokenised as a whole where that leaves the tokens of each prompt as they are, and
    otherwise cut at the borders of the answers. Where the template closes an answer with no
    special token, the last answer gets the tokenizer's end-of-sequence token.

    Raises:
        BogamError: no answer, or the template renders a prompt in a way that a training row
            cannot repeat.
    """
    split_last_answer(messages)
    text, answers = _rendered_answers(tokenizer, messages)
    borders = [border for answer in answers for border in (answer.start, answer.end)]
    *prefixes, whole = tokenizer([text[:border] for border in borders], add_special_tokens=False)[
        "input_ids"
    ]
    prefixes.append(whole)  # the text ends where its last answer does
    if all(whole[: len(prefix)] == prefix for prefix in prefixes):
        return _labelled(whole, [len(prefix) for prefix in prefixes])

    segments = [text[start:end] for start, end in zip([0, *borders[:-1]], borders, strict=True)]
    pieces = tokenizer(segments, add_special_tokens=False)["input_ids"]
    joined: list[int] = []
    cuts = []
    for piece, prefix, opens_answer in zip(
        pieces, prefixes, [True, False] * len(answers), strict=True
    ):
        joined += piece
        cuts.append(len(joined))
        if opens_answer and joined != prefix:
            raise BogamError(
                "the chat template and the tokenizer do not let a later prompt of this "
                "conversation be repeated token by token in training. Split it into "
                "conversations with one answer each"
            )
    return _labelled(joined, cuts)


def _labelled(input_ids: list[int], cuts: Sequence[int]) -> EncodedConversation:
    """`cuts` alternates between the first position of an answer and the one after its last."""
    labels = [IGNORED] * len(input_ids)
    for start, end in zip(cuts[::2], cuts[1::2], strict=True):
        labels[start:end] = input_ids[start:end]
    return EncodedConversation(input_ids, labels)


def _render(tokenizer: Any, messages: Sequence[Message], *, generation_prompt: bool) -> str:
    text: str = tokenizer.apply_chat_template(
        list(messages), tokenize=False, add_generation_prompt=generation_prompt
    )
    return text


def _rendered_answers(tokenizer: Any, messages: Sequence[Message]) -> tuple[str, list[_Answer]]:
    """The rendered text, cut after its last answer, and where its answers stand."""
    rendered = _render(tokenizer, messages, generation_prompt=False)
    end_token = _end_token_pattern(tokenizer)
    text = ""
    answers: list[_Answer] = []
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        prompt = _render(tokenizer, messages[:turn], generation_prompt=True)
        content = message["content"]
        if content not in rendered:
            content = content.strip()  # many templates do so
        is_last = turn == len(messages) - 1
        place = rf"(?P<end>{end_token})?"
        found = re.compile(place).match(rendered, len(prompt + content))
        if not rendered.startswith(prompt + content):
            # Some templates put more before an answer that is to come than before one that is
            # there. The last one is found by what follows it.
            found = re.search(rf"{re.escape(content)}{place}\s*\Z", rendered) if is_last else None
        if found is None or not prompt.startswith(text):
            raise BogamError(
                f"the chat template renders what stands before turn {turn + 1} differently once "
                "that turn is there. Use a template that leaves earlier turns as they are"
            )
        text = prompt + content + (found["end"] or (tokenizer.eos_token if is_last else ""))
        answers.append(_Answer(len(prompt), len(text)))
    return text, answers


def _end_token_pattern(tokenizer: Any) -> str:
    """Matches any special token, longest first, with the blanks before it."""
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    names = sorted({*special, tokenizer.eos_token}, key=lambda name: (-len(name), name))
    return rf"\s*(?:{'|'.join(map(re.escape, names))})"
