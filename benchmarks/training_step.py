"""One training step of a text model on the CPU: ours, TRL as it is, and the plain Trainer.

A Llama with EXAONE's vocabulary (102,400 entries) but four thin layers, LoRA on q_proj and v_proj,
two rows of 512 tokens of which 30 % are the answer. The head outweighs everything else here, as it
does for small models and small batches; on a real 7B it is 4-6 % of a step.
"""

from __future__ import annotations

import gc
import math
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measurement

VOCABULARY = 102_400
TOKENS = 512
ANSWER_TOKENS = 154
BATCH = 2
STEPS = 3
LEARNING_RATE = 2e-4
BASELINE = "TRL SFTTrainer as is"
OURS = "AnswerTrainer"
BY_HAND = "answers by hand, no trainer"


def run() -> list[Measurement]:
    """Time of a step and memory on top of the loaded model; equal losses, or it raises."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several would spin while they wait for each other
    try:
        measured = {name: _measure(name) for name in (BASELINE, "plain Trainer", OURS, BY_HAND)}
    finally:
        torch.set_num_threads(threads)
    reference = measured[BASELINE]
    rows = []
    for name, own in measured.items():
        for a, b in zip(reference.losses, own.losses, strict=True):
            if not math.isclose(a, b, rel_tol=1e-5):
                raise AssertionError(f"{name} computes other losses: {own} against {reference}")
        against = None if name == BASELINE else BASELINE
        faster = reference.seconds / own.seconds if against else None
        leaner = reference.megabytes / own.megabytes if against else None
        rows.append(Measurement(f"{name}: step", own.seconds, "CPU s", faster, against))
        rows.append(Measurement(f"{name}: memory", own.megabytes, "MB", leaner, against))
    return rows


@dataclass(frozen=True)
class _Run:
    seconds: float
    """Of the processor, for the quickest step: what else the machine does counts little."""
    megabytes: float
    """Peak of the process over what was resident before the first step."""
    losses: list[float]


def _measure(name: str) -> _Run:
    gc.collect()
    with tempfile.TemporaryDirectory() as folder:
        train = _by_hand() if name == BY_HAND else _with_trainer(name, folder)
        Path("/proc/self/clear_refs").write_text("5")  # peak := what is resident now
        before = _peak_megabytes()
        seconds, losses = train()
        added = _peak_megabytes() - before
    return _Run(min(seconds), added, losses)


def _with_trainer(name: str, folder: str) -> Callable[[], tuple[list[float], list[float]]]:
    from transformers import PrinterCallback, Trainer, TrainerCallback
    from trl import SFTConfig, SFTTrainer
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    from trainers.parameter_groups import GroupRule
    from trainers.trainer import AnswerTrainer

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            self.started = time.process_time()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            self.seconds.append(time.process_time() - self.started)

    clock = Clock()
    model, rows = _model_and_rows()
    arguments = SFTConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=False,
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        learning_rate=LEARNING_RATE,
        lr_scheduler_type="constant",
        gradient_checkpointing=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer: Any
    if name == "plain Trainer":
        collator = DataCollatorForLanguageModeling(pad_token_id=0)
        trainer = Trainer(
            model, arguments, train_dataset=rows, data_collator=collator, callbacks=[clock]
        )
    elif name == BASELINE:
        trainer = SFTTrainer(
            model, arguments, train_dataset=rows, processing_class=_tokenizer(), callbacks=[clock]
        )
    else:
        trainer = AnswerTrainer(
            model,
            arguments,
            tokenizer=_tokenizer(),
            train_rows=rows,
            validation_rows=None,
            rules=[GroupRule("adapter", ".*", LEARNING_RATE, 0.0)],
            keep=1,
            callbacks=[clock],
        )
    trainer.remove_callback(PrinterCallback)

    def train() -> tuple[list[float], list[float]]:
        trainer.train()
        history = trainer.state.log_history
        return clock.seconds, [entry["loss"] for entry in history if "loss" in entry]

    return train


def _by_hand() -> Callable[[], tuple[list[float], list[float]]]:
    """The least that must be computed: no trainer, only answers through the head."""
    import torch

    model, rows = _model_and_rows()
    ids, labels = torch.tensor(rows["input_ids"][:]), torch.tensor(rows["labels"][:])
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=0.0)

    def train() -> tuple[list[float], list[float]]:
        seconds, losses = [], []
        model.train()
        for _ in range(STEPS):
            started = time.process_time()
            hidden = model.base_model.model.model(input_ids=ids).last_hidden_state[:, :-1]
            scored = labels[:, 1:] != -100
            logits = model.base_model.model.lm_head(hidden[scored])
            loss = torch.nn.functional.cross_entropy(logits, labels[:, 1:][scored])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            seconds.append(time.process_time() - started)
            losses.append(loss.item())
        return seconds, losses

    return train


def _model_and_rows() -> tuple[Any, Any]:
    import datasets
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    set_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    lora = LoraConfig(
        r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )
    model = get_peft_model(LlamaForCausalLM(config), lora)
    # One batch, again and again: then the order of rows cannot set the losses apart.
    ids = torch.randint(2, VOCABULARY, (BATCH, TOKENS)).tolist()
    labels = [[-100] * (TOKENS - ANSWER_TOKENS) + row[-ANSWER_TOKENS:] for row in ids]
    rows = datasets.Dataset.from_dict(
        {"input_ids": ids, "labels": labels, "length": [TOKENS] * BATCH}
    )
    return model, rows


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = models.WordLevel({"<pad>": 0, "</s>": 1}, unk_token="<pad>")
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(words), pad_token="<pad>", eos_token="</s>"
    )


def _peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    if match is None:
        raise RuntimeError("this system does not tell a process's peak memory")
    return int(match.group(1)) / 1024
