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
                detail_ko="폴더 이름 대부분이 파일의 주제와 달라서 쓰지 않았습니다.",
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
    return {"disease_category": by_frequency(categories), "intention": by_frequency(intentions)}


def answers_per_department(table: pa.Table, counts: dict[str, int]) -> None:
    """Add to `counts` the rows of this table for each department; a row may have several."""
    departments = table.column("department").combine_chunks().flatten()
    for value in departments.value_counts().to_pylist():
        counts[value["values"]] = counts.get(value["values"], 0) + value["counts"]


def by_frequency(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent value first, those of one frequency by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _pairing(plan: Plan, pairing: Pairing, seed: int) -> Finding:
    if pairing == "number":
        detail = (
            "A question and the answer with the same number in the same folder make a row; the "
            "numbers are the source's own pairing."
        )
        korean = (
            "같은 폴더에서 번호가 같은 질문과 답변을 한 행으로 만들었습니다. 번호는 원본이 붙인 "
            "짝입니다."
        )
        return Finding(
            kind="pairing", severity="info", count=len(plan), detail=detail, detail_ko=korean
        )
    detail = (
        "The source pairs no question with an answer. Each question was given one answer of its "
        "own topic (disease category, disease, intention), drawn by a hash with seed "
        f"{seed}: every question is used once, and within a topic the answers are used equally "
        "often, to within one. An answer therefore fits the topic of its question, but was not "
        "written for its wording."
    )
    korean = (
        "원본은 질문과 답변을 짝짓지 않았습니다. 질문마다 같은 주제(질병 분류, 질병, 의도)의 답변 "
        f"하나를 시드 {seed}의 해시로 골랐습니다. 질문은 한 번씩 쓰이고, 한 주제 안에서 답변이 "
        "쓰인 횟수는 많아야 하나 차이입니다. 그래서 답변은 질문의 주제에는 맞지만 그 문장을 보고 "
        "쓴 것은 아닙니다."
    )
    return Finding(
        kind="pairing", severity="warning", count=len(plan), detail=detail, detail_ko=korean
    )


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
        detail_ko=(
            f"두 분할 이상에 있는 글: {leaks}건. 모든 질문(글자가 같거나 거의 같으면 하나로 봄)과 "
            "모든 답변(글자가 같은 것)을 견주었습니다."
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
        detail_ko=(
            f"다른 질문과 같거나 거의 같은 질문: {grouped}건. 서로 다른 질문 "
            f"{len(np.unique(plan.same_questions))}건이 한 분할에만 두는 묶음 "
            f"{int(plan.groups.max()) + 1}개를 이루며, 가장 큰 묶음은 {largest}행입니다."
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
        detail_ko=(
            f"여러 행에 쓰인 답변: {several}건, 많게는 {int(uses.max())}번. 같은 주제의 질문이 "
            f"모자라 쓰지 않은 답변: {plan.surplus}건."
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
                    detail_ko=(
                        f"{column}: '{most[0]}' {most[1]}행, '{least[0]}' {least[1]}행으로 "
                        f"{ratio:.0f}배 차이입니다."
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
    korean = ", ".join(
        f"{name} {share:.1%} (목표 {ratios[name]:.0%})" for name, share in off.items()
    )
    return [
        Finding(
            kind="split_shares",
            severity="warning",
            count=len(off),
            detail=f"Groups that must stay together make the splits uneven: {shares}.",
            detail_ko=f"한 분할에 함께 두어야 하는 묶음 때문에 분할 비율이 어긋납니다: {korean}.",
        )
    ]
