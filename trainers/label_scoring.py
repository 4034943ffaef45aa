"""How likely does a model find each answer of a closed set?

One forward pass gives the log-probabilities of all answers: those of one token stand in the last
position's logits, longer ones are continued a few tokens on the prompt's own keys and values.
Nothing is decoded, so every row gets an answer, and how sure the model is of it.

A batch is what a processor gives for several prompts with padding on the left; images go with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils import ModulesToSaveWrapper
from transformers import PreTrainedModel

from trainers.label_tokens import LabelTokens

Inputs = Mapping[str, Any]
"""Tensors by the names of the model's arguments: `input_ids`, `attention_mask`, and whatever the
model takes for images."""
_PIXELS = "pixel_values"


@dataclass(frozen=True)
class LabelBatch:
    """Some prompts, and which rows they are."""

    rows: Sequence[int]
    inputs: Inputs


@dataclass(frozen=True)
class LabelScores:
    """(rows, labels) natural logarithms of the probability that the model writes each answer."""

    log_probs: NDArray[np.float64]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(rows, labels) divided by their sum: the answer is known to be one of them."""
        shifted = np.exp(self.log_probs - self.log_probs.max(axis=1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))

    @property
    def label_mass(self) -> NDArray[np.float64]:
        """(rows,) the probability that the model, left to itself, writes one of the answers."""
        return np.asarray(np.exp(self.log_probs).sum(axis=1))


def score_labels(
    model: PreTrainedModel | PeftModel,
    batches: Iterable[LabelBatch],
    labels: LabelTokens,
    *,
    on_batch: Callable[[int], None] = lambda rows: None,
) -> dict[int, NDArray[np.float64]]:
    """{row: (labels,) log-probabilities}. `on_batch` is called with the rows after each batch."""
    scores: dict[int, NDArray[np.float64]] = {}
    for batch in batches:
        _keep(scores, batch, label_log_probs(model, batch.inputs, labels))
        on_batch(len(batch.rows))
    return scores


def score_labels_of_pair(
    model: PeftModel,
    batches: Iterable[LabelBatch],
    labels: LabelTokens,
    *,
    on_batch: Callable[[int], None] = lambda rows: None,
) -> tuple[dict[int, NDArray[np.float64]], dict[int, NDArray[np.float64]]]:
    """What :func:`score_labels` gives for the base model and for the tuned one, in one go.

    The base is the tuned model with its adapter switched off. Each batch is made once, and where
    the adapter leaves what sees the images alone, so are its image features.
    """
    shares_images = sees_images_like_its_base(model)
    base: dict[int, NDArray[np.float64]] = {}
    tuned: dict[int, NDArray[np.float64]] = {}
    for batch in batches:
        inputs = _with_image_features(model, batch.inputs) if shares_images else batch.inputs
        with model.disable_adapter():
            _keep(base, batch, label_log_probs(model, inputs, labels))
        _keep(tuned, batch, label_log_probs(model, inputs, labels))
        on_batch(len(batch.rows))
    return base, tuned


def sees_images_like_its_base(model: PeftModel) -> bool:
    """Whether every adapted module belongs to the language model or its head."""
    base = model.get_base_model()
    language = {id(module) for module in base.get_decoder().modules()}
    language.add(id(base.get_output_embeddings()))
    return all(
        id(module) in language
        for module in base.modules()
        if isinstance(module, (BaseTunerLayer, ModulesToSaveWrapper))
    )


@torch.no_grad()
def label_log_probs(
    model: PreTrainedModel | PeftModel, inputs: Inputs, labels: LabelTokens
) -> torch.Tensor:
    """(rows, labels) float32 log-probabilities, on the model's device.

    Raises:
        ValueError: a row is padded on the right, where the last position says nothing, or the
            model is in training, where dropout makes every score another.
    """
    if model.training:
        raise ValueError("label scoring of a model in training: call model.eval() before")
    base = _base_of(model)
    given = {
        name: value.to(base.device) if isinstance(value, torch.Tensor) else value
        for name, value in inputs.items()
    }
    mask = given.setdefault("attention_mask", torch.ones_like(given["input_ids"]))
    if not mask[:, -1].all():
        raise ValueError("label scoring needs prompts that are padded on the left")
    if "position_ids" not in given:
        # As `generate` places them: counted over the mask, in three dimensions for Qwen.
        given["position_ids"] = base._prepare_position_ids_for_generation(
            given["input_ids"], dict(given)
        )
    output = model(**given, logits_to_keep=1, use_cache=not labels.are_single)
    first = torch.log_softmax(output.logits[:, -1].float(), dim=-1)
    scores = first[:, [label[0] for label in labels.ids]]
    longer = [place for place, label in enumerate(labels.ids) if len(label) > 1]
    if longer:
        scores[:, longer] += _continued(
            model,
            [labels.ids[place] for place in longer],
            output.past_key_values,
            mask,
            given["position_ids"],
        )
    return scores


def _continued(
    model: PreTrainedModel | PeftModel,
    labels: Sequence[tuple[int, ...]],
    cache: Any,
    mask: torch.Tensor,
    positions: torch.Tensor,
) -> torch.Tensor:
    """(rows, labels) log-probabilities of all tokens of each label but its first.

    Every row's keys and values are repeated for each label; labels are padded on the right, where
    nothing that counts can see them.
    """
    rows, steps = len(mask), max(map(len, labels)) - 1
    ids = torch.zeros((len(labels), steps + 1), dtype=torch.long, device=mask.device)
    counts = torch.zeros((len(labels), steps), device=mask.device)
    for place, label in enumerate(labels):
        ids[place, : len(label)] = torch.tensor(label)
        counts[place, : len(label) - 1] = 1
    ids = ids.repeat(rows, 1)
    cache.batch_repeat_interleave(len(labels))
    repeated = mask.repeat_interleave(len(labels), dim=0)
    # The last dimension but one is the rows, also where positions have three dimensions.
    last = positions[..., -1:].repeat_interleave(len(labels), dim=-2)
    output = model(
        input_ids=ids[:, :-1],
        attention_mask=torch.cat([repeated, torch.ones_like(ids[:, :-1])], dim=1),
        position_ids=last + 1 + torch.arange(steps, device=mask.device),
        past_key_values=cache,
        use_cache=True,
    )
    log_probs = torch.log_softmax(output.logits.float(), dim=-1)
    chosen = log_probs.gather(2, ids[:, 1:, None]).squeeze(2).view(rows, len(labels), steps)
    return (chosen * counts).sum(dim=2)


@torch.no_grad()
def _with_image_features(model: PeftModel, inputs: Inputs) -> Inputs:
    """The same batch with the images seen already, as `mm_encoder_outputs`."""
    base = _base_of(model)
    if _PIXELS not in inputs or not base._supports_mm_encoder_outputs():
        return inputs
    given = {
        name: value.to(base.device) if isinstance(value, torch.Tensor) else value
        for name, value in inputs.items()
    }
    # Some models place their tokens by the images' sizes, which stay in the batch.
    wanted = inspect.signature(base.get_image_features).parameters
    features = base.get_image_features(
        **{name: value for name, value in given.items() if name in wanted}, return_dict=True
    )
    del given[_PIXELS]
    return given | {"mm_encoder_outputs": {"image": features}}


def _base_of(model: PreTrainedModel | PeftModel) -> Any:
    return model.get_base_model() if isinstance(model, PeftModel) else model


def _keep(
    scores: dict[int, NDArray[np.float64]], batch: LabelBatch, log_probs: torch.Tensor
) -> None:
    if len(log_probs) != len(batch.rows):
        raise ValueError(f"{len(log_probs)} scores for a batch of {len(batch.rows)} rows")
    for row, values in zip(batch.rows, log_probs.double().cpu().numpy(), strict=True):
        scores[row] = values
