"""Two processes at a time, one a core: models this small do not use a second thread well."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bogam.report import bars, console
from cards.errors import BogamError

if TYPE_CHECKING:
    from rich.progress import Progress

_AT_ONCE = 2


@dataclass(frozen=True)
class Work:
    """A command, and the file that what it says goes to."""

    title: str
    command: Sequence[str]
    log: Path


def run_side_by_side(works: Sequence[Work]) -> None:
    """Run all of them, begun in this order; whatever goes wrong, the others come to their end.

    Raises:
        BogamError: one of them failed; it names the file that says why.
    """
    for work in works:
        work.log.parent.mkdir(parents=True, exist_ok=True)
        work.log.touch()
        console.print(f"{work.title}: tail -f {work.log}", highlight=False, soft_wrap=True)
    at_once = min(_AT_ONCE, len(os.sched_getaffinity(0)))
    with bars() as progress, ThreadPoolExecutor(at_once) as pool:
        statuses = list(pool.map(lambda work: _run(work, progress), works))
    failed = [work for work, status in zip(works, statuses, strict=True) if status]
    if failed:
        raise BogamError(
            "; ".join(f"{work.title}: failed, the reason stands in {work.log}" for work in failed)
            + ". The same command keeps what is finished and goes on from there."
        )


def _run(work: Work, progress: Progress) -> int:
    task = progress.add_task(work.title, total=None)
    with work.log.open("ab") as log:
        status = subprocess.run(work.command, stdout=log, stderr=log, check=False).returncode
    progress.update(task, total=1, completed=int(status == 0))
    return status
