"""A caller's chat request -> what the engine is asked, as the model was trained to be asked.

The form is that of OpenAI's chat completions, as far as these models have a use for it; what they
have none for is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bogam.serving.limits import Limits, Refusal
from bogam.serving.pictures import checked_url


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TextPart(_Part):
    type: Literal["text"]
    text: str


class ImageUrl(_Part):
    url: str
    detail: Literal["auto", "low", "high"] | None = None
    """Has no effect: the model's processor decides the resolution."""


class ImagePart(_Part):
    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class ChatMessage(_Part):
    role: Literal["system", "user", "assistant"]
    content: str | list[Part]

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def urls(self) -> list[str]:
        if isinstance(self.content, str):
            return []
        return [part.image_url.url for part in self.content if isinstance(part, ImagePart)]


class StreamOptions(_Part):
    include_usage: bool = False


class LabelRequest(_Part):
    """How likely is each class? The one endpoint that OpenAI's interface has nothing for."""

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1)]


class ChatRequest(LabelRequest):
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """Left out: greedy, as the model was measured."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    n: Literal[1] | None = None
    user: str | None = None


Request = TypeVar("Request", bound=LabelRequest)


@dataclass(frozen=True)
class AskedAs:
    """What the gateway knows of the model behind it."""

    name: str
    system_prompt: str | None
    sees_images: bool
    new_tokens: int
    """Longest answer where the caller does not say."""


def read_chat_request(body: bytes, model: AskedAs, limits: Limits) -> tuple[dict[str, Any], bool]:
    """What to send to the engine, and whether the answer is to be streamed.

    Raises:
        Refusal: 400 or 404, with what is wrong.
    """
    request = _parsed(ChatRequest, body, model)
    tokens = request.max_completion_tokens or request.max_tokens
    if tokens is not None and tokens > limits.new_tokens:
        raise Refusal(
            400, "too_many_tokens", f"max_tokens: at most {limits.new_tokens} here, not {tokens}."
        )
    asked = {
        "model": model.name,
        "messages": _messages(request.messages, model, limits),
        "max_tokens": model.new_tokens,
        "temperature": 0.0 if request.temperature is None else request.temperature,
        "stream": request.stream,
    }
    if tokens is not None:
        asked["max_completion_tokens"] = tokens
    asked |= request.model_dump(include={"top_p", "seed", "stop"}, exclude_none=True)
    if request.stream and request.stream_options is not None:
        asked["stream_options"] = request.stream_options.model_dump()
    return asked, request.stream


def read_label_request(body: bytes, model: AskedAs, limits: Limits) -> dict[str, Any]:
    """The same for :class:`LabelRequest`."""
    request = _parsed(LabelRequest, body, model)
    return {
        "model": model.name,
        "messages": _messages(request.messages, model, limits),
    }


def _parsed(kind: type[Request], body: bytes, model: AskedAs) -> Request:
    try:
        request = kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refusal(400, "invalid_request", f"{where or 'request'}: {first['msg']}") from None
    if request.model != model.name:
        raise Refusal(
            404, "model_not_found", f"no model {request.model!r} here; this is {model.name!r}."
        )
    return request


def _messages(
    messages: Sequence[ChatMessage], model: AskedAs, limits: Limits
) -> list[dict[str, Any]]:
    last = messages[-1]
    if last.role != "user":
        raise Refusal(400, "no_question", "the last message must be the user's.")
    if not last.text.strip():
        raise Refusal(400, "empty_question", "the question is empty. Write one.")
    characters = sum(len(message.text) for message in messages)
    if characters > limits.characters:
        raise Refusal(
            400,
            "text_too_long",
            f"{characters:,} characters of text; at most {limits.characters:,} are taken.",
        )
    pictures = sum(len(message.urls) for message in messages)
    if pictures and not model.sees_images:
        raise Refusal(400, "no_images", f"{model.name} reads text only, and cannot see a picture.")
    if pictures > limits.images:
        raise Refusal(
            400, "too_many_images", f"{pictures} pictures; at most {limits.images} are taken."
        )
    told = [_message(number, one, limits) for number, one in enumerate(messages)]
    if model.system_prompt is not None and messages[0].role != "system":
        told.insert(0, {"role": "system", "content": model.system_prompt})
    return told


def _message(number: int, message: ChatMessage, limits: Limits) -> dict[str, Any]:
    """Pictures stand before the text, as in training, wherever the caller put them."""
    if message.urls and message.role != "user":
        raise Refusal(400, "invalid_request", f"messages.{number}: only a user shows pictures.")
    if not message.urls:
        return {"role": message.role, "content": message.text}
    content: list[dict[str, Any]] = []
    for place, url in enumerate(message.urls):
        checked = checked_url(url, f"messages.{number}, picture {place + 1}", limits)
        content.append({"type": "image_url", "image_url": {"url": checked}})
    content.append({"type": "text", "text": message.text})
    return {"role": message.role, "content": content}
