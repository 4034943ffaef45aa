"""Drawn evidence in class folders that the `drug-forensics` builder takes as its source.

    0_irrelevant/ ... 3_drug_raw/   drawn_000000.jpg, ...; some screens are PNG
    synthesis.json                  with what arguments the folder was made

A drawing depends on (seed, number) alone: neither on how many there are, nor on the workers.
"""

from __future__ import annotations

import functools
import json
import logging
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.random import Generator

from cards.errors import BogamError
from loaders.forensics.classes import DEFAULT_CLASSES
from loaders.forensics.drawing.canvas import Drawing, mark_as_drawn
from loaders.forensics.drawing.chats import draw_chat
from loaders.forensics.drawing.places import draw_place
from loaders.forensics.drawing.substances import draw_substance
from loaders.forensics.drawing.unrelated import draw_unrelated
from loaders.forensics.evidence import SYNTHESIS_FILE, sha256

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger(__name__)

_Made = TypeVar("_Made")

VERSION = 2
"""Raised whenever the same seed would give other files."""

MIN_COUNT = 40
"""Fewer would leave some class without a picture to test with."""
_BATCH = 16
_ROUND = (0, 3, 1, 2, 0, 3, 1, 0, 3, 1, 2, 0, 3, 1, 0, 3, 2)
"""Classes in turn: places are the rarest, as in the set that the drawings stand in for."""
_DRAW: tuple[Callable[[Generator], Drawing], ...] = (
    draw_unrelated,
    draw_chat,
    draw_place,
    draw_substance,
)


def draw_evidence(seed: int, number: int) -> tuple[int, str, bytes]:
    """Drawing `number`: its label, its file name's extension, and its bytes."""
    label, rng, drawing = _drawn(seed, number)
    file = BytesIO()
    if label == 1 and rng.random() < 0.2:
        drawing.image.save(file, "PNG")
        return label, "png", file.getvalue()
    drawing.image.save(file, "JPEG", quality=int(rng.integers(72, 94)))
    return label, "jpg", file.getvalue()


def describe_drawing(seed: int, number: int) -> Drawing:
    """Drawing `number` with what it shows, for whoever teaches a model to see."""
    return _drawn(seed, number)[2]


def describe_drawings(
    seed: int,
    count: int,
    longest_side: int,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Drawing]:
    """The first `count` drawings with what they show, reduced to `longest_side` pixels.

    workers and progress: as of :func:`write_drawings`.
    """
    task = progress.add_task("Drawing what is to be learnt", total=count) if progress else None
    described = []
    for drawings in _in_batches(
        functools.partial(_describe_batch, seed, longest_side), count, workers or _cores()
    ):
        described += drawings
        if progress is not None and task is not None:
            progress.advance(task, len(drawings))
    return described


def _describe_batch(seed: int, longest_side: int, numbers: range) -> list[Drawing]:
    drawings = [describe_drawing(seed, number) for number in numbers]
    for drawing in drawings:
        drawing.image.thumbnail((longest_side, longest_side))
    return drawings


def _drawn(seed: int, number: int) -> tuple[int, Generator, Drawing]:
    label = _ROUND[number % len(_ROUND)]
    rng = np.random.default_rng((seed, number))
    drawing = _DRAW[label](rng)
    mark_as_drawn(rng, drawing.image)
    return label, rng, drawing


def write_drawings(
    out: Path,
    count: int,
    seed: int = 42,
    workers: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Write `count` drawings into class folders below `out`; gives how many were drawn now.

    The folder appears when it is complete. One that was completed before with the same arguments
    is kept and 0 is returned.

    Args:
        workers: processes, by default one a core.
        progress: where to show progress; None shows none.

    Raises:
        BogamError: a senseless count or seed, or `out` holds something else.
    """
    if count < MIN_COUNT:
        raise BogamError(f"--count is {count}: at least {MIN_COUNT} drawings are needed.")
    if seed < 0:
        raise BogamError(f"--seed is {seed}: it must not be negative.")
    arguments = {"drawn": True, "version": VERSION, "count": count, "seed": seed}
    if _is_complete(out, arguments):
        logger.info("%s: made before with the same arguments; kept as it is", out)
        return 0
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for known in DEFAULT_CLASSES:
            (partial / known.folder).mkdir(parents=True)
        task = progress.add_task("Drawing evidence", total=count) if progress else None
        write = functools.partial(_draw_batch, partial, seed)
        for drawn in _in_batches(write, count, workers or _cores()):
            if progress is not None and task is not None:
                progress.advance(task, drawn)
        # By these a photo that somebody adds later is known to be no drawing.
        drawings = sorted(sha256(path.read_bytes()) for path in partial.glob("*/*"))
        manifest = {**arguments, "drawings": drawings}
        (partial / SYNTHESIS_FILE).write_text(json.dumps(manifest, indent=2) + "\n")
        if out.exists():
            out.rmdir()  # empty, or _is_complete would have refused it
        partial.rename(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return count


def _is_complete(out: Path, arguments: dict[str, Any]) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    manifest = out / SYNTHESIS_FILE
    if not manifest.is_file():
        raise BogamError(f"{out}: is there already and holds no drawings. Choose another --out.")
    before = json.loads(manifest.read_text())
    changed = [key for key in arguments if before.get(key) != arguments[key]]
    if changed:
        raise BogamError(
            f"{out}: holds drawings made with another {', '.join(changed)}. "
            "Choose another --out, or remove the folder."
        )
    return True


def _in_batches(work: Callable[[range], _Made], count: int, workers: int) -> Iterator[_Made]:
    """What `work` makes of each batch of numbers below `count`, in order, in parallel where that
    pays."""
    ranges = [range(start, min(count, start + _BATCH)) for start in range(0, count, _BATCH)]
    processes = min(workers, len(ranges))
    if processes < 2:
        yield from map(work, ranges)
        return
    # Not forked: the caller may have threads (a progress bar, torch) that a fork would break.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        try:
            futures = [pool.submit(work, numbers) for numbers in ranges]
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _draw_batch(folder: Path, seed: int, numbers: range) -> int:
    for number in numbers:
        label, extension, data = draw_evidence(seed, number)
        place = folder / DEFAULT_CLASSES[label].folder
        (place / f"drawn_{number:06}.{extension}").write_bytes(data)
    return len(numbers)
