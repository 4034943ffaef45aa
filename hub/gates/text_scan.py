"""Any number of detectors over every text of a release, in one reading.

A detector has two halves: a pattern that Arrow runs over whole columns (RE2, some 600 MB/s on one
core), and a function that looks closely at the few cells which that pattern picks out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hub.gates.text_cells import TextColumn, has_text, text_columns

Certainty = Literal["confirmed", "suspected"]

_SHOWN_ROWS = 10


@dataclass(frozen=True)
class Match:
    """One thing found, from character `start` to before character `end` of a cell."""

    start: int
    end: int
    kind: str
    certainty: Certainty


@dataclass(frozen=True)
class Detector:
    """`prefilter` is an RE2 pattern that every text with a match contains; `find` gets the cell
    and the name of its column."""

    prefilter: str
    find: Callable[[str, str], list[Match]]


@dataclass(frozen=True, order=True)
class Place:
    """Where a kind of thing was found."""

    file: str
    column: str
    kind: str
    certainty: Certainty


@dataclass
class Tally:
    """How often, and in which rows: the first few, by id. Never the text itself."""

    count: int = 0
    rows: list[str] = field(default_factory=list)


@dataclass
class Scan:
    """What one detector saw."""

    cells: int = 0
    files: int = 0
    columns: set[str] = field(default_factory=set)
    tallies: dict[Place, Tally] = field(default_factory=dict)

    @property
    def found(self) -> int:
        return sum(tally.count for tally in self.tallies.values())

    def by_kind(self) -> dict[str, int]:
        """`{kind: count}`, most frequent first."""
        counts: dict[str, int] = {}
        for place, tally in self.tallies.items():
            counts[place.kind] = counts.get(place.kind, 0) + tally.count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def listing(self) -> str:
        """One line a place: how many, what, how sure, where, which rows."""
        lines = []
        for place, tally in sorted(self.tallies.items()):
            column = f", {place.column}" if place.column else ""
            more = ", ..." if tally.count > len(tally.rows) else ""
            lines.append(
                f"  {tally.count} x {place.kind} ({place.certainty}) in {place.file}{column}: "
                f"{', '.join(tally.rows)}{more}"
            )
        return "\n".join(lines)


def scan_files(
    root: Path,
    paths: Iterable[str],
    detectors: Mapping[str, Detector],
    on_bytes: Callable[[int], object] = lambda _: None,
) -> dict[str, Scan]:
    """Run each detector over every text in `paths`, which are relative to `root`.

    `on_bytes` gets the size of each file when it is done. Raises :class:`BogamError` for a file
    that is not what its name says.
    """
    scans = {name: Scan() for name in detectors}
    for relative in paths:
        path = root / relative
        if has_text(path):
            for scan in scans.values():
                scan.files += 1
            for column in text_columns(path):
                shown = _withholding(column.row_of, detectors)
                for name, detector in detectors.items():
                    _scan_column(scans[name], detector, relative, column, shown)
        on_bytes(path.stat().st_size)
    return scans


def _scan_column(
    scan: Scan, detector: Detector, file: str, column: TextColumn, shown: Callable[[int], str]
) -> None:
    import pyarrow.compute as pc

    scan.cells += len(column.cells)
    scan.columns.add(column.name)
    picked = pc.indices_nonzero(pc.match_substring_regex(column.cells, detector.prefilter))
    for index in picked.to_pylist():
        for match in detector.find(column.cells[index].as_py(), column.name):
            place = Place(file, column.name, match.kind, match.certainty)
            tally = scan.tallies.setdefault(place, Tally())
            tally.count += 1
            if len(tally.rows) < _SHOWN_ROWS and (row := shown(index)) not in tally.rows:
                tally.rows.append(row)


def _withholding(
    row_of: Callable[[int], str], detectors: Mapping[str, Detector]
) -> Callable[[int], str]:
    """An id in which something is found is just what must not be shown."""

    def shown(index: int) -> str:
        row = row_of(index)
        return "(id withheld)" if any(d.find(row, "id") for d in detectors.values()) else row

    return shown
