"""Drawings depend on their number alone, are marked as drawings, and build without a reject."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cards.errors import BogamError
from cards.records import DatasetRecord
from loaders.forensics.classes import DEFAULT_CLASSES
from loaders.forensics.drawing.canvas import MARK, font, mark_as_drawn
from loaders.forensics.drawing.writer import (
    describe_drawing,
    describe_drawings,
    draw_evidence,
    write_drawings,
)

Build = Callable[..., tuple[DatasetRecord, Path]]


def test_a_drawing_depends_on_seed_and_number_alone(drawn: Path) -> None:
    label, extension, data = draw_evidence(5, 17)
    (found,) = drawn.glob(f"{label}_*/drawn_000017.{extension}")
    assert found.read_bytes() == data
    assert draw_evidence(6, 17)[2] != data


@pytest.mark.system
def test_several_processes_draw_the_same(drawn: Path, tmp_path: Path) -> None:
    write_drawings(tmp_path / "again", 40, seed=5, workers=2)
    drawings = list((tmp_path / "again").rglob("drawn_*"))
    assert len(drawings) == 40
    for path in drawings:
        assert (drawn / path.relative_to(tmp_path / "again")).read_bytes() == path.read_bytes()


def test_classes_are_there_and_places_are_the_rarest(drawn: Path) -> None:
    counts = Counter(path.parent.name for path in drawn.rglob("drawn_*"))
    assert set(counts) == {"0_irrelevant", "1_chat_history", "2_transaction_place", "3_drug_raw"}
    assert min(counts, key=counts.__getitem__) == "2_transaction_place"
    assert min(counts.values()) >= 6


def test_what_a_drawing_shows_is_told_without_its_class() -> None:
    shown = {word for number in range(120) for word in describe_drawing(5, number).shows}
    assert {"알약", "거리", "휴대 전화 화면", "꽃"} <= shown
    names = " ".join(one.korean for one in DEFAULT_CLASSES)
    assert not [word for word in shown if word in names]
    first = describe_drawing(5, 17)
    assert first.image == describe_drawing(5, 17).image
    told = describe_drawings(5, 18, 100, workers=1)
    assert [drawing.shows for drawing in told][17] == first.shows
    assert {max(drawing.image.size) for drawing in told} == {100}


def test_every_drawing_says_that_it_is_one() -> None:
    """The mark is legible: white plate and dark letters at the height it is meant to have."""
    image = Image.new("RGB", (400, 300), (90, 90, 90))
    mark_as_drawn(np.random.default_rng(1), image)
    pixels = np.asarray(image)
    rows, columns = np.nonzero((pixels > 240).all(axis=2))
    assert columns.max() - columns.min() >= font(400 / 30).getlength(MARK)
    assert rows.max() - rows.min() >= 12
    for number in range(4):
        _, _, data = draw_evidence(1, number)
        assert (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) > 215).all(axis=2).any()


def test_drawings_build_whole_and_the_record_says_that_they_are_drawn(
    drawn: Path, build_evidence: Build
) -> None:
    record, _ = build_evidence(drawn)
    assert record.rejects == {}
    assert record.rows == record.raw_items == 51
    (finding,) = [f for f in record.findings if f.kind == "drawn"]
    assert finding.count == 51
    assert record.domain == "forensic"


def test_a_finished_folder_is_kept(evidence: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in evidence.rglob("*")}
    assert write_drawings(evidence, 51, seed=5) == 0
    assert {path: path.stat().st_mtime_ns for path in evidence.rglob("*")} == before


def test_other_drawings_and_other_files_are_not_overwritten(evidence: Path, tmp_path: Path) -> None:
    with pytest.raises(BogamError, match="another count, seed"):
        write_drawings(evidence, 60, seed=6)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    with pytest.raises(BogamError, match="holds no drawings"):
        write_drawings(tmp_path / "mine", 60)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_too_few_drawings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BogamError, match="at least 40"):
        write_drawings(tmp_path / "few", 10)
    assert not (tmp_path / "few").exists()


def test_a_cancelled_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(target: Path, data: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_drawings(tmp_path / "out", 40, workers=1)
    assert list(tmp_path.iterdir()) == []
