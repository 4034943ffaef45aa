"""Checkpoints that are either whole or not there.

A checkpoint is written into a folder that no reader looks at, flushed to the disk, given a
manifest as its last file and then renamed. Whatever interrupts the writing leaves the previous
checkpoint as it was; a folder whose files do not fit its manifest is passed over.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from pathlib import Path

from pydantic import ValidationError

from cards.records import Record

logger = logging.getLogger(__name__)

MANIFEST_FILE = "manifest.json"
WRITING = ".writing"
_NAME = re.compile(r"checkpoint-(\d+)")


class CheckpointManifest(Record):
    """What a whole checkpoint holds: {path in the folder: bytes}."""

    step: int
    seconds: float
    """Training time behind it, over all sessions."""
    files: dict[str, int]


def seal(written: Path, folder: Path, *, step: int, seconds: float) -> Path:
    """Turn the finished files in `written` into `folder/checkpoint-<step>`, all at once.

    A checkpoint of the same step, left over from before a resume, is replaced.
    """
    files = sorted(path for path in written.rglob("*") if path.is_file())
    for path in files:
        _flush(path)
    manifest = CheckpointManifest(
        step=step,
        seconds=seconds,
        files={path.relative_to(written).as_posix(): path.stat().st_size for path in files},
    )
    manifest.write(written / MANIFEST_FILE)
    _flush(written / MANIFEST_FILE)
    for directory in [written, *(path for path in written.rglob("*") if path.is_dir())]:
        _flush(directory)
    final = folder / f"checkpoint-{step}"
    if final.exists():
        shutil.rmtree(final)
    written.rename(final)
    _flush(folder)
    return final


def latest_whole(folder: Path) -> Path | None:
    """The checkpoint with the highest step whose files are all there in full length."""
    for checkpoint in reversed(_by_step(folder)):
        problem = _problem(checkpoint)
        if problem is None:
            return checkpoint
        logger.warning("%s is not whole (%s); looking at the one before", checkpoint, problem)
    return None


def rotate(folder: Path, keep: int, best: Path | None = None) -> None:
    """Delete the oldest checkpoints beyond `keep`, never the newest and never `best`."""
    checkpoints = _by_step(folder)
    protected = {checkpoints[-1], best} if checkpoints else set()
    surplus = max(0, len(checkpoints) - max(keep, len(protected - {None})))
    for checkpoint in [path for path in checkpoints if path not in protected][:surplus]:
        shutil.rmtree(checkpoint)


def seconds_behind(checkpoint: Path) -> float:
    """Training time that a checkpoint took, in seconds."""
    return CheckpointManifest.read(checkpoint / MANIFEST_FILE).seconds


def step_of(checkpoint: Path) -> int:
    """The number of optimiser steps behind a checkpoint, from its name."""
    match = _NAME.fullmatch(checkpoint.name)
    if match is None:
        raise ValueError(f"{checkpoint} is not named like a checkpoint")
    return int(match.group(1))


def _by_step(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("checkpoint-*") if _NAME.fullmatch(path.name)]
    return sorted((path for path in found if path.is_dir()), key=step_of)


def _problem(checkpoint: Path) -> str | None:
    try:
        manifest = CheckpointManifest.model_validate_json((checkpoint / MANIFEST_FILE).read_bytes())
    except FileNotFoundError:
        return f"no {MANIFEST_FILE}"
    except ValidationError:
        return f"{MANIFEST_FILE} is damaged"
    for name, size in manifest.files.items():
        path = checkpoint / name
        if not path.is_file() or path.stat().st_size != size:
            return f"{name} is missing or cut"
    return None


def _flush(path: Path) -> None:
    """Have the system write a file or the entries of a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
