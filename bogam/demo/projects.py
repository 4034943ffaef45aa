"""The four projects of the demo: their repos, recipes and made-up raw files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bogam.demo.stages import ORGANISATION
from bogam.report import bars, console

MEDICAL_QA = "medical-qa"

_RECIPES = Path(__file__).resolve().parent.parent.parent / "recipes/tiny"
_LABELS = 800
_CHARTS = 640
_DRAWINGS = 640


@dataclass(frozen=True)
class Project:
    """One dataset and the model that is tuned on it."""

    name: str
    """Also the name of its folder."""
    title: str
    builder: str
    dataset: str
    model: str
    recipe: Path
    make_up: Callable[[Path], Path]
    """Writes raw files into the project's folder, unless they are there, and says where."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the builder, for made-up files."""


def projects(questions: int) -> tuple[Project, ...]:
    """In the order in which they are shown; `questions` is the size of made-up medical QA."""
    return (
        Project(
            name=MEDICAL_QA,
            title="Medical QA",
            builder="medical-qa",
            dataset=f"{ORGANISATION}/ai-hub-medical-qa",
            model=f"{ORGANISATION}/EXAONE-3.5-medical-qa",
            recipe=_RECIPES / "exaone-medical-qa.yaml",
            make_up=lambda folder: _medical_qa(folder, questions),
            options={"made_up": True},
        ),
        Project(
            name="medical-ocr",
            title="Medical OCR",
            builder="medical-ocr",
            dataset=f"{ORGANISATION}/medical-ocr-labels",
            model=f"{ORGANISATION}/Qwen2.5-VL-medical-labels",
            recipe=_RECIPES / "qwenvl-medical-ocr.yaml",
            make_up=_labels,
        ),
        Project(
            name="chartqa",
            title="ChartQA",
            builder="chartqa",
            dataset=f"{ORGANISATION}/chartqa-small",
            model=f"{ORGANISATION}/Qwen2.5-VL-chartqa-small",
            recipe=_RECIPES / "qwenvl-chartqa.yaml",
            make_up=_charts,
        ),
        Project(
            name="drug-forensics",
            title="Drug forensics",
            builder="drug-forensics",
            dataset=f"{ORGANISATION}/drug-forensics",
            model=f"{ORGANISATION}/llava-v1.6-tiny-drug-forensics",
            recipe=_RECIPES / "llava-drug-forensics.yaml",
            make_up=_drawings,
            # Copies of one class in the rows teach a model this small that dark pictures are it.
            options={"augment": "online"},
        ),
    )


def _medical_qa(folder: Path, questions: int) -> Path:
    from loaders.medical_qa_sample import write_sample

    archive = folder / f"made-up-{questions}" / "TL.zip"
    if archive.is_file():
        console.print(f"{archive}: made before; kept as it is", highlight=False)
        return archive
    archive.parent.mkdir(parents=True, exist_ok=True)
    write_sample(archive, questions=questions)
    return archive


def _labels(folder: Path) -> Path:
    from loaders.medical_ocr.synthesis.writer import write_documents

    out = folder / "made-up"
    with bars() as progress:
        write_documents(out, _LABELS, 42, ["ko"], progress=progress, form="label")
    return out


def _charts(folder: Path) -> Path:
    from loaders.charts.synthesis import write_charts

    out = folder / "made-up"
    if out.is_dir():
        console.print(f"{out}: made before; kept as it is", highlight=False)
        return out
    with bars() as progress:
        write_charts(out, _CHARTS, 42, progress, small=True)
    return out


def _drawings(folder: Path) -> Path:
    from loaders.forensics.drawing.writer import write_drawings

    out = folder / "made-up"
    with bars() as progress:
        write_drawings(out, _DRAWINGS, 42, progress=progress)
    return out
