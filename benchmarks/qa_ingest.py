"""Medical QA from a zip of 80,000 files, against `zipfile` and `json`.

*Read* is zip to file: every document parsed and written down. The naive way loads each with
`zipfile` and `json.loads` into a list and writes one `json.dumps` a line. Ours writes the fields
that a dataset needs as Arrow files, which means cleaned texts, checked types, encodings, topics
and paths, with everything unusable sorted out.

*Build* is zip to dataset. The naive way reads, draws an answer of the same topic for each question
and writes one JSON line a row. Ours is the whole of `bogam build medical-qa`: it also finds near
duplicates, keeps groups in one split, writes parquet, rejects, notices and the record, takes
checksums and syncs to the disk.

Each is run in a process of its own, in turn, three times; the medians are compared. Imports are
not counted, starting our reading processes is. Peak memory is the private (anonymous) part of the
whole process tree, imports included, the mapped zip and page cache not; it is taken in runs of
its own, because looking at it slows down what is looked at.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measurement import Measurement
from loaders.medical_qa_sample import write_sample

QUESTIONS, ANSWERS = 45_000, 35_000
ROUNDS = 3


def run() -> list[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        source, few = Path(folder, "TL.zip"), Path(folder, "few.zip")
        write_sample(source, QUESTIONS, ANSWERS)
        write_sample(few, QUESTIONS // 10, ANSWERS // 10)
        ways = (_read_naively, _read, _build_naively, _build)
        seconds: dict[str, list[float]] = defaultdict(list)
        for _ in range(ROUNDS):
            for way in ways:
                seconds[way.__name__].append(_seconds(way, source))
        peak = {way.__name__: _peak_megabytes(way, source) for way in (_build_naively, _build)}
        peak_of_few = _peak_megabytes(_build, few)
    files = QUESTIONS + ANSWERS
    took = {name: median(values) for name, values in seconds.items()}
    return [
        Measurement("read, naive", files / took["_read_naively"], "files/s"),
        Measurement(
            "read", files / took["_read"], "files/s", took["_read_naively"] / took["_read"], "naive"
        ),
        Measurement("build, naive", files / took["_build_naively"], "files/s"),
        Measurement(
            "build",
            files / took["_build"],
            "files/s",
            took["_build_naively"] / took["_build"],
            "naive",
        ),
        Measurement("build, naive: peak memory", peak["_build_naively"], "MB"),
        Measurement(
            "build: peak memory",
            peak["_build"],
            "MB",
            peak["_build_naively"] / peak["_build"],
            "naive",
        ),
        Measurement(
            "build: peak memory with a tenth of the files",
            peak_of_few,
            "MB",
            peak["_build"] / peak_of_few,
            "all files",
        ),
    ]


def _load_naively(source: Path) -> tuple[list[Any], list[Any]]:
    questions: list[Any] = []
    answers: list[Any] = []
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            try:
                document = json.loads(archive.read(name).decode("utf-8-sig"))
            except ValueError:
                continue
            (questions if name.startswith("1.") else answers).append(document)
    return questions, answers


def _read_naively(source: Path, out: Path) -> None:
    for number, documents in enumerate(_load_naively(source)):
        with (out / f"{number}.jsonl").open("w", encoding="utf-8") as file:
            for document in documents:
                file.write(json.dumps(document, ensure_ascii=False) + "\n")


def _build_naively(source: Path, out: Path) -> None:
    questions, answers = _load_naively(source)
    by_topic = defaultdict(list)
    for document in answers:
        by_topic[_topic(document)].append(document["answer"])
    chance = random.Random(0)
    with (out / "rows.jsonl").open("w", encoding="utf-8") as file:
        for document in questions:
            if _topic(document) in by_topic:
                answer = chance.choice(by_topic[_topic(document)])
                row = {
                    "id": document["fileName"],
                    "instruction": document["question"],
                    "output": "\n".join(answer.values()),
                }
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _topic(document: Any) -> tuple[str, str, str]:
    return (
        document["disease_category"],
        document["disease_name"]["kor"],
        document["intention"],
    )


def _read(source: Path, out: Path) -> None:
    from loaders.aihub.reading import open_source, read_source

    read_source(open_source(source), out, lambda count: None, seed=0, by_number=False)


def _build(source: Path, out: Path) -> None:
    from loaders.dataset_folder import build

    build("medical-qa", source, out / "dataset")


def _seconds(way: Callable[[Path, Path], None], source: Path) -> float:
    with _in_own_process(way, source) as (receiving, _):
        seconds: float = receiving.recv()
    return seconds


def _peak_megabytes(way: Callable[[Path, Path], None], source: Path) -> float:
    """Looks ten times a second."""
    peak = 0
    with _in_own_process(way, source) as (receiving, pid):
        while not receiving.poll(0.1):
            peak = max(peak, _private_bytes(pid))
    return peak / 1e6


@contextmanager
def _in_own_process(
    way: Callable[[Path, Path], None], source: Path
) -> Iterator[tuple[Connection, int]]:
    """A process that is about to begin; its seconds will come through the connection."""
    context = get_context()
    receiving, sending = context.Pipe(duplex=False)
    out = Path(tempfile.mkdtemp(dir=source.parent))
    process = context.Process(target=_timed, args=(way, source, out, sending))
    process.start()
    sending.close()
    try:
        receiving.recv()  # its imports are done
        yield receiving, process.pid or 0
    finally:
        process.join()
        shutil.rmtree(out)


def _timed(way: Callable[[Path, Path], None], source: Path, out: Path, sending: Connection) -> None:
    import loaders.aihub.reading
    import loaders.dataset_folder
    import loaders.medical_qa  # noqa: F401 - imported here, so that it is not counted

    sending.send(None)
    start = time.perf_counter()
    way(source, out)
    sending.send(time.perf_counter() - start)


def _private_bytes(pid: int) -> int:
    """Anonymous proportional set size of a process and all below it."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0  # it has just ended
    anonymous = next(line for line in rollup.splitlines() if line.startswith("Pss_Anon:"))
    return int(anonymous.split()[1]) * 1024 + sum(_private_bytes(int(child)) for child in children)
