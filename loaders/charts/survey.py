"""From a source to the records that become rows, with an account of every item that does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from cards.errors import BogamError
from loaders.charts.hub_parquet import HubParquet
from loaders.charts.layouts import Contents, Layout, Picture, Question, Stage
from loaders.charts.original import OriginalLayout
from loaders.charts.same_charts import Chart, group_charts
from loaders.charts.selection import (
    SharedChart,
    draw_slice,
    find_shared,
    only_in_last_split,
    without_repeats,
)
from loaders.image_containers import UnusableImage
from loaders.image_files import ImageFacts, inspect, map_in_threads
from loaders.notices import NoticeLog, Oddity
from loaders.rejects import Reason, RejectLog

SharedCharts = Literal["stop", "reject"]

_EXTENSIONS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
}


@dataclass(frozen=True)
class Survey:
    """What becomes rows, and what a reader must know of it."""

    layout: Layout
    contents: Contents
    questions: list[Question]
    charts: dict[str, Chart]
    """By the SHA-256 of their bytes."""
    shared: list[SharedChart]
    """Charts of more than one split, before any were rejected for it."""

    @property
    def items_used(self) -> int:
        """Records that became rows, and the chart files that they need."""
        files = {question.picture for question in self.questions}
        return len(self.questions) + len(files.intersection(self.contents.pictures))


def find_layout(source: Path) -> Layout:
    """Which of the two layouts a folder is in.

    Raises:
        BogamError: neither.
    """
    if not source.is_dir():
        raise BogamError(f"{source.name}: is no folder. Unpack it and give the folder.")
    layout = OriginalLayout.find(source) or HubParquet.find(source)
    if layout is None:
        there = sorted(path.name for path in source.iterdir())[:8]
        raise BogamError(
            f"{source.name}: no ChartQA in it. Expected: train/train_human.json or "
            "train_augmented.json beside train/png (likewise val, test), or parquet files such as "
            "data/train-00000-of-00003.parquet that are no links. "
            f"Found: {', '.join(there) or 'nothing'}."
        )
    return layout


def survey(
    source: Path,
    share: Decimal | None,
    seed: int,
    shared_charts: SharedCharts,
    rejects: RejectLog,
    notices: NoticeLog,
    stage: Stage,
) -> Survey:
    """Read, sort out and group; of charts nothing but facts is kept.

    Raises:
        BogamError: no layout of ChartQA, a file of records that cannot be read, or no row left.
    """
    layout = find_layout(source)
    contents = layout.read(rejects, stage)
    questions = without_repeats(contents.questions, rejects)
    if share is not None:
        questions = draw_slice(questions, share, seed, rejects)
    facts, unusable = _inspect(layout, questions, stage)
    questions = _with_sound_charts(questions, contents, unusable, rejects)
    charts = _charts(layout, questions, facts, stage)
    shared = find_shared(questions, charts)
    if shared_charts == "reject":
        questions = only_in_last_split(questions, charts, rejects)
    if not questions:
        raise BogamError(
            f"{source.name}: {contents.items} items, and none of them became a row "
            f"({', '.join(f'{reason}: {count}' for reason, count in rejects.counts.items())}). "
            "See that the charts lie in png and that their names are those of the records."
        )
    _reject_idle_files(contents, questions, unusable, share, rejects)
    _note(questions, charts, shared if shared_charts == "stop" else [], notices)
    needed = {question.picture.sha256 for question in questions}
    charts = {digest: chart for digest, chart in charts.items() if digest in needed}
    return Survey(layout, contents, questions, charts, shared)


def _first_pictures(questions: Sequence[Question]) -> dict[str, Picture]:
    """{SHA-256: the first place of these bytes}."""
    first: dict[str, Picture] = {}
    for question in questions:
        first.setdefault(question.picture.sha256, question.picture)
    return first


def _inspect(
    layout: Layout, questions: Sequence[Question], stage: Stage
) -> tuple[dict[str, ImageFacts], dict[str, UnusableImage]]:
    """What the bytes say, or why they cannot be used; by their SHA-256."""
    first = _first_pictures(questions)
    facts: dict[str, ImageFacts] = {}
    unusable: dict[str, UnusableImage] = {}

    def look(data: bytes) -> ImageFacts | UnusableImage:
        try:
            return inspect(data)
        except UnusableImage as verdict:
            return verdict

    with stage("inspecting charts", len(first)) as advance:
        data = (layout.read_again(picture) for picture in first.values())
        for digest, seen in zip(first, map_in_threads(look, data), strict=True):
            if isinstance(seen, ImageFacts):
                facts[digest] = seen
            else:
                unusable[digest] = seen
            advance(1)
    return facts, unusable


def _with_sound_charts(
    questions: Sequence[Question],
    contents: Contents,
    unusable: dict[str, UnusableImage],
    rejects: RejectLog,
) -> list[Question]:
    kept = []
    for question in questions:
        verdict = unusable.get(question.picture.sha256)
        if verdict is None:
            kept.append(question)
        elif contents.pictures:
            detail = f"{question.picture.item} is unusable: {verdict.reason}"
            rejects.add(question.item, Reason.NO_COUNTERPART, detail)
        else:
            rejects.add(question.item, verdict.reason, verdict.detail)
    return kept


def _charts(
    layout: Layout, questions: Sequence[Question], facts: dict[str, ImageFacts], stage: Stage
) -> dict[str, Chart]:
    first = list(_first_pictures(questions).items())
    with stage("comparing charts", len(first)) as advance:
        charts = group_charts(
            [facts[digest] for digest, _ in first],
            lambda position: layout.read_again(first[position][1]),
            advance,
        )
    return {chart.sha256: chart for chart in charts}


def _reject_idle_files(
    contents: Contents,
    questions: Sequence[Question],
    unusable: dict[str, UnusableImage],
    share: Decimal | None,
    rejects: RejectLog,
) -> None:
    """Every chart file that no row needs, with the reason for it."""
    used = {question.picture for question in questions}
    asked_about = {question.picture for question in contents.questions}
    for picture in contents.pictures:
        if picture in used:
            continue
        verdict = unusable.get(picture.sha256)
        if verdict is not None:
            rejects.add(picture.item, verdict.reason, verdict.detail)
        elif picture not in asked_about:
            rejects.add(picture.item, Reason.NO_COUNTERPART, "no record asks about it")
        elif share is not None:
            rejects.add(picture.item, Reason.NOT_NEEDED, "not drawn for the slice")
        else:
            rejects.add(picture.item, Reason.NO_COUNTERPART, "none of its records became a row")


def _note(
    questions: Sequence[Question],
    charts: dict[str, Chart],
    shared: Sequence[SharedChart],
    notices: NoticeLog,
) -> None:
    """Write down what is odd about items that are used."""
    copies: dict[tuple[str, str], str] = {}
    for digest, picture in _first_pictures(questions).items():
        chart = charts[digest]
        suffix = Path(picture.name).suffix.lower()
        if suffix and suffix not in _EXTENSIONS[chart.facts.format]:
            notices.add(picture.item, Oddity.WRONG_EXTENSION, f"is {chart.facts.format}")
        if chart.facts.orientation != 1:
            notices.add(picture.item, Oddity.TURNED, f"Exif orientation {chart.facts.orientation}")
        original = copies.setdefault((picture.split, chart.group), picture.item)
        if original != picture.item:
            notices.add(picture.item, Oddity.NEAR_DUPLICATE, f"same chart as {original}")
    for pair in shared:
        notices.add(pair.second, Oddity.SHARED_BY_SPLITS, f"same chart as {pair.first}")
    for question, other in _contradictions(questions):
        notices.add(question.item, Oddity.LABELS_CONTRADICT, f"asks what {other.item} asks")


def _contradictions(questions: Sequence[Question]) -> Iterator[tuple[Question, Question]]:
    """Records of one chart that ask the same and have no answer in common."""
    asked: dict[tuple[str, str, str], list[Question]] = defaultdict(list)
    for question in questions:
        key = (question.split, question.picture.sha256, question.text.casefold())
        for other in asked[key]:
            labels = {label.casefold() for label in other.labels}
            if labels.isdisjoint(label.casefold() for label in question.labels):
                yield question, other
                break
        asked[key].append(question)
