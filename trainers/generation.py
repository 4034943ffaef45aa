"""Answers of a model, in batches: what it writes, and how likely it finds the reference.

A batch gives what its rows give one by one: prompts are padded on the left and masked by their
length (never by the pad token, which may be eos), decoding is greedy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel

from trainers.collator import Inputs
from trainers.conversation import IGNORED
from trainers.evaluation_set import EvaluationSet


def generate_answers(
    model: PreTrainedModel,
    tokenizer: Any,
    examples: EvaluationSet,
    numbers: Sequence[int],
    *,
    batch_size: int,
    max_new_tokens: int,
    on_batch: Callable[[int], None] = lambda rows: None,
) -> list[str]:
    """The text that follows the prompt of each example, without prompt and special tokens.

    Args:
        numbers: which examples; the answers come in this order.
        on_batch: called with the number of examples after each batch.

    Raises:
        BogamError: see :func:`trainers.collator.batch_inputs`.
    """
    stops = stop_tokens(model, tokenizer)
    settings = greedy_decoding(max_new_tokens, tokenizer.pad_token_id, stops)
    answers = [""] * len(numbers)
    batches = _batches([examples.lengths[number] for number in numbers], batch_size)
    for places, made in _prepared(batches, numbers, examples.inputs):
        inputs = _on_device_of(model, made)
        with torch.no_grad():
            output = model.generate(**inputs, generation_config=settings)
        prompt_length = inputs["input_ids"].shape[1]
        written = [_until(row, stops) for row in output[:, prompt_length:].tolist()]
        texts = tokenizer.batch_decode(written, skip_special_tokens=True)
        for place, text in zip(places, texts, strict=True):
            answers[place] = text.strip()
        on_batch(len(places))
    return answers


def answer_nll(
    model: PreTrainedModel,
    examples: EvaluationSet,
    numbers: Sequence[int],
    *,
    batch_size: int,
    on_batch: Callable[[int], None] = lambda rows: None,
) -> list[float]:
    """Negative log-likelihood of each example's answer, summed, in nats (float32).

    Raises:
        BogamError: see :func:`trainers.collator.batch_inputs`.
    """
    nll = [0.0] * len(numbers)
    lengths = [len(examples.conversations[number].input_ids) for number in numbers]
    for places, made in _prepared(_batches(lengths, batch_size), numbers, examples.examples):
        inputs = _on_device_of(model, made)
        targets = next_tokens(inputs.pop("labels"))
        scored = targets != IGNORED
        with torch.no_grad():
            logits = model(**inputs, logits_to_keep=scored, use_cache=False).logits
        losses = torch.nn.functional.cross_entropy(
            logits.float(), targets[scored], reduction="none"
        )
        tokens = scored.sum(1).tolist()
        for place, per_token in zip(places, losses.cpu().split(tokens), strict=True):
            nll[place] = float(per_token.double().sum())
        on_batch(len(places))
    return nll


def next_tokens(labels: torch.Tensor) -> torch.Tensor:
    """(rows, tokens) the label that each position is to predict: that of the one after it."""
    return torch.nn.functional.pad(labels, (0, 1), value=IGNORED)[:, 1:]


def stop_tokens(model: PreTrainedModel, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: the model's own ones and the tokenizer's eos."""
    own = model.generation_config.eos_token_id if model.generation_config is not None else None
    ids = [own] if isinstance(own, int) else list(own or ())
    return sorted({*ids, tokenizer.eos_token_id})


def greedy_decoding(max_new_tokens: int, pad_token: int, stops: list[int]) -> GenerationConfig:
    """Plain greedy decoding. What is not set here, a model's own generation_config.json fills in,
    and many of those sample or penalise repetition."""
    return GenerationConfig(
        do_sample=False,
        num_beams=1,
        temperature=1.0,
        top_k=50,
        top_p=1.0,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        use_cache=True,
        max_new_tokens=max_new_tokens,
        pad_token_id=pad_token,
        eos_token_id=stops,
    )


def _until(ids: list[int], stops: Collection[int]) -> list[int]:
    """The tokens before the first stop token."""
    end = next((position for position, token in enumerate(ids) if token in stops), len(ids))
    return ids[:end]


def _batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Row numbers in batches of like length, the longest first: too little memory shows at once."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def _prepared(
    batches: Sequence[list[int]],
    numbers: Sequence[int],
    make: Callable[[Sequence[int]], Inputs],
) -> Iterator[tuple[list[int], Inputs]]:
    """Each batch with its tensors; while a model has one, the pictures of the next are read."""
    with ThreadPoolExecutor(1, thread_name_prefix="pictures") as pool:
        waiting: deque[Future[Inputs]] = deque()
        for coming in range(len(batches) + 1):
            if coming < len(batches):
                waiting.append(pool.submit(make, [numbers[place] for place in batches[coming]]))
            if coming:
                yield batches[coming - 1], waiting.popleft().result()


def _on_device_of(model: PreTrainedModel, inputs: Inputs) -> Inputs:
    return {name: values.to(model.device) for name, values in inputs.items()}
