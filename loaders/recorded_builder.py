"""What a builder of ours owes besides its rows: an account of every raw item."""

from __future__ import annotations

import logging
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from rich.progress import Progress

from cards.records import REJECTS_FILE, Domain, Finding, Note
from loaders.notices import MEANINGS, NoticeLog, Oddity
from loaders.rejects import RejectLog

logger = logging.getLogger(__name__)

NOTICES_FILE = "notices.jsonl"
SCRATCH = "scratch"


@dataclass(frozen=True)
class Account:
    """Known when the last row is written; see the fields of the same name in `DatasetRecord`."""

    raw_items: int
    items_used: int
    counting: str = "raw_items == rows + rejects"
    counting_ko: str | None = None
    findings: tuple[Finding, ...] = ()
    statistics: dict[str, dict[str, int]] = field(default_factory=dict)
    languages: tuple[str, ...] | None = None
    """Where they depend on the source; None for the `LANGUAGES` of the builder."""


class RecordedBuilder:
    """To be put before a `datasets` builder class among the bases.

    A subclass reads `self.config.data_dir` (the source), yields rows of `row_features`, sends
    every other raw item to `self.rejects`, what was odd but used to `self.notices`, and may keep
    temporary files in `self.scratch` and leave files for the dataset in `self.folder`. It is run
    by :func:`loaders.dataset_folder.build`; by itself it is an ordinary builder of `datasets`.
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
    MADE_UP_DESCRIPTION: ClassVar[Note | None] = None
    """In place of `DESCRIPTION` where all raw material was made up by this package."""
    COLUMNS: ClassVar[Mapping[str, Note]] = {}
    """What the columns hold that not every dataset has."""
    MADE_UP_COLUMNS: ClassVar[Mapping[str, Note]] = {}
    """In place of those of `COLUMNS` where all raw material was made up by this package."""
    LIMITS: ClassVar[tuple[Note, ...]] = ()
    """What the rows must not be taken for."""
    MADE_UP_LIMITS: ClassVar[tuple[Note, ...] | None] = None
    """In place of `LIMITS` where all raw material was made up by this package."""
    ANNOTATION: ClassVar[Note | None] = None
    """Who or what gave the rows their answers or labels."""
    MADE_UP_ANNOTATION: ClassVar[Note] = Note(
        ko="질문, 답, 라벨은 자료를 지어낸 프로그램이 붙였습니다.",
        en="The program that made the material up gave the questions, answers and labels.",
    )
    """In place of `ANNOTATION` where all raw material was made up by this package."""
    TASK: ClassVar[str | None] = None
    """The file of `cards.tasks` that scores models on the held-out rows."""

    folder: Path
    scratch: Path
    rejects: RejectLog
    notices: NoticeLog
    _progress: Progress | None = None
    _is_recording = False

    @contextmanager
    def recording(self, folder: Path, progress: Progress | None) -> Iterator[None]:
        """Keep rejects, notices and temporary files in `folder`; show progress, if given."""
        self.folder = folder
        self.scratch = folder / SCRATCH
        self.scratch.mkdir()
        self._progress = progress
        with (
            RejectLog(folder / REJECTS_FILE) as self.rejects,
            NoticeLog(folder / NOTICES_FILE) as self.notices,
        ):
            self._is_recording = True
            yield
            self._is_recording = False

    def download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        """As `datasets` has it. Called by itself, only the number of rejects is told."""
        prepare = super().download_and_prepare  # type: ignore[misc]
        if self._is_recording:
            prepare(*args, **kwargs)
            return
        with tempfile.TemporaryDirectory() as folder, self.recording(Path(folder), None):
            prepare(*args, **kwargs)
            if self.rejects.counts:
                logger.warning(
                    "%d raw items are in no row (%s); loaders.dataset_folder.build lists them",
                    sum(self.rejects.counts.values()),
                    ", ".join(f"{reason} {n}" for reason, n in self.rejects.counts.items()),
                )

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

    def is_made_up(self) -> bool:
        """Whether this package made up all raw material. Known when the source was read."""
        return False

    def licence(self) -> str:
        """Terms of this build's rows; what this package made up is anybody's."""
        return "cc0-1.0" if self.is_made_up() else self.LICENCE

    def title(self) -> Note | None:
        """What this build is called; a list of datasets shows nothing else of it."""
        if self.TITLE is None or not self.is_made_up():
            return self.TITLE
        return Note(ko=f"{self.TITLE.ko} (지어낸 자료)", en=f"{self.TITLE.en} (made up)")

    def description(self) -> Note | None:
        """What this build's rows are."""
        return (self.MADE_UP_DESCRIPTION if self.is_made_up() else None) or self.DESCRIPTION

    def limits(self) -> tuple[Note, ...]:
        """What this build's rows must not be taken for."""
        made_up = self.MADE_UP_LIMITS if self.is_made_up() else None
        return self.LIMITS if made_up is None else made_up

    def columns(self) -> dict[str, Note]:
        """What the columns of this build hold."""
        return {**self.COLUMNS, **(self.MADE_UP_COLUMNS if self.is_made_up() else {})}

    def annotation(self) -> Note | None:
        """Who or what gave this build's rows their answers or labels."""
        return self.MADE_UP_ANNOTATION if self.is_made_up() else self.ANNOTATION

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
                detail=f"{meaning.en} Not left out for that; listed in {NOTICES_FILE}.",
                detail_ko=f"{meaning.ko} 이 때문에 제외하지는 않았으며 {NOTICES_FILE}에 "
                "적었습니다.",
            )
            for kind, count in self.notices.counts.items()
            for meaning in [MEANINGS[Oddity(kind)]]
        )
