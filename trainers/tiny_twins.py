"""Tiny twins: base models of the real architectures, small enough for two CPU cores.

A twin has the real class, the real config keys and weight names, the real special tokens and chat
template, and a vocabulary and weights made here. LoRA on random weights learns little, so a twin
can be taught first what it takes from its base: the words of the texts it is given, and to hold a
conversation, of which it learns the simplest kind, repeating what it is told.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from rich.progress import track
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from trainers.exaone import register_exaone
from trainers.lesson_steps import LessonSteps

logger = logging.getLogger(__name__)

Kind = Literal["exaone-3.5", "exaone-4", "solar"]
CHAT_TEMPLATES = Path(__file__).resolve().parent / "chat_templates"

BATCH_TEXTS = 16
PEAK_LEARNING_RATE = 3e-3


@dataclass(frozen=True)
class TwinSize:
    """Shape of a twin. The defaults are enough for the made-up medical QA."""

    hidden: int = 128
    intermediate: int = 384
    layers: int = 3
    heads: int = 4
    key_value_heads: int = 2
    vocabulary: int = 3000
    positions: int = 2048


@dataclass(frozen=True)
class SpecialTokens:
    """In the order of their ids."""

    names: tuple[str, ...]
    bos: str | None
    eos: str
    pad: str
    bos_is_added: bool
    """Whether the tokenizer itself puts `bos` in front of plain text."""


_EXAONE_TOKENS = SpecialTokens(
    names=(
        "[PAD]",
        "[BOS]",
        "[EOS]",
        "[UNK]",
        "[|system|]",
        "[|tool|]",
        "[|assistant|]",
        "[|user|]",
        "[|endofturn|]",
    ),
    bos="[BOS]",
    eos="[|endofturn|]",
    pad="[PAD]",
    bos_is_added=False,
)
_SPECIAL_TOKENS: dict[Kind, SpecialTokens] = {
    "exaone-3.5": _EXAONE_TOKENS,
    "exaone-4": _EXAONE_TOKENS,
    # SOLAR-10.7B-Instruct pads with its end token.
    "solar": SpecialTokens(("<unk>", "<s>", "</s>"), "<s>", "</s>", "</s>", bos_is_added=True),
}


def make_twin(
    kind: Kind,
    folder: Path,
    texts: Sequence[str],
    *,
    steps: int = 0,
    seed: int = 0,
    size: TwinSize | None = None,
) -> Path:
    """Write a twin to `folder` and return it; the same arguments give the same twin.

    The vocabulary is learnt from `texts`, and with `steps` > 0 so are the weights, 16 texts a step
    (about 0.1 s on two cores). Give it nothing that is later held out.
    """
    register_exaone()
    size = size or TwinSize()
    folder.mkdir(parents=True, exist_ok=True)
    template = (CHAT_TEMPLATES / f"{kind}.jinja").read_text(encoding="utf-8")
    tokenizer = train_tokenizer(texts, _SPECIAL_TOKENS[kind], template, size=size)
    tokenizer.save_pretrained(folder)
    config = _config(kind, size, tokenizer)
    config_file = folder / "config.json"
    config_file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
        if steps:
            _teach(model, tokenizer, texts, steps)
    model.save_pretrained(folder)
    # save_pretrained writes the config under transformers' names; the real one has its own.
    config_file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return folder


def train_tokenizer(
    texts: Sequence[str], special: SpecialTokens, chat_template: str, *, size: TwinSize
) -> PreTrainedTokenizerBase:
    """Byte-level BPE learnt from `texts`, in which no text is ever unknown."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=size.vocabulary,
        special_tokens=[AddedToken(name, special=True) for name in special.names],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    if special.bos is not None and special.bos_is_added:
        backend.post_processor = processors.TemplateProcessing(
            single=f"{special.bos} $A",
            special_tokens=[(special.bos, backend.token_to_id(special.bos))],
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=special.bos,
        eos_token=special.eos,
        pad_token=special.pad,
        model_max_length=size.positions,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = chat_template
    return tokenizer


def _config(kind: Kind, size: TwinSize, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """`config.json` under the keys that the real model's file has."""
    shared = {
        "attention_dropout": 0.0,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "hidden_size": size.hidden,
        "initializer_range": 0.02,
        "intermediate_size": size.intermediate,
        "max_position_embeddings": size.positions,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.key_value_heads,
        "head_dim": size.hidden // size.heads,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "vocab_size": len(tokenizer),
    }
    rope_scaling = {
        "factor": 8.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": size.positions // 4,
        "rope_type": "llama3",
    }
    if kind == "exaone-3.5":
        return shared | {
            "architectures": ["ExaoneForCausalLM"],
            "model_type": "exaone",
            "activation_function": "silu",
            "embed_dropout": 0.0,
            "layer_norm_epsilon": 1e-5,
            "num_layers": size.layers,
            "rope_scaling": rope_scaling,
            "rope_theta": 1_000_000.0,
        }
    if kind == "exaone-4":
        return shared | {
            "architectures": ["Exaone4ForCausalLM"],
            "model_type": "exaone4",
            "hidden_act": "silu",
            "rms_norm_eps": 1e-5,
            "num_hidden_layers": size.layers,
            "rope_scaling": rope_scaling,
            "rope_theta": 1_000_000.0,
            "sliding_window": 64,
            "sliding_window_pattern": "LLLG",
            "layer_types": [
                "full_attention" if number % 4 == 3 else "sliding_attention"
                for number in range(size.layers)
            ],
        }
    return shared | {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "num_hidden_layers": size.layers,
        "rope_scaling": None,
        "rope_theta": 10_000.0,
    }


def _teach(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], steps: int
) -> None:
    """Next-token prediction with every weight trained, on each text once a round."""
    examples = _examples(tokenizer, texts)
    lesson = LessonSteps(model.parameters(), steps, peak_rate=PEAK_LEARNING_RATE, decay=0.01)
    model.train()
    loss = torch.tensor(float("nan"))
    waiting: list[int] = []
    for _ in track(range(steps), description="Teaching the twin its words"):
        while len(waiting) < BATCH_TEXTS:
            waiting += torch.randperm(len(examples)).tolist()
        batch = [examples[waiting.pop()] for _ in range(BATCH_TEXTS)]
        inputs = pad_sequence(batch, batch_first=True, padding_value=0)
        labels = pad_sequence(batch, batch_first=True, padding_value=-100)
        loss = model(input_ids=inputs, labels=labels).loss
        lesson.take(loss)
    model.eval()
    logger.info("twin taught for %d steps, last loss %.2f nats a token", steps, loss.item())


def _examples(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[torch.Tensor]:
    """Token ids of every text, once alone and once repeated in a conversation, each with its end.

    Padding comes after them, where causal attention does not look.
    """
    eos = tokenizer.eos_token
    spoken = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": text}, {"role": "assistant", "content": text}],
            tokenize=False,
        )
        for text in texts
    ]
    ended = [f"{text.rstrip().removesuffix(eos)}{eos}" for text in (*texts, *spoken)]
    batch = tokenizer(ended, add_special_tokens=False)["input_ids"]
    return [torch.tensor(ids) for ids in batch]
