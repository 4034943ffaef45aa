"""Relaxed accuracy of chart questions under the interface of Hugging Face `evaluate`.

The numbers come from `cards.chart_answers`, like those on the card.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import datasets
import evaluate

from cards.chart_answers import is_right


class RelaxedAccuracy(evaluate.Metric):
    """Share of right answers: numbers within 5 % of the reference, texts the same.

    `compute(predictions=..., references=..., human_or_machine=...)`. A reference is a text or a
    list of alternatives. With `human_or_machine` (`human` or `machine`, one an example) the result
    holds both parts and their average too, as far as both are there.
    """

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=self.__doc__,
            citation="Masry et al. 2022, ChartQA, Findings of ACL, https://aclanthology.org/2022.findings-acl.177",
            inputs_description="predictions: texts; references: texts, or lists of texts",
            features=[
                datasets.Features({"predictions": text, "references": datasets.List(text)}),
                datasets.Features({"predictions": text, "references": text}),
            ],
        )

    def _compute(
        self,
        predictions: Sequence[str],
        references: Sequence[str] | Sequence[Sequence[str]],
        human_or_machine: Sequence[str] | None = None,
    ) -> dict[str, float]:
        alternatives = [[one] if isinstance(one, str) else list(one) for one in references]
        pairs = list(zip(predictions, alternatives, strict=True))
        right = [float(is_right(answer, labels)) for answer, labels in pairs]
        result = {"relaxed_accuracy": statistics.fmean(right)}
        by_part = []
        for part in ("human", "machine") if human_or_machine is not None else ():
            of_part = [
                score
                for score, value in zip(right, human_or_machine or (), strict=True)
                if value == part
            ]
            if of_part:
                by_part.append(statistics.fmean(of_part))
                result[f"relaxed_accuracy_{part}"] = by_part[-1]
        if len(by_part) == 2:
            result["relaxed_accuracy_average"] = statistics.fmean(by_part)
        strict = [float(is_right(answer, labels, exact_years=True)) for answer, labels in pairs]
        result["relaxed_accuracy_exact_years"] = statistics.fmean(strict)
        return result
