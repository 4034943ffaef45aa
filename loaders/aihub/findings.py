"""What a reader of the dataset must know, computed from its plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cards.records import Finding
from loaders.aihub.cross_checks import folders_name_topics
from loaders.aihub.names import Side
from loaders.aihub.plan import Pairing, Plan

_IMBALANCE = 10
_SPLIT_TOLERANCE = 0.02


MADE_UP = Finding(
    kind="made_up",
    severity="info",
    count=0,
    detail="Every question and answer was composed by a program in the format of AI Hub's files. "
    "None is AI Hub's, and none is medical information.",
    detail_ko="모든 질문과 답변은 프로그램이 AI Hub 파일 형식으로 지어낸 것입니다. AI Hub의 자료가 "
    "아니며 의학 정보도 아닙니다.",
)
"""To be counted: said of rows whose source is known to be made up."""


def plan_findings(
    plan: Plan, pairing: Pairing, seed: int, ratios: Mapping[str, float]
) -> tuple[Finding, ...]:
    """How pairs were made, leakage, duplicates, use of the answers, imbalance, shares."""
    found = [
        _pairing(plan, pairing, seed),
        _leakage(plan),
        _duplicates(plan),
        _reuse(plan),
        *_imbalance(plan),
        *_shares(plan, ratios),
    ]
    if not folders_name_topics(plan.items):
        found.append(
            Finding(
                kind="folders",
                severity="info",
                count=plan.items.files,
                detail="Most folder names are not the topics of their files; they were ignored.",
            )
        )
    return tuple(found)


def plan_statistics(plan: Plan) -> dict[str, dict[str, int]]:
    """Rows of each disease category and of each intention."""
    labels = plan.items.columns[Side.QUESTION].label[plan.questions]
    categories: Counter[str] = Counter()
    intentions: Counter[str] = Counter()
    for topic, count in zip(
        plan.items.topics,
        np.bincount(labels, minlength=len(plan.items.topics)).tolist(),
        strict=True,
    ):
        if count:
            categories[topic.category] += count
            intentions[topic.intention] += count
    return {"disease_category": _ordered(categories), "intention": _ordered(intentions)}


def answers_per_department(table: pa.Table, counts: dict[str, int]) -> None:
    """Add to `counts` the rows of this table for each department; a row may have several."""
    departments = table.column("department").combine_chunks().flatten()
    for value in departments.value_counts().to_pylist():
        counts[value["values"]] = counts.get(value["values"], 0) + value["counts"]


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _pairing(plan: Plan, pairing: Pairing, seed: int) -> Finding:
    if pairing == "number":
        detail = (
            "A question and the answer with the same number in the same folder make a row; the "
            "numbers are the source's own pairing."
        )
        return Finding(kind="pairing", severity="info", count=len(plan), detail=detail)
    detail = (
        "The source pairs no question with an answer. Each question was given one answer of its "
        "own topic (disease category, disease, intention), drawn by a hash with seed "
        f"{seed}: every question is used once, and within a topic the answers are used equally "
        "often, to within one. An answer therefore fits the topic of its question, but was not "
        "written for its wording."
    )
    return Finding(kind="pairing", severity="warning", count=len(plan), detail=detail)


def _leakage(plan: Plan) -> Finding:
    leaks = sum(
        _in_several_splits(values, plan.splits)
        for values in (plan.same_questions, plan.near_questions, plan.same_answers)
    )
    return Finding(
        kind="leakage",
        severity="stop" if leaks else "info",
        count=leaks,
        detail=(
            f"Texts that stand in more than one split: {leaks}. Compared were all questions "
            "(the same or nearly the same letters count as one) and all answers (the same "
            "letters)."
        ),
    )


def _in_several_splits(values: NDArray[np.int64], splits: NDArray[np.int8]) -> int:
    """How many of the values occur in more than one split."""
    pairs = np.unique(values << 8 | splits)
    return int(np.count_nonzero(np.bincount(pairs >> 8) > 1))


def _duplicates(plan: Plan) -> Finding:
    sizes = np.bincount(plan.near_questions)
    grouped = int(sizes[sizes > 1].sum())
    largest = int(np.bincount(plan.groups).max())
    return Finding(
        kind="near_duplicates",
        severity="info",
        count=grouped,
        detail=(
            f"Questions that are the same as another one or nearly so: {grouped}. There are "
            f"{len(np.unique(plan.same_questions))} different questions in "
            f"{int(plan.groups.max()) + 1} groups that are kept in one split; the largest group "
            f"has {largest} rows."
        ),
    )


def _reuse(plan: Plan) -> Finding:
    uses = np.bincount(plan.answers)
    several = int(np.count_nonzero(uses > 1))
    return Finding(
        kind="answer_use",
        severity="info",
        count=several,
        detail=(
            f"Answers that stand in several rows: {several}, at most {int(uses.max())} times. "
            f"Answers that were not needed because their topic has fewer questions: {plan.surplus}."
        ),
    )


def _imbalance(plan: Plan) -> list[Finding]:
    found = []
    for column, counts in plan_statistics(plan).items():
        most, least = next(iter(counts.items())), list(counts.items())[-1]
        ratio = most[1] / least[1]
        if ratio >= _IMBALANCE:
            found.append(
                Finding(
                    kind="imbalance",
                    severity="warning",
                    count=len(counts),
                    detail=(
                        f"{column}: {most[0] or '(none)'} has {most[1]} rows, "
                        f"{least[0] or '(none)'} has {least[1]}: {ratio:.0f} times fewer."
                    ),
                )
            )
    return found


def _shares(plan: Plan, ratios: Mapping[str, float]) -> list[Finding]:
    sizes = np.bincount(plan.splits, minlength=len(ratios)) / len(plan)
    off = {
        name: share
        for (name, wanted), share in zip(ratios.items(), sizes.tolist(), strict=True)
        if abs(share - wanted) > _SPLIT_TOLERANCE
    }
    if not off:
        return []
    shares = ", ".join(
        f"{name} {share:.1%} instead of {ratios[name]:.0%}" for name, share in off.items()
    )
    return [
        Finding(
            kind="split_shares",
            severity="warning",
            count=len(off),
            detail=f"Groups that must stay together make the splits uneven: {shares}.",
        )
    ]
