"""The metrics of a generation task under the interface of Hugging Face `evaluate`.

The numbers come from `cards.text_scores`, like those on the card, so nothing is downloaded and
`ExactMatch().compute(predictions=..., references=...)` agrees with `bogam verify`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import datasets
import evaluate

from cards import text_scores


class _TextMetric(evaluate.Metric):
    """Mean over the examples of a score of one text against one reference text."""

    key: ClassVar[str]
    """The metric's name in `cards.tasks.generation`."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=self.__doc__,
            citation="",
            inputs_description="predictions, references: texts, one of each an example",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        scores = map(self.score, predictions, references)
        return {self.key: math.fsum(scores) / len(predictions)}

    def score(self, prediction: str, reference: str) -> float:
        """The score of one example, 0 to 1."""
        raise NotImplementedError


class ExactMatch(_TextMetric):
    """Share of answers equal to the reference after NFC and white space."""

    key = "exact_match"

    def score(self, prediction: str, reference: str) -> float:
        return text_scores.exact_match(prediction, reference)


class CharacterF1(_TextMetric):
    """F1 of the characters that answer and reference share, in any order."""

    key = "character_f1"

    def score(self, prediction: str, reference: str) -> float:
        return text_scores.character_f1(prediction, reference)


class ChrF(_TextMetric):
    """Match of character 1- to 6-grams, recall counted twice; sacrebleu, sentence level."""

    key = "chrf"

    def score(self, prediction: str, reference: str) -> float:
        return text_scores.chrf(prediction, reference)


class RougeL(_TextMetric):
    """F1 of the longest common subsequence of characters."""

    key = "rouge_l"

    def score(self, prediction: str, reference: str) -> float:
        return text_scores.rouge_l(prediction, reference)


class KoreanShare(_TextMetric):
    """Hangul among the letters of the answer; the reference is not looked at."""

    key = "korean_share"

    def score(self, prediction: str, reference: str) -> float:
        return text_scores.korean_share(prediction)


class AnswerPerplexity(evaluate.Metric):
    """exp(nats / tokens) of the reference answers, over the sums of all examples."""

    key = "perplexity"

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=self.__doc__,
            citation="",
            inputs_description=(
                "predictions: negative log-likelihood of each reference answer in nats, summed "
                "over its tokens; references: the number of these tokens"
            ),
            features=datasets.Features(
                {"predictions": datasets.Value("float64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[int]) -> dict[str, float]:
        return {self.key: math.exp(math.fsum(predictions) / sum(references))}
