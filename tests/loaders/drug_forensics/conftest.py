"""Small evidence folders of drawn pictures, drawn once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cards.records import DatasetRecord
from loaders.dataset_folder import build
from loaders.forensics.drawing.writer import write_drawings

Build = Callable[..., tuple[DatasetRecord, Path]]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """51 drawings in four class folders; not to be changed."""
    folder = tmp_path_factory.mktemp("drawn") / "evidence"
    write_drawings(folder, 51, seed=5, workers=1)
    return folder


@pytest.fixture
def evidence(drawn: Path, tmp_path: Path) -> Path:
    """A copy of the drawings that a test may change."""
    folder = tmp_path / "evidence"
    shutil.copytree(drawn, folder)
    return folder


@pytest.fixture
def build_evidence(tmp_path: Path) -> Build:
    """Builds a source into a fresh folder; gives the record and the folder."""
    made = 0

    def run(source: Path, **options: Any) -> tuple[DatasetRecord, Path]:
        nonlocal made
        made += 1
        out = tmp_path / f"dataset-{made}"
        return build("drug-forensics", source, out, {"augment": "none"} | options), out

    return run
