"""From a split to predictions: every row once, in order, whatever the batches were."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image

from cards.answer_classes import AnswerClass
from cards.scoring import score, summarise
from trainers.base_model import load_base
from trainers.class_evaluation import classify_with_pair, scored_predictions
from trainers.evaluation_set import EvaluationSet, encode_evaluation_set
from trainers.label_scoring import label_log_probs
from trainers.label_tokens import LabelTokens
from trainers.recipe_schema import BaseModelSection

LABELS = LabelTokens(((20, 30), (20, 31), (22,)))
CLASSES = tuple(
    AnswerClass(answer=str(number), name=name, korean=korean)
    for number, (name, korean) in enumerate(
        (("chat", "대화 내역"), ("place", "거래 장소"), ("drug", "마약 실물"))
    )
)
ROWS = 7
# In pixels: one, two and four tiles of 28 pixels, beside the whole picture.
SIZES = ((28, 28), (60, 30), (30, 70), (56, 50))


def photo(row: int) -> dict[str, Any]:
    width, height = SIZES[row % 4]
    noise = np.random.RandomState(row % 4).randint(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


@pytest.fixture(scope="module")
def llava(llava_twin: Path) -> Any:
    return load_base(BaseModelSection(id=str(llava_twin)))


@pytest.fixture(scope="module")
def tuned(llava: Any) -> Any:
    """A copy with LoRA on the language model of which both halves say something."""
    import copy

    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    targets = r".*language_model.*\.(q_proj|v_proj)"
    model = get_peft_model(copy.deepcopy(llava.model), LoraConfig(r=4, target_modules=targets))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


@pytest.fixture(scope="module")
def rows(llava: Any) -> EvaluationSet:
    """Seven rows over four pictures."""
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "document_id": datasets.Value("string"),
            "images": datasets.List(datasets.Image(decode=False)),
            "messages": datasets.List(
                {"role": datasets.Value("string"), "content": datasets.Value("string")}
            ),
        }
    )
    return encode_evaluation_set(
        datasets.Dataset.from_list(
            [
                {
                    "id": f"photo-{row}",
                    "document_id": f"picture-{row % 4}",
                    "images": [photo(row)],
                    "messages": [
                        {"role": "user", "content": "무엇입니까?"},
                        {"role": "assistant", "content": str(row % 3)},
                    ],
                }
                for row in range(ROWS)
            ],
            features=features,
        ),
        llava.processor,
        split="test",
        system_prompt=None,
        max_length=512,
        max_new_tokens=8,
    )


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_scores_stand_in_the_order_of_the_rows(
    llava: Any, tuned: Any, rows: EvaluationSet, batch_size: int
) -> None:
    tuned.train()
    scores = classify_with_pair(tuned, rows, LABELS, batch_size=batch_size, title="classifying")
    for found, model in zip(scores, (llava.model.eval(), tuned), strict=True):
        alone = [label_log_probs(model, rows.inputs([row]), LABELS)[0] for row in range(ROWS)]
        assert found.log_probs == pytest.approx(np.stack(alone), abs=1e-5)


def test_predictions_hold_what_a_card_needs(tuned: Any, rows: EvaluationSet) -> None:
    zero_shot, after = classify_with_pair(tuned, rows, LABELS, batch_size=4, title="classifying")
    predictions = score("classification", scored_predictions(rows, CLASSES, zero_shot, after))
    metrics, _ = summarise("classification", predictions, resamples=50, seed=0)
    right = zero_shot.probabilities.argmax(axis=1) == np.arange(ROWS) % 3
    assert metrics["zero_shot"]["accuracy"].value == pytest.approx(right.mean())
    assert metrics["zero_shot"]["accuracy"].n == ROWS
    assert metrics["zero_shot"]["accuracy"].documents == 4
    assert "roc_auc" in metrics["tuned"]
    assert predictions["tuned_label_mass"].to_numpy() == pytest.approx(after.label_mass)
