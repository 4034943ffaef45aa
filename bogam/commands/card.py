"""`bogam card lint`: is a card complete, filled in and consistent?"""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group()
def card() -> None:
    """Work with the cards of models and datasets."""


@card.command()
@click.argument("repo")
@click.option("--type", "repo_type", type=click.Choice(["model", "dataset"]))
@click.option("--revision", default="main", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON.")
def lint(repo: str, repo_type: str | None, revision: str, as_json: bool) -> None:
    """Check the card of a repo on the Hub, or of a folder; also of one that bogam did not make.

    Exit 1 when it has errors, 0 when it has none or only warnings.
    """
    from bogam.card_lint import lint_repo
    from bogam.report import console, show_lint
    from cards.lint import lint_folder

    if Path(repo).is_dir():
        findings = lint_folder(Path(repo), repo_type=repo_type)  # type: ignore[arg-type]
    else:
        findings = lint_repo(repo, repo_type=repo_type, revision=revision)  # type: ignore[arg-type]
    if as_json:
        import json
        from dataclasses import asdict

        console.print_json(json.dumps([asdict(finding) for finding in findings]))
    else:
        show_lint(findings, repo)
    sys.exit(1 if any(finding.severity == "error" for finding in findings) else 0)
