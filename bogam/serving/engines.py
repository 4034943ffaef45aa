"""Which engine answers, and how it is called for a model."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bogam.serving.served_model import shown_name
from cards.errors import BogamError
from trainers.model_source import ADAPTER_CONFIG, LOCAL, ModelSource

EngineName = Literal["transformers", "vllm"]
# What vLLM takes as --max-lora-rank (vllm/config/lora.py, `MaxLoRARanks`).
_VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


@dataclass(frozen=True)
class EngineCall:
    """A command that serves one model over a Unix socket, where no other user can reach it."""

    command: list[str]
    scores_labels: bool
    """Whether it has `/v1/label_scores`."""


def transformers_call(source: ModelSource, socket: Path, *, load_in_4bit: bool) -> EngineCall:
    """`transformers serve`, see `bogam.serving.transformers_engine`.

    Raises:
        BogamError: what it needs is not installed.
    """
    missing = [name for name in ("fastapi", "openai") if importlib.util.find_spec(name) is None]
    if missing:
        raise BogamError(
            f"engine transformers: {' and '.join(missing)} not installed. "
            "Run: pip install 'bogam[serve]'"
        )
    command = [sys.executable, "-m", "bogam.serving.transformers_engine", source.revision.id]
    if source.revision.revision != LOCAL:
        command += ["--revision", source.revision.revision]
    command += ["--name", shown_name(source), "--socket", str(socket)]
    if load_in_4bit:
        command.append("--load-in-4bit")
    return EngineCall(command, scores_labels=bool(source.classes))


def vllm_call(
    source: ModelSource,
    adapter: Path | None,
    socket: Path,
    *,
    name: str,
    load_in_4bit: bool,
    concurrency: int,
    images: int,
) -> EngineCall:
    """`vllm serve` with the adapter beside its base.

    Args:
        adapter: the folder of an adapter with its weights; None for a whole model.
        name: what requests call the model.

    Raises:
        BogamError: vLLM is not installed, or it cannot take this model.
    """
    vllm = shutil.which("vllm")
    if vllm is None:
        raise BogamError(
            "engine vllm: not installed (no `vllm` on the PATH). Install vLLM on a machine with a "
            "GPU, or say --engine transformers."
        )
    if source.classes:
        raise BogamError(
            f"engine vllm: {source.name} chooses from a closed set of classes, whose probabilities "
            "only --engine transformers gives."
        )
    section = source.section
    command = [vllm, "serve", section.id]
    if not Path(section.id).is_dir():
        command += ["--revision", section.revision]
    command += [
        "--uds", str(socket),
        "--served-model-name", "base" if adapter is not None else name,
        "--max-num-seqs", str(concurrency),
        # Not the base's own way of sampling.
        "--generation-config", "vllm",
        "--limit-mm-per-prompt", json.dumps({"image": images}),
    ]  # fmt: skip
    if load_in_4bit:
        command += ["--quantization", "bitsandbytes"]
    if adapter is not None:
        command += [
            "--enable-lora",
            "--lora-modules", f"{name}={adapter}",
            "--max-lora-rank", str(_rank(source, adapter)),
        ]  # fmt: skip
    return EngineCall(command, scores_labels=False)


def trains_whole_parts(adapter: Path) -> bool:
    """Whether parts beside LoRA were trained whole; vLLM takes such a model only when merged."""
    return bool(_config(adapter).get("modules_to_save"))


def _rank(source: ModelSource, adapter: Path) -> int:
    config = _config(adapter)
    rank = max([config.get("r", 0), *config.get("rank_pattern", {}).values()])
    if rank > _VLLM_RANKS[-1]:
        raise BogamError(
            f"engine vllm: the adapter {source.name} has rank {rank}; vLLM takes up to "
            f"{_VLLM_RANKS[-1]}. Merge it (bogam merge) and serve the result."
        )
    return next(one for one in _VLLM_RANKS if one >= rank)


def _config(adapter: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    return config
