"""Messages -> token ids, by the same functions in training and at inference.

A model that is trained on one prompt and asked with another is measured on the difference. So the
tokens of a prompt are made in one place, :func:`prompt_ids`, and are exactly those that
`apply_chat_template(messages, tokenize=True, add_generation_prompt=True)` gives to whoever loads
the published model; a training row begins with them or is refused.

What makes them is a tokenizer, or the processor of a vision-language model. The pictures of a
conversation stand at the beginning of its first user message, and each takes as many tokens as
:mod:`trainers.image_inputs` counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from transformers import ProcessorMixin

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


def message_parts(
    messages: Sequence[Message], images: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Messages as a processor's chat template takes them: content as a list of parts.

    Args:
        images: the parts that stand for the pictures, e.g. `{"type": "image", "image": picture}`;
            they come first in the first user message.

    Raises:
        BogamError: there are pictures, but no user message.
    """
    asked = next((turn for turn, one in enumerate(messages) if one["role"] == "user"), None)
    if images and asked is None:
        raise BogamError("the conversation has pictures, but no user message to show them in")
    return [
        {
            "role": message["role"],
            "content": [
                *(dict(image) for image in images if turn == asked),
                {"type": "text", "text": message["content"]},
            ],
        }
        for turn, message in enumerate(messages)
    ]


def prompt_ids(
    processing_class: Any, messages: Sequence[Message], image_tokens: Sequence[int] = ()
) -> list[int]:
    """Tokens that stand before the next answer, as the chat template renders them.

    Args:
        processing_class: a tokenizer or a vision-language processor.
        image_tokens: how many tokens each picture takes.

    Raises:
        BogamError: the text holds a placeholder for pictures, or there is no place for them.
    """
    text = _render(processing_class, messages, len(image_tokens), generation_prompt=True)
    [ids] = _tokenise(processing_class, [text])
    return _expanded(processing_class, ids, image_tokens)[0]


def encode_conversation(
    processing_class: Any, messages: Sequence[Message], image_tokens: Sequence[int] = ()
) -> EncodedConversation:
    """Tokens and labels of a conversation; every assistant turn is labelled, up to its end token.

    The text is tokenised as a whole where that leaves the tokens of each prompt as they are, and
    otherwise cut at the borders of the answers. Where the template closes an answer with no
    special token, the last answer gets the tokenizer's end-of-sequence token.

    Args:
        processing_class: a tokenizer or a vision-language processor.
        image_tokens: how many tokens each picture takes.

    Raises:
        BogamError: no answer, the template renders a prompt in a way that a training row cannot
            repeat, or what :func:`prompt_ids` refuses.
    """
    split_last_answer(messages)
    text, answers = _rendered_answers(processing_class, messages, len(image_tokens))
    borders = [border for answer in answers for border in (answer.start, answer.end)]
    *prefixes, whole = _tokenise(processing_class, [text[:border] for border in borders])
    prefixes.append(whole)  # the text ends where its last answer does
    if not all(whole[: len(prefix)] == prefix for prefix in prefixes):
        whole, cuts = _joined(processing_class, text, borders, prefixes)
    else:
        cuts = [len(prefix) for prefix in prefixes]
    ids, places = _expanded(processing_class, whole, image_tokens)
    return _labelled(ids, [places[cut] for cut in cuts])


def _joined(
    processing_class: Any, text: str, borders: Sequence[int], prefixes: Sequence[list[int]]
) -> tuple[list[int], list[int]]:
    """Tokens of a text that is tokenised from border to border, and where the borders then are."""
    segments = [text[start:end] for start, end in zip([0, *borders[:-1]], borders, strict=True)]
    pieces = _tokenise(processing_class, segments[:1]) + _tokenise(
        processing_class, segments[1:], opens=False
    )
    joined: list[int] = []
    cuts = []
    for number, (piece, prefix) in enumerate(zip(pieces, prefixes, strict=True)):
        joined += piece
        cuts.append(len(joined))
        opens_answer = number % 2 == 0
        if opens_answer and joined != prefix:
            raise BogamError(
                "the chat template and the tokenizer do not let a later prompt of this "
                "conversation be repeated token by token in training. Split it into "
                "conversations with one answer each"
            )
    return joined, cuts


def _labelled(input_ids: list[int], cuts: Sequence[int]) -> EncodedConversation:
    """`cuts` alternates between the first position of an answer and the one after its last."""
    labels = [IGNORED] * len(input_ids)
    for start, end in zip(cuts[::2], cuts[1::2], strict=True):
        labels[start:end] = input_ids[start:end]
    return EncodedConversation(input_ids, labels)


def _render(
    processing_class: Any,
    messages: Sequence[Message],
    images: int,
    *,
    generation_prompt: bool,
) -> str:
    given: Sequence[Mapping[str, Any]] = messages
    if isinstance(processing_class, ProcessorMixin):
        given = message_parts(messages, [{"type": "image"}] * images)
    text: str = processing_class.apply_chat_template(
        list(given), tokenize=False, add_generation_prompt=generation_prompt
    )
    return text


def _tokenise(
    processing_class: Any, texts: Sequence[str], *, opens: bool = True
) -> list[list[int]]:
    """Token ids of each text, of which `opens` says whether a conversation begins with it.

    `apply_chat_template` of a processor lets its tokenizer put its first token (LLaVA's `<s>`)
    before a prompt that does not begin with it; that of a tokenizer does not.
    """
    if not texts:
        return []
    tokenizer = _tokenizer_of(processing_class)
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    bos = tokenizer.bos_token
    if opens and tokenizer is not processing_class and not (bos and texts[0].startswith(bos)):
        some = tokenizer("a", add_special_tokens=False)["input_ids"]
        opening = tokenizer("a")["input_ids"]
        if opening[len(opening) - len(some) :] != some:
            raise BogamError(
                "the tokenizer puts special tokens behind a prompt, where the answer should begin"
            )
        ids = [opening[: len(opening) - len(some)] + text for text in ids]
    return ids


def _expanded(
    processing_class: Any, ids: list[int], image_tokens: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Ids with each picture's placeholder repeated, and the new place of each old one (and end)."""
    if not isinstance(processing_class, ProcessorMixin):
        if image_tokens:
            raise BogamError("it has pictures, and the model reads text only")
        return ids, list(range(len(ids) + 1))
    placeholder = processing_class.image_token_id
    reserved = {placeholder, getattr(processing_class, "video_token_id", None)}
    found = sum(token in reserved for token in ids)
    if found != len(image_tokens):
        raise BogamError(
            f"it has {len(image_tokens)} pictures, but {found} placeholders once its template is "
            f"filled in. Its text must not hold {processing_class.image_token!r}"
        )
    counts = iter(image_tokens)
    expanded: list[int] = []
    places = []
    for token in ids:
        places.append(len(expanded))
        expanded += [token] * (next(counts) if token == placeholder else 1)
    return expanded, [*places, len(expanded)]


def _rendered_answers(
    processing_class: Any, messages: Sequence[Message], images: int
) -> tuple[str, list[_Answer]]:
    """The rendered text, cut after its last answer, and where its answers stand."""
    tokenizer = _tokenizer_of(processing_class)
    rendered = _render(processing_class, messages, images, generation_prompt=False)
    place = re.compile(rf"(?P<end>{_end_token_pattern(tokenizer)})?")
    text = ""
    answers: list[_Answer] = []
    for turn, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        prompt = _render(processing_class, messages[:turn], images, generation_prompt=True)
        content = message["content"]
        if content not in rendered:
            content = content.strip()  # many templates do so
        is_last = turn == len(messages) - 1
        start = rendered.find(content, len(prompt)) if rendered.startswith(prompt) else -1
        # Blanks that a template puts before an answer (LLaVA's) are the model's to write.
        if start >= 0 and not rendered[len(prompt) : start].strip():
            answer = rendered[len(prompt) : start] + content
            found = place.match(rendered, len(prompt + answer))
        else:
            # Some templates put more before an answer that is to come than before one that is
            # there. The last one is found by what follows it.
            answer = content
            ending = rf"{re.escape(content)}{place.pattern}\s*\Z"
            found = re.search(ending, rendered) if is_last else None
        if found is None or not prompt.startswith(text):
            raise BogamError(
                f"the chat template renders what stands before turn {turn + 1} differently once "
                "that turn is there. Use a template that leaves earlier turns as they are"
            )
        text = prompt + answer + (found["end"] or (tokenizer.eos_token if is_last else ""))
        answers.append(_Answer(len(prompt), len(text)))
    return text, answers


def _tokenizer_of(processing_class: Any) -> Any:
    is_processor = isinstance(processing_class, ProcessorMixin)
    return processing_class.tokenizer if is_processor else processing_class


def _end_token_pattern(tokenizer: Any) -> str:
    """Matches any special token, longest first, with the blanks before it."""
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    names = sorted({*special, tokenizer.eos_token}, key=lambda name: (-len(name), name))
    return rf"\s*(?:{'|'.join(map(re.escape, names))})"
