"""On what a run was made: versions, hardware, commit, memory."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import torch

from cards.records import Environment

PACKAGES = (
    "accelerate",
    "bitsandbytes",
    "bogam",
    "datasets",
    "deepspeed",
    "huggingface_hub",
    "peft",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
    "trl",
)


def describe_environment(processes: int) -> Environment:
    """This process's versions and hardware; `processes` take part in the run."""
    on_gpu = torch.cuda.is_available()
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: metadata.version(name) for name in PACKAGES},
        device=torch.cuda.get_device_name() if on_gpu else "cpu",
        device_count=processes,
        cpu_count=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        git_commit=_commit(),
    )


def peak_memory_bytes() -> int:
    """The most that was in use so far: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _commit() -> str | None:
    """The commit this code is of, with `-dirty` where files were changed since; else None."""
    here = Path(__file__)
    try:
        for command in (
            ["ls-files", "--error-unmatch", here.name],  # not the repo of somebody's environment
            ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        ):
            answer = subprocess.run(
                ["git", *command], cwd=here.parent, capture_output=True, text=True, check=True
            )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
