"""`bogam verify --rerun N`: ask the published model again and compare with what was published.

The model is loaded as its card says, from its own repo, and asked what the dataset holds for
randomly drawn examples. Which ones is not known before, so an answer that the model never gave
is found sooner or later, and all of them are found when all are asked.

Decoding is greedy, so the answers must be the same. Another device or another batch may tip a
choice between two tokens that are as good as equally likely; a published answer that differs is
accepted where each of its tokens is within a hair of the best one, and only there.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cards.checks import Check
from cards.errors import BogamError
from cards.records import RunRecord
from cards.tasks import SIDES, Side

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.progress import Progress

    from trainers.inference import ModelToAsk, Question

logger = logging.getLogger(__name__)

_BATCH = 8
_SHOWN = 80
# Of logits: what the arithmetic of another device may change.
_HAIR_SINGLE, _HAIR_HALF = 1e-2, 0.5
# Of a probability.
_PROBABILITY_STEP = 0.02


@dataclass(frozen=True)
class _Asked:
    """An example with what was published of it; `row` is its number in the predictions."""

    id: str
    row: int
    question: Question


def rerun(
    repo: str,
    run: RunRecord,
    predictions: pa.Table,
    count: int,
    *,
    revision: str = "main",
    progress: Progress | None = None,
) -> Iterator[Check]:
    """Ask the model, tuned and without its adapter, `count` random examples of its predictions.

    Args:
        repo: Hub id, or the folder of a release.
        predictions: as published, see `cards.scoring`.

    Raises:
        BogamError: model, base or dataset cannot be loaded.
    """
    from trainers.inference import load_model
    from trainers.model_source import find_model

    chosen = sorted(
        random.SystemRandom().sample(range(predictions.num_rows), min(count, predictions.num_rows))
    )
    examples, missing = _examples(run, predictions, chosen)
    for example in missing:
        yield Check(f"re-run {example}", False, "a row of the dataset", "no such row")
    source = find_model(repo, revision=revision)
    asked = load_model(source, load_in_4bit=source.quantisation is not None and _has_gpu())
    task = progress.add_task("Asking again", total=2 * len(examples)) if progress else None
    for side in reversed(SIDES):
        if side == "zero_shot":
            if source.base is None:
                break
            asked.model.disable_adapters()
        for start in range(0, len(examples), _BATCH):
            batch = examples[start : start + _BATCH]
            if f"{side}_probabilities" in predictions.column_names:
                yield from _compare_scores(asked, batch, predictions, side)
            else:
                yield from _compare_texts(asked, batch, predictions, side)
            if progress is not None and task is not None:
                progress.advance(task, len(batch))


def _examples(
    run: RunRecord, predictions: pa.Table, chosen: Sequence[int]
) -> tuple[list[_Asked], list[str]]:
    """The chosen examples as the dataset's commit asks them, and those that it does not hold."""
    from trainers.dataset_source import find_dataset, load_splits
    from trainers.recipe_schema import DatasetSection

    section = DatasetSection(id=run.dataset.id, revision=_revision(run.dataset.revision))
    splits = load_splits(find_dataset(section))
    of_turns = run.recipe.get("evaluation", {}).get("turns", "last") == "all"
    wanted = {
        row: (str(predictions["split"][row].as_py()), str(predictions["id"][row].as_py()))
        for row in chosen
    }
    places = {
        split: {str(row_id): place for place, row_id in enumerate(splits[split]["id"])}
        for split in {split for split, _ in wanted.values()}
        if split in splits
    }
    found, missing = [], []
    for number, (split, example_id) in wanted.items():
        row_id, turn = (
            example_id.rpartition("#")[::2] if of_turns and "#" in example_id else (example_id, "")
        )
        place = places.get(split, {}).get(row_id)
        question = None if place is None else _question(splits[split][place], turn)
        if question is None:
            missing.append(example_id)
        else:
            found.append(_Asked(example_id, number, question))
    return found, missing


def _question(row: dict[str, Any], turn: str) -> Question | None:
    """What is asked before the answer with this number from 1, or before the last one."""
    from trainers.inference import Question

    messages = row["messages"]
    answers = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    number = int(turn) if turn.isdigit() else len(answers)
    if not 1 <= number <= len(answers):
        return None
    before = messages[: answers[number - 1]]
    return Question(before, [image.convert("RGB") for image in row.get("images") or ()])


def _compare_texts(
    asked: ModelToAsk, batch: Sequence[_Asked], predictions: pa.Table, side: Side
) -> Iterator[Check]:
    from trainers.inference import answer_batch

    limit = asked.source.max_new_tokens
    answers = answer_batch(asked, [example.question for example in batch], limit)
    for example, again in zip(batch, answers, strict=True):
        published = predictions[side][example.row].as_py() or ""
        name = f"re-run {example.id}: {side}"
        if again == published:
            yield Check(name, True, "the published answer", "the same")
        elif _is_nearly_greedy(asked, example.question, published, limit):
            yield Check(name, True, "the published answer", "another one, by a hair")
        else:
            expected, found = _from_difference(published, again)
            yield Check(name, False, expected, found)


def _compare_scores(
    asked: ModelToAsk, batch: Sequence[_Asked], predictions: pa.Table, side: Side
) -> Iterator[Check]:
    import numpy as np

    from trainers.inference import class_scores

    names = [one.name for one in asked.source.classes]
    scores = class_scores(asked, [example.question for example in batch]).probabilities
    for example, again in zip(batch, scores, strict=True):
        published = predictions[f"{side}_probabilities"][example.row].as_py()
        stored = np.array([published.get(name, np.nan) for name in names])
        step = float(np.abs(stored - again).max())
        yield Check(
            f"re-run {example.id}: {side}",
            bool(step <= _PROBABILITY_STEP),
            " ".join(f"{name} {value:.3f}" for name, value in zip(names, stored, strict=True)),
            " ".join(f"{name} {value:.3f}" for name, value in zip(names, again, strict=True)),
        )


def _is_nearly_greedy(asked: ModelToAsk, question: Question, answer: str, limit: int) -> bool:
    """Whether every token of the answer is the most likely one or within a hair of it.

    Only for text models: with pictures an answer must be the same.
    """
    import torch

    from trainers.conversation import IGNORED, Message, encode_conversation, with_system_prompt

    if asked.processor is not None or not answer:
        return False
    messages = with_system_prompt(question.messages, asked.source.system_prompt)
    try:
        whole = encode_conversation(
            asked.tokenizer, [*messages, Message(role="assistant", content=answer)]
        )
    except BogamError as error:
        logger.info("the published answer cannot be encoded: %s", error)
        return False
    ids = torch.tensor([whole.input_ids], device=asked.model.device)
    with torch.no_grad():
        logits = asked.model(input_ids=ids).logits[0].float()
    answered = [place for place, label in enumerate(whole.labels) if label != IGNORED]
    # The labels of earlier answers of the conversation stand before this one's.
    start = next(place for place in reversed(range(len(ids[0]))) if whole.labels[place] == IGNORED)
    places = [place for place in answered if place > start][:limit]
    best = logits[[place - 1 for place in places]]
    chosen = best.gather(1, ids[0, places, None])
    hair = _HAIR_SINGLE if asked.model.dtype == torch.float32 else _HAIR_HALF
    return bool(((best.max(1, keepdim=True).values - chosen) <= hair).all().item())


def _from_difference(published: str, again: str) -> tuple[str, str]:
    """Both texts from a little before where they part."""
    place = next(
        (n for n, (a, b) in enumerate(zip(published, again, strict=False)) if a != b),
        min(len(published), len(again)),
    )
    start = max(0, place - _SHOWN // 2)
    return tuple(  # type: ignore[return-value]
        repr(text[start : start + _SHOWN]) for text in (published, again)
    )


def _revision(revision: str) -> str:
    from trainers.model_source import LOCAL

    return "main" if revision == LOCAL else revision


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
