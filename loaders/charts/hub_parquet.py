"""ChartQA as it is hosted on the Hub: parquet with a chart in every row.

    data/train-00000-of-00003-<hash>.parquet, data/val-..., data/test-...

Columns: `image` (bytes, path), `query`, `label` (a list of texts, or a text) and
`human_or_machine` (a class label or a text). Raw items are the rows and all other files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cards.errors import BogamError
from loaders.charts.layouts import (
    SPLITS,
    Contents,
    Layout,
    Part,
    Picture,
    Question,
    Stage,
    UnusableRecord,
    answer_labels,
    question_text,
)
from loaders.image_files import RejectedFile, list_files, relative_name
from loaders.rejects import Reason, RejectLog

_COLUMNS = ("image", "query", "label", "human_or_machine")
_FILE = re.compile(r"(?P<split>train|validation|val|test)([-._].*)?\.parquet")
_PARTS: dict[object, Part] = {
    "human": "human",
    "machine": "machine",
    "augmented": "machine",
    0: "human",
    1: "machine",
}
_BATCH = 64


class HubParquet(Layout):
    """Parquet files below a folder, named after their splits."""

    def __init__(self, source: Path, files: list[tuple[str, Path]]) -> None:
        """`files`: (split, file), the splits in their order."""
        self._source = source
        self._files = files
        self._reader: Iterator[tuple[int, list[Any]]] = iter(())
        self._open = -1
        self._start = 0
        self._images: list[Any] = []

    @classmethod
    def find(cls, source: Path) -> HubParquet | None:
        """The layout below `source`; None where no file has the name of a split."""
        found: dict[str, list[tuple[str, Path]]] = {split: [] for split in SPLITS.values()}
        for path in list_files(source):
            if isinstance(path, Path) and (match := _FILE.fullmatch(path.name)):
                split = SPLITS.get(match["split"], match["split"])
                found[split].append((split, path))
        files = [pair for pairs in found.values() for pair in pairs]
        return cls(source, files) if files else None

    def read(self, rejects: RejectLog, stage: Stage) -> Contents:
        others = 0
        files = [file for _, file in self._files]
        for entry in list_files(self._source):
            if isinstance(entry, RejectedFile):
                rejects.add(entry.path, entry.reason, entry.detail)
            elif entry not in files:
                name = relative_name(entry, self._source)
                rejects.add(name, Reason.NOT_IN_LAYOUT, "no parquet file of a split")
            else:
                continue
            others += 1
        questions: list[Question] = []
        with stage("reading charts", sum(map(self._rows, files))) as advance:
            rows = 0
            for number in range(len(files)):
                for question in self._questions(number, rejects, advance):
                    rows += 1
                    if question is not None:
                        questions.append(question)
        return Contents(rows + others, questions, [])

    def bytes_of(self, picture: Picture) -> bytes:
        if not isinstance(picture.place, tuple):
            raise TypeError(f"{picture.item} is of another layout")
        number, row = picture.place
        if number != self._open or row < self._start:
            self._reader = self._batches(self._files[number][1], ["image"])
            self._open, self._start, self._images = number, 0, []
        while row >= self._start + len(self._images):
            batch = next(self._reader, None)
            if batch is None:
                raise OSError("the file has fewer rows")
            self._start, self._images = batch
        data, _ = _image(self._images[row - self._start]["image"])
        return data

    def _questions(
        self, number: int, rejects: RejectLog, advance: Callable[[int], None]
    ) -> Iterator[Question | None]:
        """Row by row; None for a rejected one."""
        split, file = self._files[number]
        name = relative_name(file, self._source)
        class_names = self._class_names(file, name)
        for start, rows in self._batches(file, list(_COLUMNS)):
            for offset, row in enumerate(rows):
                place = (number, start + offset)
                item = f"{name}#{place[1] + 1}"
                try:
                    yield _question(item, split, place, row, class_names)
                except UnusableRecord as verdict:
                    rejects.add(item, verdict.reason, verdict.detail)
                    yield None
            advance(len(rows))

    def _rows(self, file: Path) -> int:
        with self._told(file):
            return int(pq.read_metadata(file).num_rows)

    def _batches(self, file: Path, columns: list[str]) -> Iterator[tuple[int, list[Any]]]:
        """(number of the first row, rows) of a file, a few rows at a time."""
        with self._told(file), pq.ParquetFile(file) as parquet:
            start = 0
            for batch in parquet.iter_batches(_BATCH, columns=columns):
                rows = batch.to_pylist()
                yield start, rows
                start += len(rows)

    def _class_names(self, file: Path, name: str) -> list[str] | None:
        """The words behind the numbers of `human_or_machine`, where the file says them."""
        from datasets import ClassLabel, Features

        with self._told(file):
            schema = pq.read_schema(file)
        missing = [column for column in _COLUMNS if column not in schema.names]
        if missing:
            raise BogamError(
                f"{name}: has no column {', '.join(missing)}; it has {', '.join(schema.names)}. "
                "Give a copy of ChartQA with image, query, label and human_or_machine."
            )
        feature = Features.from_arrow_schema(schema)["human_or_machine"]
        return list(feature.names) if isinstance(feature, ClassLabel) else None

    @contextmanager
    def _told(self, file: Path) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise BogamError(
                f"{relative_name(file, self._source)}: cannot be read as parquet: {reason}. "
                "Fetch it again; nothing was built."
            ) from error


def _question(
    item: str,
    split: str,
    place: tuple[int, int],
    row: dict[str, Any],
    class_names: list[str] | None,
) -> Question:
    text, labels = question_text(row["query"]), answer_labels(row["label"])
    said = row["human_or_machine"]
    if class_names is not None and isinstance(said, int):
        said = class_names[said] if 0 <= said < len(class_names) else None
    part = _PARTS.get(said)
    if part is None:
        raise UnusableRecord(Reason.WRONG_TYPE, f"human_or_machine is {said!r}")
    data, path = _image(row["image"])
    if not data:
        raise UnusableRecord(Reason.NO_COUNTERPART, "the row holds no chart")
    digest = hashlib.sha256(data).hexdigest()
    return Question(item, split, part, text, labels, Picture(item, split, path, digest, place))


def _image(value: Any) -> tuple[bytes, str]:
    """Bytes and file name of an image column's value; empty where it holds none."""
    if isinstance(value, dict):
        data, path = value.get("bytes"), value.get("path")
    else:
        data, path = value, None
    return data if isinstance(data, bytes) else b"", path if isinstance(path, str) else ""
