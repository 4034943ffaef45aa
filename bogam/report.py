"""What a command prints when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from bogam.verify import Verification
    from cards.answer_classes import AnswerClass
    from cards.compare import ModelComparison
    from cards.lint import LintFinding
    from cards.records import DatasetRecord
    from hub.push import Published

console = Console()
_CELL = 80
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


def show_comparison(result: ModelComparison) -> None:
    """Metrics with the paired difference, then the examples on which the models differ most."""
    from cards.card import metric, metric_value, p_value

    console.print(
        f"A {escape(result.first.id)} ({result.first.revision[:12]})\n"
        f"B {escape(result.second.id)} ({result.second.revision[:12]})\n"
        f"{result.examples:,} examples of {escape(result.dataset.id)} "
        f"({result.dataset.revision[:12]}) that both answered",
        highlight=False,
        soft_wrap=True,
    )
    if result.only_first or result.only_second:
        console.print(
            f"[yellow]left out[/]: {result.only_first:,} examples that only A answered, "
            f"{result.only_second:,} that only B answered",
            highlight=False,
        )
    for note in result.notes:
        console.print(f"[yellow]note[/]: {escape(note)}", highlight=False, soft_wrap=True)
    table = Table()
    for heading in ("metric", "A", "B", "B − A, 95 %", "p"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for one in result.metrics:
        gap, unit = one.difference, one.second.unit
        low, high = (metric_value(bound, unit) for bound in (gap.low, gap.high))
        clear = not gap.low <= 0 <= gap.high
        better = (gap.difference > 0) == one.second.higher_is_better
        table.add_row(
            f"{one.title.en} {'↑' if one.second.higher_is_better else '↓'}",
            metric(one.first),
            metric(one.second),
            f"{'+' if gap.difference >= 0 else ''}{metric_value(gap.difference, unit)} "
            f"[{low}, {high}]",
            p_value(gap.p_value),
            style=("green" if better else "red") if clear else None,
        )
    console.print(table)
    console.print(
        f"by {result.primary}: A better on {result.first_better:,}, B better on "
        f"{result.second_better:,}, equal on "
        f"{result.examples - result.first_better - result.second_better:,}; "
        f"{result.resamples:,} resamples, seed {result.seed}, not corrected for several metrics",
        highlight=False,
        soft_wrap=True,
    )
    if not result.disagreements:
        return
    examples = Table(title="largest disagreements", title_justify="left")
    for heading in ("id", "reference", "A", "B", "A score", "B score"):
        examples.add_column(heading, overflow="fold")
    for example in result.disagreements:
        examples.add_row(
            *(
                escape(_shortened(text))
                for text in (example.id, example.reference, example.first, example.second)
            ),
            f"{example.first_score:.3f}",
            f"{example.second_score:.3f}",
        )
    console.print(examples)


def show_probabilities(
    classes: Sequence[AnswerClass], probabilities: Sequence[float], label_mass: float
) -> None:
    """The classes, the likeliest first."""
    table = Table()
    for heading in ("class", "분류", "answer", "probability"):
        table.add_column(heading, justify="right" if heading == "probability" else "left")
    ranked = sorted(zip(classes, probabilities, strict=True), key=lambda pair: -pair[1])
    for one, share in ranked:
        table.add_row(escape(one.name), escape(one.korean), escape(one.answer), f"{share:.4f}")
    console.print(table)
    console.print(
        f"left to itself, the model writes one of these answers with probability {label_mass:.4f}",
        highlight=False,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
