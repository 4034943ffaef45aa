"""`bogam verify org/repo`: compute again what a card says."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("repo")
@click.option("--type", "repo_type", type=click.Choice(["model", "dataset"]))
@click.option("--revision", default="main", show_default=True)
def verify(repo: str, repo_type: str | None, revision: str) -> None:
    """Check a repo on the Hub, or a folder: every number, hash and count on its card.

    Exit 1 when something does not hold, with a line for each number that differs.
    """
    from bogam.report import show_verification
    from bogam.verify import verify as verify_repo
    from bogam.verify import verify_folder

    kind = {"model": "model", "dataset": "dataset"}.get(repo_type or "")
    folder = Path(repo)
    if folder.is_dir():
        result = verify_folder(folder)
    else:
        result = verify_repo(repo, repo_type=kind, revision=revision)  # type: ignore[arg-type]
    show_verification(result)
    sys.exit(1 if result.failures else 0)
