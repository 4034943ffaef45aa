"""A stretch of a zip or tree to clean columns: contents, JSON, topics, texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loaders.aihub.bulk_json import parse_documents
from loaders.aihub.file_list import FileList, Folders
from loaders.aihub.names import Mark, Problem, Side
from loaders.aihub.topics import Topic, folder_agrees, topic_of_folder
from loaders.clean_text import clean_column, clean_text
from loaders.rejects import Reason

_FILE = [("path", pa.string()), ("id", pa.string()), ("text", pa.string())]
SCHEMAS = {
    Side.QUESTION: pa.schema(_FILE),
    Side.ANSWER: pa.schema([*_FILE, ("department", pa.list_(pa.string()))]),
}
"""Columns that are set aside on disk, for each side."""

_AT_ONCE = 32 << 20
"""Bytes of contents that are parsed together at most."""


class Container(Protocol):
    """A zip or a tree: numbered entries with names and contents."""

    def __len__(self) -> int: ...

    def names(self, first: int, last: int) -> list[bytes]: ...

    def read(
        self, entries: NDArray[np.int64], limit: int
    ) -> tuple[list[bytes], dict[int, Problem]]: ...


@dataclass
class Columns:
    """What is kept in memory of the usable files of one side; row i of each is one file."""

    label: NDArray[np.int32]
    """Number of the topic as written."""
    rank: NDArray[np.uint64]
    """Hash of seed and path below the questions or answers folder: orders files at random, the
    same wherever they lie and in whatever order they are read."""
    name: NDArray[np.uint64]
    """Hash of the file's name without extension."""
    number: NDArray[np.uint64]
    """Hash of the folder and the number in the name: equal for `q1` and its `a1`. Empty unless
    files are paired by it."""
    marks: NDArray[np.uint16]

    @classmethod
    def concatenate(cls, parts: Sequence[Columns]) -> Columns:
        """One after another; also of none."""
        return cls(
            *(
                np.concatenate([np.zeros(0, dtype), *(getattr(part, name) for part in parts)])
                for name, dtype in _DTYPES.items()
            )
        )


_DTYPES = {
    "label": np.int32,
    "rank": np.uint64,
    "name": np.uint64,
    "number": np.uint64,
    "marks": np.uint16,
}


@dataclass
class Chunk:
    """Everything that was learnt from a stretch of entries."""

    entries: int = 0
    files: int = 0
    """Entries that are no folders."""
    rejects: list[tuple[str, Reason, str]] = field(default_factory=list)
    labels: list[Topic] = field(default_factory=list)
    """Topics that no chunk of this reader had before; numbered on from those."""
    columns: dict[Side, Columns] = field(default_factory=dict)
    spilled: dict[Side, list[pa.Array]] = field(default_factory=dict)

    def refuse(self, path: str, problem: Problem) -> None:
        self.rejects.append((path, problem.reason, problem.detail))


class ChunkReader:
    """Reads stretches of one source; remembers folders and topics between them.

    Args:
        seed: of the ranks.
        by_number: files will be paired by the numbers in their names; otherwise by topic, and one
            that says only a part of its topic is a reject.
    """

    def __init__(self, seed: int, by_number: bool) -> None:
        self._by_number = by_number
        self._folders = Folders(seed)
        self._labels: dict[Topic, int] = {}
        self._judged: dict[
            tuple[str | None, str | None, str | None, int], tuple[int, int] | Problem
        ] = {}

    def read(self, container: Container, prefix: str, first: int, last: int) -> Iterator[Chunk]:
        """Entries `first` to `last` (exclusive), in one or, if they are large, several chunks.

        Args:
            prefix: comes before the paths in rejects.
        """
        chunk = Chunk()
        files = self._folders.list_files(container.names(first, last), prefix, chunk.refuse)
        chunk.files = len(files) + len(chunk.rejects)
        entries = np.array(files.entries, dtype=np.int64) + first
        done = 0
        while True:
            contents, problems = container.read(entries[done:], _AT_ONCE)
            known = len(self._labels)
            self._parse(contents, problems, files, done, chunk)
            chunk.labels = list(islice(self._labels, known, None))
            done += len(contents)
            if done == len(files):
                break
            yield chunk
            chunk = Chunk()
        chunk.entries = last - first
        yield chunk

    def _parse(
        self,
        contents: list[bytes],
        problems: dict[int, Problem],
        files: FileList,
        start: int,
        chunk: Chunk,
    ) -> None:
        """Contents of the files `start` and following, into the chunk."""
        parsed = parse_documents(contents)
        problems = {**parsed.problems, **problems}
        for index, problem in problems.items():
            chunk.refuse(files.path(start + index), problem)
        alive = np.delete(np.arange(len(contents)), list(problems))
        if not len(alive):
            return
        marks = parsed.marks[alive]
        alive += start
        marks |= files.marks[alive]
        self._sort_out(parsed.table, files, alive, marks, chunk)

    def _sort_out(
        self,
        table: pa.Table,
        files: FileList,
        alive: NDArray[np.int64],
        marks: NDArray[np.uint16],
        chunk: Chunk,
    ) -> None:
        """Check and clean the documents; row i of the table is file `alive[i]`."""
        batch = table.combine_chunks().to_batches()[0]
        labels, folder_marks, problems = self._topics(batch, files.place[alive])
        marks |= folder_marks
        sides = files.sides[alive]
        for side in Side:
            rows = np.flatnonzero(sides == side)
            if not len(rows):
                continue
            part = batch if len(rows) == len(batch) else batch.take(pa.array(rows))
            present, text = _question(part) if side is Side.QUESTION else _answer(part)
            text, invisible = clean_column(text)
            marks[rows[invisible]] |= Mark.INVISIBLE
            filled = pc.greater(pc.binary_length(text), 0).to_numpy(zero_copy_only=False)
            good = filled & (labels[rows] >= 0)
            word = side.name.lower()
            for i in np.flatnonzero(~good).tolist():
                if not present[i]:
                    problem = Problem(Reason.MISSING_KEY, f"no {word}")
                elif not filled[i]:
                    problem = Problem(Reason.EMPTY_TEXT, f"the {word} is blank")
                else:
                    problem = problems[rows[i]]
                chunk.refuse(files.path(alive[rows[i]]), problem)
            keep = rows[good]
            numbers = alive[keep]
            chunk.columns[side] = Columns(
                label=labels[keep],
                rank=files.ranks[numbers],
                name=files.name_hashes[numbers],
                number=files.number_hashes[numbers] if self._by_number else _NO_NUMBERS,
                marks=marks[keep],
            )
            kept = pa.array(good)
            chunk.spilled[side] = [files.paths(numbers), files.ids(numbers), text.filter(kept)]
            if side is Side.ANSWER:
                chunk.spilled[side].append(part.column("department").filter(kept))

    def _topics(
        self, batch: pa.RecordBatch, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.uint16], dict[int, Problem]]:
        """Of each row: label (-1 for none), marks, and what is wrong with those without a label.

        Decided once for each combination of topic and folder, of which there are few.
        """
        codes = np.zeros(len(batch), dtype=np.int64)
        words = []
        for column in (
            batch.column("disease_category"),
            pc.struct_field(batch.column("disease_name"), [0]),
            batch.column("intention"),
        ):
            encoded = column.dictionary_encode("encode")
            words.append(encoded.dictionary.to_pylist())
            codes = codes * len(words[-1]) + encoded.indices.to_numpy()
        here, place = np.unique(places, return_inverse=True)
        combinations, back = np.unique(codes * len(here) + place, return_inverse=True)
        labels = np.full(len(combinations), -1, dtype=np.int32)
        marks = np.zeros(len(combinations), dtype=np.uint16)
        wrong: dict[int, Problem] = {}
        for number, code in enumerate(combinations.tolist()):
            code, at = divmod(code, len(here))
            code, intention = divmod(code, len(words[2]))
            category, disease = divmod(code, len(words[1]))
            written = (words[0][category], words[1][disease], words[2][intention], int(here[at]))
            if written not in self._judged:
                self._judged[written] = self._judge(*written)
            judged = self._judged[written]
            if isinstance(judged, Problem):
                wrong[number] = judged
            else:
                labels[number], marks[number] = judged
        of_rows = labels[back]
        problems = {row: wrong[int(back[row])] for row in np.flatnonzero(of_rows < 0).tolist()}
        return of_rows, marks[back], problems

    def _judge(
        self, category: str | None, disease: str | None, intention: str | None, place: int
    ) -> tuple[int, int] | Problem:
        """Label and marks of a file in this folder that names this topic."""
        written = Topic(*(clean_text(word or "") for word in (category, disease, intention)))
        levels = self._folders.known[place].levels
        mark = Mark.NONE
        missing = [name for name, part in zip(Topic._fields, written, strict=True) if not part]
        if missing:
            known = topic_of_folder(levels)
            filled = Topic(*(part or other for part, other in zip(written, known, strict=True)))
            if not self._by_number and (len(missing) < 3 or not all(filled)):
                return Problem(Reason.MISSING_KEY, f"no {', '.join(missing)}")
            written = filled
        elif levels:
            agrees = folder_agrees(levels, written)
            mark = Mark.FOLDER_AGREES if agrees else Mark.FOLDER_DIFFERS
        return self._labels.setdefault(written, len(self._labels)), mark


_NO_NUMBERS = np.zeros(0, dtype=np.uint64)


def _question(batch: pa.RecordBatch) -> tuple[NDArray[np.bool_], pa.StringArray]:
    text = batch.column("question")
    return text.is_valid().to_numpy(zero_copy_only=False), text.fill_null("")


def _answer(batch: pa.RecordBatch) -> tuple[NDArray[np.bool_], pa.StringArray]:
    """Introduction, body and conclusion as paragraphs; those that are blank are left out."""
    answer = batch.column("answer")
    text = pa.repeat(pa.scalar(""), len(batch))
    for index in range(answer.type.num_fields):
        part = pc.utf8_trim_whitespace(pc.struct_field(answer, [index])).fill_null("")
        both = pc.and_(pc.not_equal(text, ""), pc.not_equal(part, ""))
        text = pc.binary_join_element_wise(text, pc.if_else(both, "\n", ""), part, "")
    return answer.is_valid().to_numpy(zero_copy_only=False), text
