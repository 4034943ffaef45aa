"""What a builder of ours owes besides its rows: an account of every raw item."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from rich.progress import Progress

from cards.records import REJECTS_FILE, Domain, Finding, Note
from loaders.notices import NoticeLog
from loaders.rejects import RejectLog

NOTICES_FILE = "notices.jsonl"
SCRATCH = "scratch"


@dataclass(frozen=True)
class Account:
    """Known when the last row is written; see the fields of the same name in `DatasetRecord`."""

    raw_items: int
    items_used: int
    counting: str = "raw_items == rows + rejects"
    findings: tuple[Finding, ...] = ()
    statistics: dict[str, dict[str, int]] = field(default_factory=dict)


class RecordedBuilder:
    """To be put before a `datasets` builder class among the bases.

    A subclass reads `self.config.data_dir` (the source), yields rows of `row_features`, sends
    every other raw item to `self.rejects`, what was odd but used to `self.notices`, and may keep
    temporary files in `self.scratch` and leave files for the dataset in `self.folder`. It is run
    by :func:`loaders.dataset_folder.build`, which calls :meth:`begin` first.
    """

    LICENCE: ClassVar[str]
    """An id of `cards.licences`."""
    LANGUAGES: ClassVar[tuple[str, ...]]
    TASK_CATEGORIES: ClassVar[tuple[str, ...]]
    """As the Hub names them."""
    DOMAIN: ClassVar[Domain]
    """`medical` and `forensic` put their warnings and limits on every card that follows."""
    TITLE: ClassVar[Note | None] = None
    DESCRIPTION: ClassVar[Note | None] = None
    COLUMNS: ClassVar[Mapping[str, Note]] = {}
    """What the columns hold that not every dataset has."""
    LIMITS: ClassVar[tuple[Note, ...]] = ()
    """What the rows must not be taken for."""

    folder: Path
    scratch: Path
    rejects: RejectLog
    notices: NoticeLog
    _progress: Progress | None = None

    def begin(self, folder: Path, progress: Progress | None) -> None:
        """Begin an account in `folder`; progress is shown on `progress`, if given."""
        self.folder = folder
        self.scratch = folder / SCRATCH
        self.scratch.mkdir()
        self.rejects = RejectLog(folder / REJECTS_FILE)
        self.notices = NoticeLog(folder / NOTICES_FILE)
        self._progress = progress

    def end(self) -> None:
        self.rejects.close()
        self.notices.close()

    @contextmanager
    def stage(self, description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show a stage of the work; call what it yields with the number of items done since."""
        progress = self._progress
        if progress is None:
            yield lambda count: None
            return
        task = progress.add_task(description, total=total)
        yield lambda count: progress.advance(task, count)
        progress.update(task, completed=total, total=total)

    @abstractmethod
    def account(self) -> Account:
        """Called once, after the last row."""

    def notice_findings(self) -> tuple[Finding, ...]:
        """One finding for each kind of notice."""
        return tuple(
            Finding(
                kind=kind,
                severity="info",
                count=count,
                detail=f"Items that were used though odd in this way; listed in {NOTICES_FILE}.",
            )
            for kind, count in self.notices.counts.items()
        )
