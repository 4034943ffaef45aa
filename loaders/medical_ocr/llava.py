"""LLaVA's conversation records: `{id, image, conversations: [{from: human|gpt, value}]}`.

Talks are kept whole, however many turns they have. A record that contradicts its own form is a
fault; nothing is repaired or guessed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from loaders.medical_ocr.talks import Fault, Turn
from loaders.rejects import Reason

TAG = "<image>"
_ASKS = {"human", "user"}
_ANSWERS = {"gpt", "assistant"}
_TAG_WITH_BREAK = re.compile(rf"{TAG}[ \t]*\n?")


class Record(NamedTuple):
    id: str
    images: tuple[str, ...]
    turns: tuple[Turn, ...]


def is_record_list(value: object) -> bool:
    """Whether parsed JSON is a list of such records; a single sound one is enough to tell."""
    return isinstance(value, list) and any(
        isinstance(entry, dict) and "conversations" in entry for entry in value
    )


def read_record(value: object) -> Record | Fault:
    """Check one entry of the list; the image tags are taken out of the questions."""
    if not isinstance(value, dict):
        return Fault(Reason.WRONG_TYPE, f"is a {type(value).__name__}, not an object")
    missing = [key for key in ("id", "image", "conversations") if key not in value]
    if missing:
        return Fault(Reason.MISSING_KEY, ", ".join(missing))
    if not isinstance(value["id"], str | int) or value["id"] == "":
        return Fault(Reason.WRONG_TYPE, "id is no text")
    images = value["image"] if isinstance(value["image"], list) else [value["image"]]
    if not all(isinstance(image, str) and image for image in images):
        return Fault(Reason.WRONG_TYPE, "image is no file name")
    turns = _turns(value["conversations"], len(images))
    if isinstance(turns, Fault):
        return turns
    return Record(str(value["id"]), tuple(images), turns)


def _turns(messages: object, images: int) -> tuple[Turn, ...] | Fault:
    if not isinstance(messages, list) or not messages:
        return Fault(Reason.WRONG_TYPE, "conversations is no list of messages")
    texts: list[str] = []
    tags = 0
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not {"from", "value"} <= message.keys():
            return Fault(Reason.MISSING_KEY, f"message {place} has no from and value")
        text = message["value"]
        if not isinstance(text, str):
            return Fault(Reason.WRONG_TYPE, f"message {place} is a {type(text).__name__}, no text")
        asks = place % 2 == 0
        if message["from"] not in (_ASKS if asks else _ANSWERS):
            wanted = "a question" if asks else "an answer"
            return Fault(Reason.TURN_ORDER, f"message {place} is not {wanted}")
        found = text.count(TAG)
        if found and not asks:
            return Fault(Reason.IMAGE_TAGS, f"{TAG} in the answer {place}")
        tags += found
        text = _TAG_WITH_BREAK.sub("", text).strip()
        if not text:
            return Fault(Reason.EMPTY_TEXT, f"message {place}")
        texts.append(text)
    if len(texts) % 2:
        return Fault(Reason.TURN_ORDER, "the last question has no answer")
    if tags != images:
        return Fault(Reason.IMAGE_TAGS, f"{tags} tags for {images} images")
    return tuple(Turn(*pair) for pair in zip(texts[::2], texts[1::2], strict=True))
