"""Which tokens are the answers of a closed set, exactly as they are trained?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cards.errors import BogamError
from trainers.conversation import Message, encode_conversation, prompt_ids


@dataclass(frozen=True)
class LabelTokens:
    """The tokens that stand for each answer, in the order of the classes.

    No answer's tokens begin with another's, so their probabilities are those of events that
    exclude each other.
    """

    ids: tuple[tuple[int, ...], ...]

    @property
    def are_single(self) -> bool:
        """Whether one step of the model says everything."""
        return all(len(label) == 1 for label in self.ids)


@dataclass(frozen=True)
class AnsweredPrompt:
    """One row: the tokens of its prompt, and those of the whole row with each answer.

    The image slot may be expanded or not; what follows it is the same.
    """

    prompt: Sequence[int]
    answered: Sequence[Sequence[int]]


def label_tokens(rows: Iterable[AnsweredPrompt], stops: Collection[int]) -> LabelTokens:
    """What follows the prompt, the same on all rows; without the end token where that suffices.

    Args:
        stops: tokens that end an answer, see `trainers.generation.stop_tokens`. Where one answer
            begins like another ("1", "10"), the end token counts as part of each.

    Raises:
        BogamError: there is no row, an answer changes the tokens of the prompt before it, has no
            tokens of its own, or has others on another row.
    """
    found: LabelTokens | None = None
    for number, row in enumerate(rows):
        labels = []
        for answer in row.answered:
            if list(answer[: len(row.prompt)]) != list(row.prompt):
                raise BogamError(
                    f"row {number}: with an answer behind it the prompt has other tokens than "
                    "alone, so the answers cannot be scored on it. Answers must not begin with a "
                    "character that the tokenizer joins to the end of the prompt."
                )
            labels.append(tuple(answer[len(row.prompt) :]))
        tokens = LabelTokens(_told_apart(labels, stops))
        if found is not None and tokens != found:
            raise BogamError(
                f"row {number}: the answers have the tokens {tokens.ids}, on the rows before "
                f"{found.ids}. All prompts must end alike."
            )
        found = tokens
    if found is None:
        raise BogamError("there is no row whose answers could be scored.")
    return found


def text_label_tokens(
    tokenizer: Any,
    conversations: Iterable[Sequence[Message]],
    answers: Sequence[str],
    stops: Collection[int],
) -> LabelTokens:
    """The tokens of `answers` after the messages of each conversation, which end with a question.

    Raises:
        BogamError: as :func:`label_tokens` and `trainers.conversation.encode_conversation` do.
    """
    return label_tokens(
        (
            AnsweredPrompt(
                prompt_ids(tokenizer, messages),
                [
                    encode_conversation(
                        tokenizer, [*messages, Message(role="assistant", content=answer)]
                    ).input_ids
                    for answer in answers
                ],
            )
            for messages in conversations
        ),
        stops,
    )


def _told_apart(
    labels: Sequence[tuple[int, ...]], stops: Collection[int]
) -> tuple[tuple[int, ...], ...]:
    """Without end tokens where no answer then begins with another one, else with the first one."""
    short, ended = [], []
    for label in labels:
        end = next((place for place, token in enumerate(label) if token in stops), len(label))
        short.append(label[:end])
        ended.append(label[: end + 1])
    for candidates in (short, ended):
        if all(candidates) and not any(
            other[: len(label)] == label
            for place, label in enumerate(candidates)
            for other in candidates[:place] + candidates[place + 1 :]
        ):
            return tuple(candidates)
    raise BogamError(
        f"two answers have the same tokens, or one begins with another and has no end token: "
        f"{list(labels)}. Choose answers that differ."
    )
