"""`bogam demo`: what `make run` runs."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("work"),
    show_default=True,
    help="Folder for everything that the demo makes.",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    help="AI Hub's TL.zip or an unpacked tree, for medical QA; left out, one is made up.",
)
@click.option(
    "--questions",
    # Fewer leave no test rows to speak of.
    type=click.IntRange(min=1000),
    default=5000,
    show_default=True,
    help="How many of medical QA to make up.",
)
def demo(work: Path, source: Path | None, questions: int) -> None:
    """Go the whole way once for all four projects, on an embedded Hub, without any account."""
    from bogam.demo import run_demo, show_report

    report = run_demo(work.resolve(), source, questions)
    show_report(report, work)
