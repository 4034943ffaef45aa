"""A model to ask: an adapter with its base, or a whole model, from a Hub or a folder.

It is asked as it was trained and measured: with the system prompt of its recipe, the pictures
where training rows have them, the classes that it chooses from, greedily. The base is the commit
that the adapter names, whatever its branch has become since.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from transformers import PreTrainedModel, ProcessorMixin, TextStreamer
from transformers.image_utils import load_image

from cards.errors import BogamError
from cards.records import Revision
from trainers.base_model import LoadedBase, load_base, load_tokenizer, loading_errors
from trainers.conversation import (
    Message,
    encode_conversation,
    message_parts,
    prompt_ids,
    with_system_prompt,
)
from trainers.generation import greedy_decoding, stop_tokens
from trainers.label_scoring import LabelScores, label_log_probs
from trainers.label_tokens import AnsweredPrompt, label_tokens
from trainers.model_source import LOCAL, ModelSource, download_adapter
from trainers.padding import padded
from trainers.recipe_schema import QuantisationSection
from trainers.vision_processor import load_processor

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelToAsk:
    """A model in memory, ready for questions."""

    source: ModelSource
    model: PreTrainedModel
    tokenizer: Any
    processor: ProcessorMixin | None
    """Of a model that sees pictures; None for one that does not."""

    @property
    def processing_class(self) -> Any:
        """What makes tokens of a conversation, see `trainers.conversation`."""
        return self.processor or self.tokenizer

    @property
    def positions(self) -> int:
        """Tokens that prompt and answer may have together."""
        return int(self.model.config.get_text_config().max_position_embeddings)


@dataclass(frozen=True)
class Question:
    """The turns before the answer, and the pictures that belong to the first of them."""

    messages: Sequence[Message]
    images: Sequence[Image.Image] = ()


def load_model(
    source: ModelSource, *, load_in_4bit: bool = False, device: torch.device | None = None
) -> ModelToAsk:
    """Load the weights: on the first GPU where there is one, in the precision of training.

    Raises:
        BogamError: see :func:`trainers.base_model.load_base`; an adapter that does not fit its
            base.
    """
    quantisation = source.quantisation or QuantisationSection()
    base = load_base(
        source.section,
        quantisation=quantisation if load_in_4bit else None,
        device=device or torch.device("cuda" if torch.cuda.is_available() else "cpu"),
    )
    if source.quantisation is not None and not load_in_4bit:
        logger.info("%s was measured on a base in 4 bits; here it has the whole one", source.name)
    tokenizer, processor = base.tokenizer, base.processor
    if source.base is not None:
        tokenizer, processor = _lay_adapter(source, base)
    return ModelToAsk(source, base.model.eval(), tokenizer, processor)


def question_of(messages: Sequence[dict[str, Any]]) -> Question:
    """A question from messages as processors take them: parts of text, and pictures by `url`."""
    turns: list[Message] = []
    images: list[Image.Image] = []
    for message in messages:
        content = message["content"]
        if not isinstance(content, str):
            images += [load_image(part["url"]) for part in content if part["type"] == "image"]
            content = "\n".join(part["text"] for part in content if part["type"] == "text")
        turns.append(Message(role=message["role"], content=content))
    return Question(turns, images)


def answer(
    asked: ModelToAsk,
    question: Question,
    *,
    max_new_tokens: int | None = None,
    on_text: Callable[[str], None] = lambda text: None,
) -> str:
    """The model's answer; `on_text` gets its pieces while they are written.

    Raises:
        BogamError: as :func:`prompt_inputs`, or there is no room for an answer.
    """
    limit = max_new_tokens or asked.source.max_new_tokens
    inputs = prompt_inputs(asked, [question])
    check_room(asked, inputs["input_ids"].shape[1], limit)
    stops = stop_tokens(asked.model, asked.tokenizer)
    pieces = _Pieces(asked.tokenizer, on_text)
    with torch.no_grad():
        asked.model.generate(
            **inputs,
            generation_config=greedy_decoding(limit, asked.tokenizer.pad_token_id, stops),
            streamer=pieces,
        )
    return pieces.text.strip()


def answer_batch(asked: ModelToAsk, questions: Sequence[Question], limit: int) -> list[str]:
    """Answers of up to `limit` tokens; each is what :func:`answer` gives.

    Raises:
        BogamError: as :func:`prompt_inputs`.
    """
    inputs = prompt_inputs(asked, questions)
    stops = stop_tokens(asked.model, asked.tokenizer)
    with torch.no_grad():
        output = asked.model.generate(
            **inputs,
            generation_config=greedy_decoding(limit, asked.tokenizer.pad_token_id, stops),
        )
    written = output[:, inputs["input_ids"].shape[1] :]
    texts = asked.tokenizer.batch_decode(written, skip_special_tokens=True)
    return [text.strip() for text in texts]


def class_scores(asked: ModelToAsk, questions: Sequence[Question]) -> LabelScores:
    """How likely the model finds each of its classes, a row a question.

    Raises:
        BogamError: as :func:`prompt_inputs`, or the model's run has no classes.
    """
    answers = [one.answer for one in asked.source.classes]
    if not answers:
        raise BogamError(
            f"model {asked.source.name}: its run names no classes, so there is no closed set of "
            "answers to score."
        )
    inputs = prompt_inputs(asked, questions)
    labels = label_tokens(
        (_answered_prompt(asked, question, answers) for question in questions),
        stop_tokens(asked.model, asked.tokenizer),
    )
    return LabelScores(label_log_probs(asked.model, inputs, labels).double().cpu().numpy())


def check_room(asked: ModelToAsk, prompt_tokens: int, answer_tokens: int) -> None:
    """Raise :class:`BogamError` where prompt and answer go beyond what the model can place."""
    if prompt_tokens + answer_tokens > asked.positions:
        raise BogamError(
            f"model {asked.source.name}: a prompt of {prompt_tokens} tokens and an answer of up "
            f"to {answer_tokens} do not fit into its {asked.positions}. Ask a shorter question, "
            "with smaller pictures, or for a shorter answer."
        )


def prompt_inputs(asked: ModelToAsk, questions: Sequence[Question]) -> dict[str, torch.Tensor]:
    """The left-padded batch of some prompts, on the model's device.

    Raises:
        BogamError: an empty question, or pictures for a model that sees none.
    """
    for question in questions:
        if not question.messages or not question.messages[-1]["content"].strip():
            raise BogamError("the question is empty. Write one.")
        if question.images and asked.processor is None:
            raise BogamError(
                f"model {asked.source.name}: reads text only, and cannot see a picture."
            )
    if asked.processor is not None:
        inputs = asked.processor.apply_chat_template(
            [
                message_parts(
                    _messages(asked, question),
                    [{"type": "image", "image": image} for image in question.images],
                )
                for question in questions
            ],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True, "padding_side": "left"},
        )
        return {name: value.to(asked.model.device) for name, value in inputs.items()}
    prompts = [prompt_ids(asked.tokenizer, _messages(asked, question)) for question in questions]
    ids, mask = padded(prompts, asked.tokenizer.pad_token_id, left=True)
    return {
        "input_ids": ids.to(asked.model.device),
        "attention_mask": mask.to(asked.model.device),
    }


def _messages(asked: ModelToAsk, question: Question) -> list[Message]:
    return with_system_prompt(question.messages, asked.source.system_prompt)


def _answered_prompt(
    asked: ModelToAsk, question: Question, answers: Sequence[str]
) -> AnsweredPrompt:
    """With one token a picture: only what stands behind the prompt is of interest."""
    messages, pictures = _messages(asked, question), [1] * len(question.images)
    return AnsweredPrompt(
        prompt_ids(asked.processing_class, messages, pictures),
        [
            encode_conversation(
                asked.processing_class,
                [*messages, Message(role="assistant", content=answer)],
                pictures,
            ).input_ids
            for answer in answers
        ],
    )


def _lay_adapter(source: ModelSource, base: LoadedBase) -> tuple[Any, ProcessorMixin | None]:
    """Put the adapter on its base; gives the tokenizer and processor that travel with it."""
    folder = download_adapter(source)
    at = Revision(id=str(folder), revision=LOCAL)
    with loading_errors(at, "adapter"):
        report = base.model.load_adapter(str(folder))
    lost = sorted({*report.missing_keys, *report.unexpected_keys, *report.mismatched_keys})
    if lost:
        raise BogamError(
            f"model {source.name}: the adapter does not fit its base {base.source.id}: "
            f"{len(lost)} weights are missing, left over or misshapen, e.g. {lost[0]}."
        )
    if base.processor is not None:
        with loading_errors(at, "processor"):
            processor = load_processor(folder, base.model.config, source.images)
        return processor.tokenizer, processor
    return load_tokenizer(at), None


class _Pieces(TextStreamer):
    """Keeps the answer and passes its pieces on."""

    def __init__(self, tokenizer: Any, on_text: Callable[[str], None]) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._on_text = on_text
        self.text = ""

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        self.text += text
        if text:
            self._on_text(text)
