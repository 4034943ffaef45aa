"""The metrics of reading documents under the interface of Hugging Face `evaluate`.

The numbers come from `cards.reading_scores`, `cards.document_answers` and `cards.dose_safety`,
like those on the card. An answer that cannot be read stays in every denominator.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import datasets
import evaluate

from cards import reading_scores
from cards.document_answers import KINDS, Kind, compare_fields, read_answer
from cards.dose_safety import compare_doses, count_outcomes


class _ReadingMetric(evaluate.Metric):
    """`compute(predictions=..., references=...)` of texts."""

    citation: ClassVar[str] = ""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=self.__doc__,
            citation=self.citation,
            inputs_description="predictions, references: texts, one of each an example",
            features=datasets.Features({"predictions": text, "references": text}),
        )


class CharacterErrorRate(_ReadingMetric):
    """Edits over the characters of the references, both added up over all examples."""

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        return {"cer": _rate(map(reading_scores.character_edits, predictions, references))}


class WordErrorRate(_ReadingMetric):
    """Edits over the words of the references; a Han character is a word."""

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        return {"wer": _rate(map(reading_scores.word_edits, predictions, references))}


class AverageNormalisedLevenshteinSimilarity(_ReadingMetric):
    """ANLS: mean similarity by edit distance, 0 from a normalised distance of 0.5 on."""

    citation = "Biten et al. 2019, Scene Text Visual Question Answering, ICCV, section 4.1"

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        return {"anls": statistics.fmean(map(reading_scores.anls, predictions, references))}


class FieldScores(_ReadingMetric):
    """Labelled values that are exactly right: `field_f1` and `field_exact_match` over the sums of
    all examples, and of each kind (`field_f1/drugs`) over the examples that are asked for it."""

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        everything = dict.fromkeys(("expected", "given", "right"), 0)
        by_kind: dict[Kind, Counter[str]] = {kind: Counter() for kind in KINDS}
        for counts in map(
            compare_fields, map(read_answer, predictions), map(read_answer, references)
        ):
            for name, of_kinds in counts._asdict().items():
                everything[name] += of_kinds.total()
                for kind in counts.expected:
                    by_kind[kind][name] += of_kinds[kind]
        result = _field_scores("", everything)
        for kind, sums in by_kind.items():
            if sums["expected"]:
                result |= _field_scores(f"/{kind}", sums)
        return result


class DoseSafety(_ReadingMetric):
    """`dose_safety`: of the references that list drugs, the share with every dose right and none
    added. `wrong_doses`: the share of all doses with the right drug and units and another number;
    `wrong_dose_count` says how many. NaN where no reference has one."""

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        safe: list[bool] = []
        outcomes: Counter[str] = Counter()
        for prediction, reference in zip(predictions, references, strict=True):
            compared, added = compare_doses(
                read_answer(prediction).doses, read_answer(reference).doses
            )
            counts = count_outcomes(compared)
            outcomes.update(counts)
            if any(one.expected.drug is not None for one in compared):
                safe.append(not added and counts.get("right", 0) == len(compared))
        wrong, total = outcomes["wrong_number"], outcomes.total()
        return {
            "dose_safety": sum(safe) / len(safe) if safe else float("nan"),
            "wrong_doses": wrong / total if total else float("nan"),
            "wrong_dose_count": wrong,
        }


def _rate(edits: map[reading_scores.Edits]) -> float:
    of_each = list(edits)
    return sum(one.edits for one in of_each) / sum(one.length for one in of_each)


def _field_scores(suffix: str, sums: dict[str, int] | Counter[str]) -> dict[str, float]:
    expected, given, right = sums["expected"], sums["given"], sums["right"]
    return {
        f"field_f1{suffix}": 2 * right / (expected + given),
        f"field_exact_match{suffix}": right / expected,
    }
