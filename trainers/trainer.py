"""TRL's trainer, held to what a recipe promises.

On top of `trl.SFTTrainer`: only answers pass through the output head, trained weights stay fp32,
the optimiser's groups are the recipe's, rows come in groups of like length in an order that seed
and epoch decide, and checkpoints are whole or not there.
"""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import torch
from torch import nn
from transformers import (
    IntervalStrategy,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import EvalLoopOutput
from trl import SFTConfig, SFTTrainer

from cards.errors import BogamError
from trainers import checkpoints
from trainers.collator import IMAGE_COLUMNS, AnswerCollator
from trainers.conversation import IGNORED
from trainers.generation import next_tokens
from trainers.parameter_groups import (
    GroupRule,
    group_of,
    parameter_groups,
    weights_that_decay,
)
from trainers.row_order import LengthGroupedOrder

logger = logging.getLogger(__name__)


class AnswerTrainer(SFTTrainer):
    """Trains the weights of `model` that require gradients on rows of `TrainingSet`.

    Args:
        rules: learning rates, see `trainers.parameter_groups`.
        keep: checkpoints that stay on the disk.
        collator: makes batches for a vision-language model; None for text.

    Raises:
        BogamError: DeepSpeed is configured with an optimiser of its own, a loss is no number, or
            a picture cannot be read.
    """

    optimizer: torch.optim.Optimizer | None
    _signature_columns: Any

    def __init__(
        self,
        model: nn.Module,
        args: SFTConfig,
        *,
        tokenizer: PreTrainedTokenizerBase,
        train_rows: datasets.Dataset,
        validation_rows: datasets.Dataset | None,
        rules: Sequence[GroupRule],
        keep: int,
        collator: AnswerCollator | None = None,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        _refuse_deepspeed_optimiser(args)
        self._rules = tuple(rules)
        self._keep = keep
        self._writing: Path | None = None
        self._sampler: LengthGroupedOrder | None = None
        self._seconds_before = 0.0
        self._began = 0.0
        self._validated = torch.zeros(2, dtype=torch.float64)
        """Nats and answer tokens of the validation so far."""
        # In float32 an update of 1e-6 of a weight counts; in bfloat16 most of them round to
        # nothing. TRL turns what trains on a quantised base to bfloat16, hence the copies.
        exact = {
            name: parameter.data.float()
            for name, parameter in model.named_parameters()
            if parameter.requires_grad
        }
        super().__init__(
            model=model,
            args=args,
            # With a processor TRL expects batches whose rows have no picture, which leave a vision
            # tower without a gradient.
            processing_class=tokenizer if collator is None else collator.processor,
            data_collator=collator,
            train_dataset=train_rows,
            eval_dataset=validation_rows,
            callbacks=[*callbacks, _Flow(self)],
        )
        # Qwen2.5-VL says no here, which would make a step the mean of its batches' means, however
        # many answer tokens each has. It is the losses of this class that are told the number.
        self.model_accepts_loss_kwargs = True
        self.remove_callback(PrinterCallback)
        if not self.is_deepspeed_enabled:  # which keeps fp32 copies of its own
            for name, parameter in self.model.named_parameters():
                if parameter.requires_grad:
                    parameter.data = exact[name].to(parameter.device)

    @property
    def seconds(self) -> float:
        """Training time so far, with what is behind the checkpoint it was resumed from."""
        return self._seconds_before + time.perf_counter() - self._began

    def train_from(self, checkpoint: Path | None) -> None:
        """Train to the end; from the beginning without a checkpoint."""
        if checkpoint is not None:
            self._seconds_before = checkpoints.seconds_behind(checkpoint)
        self._began = time.perf_counter()
        try:
            self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except BogamError as error:
            # A worker's error comes with the traceback of the worker as its text.
            raise BogamError(str(error).rpartition("BogamError: ")[2].strip()) from error

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Mean negative log-likelihood of the answer tokens, in nats.

        On Triton devices TRL's fused head already leaves out positions without a label. Elsewhere
        it scores every position, twice; there, those positions are taken out before the head.
        """
        targets = next_tokens(inputs["labels"])
        scored = targets != IGNORED
        if inputs["input_ids"].device.type != "cpu" or return_outputs or self.aux_loss_enabled:
            result = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        else:
            result = self._answer_loss(model, inputs, targets, scored, num_items_in_batch)
        if not model.training:
            tokens = scored.sum()
            mean = result[0] if return_outputs else result
            self._validated += torch.stack([mean.detach() * tokens, tokens]).double().cpu()
        return result

    def _answer_loss(
        self,
        model: nn.Module,
        inputs: dict[str, torch.Tensor],
        targets: torch.Tensor,
        scored: torch.Tensor,
        num_items_in_batch: torch.Tensor | int | None,
    ) -> torch.Tensor:
        given = {name: values for name, values in inputs.items() if name != "labels"}
        outputs = model(**given, logits_to_keep=scored, use_cache=False)
        loss = nn.functional.cross_entropy(outputs.logits.float(), targets[scored], reduction="sum")
        if num_items_in_batch is None:
            return loss / scored.sum()
        # Tokens are counted over all processes, and DDP averages the gradients over them.
        scale = self.accelerator.num_processes if self.args.average_tokens_across_devices else 1
        return loss * scale / num_items_in_batch

    def evaluation_loop(
        self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any
    ) -> EvalLoopOutput:
        """As upstream, but the loss is the mean over all answer tokens, not over batches."""
        self._validated = torch.zeros(2, dtype=torch.float64)
        output = super().evaluation_loop(*args, metric_key_prefix=metric_key_prefix, **kwargs)
        sums = self.accelerator.gather(self._validated[None].to(self.args.device)).sum(0)
        output.metrics[f"{metric_key_prefix}_loss"] = float(sums[0] / sums[1])
        return output

    @property
    def parameter_groups(self) -> list[dict[str, Any]]:
        """The optimiser's groups as the recipe has them, see `trainers.parameter_groups`."""
        decaying = weights_that_decay(self.model)
        return parameter_groups(self.model, self._rules, decaying)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The recipe's optimiser over :attr:`parameter_groups`."""
        if self.optimizer is None:
            optimiser, settings = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            self.optimizer = optimiser(self.parameter_groups, **settings)
        return self.optimizer

    def group_norms(self, norms: dict[str, float]) -> dict[str, float]:
        """L2 norms of single weights, by name, put together by optimiser group."""
        decaying = weights_that_decay(self.model)
        squares: dict[str, float] = {}
        for name, norm in norms.items():
            group = group_of(name, self._rules, decaying)
            squares[group] = squares.get(group, 0.0) + norm**2
        return {group: math.sqrt(square) for group, square in squares.items()}

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """As upstream, but the training's random numbers go on as if nothing had been evaluated.

        Whether an evaluation lies between two steps must not decide which weights drop out.
        """
        on_gpu = self.args.device.type == "cuda"
        with torch.random.fork_rng([self.args.device] if on_gpu else []):
            losses: dict[str, float] = super().evaluate(*args, **kwargs)
        return losses

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Stop at a loss that is no number; else as upstream."""
        for key in ("loss", "eval_loss"):
            if not math.isfinite(logs.get(key, 0.0)):
                raise BogamError(
                    f"step {self.state.global_step}: {key} is {logs[key]}. The run has diverged. "
                    "Lower optimiser.lr or raise schedule.warmup; the last checkpoint is from "
                    "before."
                )
        super().log(logs, start_time)

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: cards are made from the records, by `cards.model_card`."""

    def _send_telemetry(self) -> None:
        """Nothing: a private run is reported to nobody."""

    def _set_signature_columns_if_needed(self) -> None:
        """As upstream, and the columns by which a collator finds pictures."""
        super()._set_signature_columns_if_needed()
        known: list[str] = self._signature_columns
        self._signature_columns = [*known, *(one for one in IMAGE_COLUMNS if one not in known)]

    def _get_train_sampler(
        self, train_dataset: datasets.Dataset | None = None
    ) -> torch.utils.data.Sampler[int]:
        self._sampler = LengthGroupedOrder(
            self.train_dataset["length"][:],
            group=self.args.train_batch_size
            * self.args.gradient_accumulation_steps
            * self.accelerator.num_processes,
            seed=self.args.seed,
        )
        return self._sampler

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._writing or self.args.output_dir)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """As upstream, but into a folder that becomes visible as a whole."""
        folder = Path(self.args.output_dir)
        step = self.state.global_step
        final = folder / f"checkpoint-{step}"
        self._writing = folder / checkpoints.WRITING
        if self.args.should_save and self._writing.exists():
            shutil.rmtree(self._writing)
        self.accelerator.wait_for_everyone()
        try:
            super()._save_checkpoint(model, trial)
        finally:
            writing, self._writing = self._writing / final.name, None
        self.accelerator.wait_for_everyone()
        if self.state.best_global_step:
            best = folder / f"checkpoint-{self.state.best_global_step}"
            self.state.best_model_checkpoint = str(best)
        if self.args.should_save:
            self.state.save_to_json(str(writing / TRAINER_STATE_NAME))
            checkpoints.seal(writing, folder, step=step, seconds=self.seconds)
            writing.parent.rmdir()
            best_so_far = self.state.best_model_checkpoint
            checkpoints.rotate(folder, self._keep, Path(best_so_far) if best_so_far else None)
        self.accelerator.wait_for_everyone()

    def begin_epoch(self, epoch: int) -> None:
        """Choose the order of the rows of an epoch (from 0), and the pictures they have in it."""
        if self._sampler is not None:
            self._sampler.epoch = epoch
        if isinstance(self.data_collator, AnswerCollator):
            self.data_collator.begin_epoch(epoch)


class _Flow(TrainerCallback):
    """What happens at the end of a step and of an epoch, in an order that a resume can repeat.

    A training loss is logged whenever something else is written down, since a checkpoint does not
    hold the losses since the last log. A checkpoint that is due together with a validation waits
    for it, since whoever goes on from there does not validate again.
    """

    def __init__(self, trainer: AnswerTrainer) -> None:
        self._trainer = trainer
        self._save_waits = False

    def on_epoch_begin(
        self, args: SFTConfig, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        # The state knows the epoch also after a resume in the middle of one.
        self._trainer.begin_epoch(int(state.epoch or 0))

    def on_step_end(
        self, args: SFTConfig, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        ends_epoch = float(state.epoch or 0).is_integer()
        if control.should_save and ends_epoch and args.eval_strategy == IntervalStrategy.EPOCH:
            control.should_save, self._save_waits = False, True
        if control.should_save or control.should_evaluate or control.should_training_stop:
            control.should_log = True

    def on_epoch_end(
        self, args: SFTConfig, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._save_waits:
            control.should_save, self._save_waits = True, False
        if control.should_save or control.should_evaluate:
            control.should_log = True


def _refuse_deepspeed_optimiser(args: SFTConfig) -> None:
    plugin = args.deepspeed_plugin
    if plugin is not None and "optimizer" in plugin.deepspeed_config:
        raise BogamError(
            "the DeepSpeed config has an `optimizer` section. It would replace the recipe's "
            "learning rates and weight decay by its own without a word. Take the section out, as "
            "in recipes/accelerate/zero3-offload.json."
        )
