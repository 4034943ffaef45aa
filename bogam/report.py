"""What a command prints when it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from bogam.verify import Verification
    from cards.lint import LintFinding
    from cards.records import DatasetRecord
    from hub.push import Published

console = Console()
stderr = Console(stderr=True)

_STYLES = {"info": "dim", "warning": "yellow", "stop": "bold red"}


@contextmanager
def bars() -> Iterator[Progress]:
    """Progress bars on stderr; only the end of each stage where that is no terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=stderr,
    ) as progress:
        yield progress


def show_dataset(record: DatasetRecord, folder: Path) -> None:
    """Rows, rejects and findings of a build."""
    table = Table(title=f"{record.name} in {escape(str(folder))}", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_row("raw items", f"{record.raw_items:,}")
    table.add_row("used in rows", f"{record.items_used:,}")
    for reason, count in sorted(record.rejects.items()):
        table.add_row(f"rejected: {reason}", f"{count:,}")
    for split, info in record.splits.items():
        table.add_row(f"rows of {split}", f"{info.rows:,}", style="bold")
    console.print(table)
    for finding in record.findings:
        style = _STYLES[finding.severity]
        console.print(
            f"[{style}]{finding.kind}[/] ({finding.count:,}): {escape(finding.detail)}",
            highlight=False,
        )


def show_published(published: Published) -> None:
    """Where it is now, and what that changed."""
    visibility = "private" if published.private else "public"
    if published.is_new:
        told = f"published {len(published.changed)} files in one commit"
    else:
        told = "unchanged, no new commit"
    console.print(
        f"{told}: {published.url} ({visibility}, {published.commit[:12]})",
        highlight=False,
        soft_wrap=True,
    )
    for path in published.removed:
        console.print(f"  removed from the repo: {escape(path)}", highlight=False)


def show_verification(result: Verification) -> None:
    """One line a failure, and a count."""
    for check in result.failures:
        console.print(
            f"[bold red]differs[/] {escape(check.name)}: "
            f"expected {escape(check.expected)}, found {escape(check.found)}",
            highlight=False,
            soft_wrap=True,
        )
    held = len(result.checks) - len(result.failures)
    style = "red" if result.failures else "green"
    console.print(
        f"[{style}]{held} of {len(result.checks)} checks hold[/] for {result.repo} "
        f"({result.repo_type}, {result.revision[:12]})",
        highlight=False,
    )


def show_lint(findings: list[LintFinding], repo: str) -> None:
    """Each finding with what to do about it, and a count."""
    for finding in findings:
        style = "bold red" if finding.severity == "error" else "yellow"
        console.print(
            f"README.md:{finding.line}: [{style}]{finding.severity}[/] {finding.rule}: "
            f"{escape(finding.message)} {escape(finding.advice)}",
            highlight=False,
            soft_wrap=True,
        )
    errors = sum(finding.severity == "error" for finding in findings)
    style = "red" if errors else "green"
    console.print(
        f"[{style}]{errors} errors[/], {len(findings) - errors} warnings for {escape(repo)}",
        highlight=False,
    )
