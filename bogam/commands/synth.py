"""`bogam synth DATASET`: made-up raw input in a dataset's own format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

out_option = click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The folder to write."
)
seed_option = click.option("--seed", default=42, show_default=True)
workers_option = click.option("--workers", type=int, help="Processes; default: one a core.")


@click.group()
def synth() -> None:
    """Write made-up raw input, for trying things out without anybody's data."""


@synth.command("medical-qa")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="A folder, or a file *.zip."
)
@click.option("--questions", type=click.IntRange(min=1), default=5000, show_default=True)
@seed_option
def medical_qa(out: Path, questions: int, seed: int) -> None:
    """Questions and answers in the layout of AI Hub's healthcare QA set."""
    from loaders.medical_qa_sample import write_sample

    write_sample(out, questions=questions, seed=seed)
    _say_next(out, f"{questions} questions", "medical-qa --made-up")


@synth.command("medical-ocr")
@out_option
@click.option("--count", default=500, show_default=True, help="How many documents.")
@click.option(
    "--language",
    "languages",
    type=click.Choice(["zh", "ko", "en"]),
    multiple=True,
    default=("zh", "ko", "en"),
    show_default=True,
    help="Of the questions; may be given several times.",
)
@click.option(
    "--form",
    type=click.Choice(["page", "label"]),
    default="page",
    show_default=True,
    help="A4 pages, or the small labels of dispensed medicines.",
)
@seed_option
@workers_option
def medical_ocr(
    out: Path,
    count: int,
    languages: tuple[str, ...],
    form: Literal["page", "label"],
    seed: int,
    workers: int | None,
) -> None:
    """Prescriptions, check-up results and medical bills, drawn, printed badly and scanned."""
    from bogam.report import bars
    from cards.document_labels import LANGUAGES
    from loaders.medical_ocr.synthesis.writer import write_documents

    chosen = [language for language in LANGUAGES if language in languages]
    with bars() as progress:
        drawn = write_documents(out, count, seed, chosen, workers, progress, form)
    _say_next(out, f"{drawn} documents drawn", "medical-ocr")


@synth.command("drug-forensics")
@out_option
@click.option(
    "--count", default=400, show_default=True, help="How many pictures, over all classes."
)
@seed_option
@workers_option
def drug_forensics(out: Path, count: int, seed: int, workers: int | None) -> None:
    """Drawn stand-ins for evidence photos, in class folders."""
    from bogam.report import bars
    from loaders.forensics.drawing.writer import write_drawings

    with bars() as progress:
        drawn = write_drawings(out, count, seed, workers, progress)
    _say_next(out, f"{drawn} pictures drawn", "drug-forensics")


@synth.command("chartqa")
@out_option
@click.option("--charts", default=400, show_default=True)
@click.option(
    "--small", is_flag=True, help="Two to four bars in large letters, in Korean: for tiny models."
)
@seed_option
def chartqa(out: Path, charts: int, small: bool, seed: int) -> None:
    """Small charts with known answers, in ChartQA's layout."""
    from bogam.report import bars
    from loaders.charts.synthesis.writer import write_charts

    with bars() as progress:
        write_charts(out, charts, seed, progress, small=small)
    _say_next(out, f"{charts} charts", "chartqa")


def _say_next(out: Path, made: str, dataset: str) -> None:
    click.echo(f"{out}: {made}; now: bogam build {dataset} --source {out} --out DIR")
