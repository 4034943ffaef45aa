"""What the demo made: before and after of every project, the time of every stage, where to look."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bogam.report import console

if TYPE_CHECKING:
    from bogam.verify import Verification
    from cards.records import Metric, RunRecord


@dataclass
class DemoReport:
    """What the demo made and how long each stage took (seconds)."""

    stages: dict[str, float] = field(default_factory=dict)
    verified: list[Verification] = field(default_factory=list)
    records: dict[str, RunRecord] = field(default_factory=dict)
    """By the repo that each run was published to."""

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        console.rule(f"[bold]{len(self.stages) + 1}. {title}")
        begin = time.monotonic()
        yield
        self.stages[title] = time.monotonic() - begin


def show_report(report: DemoReport, work: Path) -> None:
    """The tables at the end and the pages to open."""
    from rich.table import Table

    from cards.tasks import find_task

    for repo_id, record in report.records.items():
        table = Table(title=f"{repo_id}: held-out rows, 95 % intervals", title_justify="left")
        table.add_column("metric", no_wrap=True)
        for heading in ("zero-shot", "tuned", "n"):
            table.add_column(heading)
        if record.baseline:
            primary = find_task(record.task).primary
            table.caption = f"{primary} without a model: {_interval(record.baseline)}"
            table.caption_justify = "left"
        before, after = record.metrics["zero_shot"], record.metrics["tuned"]
        for name, tuned in after.items():
            if "/" not in name:  # those of single kinds and classes stand on the card
                table.add_row(name, _interval(before[name]), _interval(tuned), str(tuned.n))
        console.print(table)
    for title, taken in report.stages.items():
        console.print(f"{taken:7.1f} s  {title}", highlight=False)
    console.print(f"{sum(report.stages.values()):7.1f} s  in all", highlight=False)
    pages = "\n".join(f"  http://127.0.0.1:8088/{repo_id}" for repo_id in report.records)
    console.print(
        f"\nThe pages:  make hub   then open\n{pages}\n"
        f"They are private; log in with the token in {work / 'token'}",
        highlight=False,
    )


def _interval(metric: Metric) -> str:
    return f"{metric.value:.3f} [{metric.low:.3f}, {metric.high:.3f}] {metric.unit}".rstrip()
