"""The `evaluate` interface gives the numbers of the card."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cards import scoring
from trainers.metrics import (
    AnswerPerplexity,
    CharacterF1,
    ChrF,
    ExactMatch,
    KoreanShare,
    RougeL,
)

REFERENCES = ["충분히 쉬고 물을 마시세요.", "김철수 환자는 두통이 있습니다.", "약은 하루 3번"]
PREDICTIONS = ["충분히 쉬고 물을 마시세요.", "이영희 환자는 두통이 있습니다.", ""]
NLL = [12.5, 30.25, 7.0]
TOKENS = [6, 11, 4]


@pytest.fixture(scope="module")
def card() -> dict[str, float]:
    """What stands on a card for the same answers."""
    table = pa.table(
        {
            "id": ["a", "b", "c"],
            "split": ["test"] * 3,
            "prompt": ["?"] * 3,
            "reference": REFERENCES,
            "zero_shot": PREDICTIONS,
            "tuned": PREDICTIONS,
            "zero_shot_nll": NLL,
            "tuned_nll": NLL,
            "answer_tokens": TOKENS,
        }
    )
    scored = scoring.score("generation", table)
    metrics, _ = scoring.summarise("generation", scored, resamples=100, seed=0)
    return {name: metric.value for name, metric in metrics["tuned"].items()}


@pytest.mark.parametrize("metric", [ExactMatch, CharacterF1, ChrF, RougeL, KoreanShare])
def test_text_metrics_agree_with_the_card(metric: type[ExactMatch], card: dict[str, float]) -> None:
    result = metric().compute(predictions=PREDICTIONS, references=REFERENCES)
    assert result == {metric.key: pytest.approx(card[metric.key], abs=1e-12)}


def test_perplexity_agrees_with_the_card(card: dict[str, float]) -> None:
    result = AnswerPerplexity().compute(predictions=NLL, references=TOKENS)
    assert result == {"perplexity": pytest.approx(card["perplexity"], rel=1e-12)}


def test_every_metric_of_the_card_has_a_class(card: dict[str, float]) -> None:
    classes = (ExactMatch, CharacterF1, ChrF, RougeL, KoreanShare, AnswerPerplexity)
    assert {metric.key for metric in classes} == set(card)


@pytest.mark.parametrize("metric", [ExactMatch, CharacterF1, ChrF, RougeL])
def test_a_changed_name_lowers_the_score(metric: type[ExactMatch]) -> None:
    right, wrong = REFERENCES[1], PREDICTIONS[1]
    assert metric().score(right, right) == 1.0
    assert metric().score(wrong, right) < 1.0


def test_an_empty_answer_stays_in_the_denominator() -> None:
    result = ExactMatch().compute(predictions=["가", ""], references=["가", "나"])
    assert result == {"exact_match": 0.5}
