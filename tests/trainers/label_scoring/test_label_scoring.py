"""Scored answers: one pass says what separate passes say, for text and for ragged images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from trainers.label_scoring import (
    LabelBatch,
    LabelScores,
    label_log_probs,
    score_labels,
    score_labels_of_pair,
    sees_images_like_its_base,
)
from trainers.label_tokens import LabelTokens

SINGLE = LabelTokens(((20,), (21,), (22,), (23,)))
LONGER = LabelTokens(((20, 30, 31), (20, 30, 32), (21,), (22, 33)))
PREFIXED = LabelTokens(((20, 2), (20, 21, 2), (20, 21, 22, 2)))


@pytest.fixture(params=["llava", "qwen", "llama"])
def case(request: pytest.FixtureRequest) -> tuple[Any, Callable[[list[int]], Any]]:
    return request.getfixturevalue(request.param), request.getfixturevalue(f"{request.param}_batch")


def one_by_one(model: Any, batch: dict[str, torch.Tensor], labels: LabelTokens) -> torch.Tensor:
    """A whole forward pass of its own for each label of a single row, without a cache."""
    scores = []
    for label in labels.ids:
        tail = torch.tensor([label])
        inputs = dict(batch)
        for name, filled in (("input_ids", 0), ("attention_mask", 1), ("mm_token_type_ids", 0)):
            if name in batch:
                added = tail if name == "input_ids" else torch.full_like(tail, filled)
                inputs[name] = torch.cat([batch[name], added], dim=1)
        with torch.no_grad():
            logits = model(**inputs, use_cache=False).logits[0]
        log_probs = torch.log_softmax(logits.float(), dim=-1)[-1 - len(label) : -1]
        scores.append(log_probs.gather(1, tail.T).sum())
    return torch.stack(scores)[None]


@pytest.mark.parametrize("labels", [SINGLE, LONGER, PREFIXED], ids=["single", "longer", "prefixed"])
def test_one_pass_says_what_separate_passes_say(case: Any, labels: LabelTokens) -> None:
    """In one batch of unequal prompts and pictures, against each row and label alone."""
    model, batch = case
    together = label_log_probs(model, batch([0, 1, 2, 3]), labels)
    alone = torch.cat([one_by_one(model, batch([row]), labels) for row in range(4)])
    assert together.shape == (4, len(labels.ids))
    assert torch.allclose(together, alone, rtol=0, atol=1e-5)
    assert (together.argmax(dim=1) == alone.argmax(dim=1)).all()
    assert alone.std() > 0.1


def test_the_first_answer_of_generate_is_the_likeliest_token(case: Any) -> None:
    model, batch = case
    vocabulary = model.config.get_text_config().vocab_size
    everything = LabelTokens(tuple((token,) for token in range(vocabulary)))
    inputs = batch([0, 1, 2, 3])
    scores = label_log_probs(model, inputs, everything)
    assert torch.allclose(scores.exp().sum(dim=1), torch.ones(4), atol=1e-5)
    written = model.generate(**inputs, max_new_tokens=1, do_sample=False, pad_token_id=0)
    assert (written[:, -1] == scores.argmax(dim=1)).all()


def test_a_pad_token_that_is_the_end_token_changes_nothing(llama: Any, llama_batch: Any) -> None:
    batch = llama_batch([0, 3])
    expected = label_log_probs(llama, batch, LONGER)
    padded = torch.where(batch["attention_mask"] > 0, batch["input_ids"], 2)
    assert torch.equal(label_log_probs(llama, {**batch, "input_ids": padded}, LONGER), expected)


def test_padding_on_the_right_is_refused(llama: Any, llama_batch: Any) -> None:
    batch = {name: values.flip(1) for name, values in llama_batch([0, 1]).items()}
    with pytest.raises(ValueError, match="padded on the left"):
        label_log_probs(llama, batch, SINGLE)


def test_a_model_in_training_is_refused(llama: Any, llama_batch: Any) -> None:
    llama.train()
    try:
        with pytest.raises(ValueError, match="in training"):
            label_log_probs(llama, llama_batch([0]), SINGLE)
    finally:
        llama.eval()


def test_every_row_gets_a_class_and_probabilities(case: Any) -> None:
    model, batch = case
    seen: list[int] = []
    batches = [LabelBatch(rows, batch(rows)) for rows in ([3, 1], [0, 2])]
    found = score_labels(model, batches, LONGER, on_batch=seen.append)
    scores = LabelScores(np.stack([found[row] for row in range(4)]))
    assert seen == [2, 2]
    assert scores.probabilities.sum(axis=1) == pytest.approx(np.ones(4))
    assert ((scores.label_mass > 0) & (scores.label_mass < 1)).all()
    assert (scores.probabilities.argmax(axis=1) == scores.log_probs.argmax(axis=1)).all()


def test_a_hopeless_label_still_has_finite_probabilities() -> None:
    scores = LabelScores(np.array([[-900.0, -1000.0]]))
    assert scores.probabilities[0, 0] == pytest.approx(1.0)
    assert np.isfinite(scores.probabilities).all()


class Calls:
    """How often a module runs."""

    def __init__(self, module: torch.nn.Module) -> None:
        self.count = 0
        module.register_forward_pre_hook(self._called)

    def _called(self, *_: object) -> None:
        self.count += 1


@pytest.mark.parametrize("labels", [SINGLE, LONGER], ids=["single", "longer"])
@pytest.mark.parametrize(
    ("name", "tower", "targets", "image_passes"),
    [
        ("llava", "vision_tower", r".*language_model.*\.(q_proj|v_proj)", 1),
        ("llava", "vision_tower", r".*\.(q_proj|v_proj)", 2),
        ("qwen", "visual", r".*language_model.*\.(q_proj|v_proj)", 1),
    ],
    ids=["llava", "llava adapted in its vision tower too", "qwen"],
)
def test_a_pair_is_scored_like_two_models(
    request: pytest.FixtureRequest,
    adapted: Any,
    labels: LabelTokens,
    name: str,
    tower: str,
    targets: str,
    image_passes: int,
) -> None:
    """Like the base model and the tuned one alone; images are seen once where that is right."""
    tuned = adapted(name, targets)
    assert sees_images_like_its_base(tuned) is (image_passes == 1)
    inputs = request.getfixturevalue(f"{name}_batch")([0, 1, 2, 3])
    vision = Calls(getattr(tuned.get_base_model().model, tower))
    pair = score_labels_of_pair(tuned, [LabelBatch([0, 1, 2, 3], inputs)], labels)
    assert vision.count == image_passes
    for scores, model in zip(pair, (request.getfixturevalue(name), tuned), strict=True):
        expected = label_log_probs(model, inputs, labels).double().numpy()
        assert np.stack([scores[row] for row in range(4)]) == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(pair[0][0], pair[1][0], atol=1e-3)


def test_a_pair_of_text_models_is_scored_like_two(
    llama: Any, llama_batch: Any, adapted: Any
) -> None:
    tuned = adapted("llama", r".*\.(q_proj|v_proj)")
    base_scores, tuned_scores = score_labels_of_pair(
        tuned, [LabelBatch([0, 2], llama_batch([0, 2]))], LONGER
    )
    expected = label_log_probs(llama, llama_batch([0, 2]), LONGER).double().numpy()
    assert np.stack([base_scores[0], base_scores[2]]) == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(base_scores[0], tuned_scores[0], atol=1e-3)
