"""What a reader of a ChartQA dataset must know, computed from what the build saw."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from cards.records import Finding
from loaders.charts.layouts import SPLITS, Question
from loaders.charts.selection import SharedChart
from loaders.charts.survey import SharedCharts, Survey
from loaders.recorded_builder import NOTICES_FILE

_NAMED = 5
"""Pairs that a finding names; the notices name them all."""
_LOST = "\ufffd"
_LANGUAGES = {"ko": re.compile("[가-힣]"), "en": re.compile("[A-Za-z]{2}")}


def languages(questions: Sequence[Question]) -> tuple[str, ...]:
    """The languages that questions are asked in, the more frequent one first.

    Korean where there is Hangul, else English.
    """
    counts = Counter(
        next((code for code, letters in _LANGUAGES.items() if letters.search(question.text)), "en")
        for question in questions
    )
    return tuple(sorted(counts, key=lambda code: (-counts[code], code)))


def statistics(survey: Survey) -> dict[str, dict[str, int]]:
    """Questions by part, charts by split."""
    charts: dict[str, set[str]] = {}
    for question in survey.questions:
        charts.setdefault(question.split, set()).add(question.picture.sha256)
    return {
        "human_or_machine": dict(
            sorted(Counter(question.part for question in survey.questions).items())
        ),
        "charts": {split: len(charts[split]) for split in SPLITS.values() if split in charts},
    }


def findings(
    survey: Survey, slice_text: str | None, shared_charts: SharedCharts
) -> Iterator[Finding]:
    """Findings in the order of their weight."""
    exact = [pair for pair in survey.shared if pair.same_bytes]
    near = [pair for pair in survey.shared if not pair.same_bytes]
    yield from _shared("charts_in_two_splits", exact, shared_charts)
    yield from _shared("near_charts_in_two_splits", near, shared_charts)
    if survey.layout.made_up:
        yield Finding(
            kind="made_up",
            severity="info",
            count=len(survey.charts),
            detail="Every chart was drawn by a program from random numbers: none of them is "
            "ChartQA's, and none says anything about the world. A program also made every "
            "question: human and machine only name the style that it follows.",
            detail_ko="모두 프로그램이 무작위 수로 그린 차트입니다. ChartQA의 차트가 아니며 실제 "
            "통계가 아닙니다. 질문도 모두 프로그램이 만들었고, human과 machine은 질문의 꼴을 "
            "나눌 뿐입니다.",
        )
    if slice_text is not None:
        yield Finding(
            kind="slice",
            severity="info",
            count=len(survey.questions),
            detail=f"Only {slice_text} of each split's charts, drawn at random, with all of their "
            "questions; results are not comparable with those on the whole test split.",
            detail_ko=f"분할마다 차트의 {slice_text}만 무작위로 뽑아 그 질문을 모두 담았습니다. "
            "전체 시험 분할의 결과와 비교할 수 없습니다.",
        )
    lost = sum(
        _LOST in question.text or any(_LOST in label for label in question.labels)
        for question in survey.questions
    )
    if lost:
        yield Finding(
            kind="lost_characters",
            severity="info",
            count=lost,
            detail="Questions or answers with U+FFFD, where the source had lost a character.",
            detail_ko="원본에서 글자가 깨져 U+FFFD가 들어 있는 질문이나 답입니다.",
        )
    alpha = sum("A" in chart.facts.mode for chart in survey.charts.values())
    if alpha:
        yield Finding(
            kind="alpha_channel",
            severity="info",
            count=alpha,
            detail="Charts with an alpha channel. Lay them on white before a model sees them: "
            "convert('RGB') shows what lies under transparency.",
            detail_ko="투명도가 있는 차트입니다. 모델에 넣기 전에 흰 바탕에 얹어야 합니다.",
        )


def _shared(
    kind: str, pairs: Sequence[SharedChart], shared_charts: SharedCharts
) -> Iterator[Finding]:
    if not pairs:
        return
    named = "; ".join(f"{pair.first} = {pair.second}" for pair in pairs[:_NAMED])
    what = "the same bytes" if pairs[0].same_bytes else "the same chart in other bytes"
    if shared_charts == "reject":
        yield Finding(
            kind=kind,
            severity="info",
            count=len(pairs),
            detail=f"Charts that two splits shared ({what}): {named}. Their rows stand in the "
            "later split only.",
            detail_ko="두 분할에 함께 있던 차트입니다. 그 행은 뒤의 분할에만 남겼습니다.",
        )
        return
    yield Finding(
        kind=kind,
        severity="stop",
        count=len(pairs),
        detail=f"Charts that two splits share ({what}): {named}. All of them are in "
        f"{NOTICES_FILE}. Build with --shared-charts reject to keep them in the later split only.",
        detail_ko="두 분할에 함께 있는 차트입니다. --shared-charts reject로 만들면 뒤의 분할에만 "
        "남습니다.",
    )
