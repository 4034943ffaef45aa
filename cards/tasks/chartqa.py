"""Questions about charts, with one or several right answers each: relaxed accuracy.

Predictions hold `labels`, all right answers (`reference` is the first of them), and
`human_or_machine`, the part of ChartQA that a question belongs to. ChartQA's results are
published for both parts and as the average of the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cards.chart_answers import is_right
from cards.tasks import Bilingual, Floats, Side, Task, TaskMetric, mean_metric, ratio

if TYPE_CHECKING:
    import pyarrow as pa

Part = Literal["human", "machine"]
_RELAXED = "relaxed_accuracy"


def _right(*, exact_years: bool) -> Callable[[pa.Table, Side], Floats]:
    def scores(predictions: pa.Table, side: Side) -> Floats:
        pairs = zip(predictions[side].to_pylist(), predictions["labels"].to_pylist(), strict=True)
        return np.array(
            [
                float(is_right(answer or "", labels, exact_years=exact_years))
                for answer, labels in pairs
            ]
        )

    return scores


def _in(part: Part) -> Callable[[pa.Table], NDArray[np.bool_]]:
    return lambda predictions: np.array(
        [value == part for value in predictions["human_or_machine"].to_pylist()]
    )


_human, _machine = _in("human"), _in("machine")


def _all_if_both_parts(predictions: pa.Table) -> NDArray[np.bool_]:
    human, machine = _human(predictions), _machine(predictions)
    return (human | machine) & (human.any() and machine.any())


def _right_by_part(predictions: pa.Table, side: Side) -> Floats:
    right = predictions[f"{side}_{_RELAXED}"].to_numpy()
    human, machine = _human(predictions), _machine(predictions)
    return np.column_stack([right * human, human, right * machine, machine]).astype(np.float64)


def _mean_of_parts(sums: Floats) -> Floats:
    return (ratio(sums[..., 0], sums[..., 1]) + ratio(sums[..., 2], sums[..., 3])) / 2


TASK = Task(
    name="chartqa",
    title=Bilingual("차트 질의응답", "chart questions"),
    hub_type="image-text-to-text",
    columns=(
        "id",
        "split",
        "prompt",
        "reference",
        "labels",
        "human_or_machine",
        "zero_shot",
        "tuned",
    ),
    primary=_RELAXED,
    row_columns=("labels", "human_or_machine"),
    slices=("human_or_machine",),
    metrics=(
        mean_metric(
            _RELAXED,
            title=Bilingual("완화 정확도", "Relaxed accuracy"),
            meaning=Bilingual(
                "맞은 답의 비율: 숫자는 기준의 5 % 안, 글은 같아야 함(단위, 자릿점, 대소문자 무시)",
                "share of right answers: numbers within 5 % of the reference, texts the same; "
                "units, thousands separators and case do not count (Masry et al. 2022)",
            ),
            score=_right(exact_years=False),
            binary=True,
        ),
        mean_metric(
            "relaxed_accuracy_human",
            title=Bilingual("완화 정확도(human)", "Relaxed accuracy, human"),
            meaning=Bilingual("human으로 표시된 질문만", "only questions marked human"),
            score=None,
            binary=True,
            rows=_human,
            scored_as=_RELAXED,
        ),
        mean_metric(
            "relaxed_accuracy_machine",
            title=Bilingual("완화 정확도(machine)", "Relaxed accuracy, machine"),
            meaning=Bilingual("machine으로 표시된 질문만", "only questions marked machine"),
            score=None,
            binary=True,
            rows=_machine,
            scored_as=_RELAXED,
        ),
        TaskMetric(
            name="relaxed_accuracy_average",
            title=Bilingual("완화 정확도(두 부분 평균)", "Relaxed accuracy, average"),
            meaning=Bilingual(
                "human 질문과 machine 질문의 정확도의 평균, ChartQA가 공개하는 수",
                "mean of the human and the machine part: the figure published for ChartQA",
            ),
            unit="0-1",
            higher_is_better=True,
            score=None,
            contributions=_right_by_part,
            statistic=_mean_of_parts,
            rows=_all_if_both_parts,
        ),
        mean_metric(
            "relaxed_accuracy_exact_years",
            title=Bilingual("완화 정확도(연도는 정확히)", "Relaxed accuracy, years exact"),
            meaning=Bilingual(
                "기준이 1800~2099이면 연도로 보고 정확히 같아야 맞음(5 %는 연도에 너무 너그러움)",
                "as above, but a reference of 1800 to 2099 is a year and must be met exactly: "
                "within 5 % any two recent years are equal",
            ),
            score=_right(exact_years=True),
            binary=True,
        ),
    ),
)
