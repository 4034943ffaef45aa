"""What a reader of a forensic dataset must know, computed from what the build saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from cards.records import Finding
from loaders.forensics.classes import EvidenceClass
from loaders.forensics.evidence import Survey
from loaders.recorded_builder import NOTICES_FILE

_NAMED = 5
"""Contradictions that a finding names; the notices name them all."""
_IMBALANCE = 3


def findings(
    survey: Survey,
    classes: Sequence[EvidenceClass],
    *,
    kept_contradictions: bool,
    positions: int,
    copies: int,
) -> Iterator[Finding]:
    """Findings in the order of their weight.

    Args:
        kept_contradictions: files that show the same picture in two classes became rows.
        positions: source files that told where they were taken.
        copies: augmented rows.
    """
    if survey.contradictions:
        yield _contradiction(survey, kept_contradictions)
    if survey.is_drawn:
        yield Finding(
            kind="drawn",
            severity="info",
            count=len(survey.evidence),
            detail="Every picture is a drawing made by a program: none shows a person, a crime or "
            "a drug.",
            detail_ko="모두 프로그램이 그린 그림이며 사람, 범죄, 마약을 찍은 것이 아닙니다.",
        )
    sizes = Counter(item.label for item in survey.evidence)
    largest, smallest = max(sizes.values()), min(sizes.values())
    if largest >= _IMBALANCE * smallest:
        rarest = classes[min(sizes, key=lambda label: (sizes[label], label))]
        yield Finding(
            kind="imbalance",
            severity="warning",
            count=smallest,
            detail=f"Class {rarest.english} has {smallest} pictures, the largest {largest}: look "
            "at its own recall, not at accuracy.",
            detail_ko=f"'{rarest.korean}' 사진은 {smallest}장, 가장 큰 분류는 {largest}장입니다. "
            "정확도보다 이 분류의 재현율을 보세요.",
        )
    if survey.other_folders:
        named = ", ".join(
            f"{name} ({count:,})" for name, count in sorted(survey.other_folders.items())
        )
        yield Finding(
            kind="folders_left_out",
            severity="warning",
            count=survey.other_folders.total(),
            detail=f"Files in folders that are no class: {named}. None became a row. Were they "
            "meant, name their classes with --classes.",
            detail_ko=f"분류가 아닌 폴더의 파일: {named}. 모두 행으로 만들지 않았습니다. 넣으려면 "
            "--classes로 분류를 알려 주세요.",
        )
    if survey.groups_of_copies:
        yield Finding(
            kind="groups_of_copies",
            severity="info",
            count=survey.groups_of_copies,
            detail="Groups of files that show the same picture; each has one document_id and "
            "stands in one split.",
            detail_ko="같은 사진을 보여 주는 파일 묶음입니다. 묶음마다 document_id가 하나이고 한 "
            "분할에만 있습니다.",
        )
    if positions:
        yield Finding(
            kind="positions_removed",
            severity="info",
            count=positions,
            detail="Source files that told where they were taken; published bytes do not.",
            detail_ko="촬영 위치가 들어 있던 원본 파일입니다. 공개하는 바이트에서는 지웠습니다.",
        )
    if copies:
        yield Finding(
            kind="augmented_copies",
            severity="info",
            count=copies,
            detail="Rows of the training split that were made from others; augmented_from names "
            "the original.",
            detail_ko="다른 행에서 만들어 낸 학습용 행입니다. 원본은 augmented_from에 있습니다.",
        )


def _contradiction(survey: Survey, kept: bool) -> Finding:
    pairs = survey.contradictions
    named = "; ".join(f"{pair.first} = {pair.second}" for pair in pairs[:_NAMED])
    detail = f"The same picture lies in two classes: {named}."
    detail_ko = f"같은 사진이 두 분류에 있습니다: {named}."
    if kept:
        detail += (
            f" All of them are in {NOTICES_FILE}. Take the wrong file out of its folder, or build "
            "with --contradictions reject."
        )
        detail_ko += (
            f" 전체 목록은 {NOTICES_FILE}에 있습니다. 잘못 놓인 파일을 폴더에서 빼거나 "
            "--contradictions reject로 다시 만드세요."
        )
    else:
        detail += " Neither of the two became a row."
        detail_ko += " 둘 다 행으로 만들지 않았습니다."
    return Finding(
        kind="contradicting_labels",
        severity="stop" if kept else "warning",
        count=len(pairs),
        detail=detail,
        detail_ko=detail_ko,
    )
