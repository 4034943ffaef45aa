"""How much memory a run will take on which device, worked out before anything is loaded.

Weights, gradients and optimiser are counted exactly. Activations are estimated:

- checkpointed: each layer's input, and one layer's inside;
- a layer's inside: so many bytes x tokens x width as autograd keeps of Qwen2.5-VL's layers in
  bfloat16, counted with `torch.autograd.graph.saved_tensors_hooks` for two widths of the MLP (the
  way of Korthikanti et al. 2022, arXiv:2205.05198, whose 34 bytes are for an MLP without a gate).
  Attention scores are not among them, since fused attention never writes them;
- the head: 12 bytes for each answer token and word (logits, their float32 copy and its gradient).

ZeRO-3 with offload follows `deepspeed.runtime.zero.stage3.estimate_zero3_model_states_mem_needs`,
but lets only trained weights have gradients and optimiser states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GB = 10**9
OVERHEAD = int(1.5 * GB)
"""For the driver's context, kernels and fragmentation: an allowance, not worked out."""
INSIDE = (32, 6)
"""Bytes a token for each unit of the layer's width, and of its MLP's; with LoRA on two of its
projections and dropout."""
INSIDE_WHOLE = (56, 8)
"""The same of layers that are trained whole, where norms and what is handed on are float32."""
INSIDE_ANSWERING = (8, 6)
"""The same where nothing is kept: the MLP's gate, its other half and their product."""
HEAD = 12
LIVE_UNDER_ZERO3 = 10**9
"""Weights that DeepSpeed may hold whole at a time (`stage3_max_live_parameters`)."""
PINNED = 1.5
"""DeepSpeed's factor for buffers in main memory."""


@dataclass(frozen=True)
class Stack:
    """Layers that tokens pass through: the language model's, or a vision tower's patches."""

    layers: int
    width: int
    mlp_width: int
    tokens: int
    """A row: of the language model, or patches of its picture."""
    has_gradient: bool
    """Whether what is computed must be kept for the way back."""
    is_whole: bool
    """Whether all of its weights are trained."""

    def inside(self, rows: int, compute_bytes: int, *, answering: bool = False) -> int:
        """Bytes that one layer keeps of some rows, or needs for a moment when `answering`."""
        layer, mlp = INSIDE_WHOLE if self.is_whole and compute_bytes == 2 else INSIDE
        if answering:
            layer, mlp = INSIDE_ANSWERING
        each = layer * self.width + mlp * self.mlp_width
        return rows * self.tokens * each * compute_bytes // 2

    def inputs(self, rows: int, compute_bytes: int) -> int:
        """Bytes of the inputs of all layers."""
        return (
            rows * self.tokens * self.layers * self.width * (4 if self.is_whole else compute_bytes)
        )


@dataclass(frozen=True)
class Load:
    """What one device has to hold. Sizes of weights in bytes, counts in weights."""

    frozen_bytes: int
    trained: int
    largest_module: int
    """Weights of the largest module that ZeRO-3 gathers at once."""
    optimiser_bytes: int
    """Of the optimiser's states, a trained weight."""
    compute_bytes: int
    """Of a weight or activation in the computation: 2 for bfloat16, 4 for float32."""
    rows: int
    stacks: Sequence[Stack]
    answer_tokens: int
    """A row."""
    vocabulary: int
    gradient_checkpointing: bool
    evaluated_rows: int
    """At a time, with `new_tokens` to be written after each."""
    new_tokens: int
    cache_width: int
    """Numbers that one layer keeps of a token it has seen: keys and values."""


@dataclass(frozen=True)
class MemoryNeed:
    """In bytes: of each device, and with offload of main memory."""

    weights: int
    activations: int
    evaluation: int
    """While base and tuned model answer, of which every device holds a whole copy."""
    main_memory: int = 0

    @property
    def training(self) -> int:
        return self.weights + self.activations + OVERHEAD

    @property
    def device(self) -> int:
        return max(self.training, self.evaluation)


def whole_copy(load: Load, devices: int = 1) -> MemoryNeed:
    """Every device holds everything; more than one also a second gradient, for DDP to add up.

    Trained weights are float32 with a float32 gradient, and autocast keeps a copy in the type of
    the computation.
    """
    copy = load.compute_bytes if load.compute_bytes < 4 else 0
    gradients = 4 if devices == 1 else 8
    states = load.trained * (4 + gradients + load.optimiser_bytes + copy)
    return MemoryNeed(load.frozen_bytes + states, activations(load), evaluation(load))


def zero3_offload(load: Load) -> MemoryNeed:
    """Weights, gradients and optimiser rest in the main memory of one machine.

    However many devices it has, each holds the weights that are at work, and the gradients of the
    largest module.
    """
    total = load.frozen_bytes // load.compute_bytes + load.trained
    live = min(total, LIVE_UNDER_ZERO3) * load.compute_bytes
    module = load.largest_module * load.compute_bytes
    states = load.frozen_bytes + load.trained * (2 * load.compute_bytes + 4 + load.optimiser_bytes)
    weights = live + 2 * module
    return MemoryNeed(weights, activations(load), evaluation(load), int(states * PINNED))


def evaluation(load: Load) -> int:
    """Weights, and the larger of: keys and values beside a layer's inside, the scored answers."""
    rows, speaker = load.evaluated_rows, load.stacks[0]
    seen = rows * (speaker.tokens + load.new_tokens)
    cache = seen * speaker.layers * load.cache_width * load.compute_bytes
    inside = max(stack.inside(rows, load.compute_bytes, answering=True) for stack in load.stacks)
    head = HEAD * rows * load.answer_tokens * load.vocabulary
    weights = load.frozen_bytes + load.trained * load.compute_bytes
    return weights + max(cache + inside, head) + OVERHEAD


def activations(load: Load) -> int:
    """What a step keeps for the way back, and the head's share; bytes."""
    kept = 0
    for stack in load.stacks:
        if stack.has_gradient and load.gradient_checkpointing:
            kept += stack.inputs(load.rows, load.compute_bytes)
        elif stack.has_gradient:
            kept += stack.layers * stack.inside(load.rows, load.compute_bytes)
    inside = max(stack.inside(load.rows, load.compute_bytes) for stack in load.stacks)
    head = HEAD * load.rows * load.answer_tokens * load.vocabulary
    # The head is done when the last layer's inside is computed again.
    return kept + max(inside, head)
