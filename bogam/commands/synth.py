"""`bogam synth DATASET`: made-up raw input in a dataset's own format."""

from pathlib import Path

import click


@click.group()
def synth() -> None:
    """Write made-up raw input, for trying things out without anybody's data."""


@synth.command("medical-qa")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A folder, or *.zip.")
@click.option("--questions", default=5000, show_default=True)
@click.option("--seed", default=42, show_default=True)
def medical_qa(out: Path, questions: int, seed: int) -> None:
    """Questions and answers in the layout of AI Hub's healthcare QA set."""
    from loaders.medical_qa_sample import write_sample

    write_sample(out, questions=questions, seed=seed)
    click.echo(
        f"{out}: {questions} questions; now: bogam build medical-qa --source {out} --out DIR"
    )
