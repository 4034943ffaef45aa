"""A whole source, read by several processes: compact columns in memory, texts on disk."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import cast

import numpy as np

from cards.errors import BogamError
from loaders.aihub.chunk_reading import SCHEMAS, Chunk, ChunkReader, Columns, Container
from loaders.aihub.file_tree import FileTree
from loaders.aihub.names import Side
from loaders.aihub.spill import Spill, SpillWriter
from loaders.aihub.topics import Topic
from loaders.aihub.zip_directory import ZipDirectory
from loaders.rejects import Reason

LARGEST = 64 << 10
"""Bytes of a file that is read: about 20,000 syllables, a hundred times a usual answer."""

CHUNK = 8192
"""Entries that are read at a time. Smaller ones cost speed, larger ones only memory."""

_MOST = 4
"""Reading processes; each takes some 80 MB, and more of them would wait for the disk."""

_Stretch = tuple[int, int, int]
"""Number of the container, first and last entry."""


@dataclass
class Items:
    """The usable files of a source."""

    columns: dict[Side, Columns]
    spill: dict[Side, Spill]
    topics: list[Topic]
    """As written; `Columns.label` counts through them."""
    rejects: list[tuple[str, Reason, str]]
    files: int
    """All files of the source, those in `rejects` included."""


def open_source(path: Path) -> list[tuple[str, Container]]:
    """A zip, or a folder with files, with zips, or with both; each with its prefix for paths.

    Raises:
        BogamError: nothing there that can be read.
    """
    if path.is_file():
        return [("", ZipDirectory(path, LARGEST))]
    tree = FileTree(path, LARGEST)
    containers: list[tuple[str, Container]] = [("", tree)] if len(tree) else []
    for archive in tree.archives:
        prefix = f"{archive.relative_to(path)}/"
        containers.append((prefix, ZipDirectory(archive, LARGEST)))
    return containers


def read_source(
    containers: Sequence[tuple[str, Container]],
    scratch: Path,
    advance: Callable[[int], None],
    *,
    seed: int,
    by_number: bool,
    processes: int | None = None,
    chunk: int = CHUNK,
) -> Items:
    """Read everything.

    Args:
        scratch: folder for what is set aside.
        advance: called with the number of entries that were read since.
        processes: None takes one for each processor, up to `_MOST`.
    """
    stretches = [
        (number, first, min(first + chunk, len(container)))
        for number, (_, container) in enumerate(containers)
        for first in range(0, len(container), chunk)
    ]
    count = max(1, min(processes or min(_processors(), _MOST), len(stretches)))
    jobs = [
        _Job(list(containers), stretches[worker::count], scratch, worker, seed, by_number)
        for worker in range(count)
    ]
    gathered = [_Gathered() for _ in jobs]
    with ExitStack() as stack:
        if count == 1:
            results: Iterator[tuple[int, Chunk]] = ((0, chunk) for chunk in jobs[0].run())
        else:
            results = stack.enter_context(_in_processes(jobs))
        for worker, result in results:
            gathered[worker].add(result)
            advance(result.entries)
    return _put_together(gathered, jobs)


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class _Job:
    """What one process reads."""

    containers: list[tuple[str, Container]]
    stretches: list[_Stretch]
    scratch: Path
    worker: int
    seed: int
    by_number: bool

    def path(self, side: Side) -> Path:
        return self.scratch / f"{side.name.lower()}-{self.worker}.arrow"

    def run(self) -> Iterator[Chunk]:
        reader = ChunkReader(self.seed, self.by_number)
        with ExitStack() as stack:
            writers = {
                side: stack.enter_context(SpillWriter(self.path(side), SCHEMAS[side]))
                for side in Side
            }
            for number, first, last in self.stretches:
                prefix, container = self.containers[number]
                for chunk in reader.read(container, prefix, first, last):
                    for side, columns in chunk.spilled.items():
                        writers[side].write(columns)
                    chunk.spilled = {}
                    yield chunk

    def run_and_send(self, connection: Connection, of_parent: Sequence[Connection]) -> None:
        """In a process of its own. Ctrl-C is for the parent, which then ends this process.

        The parent's ends of all pipes are closed here: while this process held them, it would
        wait for ever for a parent that was killed.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        for end in of_parent:
            end.close()
        try:
            for chunk in self.run():
                connection.send(chunk)
            connection.send(None)
        except BrokenPipeError:
            return  # the parent is gone
        except Exception as error:  # noqa: BLE001 - raised again in the parent
            error.add_note("in the process that read it:\n" + traceback.format_exc())
            connection.send(error)


@contextmanager
def _in_processes(jobs: Sequence[_Job]) -> Iterator[Iterator[tuple[int, Chunk]]]:
    """Chunks of all jobs, as they come; no process outlives the block."""
    context = get_context()
    connections: dict[Connection, int] = {}
    processes = []
    try:
        for job in jobs:
            receiving, sending = context.Pipe(duplex=False)
            connections[receiving] = job.worker
            arguments = (sending, list(connections))
            process = context.Process(target=job.run_and_send, args=arguments, daemon=True)
            # One that comes before the new process ignores it is held back until it does.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                process.start()
                processes.append(process)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            sending.close()
        yield _receive(connections)
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _receive(connections: dict[Connection, int]) -> Iterator[tuple[int, Chunk]]:
    waiting = dict(connections)
    while waiting:
        for ready in wait(list(waiting)):
            connection = cast(Connection, ready)
            try:
                message = connection.recv()
            except EOFError:
                raise BogamError(
                    "a process that was reading the source was ended from outside, probably "
                    "because memory ran out. Close other programs and run the command again."
                ) from None
            if isinstance(message, Exception):
                raise message
            if message is None:
                del waiting[connection]
            else:
                yield waiting[connection], message


@dataclass
class _Gathered:
    """The chunks of one process."""

    columns: dict[Side, list[Columns]] = field(default_factory=lambda: {s: [] for s in Side})
    topics: list[Topic] = field(default_factory=list)
    rejects: list[tuple[str, Reason, str]] = field(default_factory=list)
    files: int = 0

    def add(self, chunk: Chunk) -> None:
        for side, columns in chunk.columns.items():
            self.columns[side].append(columns)
        self.topics += chunk.labels
        self.rejects += chunk.rejects
        self.files += chunk.files


def _put_together(gathered: list[_Gathered], jobs: list[_Job]) -> Items:
    """The parts of all processes, with the topics numbered through."""
    topics: dict[Topic, int] = {}
    parts: dict[Side, list[Columns]] = {side: [] for side in Side}
    for one in gathered:
        known = [topics.setdefault(topic, len(topics)) for topic in one.topics]
        numbers = np.array(known, dtype=np.int32)
        for side in Side:
            for columns in one.columns[side]:
                columns.label = numbers[columns.label]
                parts[side].append(columns)
    return Items(
        columns={side: Columns.concatenate(parts[side]) for side in Side},
        spill={side: Spill([job.path(side) for job in jobs]) for side in Side},
        topics=list(topics),
        rejects=sorted(reject for one in gathered for reject in one.rejects),
        files=sum(one.files for one in gathered),
    )
