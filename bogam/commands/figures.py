"""`bogam figures RELEASE`: the figures of a run as files of their own."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to draw them.")
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    help="The dataset's folder: also draw, with their pictures, the surest wrong answers of a "
    "classifier or the pages that were read worst.",
)
def figures(release: Path, out: Path, dataset: Path | None) -> None:
    """Draw the figures of a run, from its record and predictions.

    RELEASE is the folder of a finished run, or of a downloaded model repo.
    """
    from bogam.figures import draw_figures

    for path in draw_figures(release, out, dataset=dataset):
        click.echo(path)
