"""`bogam convert-base` and `bogam merge`: model folders made from other models."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("convert-base")
@click.argument("base")
@click.option("--repo", "repo_id", required=True, help="organisation/name on your Hub.")
@click.option("--revision", default="main", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where to write the folder; default: work/converted/<name>.",
)
def convert_base(base: str, repo_id: str, revision: str, out: Path | None) -> None:
    """Publish an EXAONE 3.x model in Llama's format, so that others need no code for it.

    BASE is a Hub id or a folder.
    """
    from bogam.report import bars, show_published
    from trainers.convert_base import convert_base as convert
    from trainers.convert_base import publish_converted

    folder = out or Path("work/converted") / repo_id.rpartition("/")[2]
    with bars() as progress:
        licence = convert(base, folder, repo_id, revision=revision, progress=progress)
        published = publish_converted(folder, repo_id, licence, progress=progress)
    show_published(published)


@click.command()
@click.argument("adapter")
@click.option("--revision", default="main", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The model folder to write."
)
@click.option("--repo", "repo_id", help="Publish it there too, as a private repo.")
def merge(adapter: str, revision: str, out: Path, repo_id: str | None) -> None:
    """Merge an adapter into its unquantised base: one folder that needs no PEFT.

    ADAPTER is a Hub id or a folder.
    """
    from bogam.report import show_published
    from cards.lint import require_publishable
    from hub.publish import publish_release
    from hub.release import Release
    from trainers.merge import merge_adapter

    licence = merge_adapter(adapter, out, revision=revision)
    click.echo(f"{out}: merged")
    if repo_id is not None:
        require_publishable(out, "model", repo_id)
        release = Release(out, repo_id, "model", licence, made_from=(licence,))
        show_published(publish_release(release, f"Merge {adapter}"))
