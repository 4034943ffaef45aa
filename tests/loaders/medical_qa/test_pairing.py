"""Pairs: every question once, answers evenly, nothing across splits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loaders.aihub.pairing import connect, pair_by_number, pair_by_topic
from loaders.clean_text import comparable
from loaders.medical_qa_sample import write_sample


def _even(uses: list[int]) -> bool:
    return max(uses) - min(uses) <= 1


@pytest.mark.parametrize(("asked", "offered"), [(7, 3), (3, 7), (5, 5), (1, 4), (40, 9)])
def test_every_question_is_used_once_and_answers_evenly(asked: int, offered: int) -> None:
    chance = np.random.default_rng(asked)
    question_topics = np.repeat([4, 1], [asked, 3])
    answer_topics = np.repeat([1, 4, 2], [2, offered, 5])
    order = chance.permutation(len(question_topics))
    question_groups = chance.integers(0, 6, len(order))
    pairs = pair_by_topic(
        question_topics[order], question_groups, answer_topics, np.arange(len(answer_topics))
    )
    assert sorted(pairs.questions) == list(range(asked + 3))
    topics = question_topics[order][pairs.questions]
    assert (topics == answer_topics[pairs.answers]).all()
    for topic, count in ((4, asked), (1, 3)):
        available = np.flatnonzero(answer_topics == topic)
        uses = Counter(pairs.answers[topics == topic].tolist())
        assert _even([uses[answer] for answer in available.tolist()])
        assert len(uses) == min(count, len(available))
    assert sorted(answer_topics[pairs.lonely_answers]) == [2] * 5
    assert len(pairs.surplus_answers) == max(0, offered - asked)


def test_similar_questions_share_answers_rather_than_tie_others_together() -> None:
    """Ten groups of four questions, ten answers: no group has to share one with another."""
    groups = np.tile(np.arange(10), 4)
    nothing = np.zeros(40, dtype=np.int64)
    pairs = pair_by_topic(nothing, groups, nothing[:10], np.arange(10))
    assert len(np.unique(connect(pairs, groups, np.arange(10)))) == 10


def test_numbers_that_occur_twice_pair_nothing() -> None:
    pairs = pair_by_number(
        np.array([5, 6, 7, 7], dtype=np.uint64), np.array([6, 5, 7, 8], dtype=np.uint64)
    )
    assert list(zip(pairs.questions, pairs.answers, strict=True)) == [(0, 1), (1, 0)]
    assert pairs.lonely_questions.tolist() == [2, 3]
    assert pairs.lonely_answers.tolist() == [2, 3]


def test_a_built_dataset_keeps_the_rules(tmp_path: Path, build_qa: Callable[..., Any]) -> None:
    write_sample(tmp_path / "TL.zip", questions=4000)
    built = build_qa(tmp_path / "TL.zip")
    rows = built.rows
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["question_id"] for row in rows}) == len(rows) == built.record.rows

    uses: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    places: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        uses[row["disease"], row["intention"]][row["answer_id"]] += 1
        for kind, value in (
            ("question", comparable(row["instruction"])),
            ("answer", comparable(row["output"])),
            ("group", row["document_id"]),
        ):
            places[kind, value].add(row["split"])
    assert all(_even(list(counts.values())) for counts in uses.values())
    assert all(len(splits) == 1 for splits in places.values())
    for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
        assert built.record.splits[split].rows / len(rows) == pytest.approx(share, abs=0.01)


def test_nearly_the_same_questions_stand_in_one_split(
    tmp_path: Path,
    build_qa: Callable[..., Any],
    write_zip: Callable[..., Path],
    question_file: Callable[..., bytes],
    answer_file: Callable[..., bytes],
) -> None:
    members = []
    for number in range(120):
        text = f"{number}번째 사람이 {number * 7919}호실에서 눈꺼풀에 난 멍울을 걱정합니다"
        for version, wording in enumerate((text + "?", text.replace(" ", "") + "!", text + "요.")):
            name = f"1.질문/눈질환/다래끼/원인/HC-Q-{number * 3 + version:07d}.json"
            members.append((name, question_file(wording)))
            name = f"2.답변/눈질환/다래끼/원인/HC-A-{number * 3 + version:08d}.json"
            members.append((name, answer_file(f"답 {number * 3 + version}")))
    built = build_qa(write_zip(members))
    splits = {int(row["question_id"][5:]): row["split"] for row in built.rows}
    assert len(splits) == 360
    assert set(splits.values()) == {"train", "validation", "test"}
    for number in range(120):
        assert len({splits[number * 3 + version] for version in range(3)}) == 1
    (leakage,) = [f for f in built.record.findings if f.kind == "leakage"]
    assert (leakage.count, leakage.severity) == (0, "info")
