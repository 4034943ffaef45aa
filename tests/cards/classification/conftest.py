"""Predictions of a photo classifier, before and after tuning, with a few rows a document."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from cards.answer_classes import AnswerClass
from cards.baseline import trivial_baseline
from cards.class_predictions import with_classes
from cards.records import RunRecord
from cards.scoring import score, summarise

CLASSES = (
    AnswerClass(
        answer="0",
        name="irrelevant",
        korean="사건과 무관한 사진",
        phrases=("무관", "관련이 없", "관련 없", "일반 사진", "unrelated", "not related"),
    ),
    AnswerClass(
        answer="1",
        name="chat_history",
        korean="마약 관련 대화 내역",
        phrases=("대화 내역", "채팅 내용", "카카오톡", "텔레그램", "conversation", "chat log"),
    ),
    AnswerClass(
        answer="2",
        name="transaction_place",
        korean="마약 거래 장소",
        phrases=("거래 장소", "만나는 장소", "약속 장소", "meeting place"),
    ),
    AnswerClass(
        answer="3",
        name="drug_raw",
        korean="마약 실물",
        phrases=("마약 원본", "마약 사진", "약물 사진", "raw drug", "drug itself"),
    ),
)


@pytest.fixture(scope="session")
def classes() -> tuple[AnswerClass, ...]:
    return CLASSES


@pytest.fixture(scope="session")
def table_of() -> Callable[..., pa.Table]:
    """`table_of(references, zero_shot, tuned)`: class numbers, and texts or (rows, 4) arrays."""

    def struct(probabilities: np.ndarray) -> pa.StructArray:
        return pa.StructArray.from_arrays(
            [pa.array(column) for column in probabilities.T], [one.name for one in CLASSES]
        )

    def make(
        references: list[int], zero_shot: object, tuned: object, documents: object = None
    ) -> pa.Table:
        rows = len(references)
        columns: dict[str, object] = {
            "id": [f"photo-{row:03d}" for row in range(rows)],
            "split": ["test"] * rows,
            "prompt": ["이 사진은 무엇입니까?"] * rows,
            "reference": [str(number) for number in references],
        }
        if documents is not None:
            columns["document_id"] = documents
        for side, given in (("zero_shot", zero_shot), ("tuned", tuned)):
            if isinstance(given, np.ndarray):
                columns[side] = [str(number) for number in given.argmax(axis=1)]
                columns[f"{side}_probabilities"] = struct(given)
            else:
                columns[side] = given
        return with_classes(pa.table(columns), CLASSES)

    return make


def draw_probabilities(
    draw: np.random.RandomState, labels: np.ndarray, gain: float, sharpness: float
) -> np.ndarray:
    logits = draw.normal(size=(len(labels), len(CLASSES)))
    logits[np.arange(len(labels)), labels] += gain
    exact = np.exp(sharpness * logits)
    return exact / exact.sum(axis=1, keepdims=True)


@pytest.fixture(scope="session")
def scored(table_of: Callable[..., pa.Table]) -> pa.Table:
    """160 photos of unequal classes; the tuned model is better and less sure of itself."""
    draw = np.random.RandomState(4)
    labels = draw.choice(4, size=160, p=(0.4, 0.3, 0.1, 0.2))
    predictions = table_of(
        labels.tolist(),
        draw_probabilities(draw, labels, gain=0.6, sharpness=2.5),
        draw_probabilities(draw, labels, gain=2.4, sharpness=1.2),
        documents=[f"picture-{row // 2 if row < 20 else row}" for row in range(160)],
    )
    for side, mass in (("zero_shot", 0.125), ("tuned", 0.875)):
        predictions = predictions.append_column(f"{side}_label_mass", pa.array([mass] * 160))
    return score("classification", predictions)


@pytest.fixture(scope="session")
def written(table_of: Callable[..., pa.Table], scored: pa.Table) -> pa.Table:
    """The same photos, answered in words."""
    forms = (
        "정답은 {}번입니다.",
        "{}",
        "{}번일 수도 있습니다",
        "The answer is {}.",
        "모르겠습니다",
    )
    zero_shot = [
        forms[row % len(forms)].format(answer)
        for row, answer in enumerate(scored["zero_shot"].to_pylist())
    ]
    references = [int(answer) for answer in scored["reference"].to_pylist()]
    table = table_of(references, zero_shot, scored["tuned"].to_pylist())
    return score("classification", table)


@pytest.fixture(scope="session")
def run_of(run_record: RunRecord) -> Callable[[pa.Table], RunRecord]:
    """The record of a run with these predictions."""

    def make(predictions: pa.Table) -> RunRecord:
        metrics, comparison = summarise("classification", predictions, resamples=200, seed=7)
        dataset = run_record.dataset.model_copy(update={"splits": {"test": predictions.num_rows}})
        return run_record.model_copy(
            update={
                "task": "classification",
                "metrics": metrics,
                "comparison": comparison,
                "baseline": trivial_baseline("classification", predictions, resamples=200, seed=7),
                "dataset": dataset,
                "domain": "forensic",
                "library_model_class": "AutoModelForImageTextToText",
            }
        )

    return make
