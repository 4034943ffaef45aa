"""What stands on a medical document: answers read off a page, against what was printed.

Each example is one answer of a talk about a page. What is measured is text (error rates, ANLS),
fields (names, codes, numbers: right or not), and whether a patient would be given what was
prescribed. Fields and doses are read from the answers by the labels that answers are written by,
see `cards.document_answers`; an answer that states nothing readable has no field right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cards.document_answers import KINDS, Kind
from cards.reading_card import KIND_TITLES, reading_figures, reading_section, rows_to_picture
from cards.reading_predictions import derived_columns, field_counts, member, numbers
from cards.reading_scores import anls
from cards.tasks import (
    Bilingual,
    Floats,
    RankMetric,
    Side,
    Task,
    TaskMetric,
    mean_metric,
    ratio,
)
from cards.text_scores import exact_match

if TYPE_CHECKING:
    import pyarrow as pa

_SHARE = "0-1"
_EDITS_A_CHARACTER, _EDITS_A_WORD = "edits per character", "edits per word"


def _against_reference(score: Callable[[str, str], float]) -> Callable[[pa.Table, Side], Floats]:
    def scores(predictions: pa.Table, side: Side) -> Floats:
        pairs = zip(
            predictions[side].to_pylist(), predictions["reference"].to_pylist(), strict=True
        )
        return np.array([score(answer or "", reference) for answer, reference in pairs])

    return scores


def _error_rate(name: str, of: str, unit: str, title: Bilingual, meaning: Bilingual) -> TaskMetric:
    """Edits over the length of the reference, both added up over the examples."""

    def edits_and_length(predictions: pa.Table, side: Side) -> Floats:
        edits = numbers(predictions, f"{side}_{of}_edits")
        return np.column_stack([edits, numbers(predictions, f"reference_{of}s")])

    def of_each(predictions: pa.Table, side: Side) -> Floats:
        edits, length = edits_and_length(predictions, side).T
        return np.asarray(edits / np.maximum(length, 1.0))

    return TaskMetric(
        name=name,
        title=title,
        meaning=meaning,
        unit=unit,
        higher_is_better=False,
        score=of_each,
        contributions=edits_and_length,
        statistic=lambda sums: ratio(sums[..., 0], sums[..., 1]),
    )


def _fields(predictions: pa.Table, side: Side) -> Floats:
    return np.column_stack(field_counts(predictions, side))


def _field_f1_of_each(predictions: pa.Table, side: Side) -> Floats:
    expected, given, right = field_counts(predictions, side)
    return np.where(expected + given > 0, 2 * right / np.maximum(expected + given, 1), 1.0)


def _field_f1(sums: Floats) -> Floats:
    return ratio(2 * sums[..., 2], sums[..., 0] + sums[..., 1])


def _field_recall(sums: Floats) -> Floats:
    return ratio(sums[..., 2], sums[..., 0])


def _documents_with_fields(contributions: Floats) -> float:
    return float((contributions > 0).any(axis=1).sum())


def _field_metric(
    name: str,
    title: Bilingual,
    meaning: Bilingual,
    statistic: Callable[[Floats], Floats],
    contributions: Callable[[pa.Table, Side], Floats],
    score: Callable[[pa.Table, Side], Floats] | None = None,
    rows: Callable[[pa.Table], NDArray[np.bool_]] | None = None,
) -> TaskMetric:
    return TaskMetric(
        name=name,
        title=title,
        meaning=meaning,
        unit=_SHARE,
        higher_is_better=True,
        score=score,
        contributions=contributions,
        statistic=statistic,
        rows=rows,
        trials=_documents_with_fields,
    )


def kind_metrics(_: pa.Table) -> tuple[TaskMetric | RankMetric, ...]:
    """`field_exact_match/<kind>` and `field_f1/<kind>` over the examples whose reference has
    fields of that kind, for every kind there is."""
    return tuple(metric for kind in KINDS for metric in _metrics_of_kind(kind))


def _metrics_of_kind(kind: Kind) -> tuple[TaskMetric, TaskMetric]:
    def of_kind(predictions: pa.Table, side: Side) -> Floats:
        return np.column_stack(field_counts(predictions, side, (kind,)))

    def has_kind(predictions: pa.Table) -> NDArray[np.bool_]:
        return np.asarray(member(predictions, "reference_fields", kind) > 0)

    recall, f1 = (
        Bilingual(f"{measure.ko}: {KIND_TITLES[kind].ko}", f"{measure.en}: {KIND_TITLES[kind].en}")
        for measure in (
            Bilingual("항목 완전 일치", "Field exact match"),
            Bilingual("항목 F1", "Field F1"),
        )
    )
    return (
        _field_metric(
            f"field_exact_match/{kind}", recall, recall, _field_recall, of_kind, rows=has_kind
        ),
        _field_metric(f"field_f1/{kind}", f1, f1, _field_f1, of_kind, rows=has_kind),
    )


def _lists_drugs(predictions: pa.Table) -> NDArray[np.bool_]:
    return np.asarray(numbers(predictions, "reference_drugs") > 0)


def _states_doses(predictions: pa.Table) -> NDArray[np.bool_]:
    return np.asarray(numbers(predictions, "reference_doses") > 0)


def _all_doses_right(predictions: pa.Table, side: Side) -> Floats:
    right = member(predictions, f"{side}_doses", "right")
    complete = right == numbers(predictions, "reference_doses")
    none_added = member(predictions, f"{side}_doses", "added") == 0
    return np.asarray(complete & none_added, np.float64)


def _wrong_doses(predictions: pa.Table, side: Side) -> Floats:
    wrong = member(predictions, f"{side}_doses", "wrong_number")
    return np.column_stack([wrong, numbers(predictions, "reference_doses")])


TASK = Task(
    name="medical_ocr",
    title=Bilingual("의료 문서 읽기", "reading medical documents"),
    hub_type="image-text-to-text",
    columns=("id", "split", "prompt", "reference", "zero_shot", "tuned"),
    primary="field_f1",
    row_columns=("document_type", "language", "quality", "made_up"),
    slices=("document_type", "language", "quality"),
    slice_lengths=("reference",),
    metrics=(
        _field_metric(
            "field_f1",
            Bilingual("항목 F1", "Field F1"),
            Bilingual(
                "이름표가 붙은 값(이름표가 없으면 줄)을 그대로 맞힌 것의 F1, 모든 답의 합; "
                "용량은 그 약에, 금액은 그 항목에 붙어 있어야 맞음",
                "labelled values (lines where there is no label) read exactly, F1 over the sums of "
                "all answers; a dose belongs to its drug and an amount to its item",
            ),
            _field_f1,
            _fields,
            _field_f1_of_each,
        ),
        _field_metric(
            "field_exact_match",
            Bilingual("항목 완전 일치", "Field exact match"),
            Bilingual(
                "기준 답의 항목 가운데 답이 그대로 적은 것의 비율",
                "share of the reference's fields that the answers state exactly",
            ),
            _field_recall,
            _fields,
        ),
        mean_metric(
            "dose_safety",
            title=Bilingual("처방 안전", "Dose safety"),
            meaning=Bilingual(
                "약을 나열하는 답 가운데 모든 약의 이름, 1회량, 횟수, 일수가 맞고 "
                "빠지거나 더한 약이 없는 것의 비율",
                "of the answers that list drugs: share with every drug's name, amount, frequency "
                "and days right, none left out and none added",
            ),
            score=_all_doses_right,
            binary=True,
            rows=_lists_drugs,
        ),
        TaskMetric(
            name="wrong_doses",
            title=Bilingual("그럴듯하게 틀린 용량", "Wrong but plausible doses"),
            meaning=Bilingual(
                "처방된 용량 가운데 약과 단위는 맞고 숫자만 다른 것의 비율: "
                "보아서는 알 수 없는 위험한 오류. 용량을 적지 않으면 틀린 용량도 없으니 "
                "처방 안전과 함께 볼 것",
                "share of the prescribed doses whose drug and units are right and whose number is "
                "another: the dangerous kind, as nothing about it looks wrong. Who states no dose "
                "states no wrong one: read it beside dose safety",
            ),
            unit=_SHARE,
            higher_is_better=False,
            score=None,
            contributions=_wrong_doses,
            statistic=lambda sums: ratio(sums[..., 0], sums[..., 1]),
            rows=_states_doses,
            trials=lambda contributions: float((contributions[:, 1] > 0).sum()),
        ),
        mean_metric(
            "exact_match",
            title=Bilingual("완전 일치", "Exact match"),
            meaning=Bilingual(
                "정규화한 답이 기준 답과 같은 비율",
                "share of answers equal to the reference after NFC and white space",
            ),
            score=_against_reference(exact_match),
            binary=True,
        ),
        mean_metric(
            "anls",
            title=Bilingual("ANLS", "ANLS"),
            meaning=Bilingual(
                "정규화한 편집 거리의 유사도 평균, 거리가 0.5 이상이면 0, 대소문자 무시",
                "mean similarity by normalised edit distance, 0 from a distance of 0.5 on, case "
                "does not count (Biten et al. 2019)",
            ),
            score=_against_reference(anls),
        ),
        _error_rate(
            "cer",
            "character",
            _EDITS_A_CHARACTER,
            Bilingual("글자 오류율(CER)", "Character error rate (CER)"),
            Bilingual(
                "기준 답이 되도록 고칠 글자 수(공백 포함) ÷ 기준 답의 글자 수, 모든 답의 합; "
                "1을 넘을 수 있음",
                "insertions, deletions and substitutions of characters (blanks too) over the "
                "characters of the references, over the sums of all answers; can exceed 1",
            ),
        ),
        _error_rate(
            "wer",
            "word",
            _EDITS_A_WORD,
            Bilingual("단어 오류율(WER)", "Word error rate (WER)"),
            Bilingual(
                "같은 비율을 단어로 센 것; 단어는 공백 사이의 글, 한자는 한 글자가 한 단어",
                "the same of words: what stands between white space, and every Han character",
            ),
        ),
    ),
    derive=derived_columns,
    more_metrics=kind_metrics,
    figures=reading_figures,
    pictured=rows_to_picture,
    section=("medical_ocr.md.jinja", reading_section),
)
