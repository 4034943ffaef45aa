"""Made-up charts with questions, in the layout of ChartQA's authors.

    ChartQA Dataset/{train,val,test}/png/*.png
    ChartQA Dataset/{train,val,test}/<split>_{human,augmented}.json
    ChartQA Dataset/synthesis.json                                  how they were made

A chart depends on (seed, number) alone, not on how many there are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from cards.errors import BogamError
from loaders.charts.original import DATASET_FOLDER, PICTURES, SYNTHESIS_FILE
from loaders.charts.synthesis.canvas import plain_style
from loaders.charts.synthesis.chart import Chart, make_chart
from loaders.charts.synthesis.drawing import draw
from loaders.charts.synthesis.questions import MadeUpQuestion, ask
from loaders.charts.synthesis.small import draw_small, make_small_chart

if TYPE_CHECKING:
    from rich.progress import Progress

VERSION = 2
"""Raised whenever the same seed would give other charts."""
QUESTIONS_OF_EACH_PART = 2

_FILES = {"human": "human", "machine": "augmented"}
_OF_EIGHTY = {**dict.fromkeys(range(64), "train"), **dict.fromkeys(range(64, 72), "val")}
"""By number: whole rounds of kinds and languages go to each split; the rest to test."""


def write_charts(
    out: Path,
    charts: int = 400,
    seed: int = 42,
    progress: Progress | None = None,
    *,
    small: bool = False,
) -> None:
    """Write a source for `bogam build chartqa`; the same arguments give the same bytes.

    Of 80 charts 64 are for training, 8 for validation and 8 for the test. `small` ones are those
    of `loaders.charts.synthesis.small`.

    Raises:
        BogamError: too few charts for three splits, `out` is there already or cannot be written.
    """
    if charts < 80:
        raise BogamError(f"--charts {charts}: at least 80, so that each split has every kind.")
    if out.exists():
        raise BogamError(f"{out}: is there already. Remove it or choose another --out.")
    partial = out.with_name(f"{out.name}.partial")
    task = progress.add_task("drawing charts", total=charts) if progress is not None else None
    try:
        records: dict[Path, list[dict[str, Any]]] = {}
        for number, chart, questions, png in _drawn(charts, seed, small):
            split = _OF_EIGHTY.get(number % 80, "test")
            folder = partial / DATASET_FOLDER / split
            (folder / PICTURES).mkdir(parents=True, exist_ok=True)
            name = f"{chart.kind}_{chart.language}_{number:06}.png"
            (folder / PICTURES / name).write_bytes(png)
            for question in questions:
                file = folder / f"{split}_{_FILES[question.part]}.json"
                records.setdefault(file, []).append(_record(name, question))
            if progress is not None and task is not None:
                progress.advance(task)
        for file, entries in records.items():
            file.write_bytes(orjson.dumps(entries, option=orjson.OPT_INDENT_2))
        arguments = {"made_by": "bogam synth chartqa", "version": VERSION}
        arguments |= {"charts": charts, "seed": seed, "small": small}
        (partial / DATASET_FOLDER / SYNTHESIS_FILE).write_bytes(
            orjson.dumps(arguments, option=orjson.OPT_INDENT_2)
        )
        partial.rename(out)
    except OSError as error:
        raise BogamError(f"{out}: cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _drawn(
    charts: int, seed: int, small: bool
) -> Iterator[tuple[int, Chart, list[MadeUpQuestion], bytes]]:
    with plain_style():
        for number in range(charts):
            chart = (make_small_chart if small else make_chart)(seed, number)
            questions = ask(chart, Random(f"questions {seed} {number}"), QUESTIONS_OF_EACH_PART)
            yield number, chart, questions, (draw_small if small else draw)(chart)


def _record(name: str, question: MadeUpQuestion) -> dict[str, Any]:
    """As in ChartQA the label is a text; where several answers are right, their list."""
    labels = question.labels
    return {
        "imgname": name,
        "query": question.text,
        "label": labels[0] if len(labels) == 1 else list(labels),
    }
