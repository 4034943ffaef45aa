"""Drawing and degrading medical documents, against a PDF form that is rasterised and reopened.

The other way is how prescriptions are commonly made for such data sets: text is put on a PDF page
with the font's file, the PDF is saved, opened again, rasterised and written as JPEG; a second pass
opens each JPEG, augments it and writes it again. It needs PyMuPDF (`pip install pymupdf`), which
is no dependency of ours because of its licence; without it only our own rows are shown. Both ways
write the same values to A4 at 150 to 200 dpi and are counted from the first to the last page with
start-up left out.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measurement import Measurement
from loaders.medical_ocr.synthesis.page import font_file
from loaders.medical_ocr.synthesis.writer import Document, make_document, write_documents

PAGES = 240
PDF_PAGES = 10
SEED = 1
OTHER = "PDF form, rasterise, reopen, augment"


def run() -> list[Measurement]:
    warm = [make_document(SEED, number) for number in range(PDF_PAGES)]
    one = PAGES / _cpu(lambda: [make_document(SEED, number) for number in range(PAGES)])
    with tempfile.TemporaryDirectory() as folder:
        # The difference of two runs leaves out the start of the processes.
        short = _times(lambda: write_documents(Path(folder) / "a", 32, SEED, workers=2))
        long = _times(lambda: write_documents(Path(folder) / "b", 32 + PAGES, SEED, workers=2))
    wall, cpu = (PAGES / (much - little) for much, little in zip(long, short, strict=True))
    rows = [
        Measurement("drawn, degraded and encoded, a second of one core", one, "pages/s"),
        Measurement("the same and written by two processes, as measured now", wall, "pages/s"),
        Measurement("by two processes that have two cores to themselves", 2 * cpu, "pages/s"),
    ]
    if find_spec("pymupdf") is None:
        return rows
    with tempfile.TemporaryDirectory() as folder:

        def draw_all() -> None:
            for page in warm:
                _pdf_page(Path(folder), page)

        other = PDF_PAGES / _cpu(draw_all)
    return [
        Measurement(rows[0].name, one, "pages/s", one / other, OTHER),
        *rows[1:],
        Measurement(f"{OTHER}, one core", other, "pages/s"),
    ]


def _times(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock, and processor seconds of the processes that the work started."""
    start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return time.perf_counter() - start, seconds


def _cpu(work: Callable[[], object]) -> float:
    """Processor seconds: other programs on the machine do not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _pdf_page(folder: Path, document: Document) -> None:
    """One page the other way: the same values at the places where ours stand."""
    import albumentations as A
    import pymupdf

    font, _ = font_file("nanum-gothic", False)
    scale = 72 / document.dpi
    pdf = pymupdf.open()
    page = pdf.new_page(width=595, height=842)
    for field in document.picture.fields:
        left, _, _, bottom = field.box
        point = (left * scale, bottom * scale)
        page.insert_text(point, field.value, fontname="korean", fontfile=str(font), fontsize=9)
    filled = folder / f"{document.id}.pdf"
    pdf.save(filled)
    picture = folder / f"{document.id}.jpg"
    pymupdf.open(filled)[0].get_pixmap(dpi=document.dpi).save(picture, jpg_quality=85)

    pixels = np.asarray(Image.open(BytesIO(picture.read_bytes())).convert("RGB"))
    augment = A.Compose(
        [
            A.Affine(rotate=(-3, 3), shear=(-2, 2), p=1),
            A.Perspective(scale=(0.01, 0.03), p=1),
            A.GaussianBlur(blur_limit=(3, 3), p=1),
            A.GaussNoise(std_range=(0.01, 0.03), p=1),
            A.ImageCompression(quality_range=(40, 80), p=1),
        ],
        seed=SEED,
    )
    Image.fromarray(augment(image=pixels)["image"]).save(
        picture.with_suffix(".aug.jpg"), quality=90
    )
