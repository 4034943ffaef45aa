"""Answers of a model, in batches: what it writes, and how likely it finds the reference.

A batch gives what its rows give one by one: prompts are padded on the left and masked by their
length (never by the pad token, which may be eos), decoding is greedy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel

from trainers.conversation import IGNORED, EncodedConversation


def generate_answers(
    model: PreTrainedModel,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    *,
    batch_size: int,
    max_new_tokens: int,
    on_batch: Callable[[int], None] = lambda rows: None,
) -> list[str]:
    """The text that follows each prompt, without the prompt and without special tokens.

    Args:
        prompts: token ids, as `trainers.conversation.prompt_ids` gives them.
        on_batch: called with the number of rows after each batch.
    """
    stops = stop_tokens(model, tokenizer)
    settings = greedy_decoding(max_new_tokens, tokenizer.pad_token_id, stops)
    answers = [""] * len(prompts)
    for rows in _batches([len(prompt) for prompt in prompts], batch_size):
        ids, mask = padded([prompts[row] for row in rows], tokenizer.pad_token_id, left=True)
        with torch.no_grad():
            output = model.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                generation_config=settings,
            )
        written = [_until(row, stops) for row in output[:, ids.shape[1] :].tolist()]
        texts = tokenizer.batch_decode(written, skip_special_tokens=True)
        for row, text in zip(rows, texts, strict=True):
            answers[row] = text.strip()
        on_batch(len(rows))
    return answers


def answer_nll(
    model: PreTrainedModel,
    conversations: Sequence[EncodedConversation],
    *,
    batch_size: int,
    on_batch: Callable[[int], None] = lambda rows: None,
) -> list[float]:
    """Negative log-likelihood of the labelled tokens of each row, summed, in nats (float32)."""
    nll = [0.0] * len(conversations)
    for rows in _batches([len(row.input_ids) for row in conversations], batch_size):
        # The padding is masked and stands after the answer, so any token id will do.
        ids, mask = padded([conversations[row].input_ids for row in rows], 0, left=False)
        labels, _ = padded([conversations[row].labels for row in rows], IGNORED, left=False)
        targets = torch.nn.functional.pad(labels, (0, 1), value=IGNORED)[:, 1:].to(model.device)
        scored = targets != IGNORED
        with torch.no_grad():
            logits = model(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                logits_to_keep=scored,
                use_cache=False,
            ).logits
        losses = torch.nn.functional.cross_entropy(
            logits.float(), targets[scored], reduction="none"
        )
        lengths = scored.sum(1).tolist()
        for row, per_token in zip(rows, losses.cpu().split(lengths), strict=True):
            nll[row] = float(per_token.double().sum())
        on_batch(len(rows))
    return nll


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


def padded(
    rows: Sequence[Sequence[int]], fill: int, *, left: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """(rows, longest) ids and the mask of the real ones."""
    longest = max(len(row) for row in rows)
    ids = torch.full((len(rows), longest), fill)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for number, row in enumerate(rows):
        place = slice(longest - len(row), None) if left else slice(len(row))
        ids[number, place] = torch.tensor(list(row))
        mask[number, place] = 1
    return ids, mask
