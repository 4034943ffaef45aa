"""Everything about a dataset of questions and answers but the texts: pairs, groups, splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xxhash
from numpy.typing import NDArray

from cards.errors import BogamError
from loaders.aihub.cross_checks import cross_check
from loaders.aihub.names import Side
from loaders.aihub.pairing import Pairs, connect, pair_by_number, pair_by_topic
from loaders.aihub.reading import Items, open_source, read_source
from loaders.clean_text import comparable
from loaders.near_duplicates import Clusters, find_clusters
from loaders.rejects import Reason, RejectLog
from loaders.splits import allot_groups

Pairing = Literal["topic", "number"]
Stage = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]

_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class Plan:
    """Rows of the dataset, ordered by the rank of their questions."""

    items: Items
    sound: dict[Side, NDArray[np.int64]]
    """Files with nothing wrong, also those without a row: their numbers in `items`, by rank."""
    same_sound_questions: NDArray[np.int64]
    """Of each sound question a number, equal where the text is the same but for blanks and
    punctuation."""
    questions: NDArray[np.int64]
    """Of each row the question's number in `items`."""
    answers: NDArray[np.int64]
    same_questions: NDArray[np.int64]
    """Of each row; likewise."""
    near_questions: NDArray[np.int64]
    """Equal where it is the same or nearly so."""
    same_answers: NDArray[np.int64]
    groups: NDArray[np.int64]
    """Rows that must stay in one split."""
    splits: NDArray[np.int8]
    """Position in the names of the splits."""
    surplus: int
    """Answers that were not needed."""

    def __len__(self) -> int:
        return len(self.questions)

    def ranks(self) -> NDArray[np.uint64]:
        return self.items.columns[Side.QUESTION].rank[self.questions]

    def answers_used(self) -> int:
        """Different answer files in the rows."""
        return len(np.unique(self.answers))


def make_plan(
    source: Path,
    scratch: Path,
    rejects: RejectLog,
    stage: Stage,
    *,
    pairing: Pairing,
    seed: int,
    ratios: Mapping[str, float],
) -> Plan:
    """Read the source and decide about every file of it; those without a row go to `rejects`.

    Raises:
        BogamError: the source cannot be read, or yields no row.
    """
    containers = open_source(source)
    entries = sum(len(container) for _, container in containers)
    with stage("reading", entries) as advance:
        items = read_source(containers, scratch, advance, seed=seed, by_number=pairing == "number")
    remaining, contradictions = cross_check(items)
    for path, reason, detail in sorted(items.rejects + contradictions):
        rejects.add(path, reason, detail)
    if items.files == 0:
        raise BogamError(f"{source}: holds no files. Give the zip or the folder with the data.")
    for side in Side:
        if not len(remaining[side]):
            raise BogamError(_nothing_usable(source, side, items, rejects))

    questions, answers = remaining[Side.QUESTION], remaining[Side.ANSWER]
    with stage("comparing questions", len(questions)) as advance:
        clusters = _cluster(items, questions, advance)
    with stage("comparing answers", len(items.spill[Side.ANSWER])) as advance:
        same_answers = _equal_texts(items, answers, advance)
    pairs = _pair(items, questions, answers, clusters, same_answers, pairing)
    _refuse_lonely(items, questions, answers, pairs, pairing, rejects)
    if not len(pairs.questions):
        raise BogamError(_nothing_matched(source, len(questions), len(answers), pairing))

    groups = connect(pairs, clusters.near, same_answers)
    rows = questions[pairs.questions]
    return Plan(
        items=items,
        sound=remaining,
        same_sound_questions=clusters.same,
        questions=rows,
        answers=answers[pairs.answers],
        same_questions=clusters.same[pairs.questions],
        near_questions=clusters.near[pairs.questions],
        same_answers=same_answers[pairs.answers],
        groups=groups,
        splits=_split(items, rows, groups, list(ratios.values()))[groups],
        surplus=len(pairs.surplus_answers),
    )


def _nothing_usable(source: Path, side: Side, items: Items, rejects: RejectLog) -> str:
    counts = sorted(rejects.counts.items(), key=lambda item: -item[1])
    why = ", ".join(f"{reason} {count}" for reason, count in counts) or "there are none"
    folder, name = ("1.질문", "q1.json") if side is Side.QUESTION else ("2.답변", "a1.json")
    return (
        f"{source}: no {side.name.lower()} can be used among {items.files} files ({why}). Expected "
        f"are JSON files below a folder {folder}, or files named like {name}. Is this the zip of "
        "the labelled data (TL.zip), complete and with both folders?"
    )


def _nothing_matched(source: Path, questions: int, answers: int, pairing: Pairing) -> str:
    if pairing == "number":
        how, other = "number and folder", "topic"
    else:
        how, other = "disease category, disease and intention", "number"
    return (
        f"{source}: none of {questions} questions has an answer: no {how} occurs among both the "
        f"questions and the {answers} answers. Try --pairing {other}."
    )


def _cluster(
    items: Items, questions: NDArray[np.int64], advance: Callable[[int], None]
) -> Clusters:
    spill = items.spill[Side.QUESTION]

    def fetch(numbers: NDArray[np.int64]) -> list[str]:
        texts: list[str] = spill.take(questions[numbers], ["text"]).column("text").to_pylist()
        return texts

    def batches() -> Iterator[list[str]]:
        for start in range(0, len(questions), _AT_ONCE):
            numbers = np.arange(start, min(start + _AT_ONCE, len(questions)))
            yield fetch(numbers)
            advance(len(numbers))

    return find_clusters(batches(), fetch)


def _equal_texts(
    items: Items, rows: NDArray[np.int64], advance: Callable[[int], None]
) -> NDArray[np.int64]:
    """Of each answer a number; equal where the texts are the same but for blanks and the like."""
    hashes = np.zeros(len(items.spill[Side.ANSWER]), dtype=np.uint64)
    for start, texts in items.spill[Side.ANSWER].batches("text"):
        hashes[start : start + len(texts)] = [
            xxhash.xxh3_64_intdigest(comparable(text).encode()) for text in texts.to_pylist()
        ]
        advance(len(texts))
    return np.unique(hashes[rows], return_inverse=True)[1].astype(np.int64)


def _pair(
    items: Items,
    questions: NDArray[np.int64],
    answers: NDArray[np.int64],
    clusters: Clusters,
    same_answers: NDArray[np.int64],
    pairing: Pairing,
) -> Pairs:
    asked, offered = items.columns[Side.QUESTION], items.columns[Side.ANSWER]
    if pairing == "number":
        return pair_by_number(asked.number[questions], offered.number[answers])
    topics = _topic_numbers(items)
    return pair_by_topic(
        topics[asked.label[questions]],
        clusters.near,
        topics[offered.label[answers]],
        same_answers,
    )


def _topic_numbers(items: Items) -> NDArray[np.int64]:
    """Of each topic as written a number, equal for the same topic, in alphabetical order."""
    keys = [topic.key for topic in items.topics]
    numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def _refuse_lonely(
    items: Items,
    questions: NDArray[np.int64],
    answers: NDArray[np.int64],
    pairs: Pairs,
    pairing: Pairing,
    rejects: RejectLog,
) -> None:
    if pairing == "number":
        no_answer = "not exactly one question and one answer have its number"
        no_question = no_answer
    else:
        no_answer, no_question = "its topic has no answer", "its topic has no question"
    surplus = "its topic has more answers than questions"
    for side, rows, reason, detail in (
        (Side.QUESTION, questions[pairs.lonely_questions], Reason.NO_COUNTERPART, no_answer),
        (Side.ANSWER, answers[pairs.lonely_answers], Reason.NO_COUNTERPART, no_question),
        (Side.ANSWER, answers[pairs.surplus_answers], Reason.NOT_NEEDED, surplus),
    ):
        for start in range(0, len(rows), _AT_ONCE):
            found = items.spill[side].take(rows[start : start + _AT_ONCE], ["path"])
            for path in found.column("path").to_pylist():
                rejects.add(path, reason, detail)


def _split(
    items: Items,
    rows: NDArray[np.int64],
    groups: NDArray[np.int64],
    shares: list[float],
) -> NDArray[np.int8]:
    """Of each group its split; each topic has about the shares of the whole."""
    columns = items.columns[Side.QUESTION]
    _, first = np.unique(groups, return_index=True)  # rows are ordered by rank
    return allot_groups(
        sizes=np.bincount(groups),
        ranks=columns.rank[rows[first]],
        shares=shares,
        strata=_topic_numbers(items)[columns.label[rows[first]]],
    )
