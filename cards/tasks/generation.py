"""Free text against one reference text: medical questions, transcriptions.

Predictions may also hold `answer_tokens` (tokens of the reference answer with its end token) and
`zero_shot_nll`, `tuned_nll` (the sum of their negative log-probabilities, in nats, under either
model); with them the perplexity of the references is measured too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from cards.tasks import Bilingual, Floats, Side, Task, TaskMetric, mean_metric
from cards.text_scores import character_f1, chrf, exact_match, korean_share, rouge_l

if TYPE_CHECKING:
    import pyarrow as pa


def _against_reference(
    score: Callable[[str, str], float],
) -> Callable[[pa.Table, Side], Floats]:
    def scores(predictions: pa.Table, side: Side) -> Floats:
        pairs = zip(
            predictions[side].to_pylist(), predictions["reference"].to_pylist(), strict=True
        )
        return np.array([score(answer or "", reference) for answer, reference in pairs])

    return scores


def _korean_shares(predictions: pa.Table, side: Side) -> Floats:
    return np.array([korean_share(answer or "") for answer in predictions[side].to_pylist()])


def _nats_and_tokens(predictions: pa.Table, side: Side) -> Floats:
    return np.column_stack(
        [predictions[f"{side}_nll"].to_numpy(), predictions["answer_tokens"].to_numpy()]
    ).astype(np.float64)


TASK = Task(
    name="generation",
    title=Bilingual("자유 답변", "free text"),
    hub_type="text-generation",
    columns=("id", "split", "prompt", "reference", "zero_shot", "tuned"),
    primary="character_f1",
    row_columns=("disease_category", "intention", "language"),
    slices=("disease_category", "intention", "language"),
    slice_lengths=("reference",),
    metrics=(
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
            "character_f1",
            title=Bilingual("글자 F1", "Character F1"),
            meaning=Bilingual(
                "답과 기준 답이 함께 가진 글자의 F1, 순서 무시. 이름이 틀려도 조금만 낮아집니다",
                "F1 of the characters that answer and reference share, in any order; one wrong "
                "name costs little",
            ),
            score=_against_reference(character_f1),
        ),
        mean_metric(
            "chrf",
            title=Bilingual("chrF2", "chrF2"),
            meaning=Bilingual(
                "1~6글자 조각의 일치도(재현율 2배), sacrebleu 문장 단위",
                "match of 1- to 6-character pieces, recall counted twice; sacrebleu, per answer",
            ),
            score=_against_reference(chrf),
        ),
        mean_metric(
            "rouge_l",
            title=Bilingual("ROUGE-L(글자)", "ROUGE-L (characters)"),
            meaning=Bilingual(
                "가장 긴 공통 글자열의 F1, 순서 반영",
                "F1 of the longest common subsequence of characters",
            ),
            score=_against_reference(rouge_l),
        ),
        mean_metric(
            "korean_share",
            title=Bilingual("한국어 비율", "Share in Korean"),
            meaning=Bilingual(
                "답의 글자 가운데 한글의 비율, 글자가 없으면 0",
                "Hangul among the letters of the answer; 0 where it has no letters",
            ),
            score=_korean_shares,
        ),
        TaskMetric(
            name="perplexity",
            title=Bilingual("기준 답 퍼플렉시티", "Perplexity of the reference"),
            meaning=Bilingual(
                "모델이 기준 답에 매긴 토큰당 퍼플렉시티, 전체 합의 비",
                "exp(nats / tokens) of the reference answers, over the sums of all rows",
            ),
            unit="per token",
            higher_is_better=False,
            score=None,
            contributions=_nats_and_tokens,
            statistic=lambda sums: np.exp(sums[..., 0] / sums[..., 1]),
            needs=("answer_tokens", "zero_shot_nll", "tuned_nll"),
        ),
    ),
)
