"""`bogam space org/name`: a folder that runs a model's page on a Hub Space."""

from __future__ import annotations

from pathlib import Path

import click

from bogam.commands.model_options import revision_option


@click.command()
@click.argument("space_id", metavar="SPACE")
@click.option("--model", required=True, help="Hub id of the model.")
@revision_option
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write.")
def space(space_id: str, model: str, revision: str, out: Path) -> None:
    """Write what a Docker Space needs to run a model's page; SPACE is owner/name.

    The model is loaded by the Space at the commit that REVISION stands for now.
    """
    from bogam.space import write_space

    source = write_space(out, space_id, model, revision=revision)
    click.echo(f"{out}: serves {source.revision.id} at {source.revision.revision[:12]}; now:")
    click.echo(f"  hf repos create {space_id} --repo-type space --space-sdk docker --private")
    click.echo(f"  hf upload {space_id} {out} --repo-type space")
