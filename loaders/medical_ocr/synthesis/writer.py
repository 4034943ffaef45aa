"""Made-up medical documents in a folder that the `medical-ocr` builder takes as its source.

The form `page` is a prescription, a check-up result or a bill on A4; `label` is the small label of
a dispensed medicine.

The form `page` is a prescription, a check-up result or a bill on A4; `label` is the small label on
a dispensed medicine.

    documents.jsonl    one document a line: LLaVA's `id`, `image`, `conversations`, and what was
                       drawn: `fields` with their boxes, type, language, person, quality
    images/            the pages
    synthesis.json     with what arguments the folder was made

A document depends on (seed, number) alone: neither on how many there are, nor on the workers.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import orjson
from numpy.random import Generator

from cards.document_labels import LANGUAGES, Language
from cards.errors import BogamError
from loaders.medical_ocr.synthesis import label_form
from loaders.medical_ocr.synthesis.bill import write_bill
from loaders.medical_ocr.synthesis.bill_form import draw_bill
from loaders.medical_ocr.synthesis.checkup import write_checkup
from loaders.medical_ocr.synthesis.checkup_form import draw_checkup
from loaders.medical_ocr.synthesis.label import write_label
from loaders.medical_ocr.synthesis.page import FAMILIES, Page, Style
from loaders.medical_ocr.synthesis.people import Person, make_person
from loaders.medical_ocr.synthesis.prescription import write_prescription
from loaders.medical_ocr.synthesis.prescription_form import draw_prescription
from loaders.medical_ocr.synthesis.questions import DocumentType, Turn, talk

if TYPE_CHECKING:
    from rich.progress import Progress

    from loaders.medical_ocr.synthesis.degradation import Degraded

logger = logging.getLogger(__name__)

DOCUMENTS_FILE = "documents.jsonl"
SYNTHESIS_FILE = "synthesis.json"
IMAGES = "images"
VERSION = 2
"""Raised whenever the same seed would give other documents."""

DOCUMENTS_PER_PERSON = 2
Form = Literal["page", "label"]
_A4 = (210.0, 297.0)
_RESOLUTIONS = (150, 175, 200)
_BATCH = 16
_PERSON, _DOCUMENT = 0, 1
"""Streams of chance: a person's must not depend on how many documents he has."""


class Document(NamedTuple):
    """A finished page and everything known about it."""

    id: str
    type: DocumentType
    language: Language
    person: Person
    dpi: int
    picture: Degraded
    turns: list[Turn]


def make_document(
    seed: int, number: int, languages: Sequence[Language] = LANGUAGES, form: Form = "page"
) -> Document:
    """Draw, degrade and ask about document `number`."""
    from loaders.medical_ocr.synthesis.degradation import LABEL_QUALITIES, QUALITIES, degrade

    rng = np.random.default_rng((seed, _DOCUMENT, number))
    owner = number // DOCUMENTS_PER_PERSON
    person = make_person(
        np.random.default_rng((seed, _PERSON, owner)), f"synthetic-{seed}-{owner:06}"
    )
    page, kind = (_page if form == "page" else _label)(rng, person)
    language = languages[int(rng.integers(len(languages)))]
    turns = talk(kind, page.fields, language, rng)
    qualities = QUALITIES if form == "page" else LABEL_QUALITIES
    picture = degrade(page.pixels, page.fields, page.dpi, rng, qualities)
    return Document(
        f"synthetic-{seed}-{number:06}", kind, language, person, page.dpi, picture, turns
    )


def _page(rng: Generator, person: Person) -> tuple[Page, DocumentType]:
    dpi = int(rng.choice(_RESOLUTIONS, p=(0.5, 0.3, 0.2)))
    page = Page(*_A4, dpi, _style(rng))
    kind: DocumentType = "prescription"
    if person.born <= date(2003, 1, 1):
        share = float(rng.random())
        kind = "prescription" if share < 0.5 else "checkup" if share < 0.75 else "bill"
    if kind == "prescription":
        draw_prescription(page, rng, write_prescription(rng, person))
    elif kind == "checkup":
        draw_checkup(page, rng, write_checkup(rng, person))
    else:
        draw_bill(page, rng, write_bill(rng, person))
    return page, kind


def _label(rng: Generator, person: Person) -> tuple[Page, DocumentType]:
    """Printed by the printer's own letters, a little beside the place."""
    shade = int(rng.integers(0, 50))
    shift = (float(rng.uniform(-0.12, 0.12)), float(rng.uniform(-0.12, 0.12)))
    family = "nanum-gothic"
    style = Style(family, family, False, 0.2, (shade, shade, shade), shift)
    page = Page(label_form.WIDTH, label_form.HEIGHT, label_form.DPI, style)
    label_form.draw_label(page, rng, write_label(rng, person))
    return page, "label"


def _style(rng: Generator) -> Style:
    families = [FAMILIES[int(place)] for place in rng.integers(len(FAMILIES), size=2)]
    dark = int(rng.integers(0, 60))
    blue = rng.random() < 0.15
    return Style(
        label_family=families[0],
        value_family=families[1],
        value_bold=bool(rng.random() < 0.15),
        rule_weight=float(rng.uniform(0.12, 0.32)),
        value_colour=(dark // 2, dark // 2, 110) if blue else (dark, dark, dark),
        shift=(float(rng.uniform(-0.4, 0.6)), float(rng.uniform(-0.5, 0.5))),
    )


def write_documents(
    out: Path,
    count: int,
    seed: int,
    languages: Sequence[Language] = LANGUAGES,
    workers: int | None = None,
    progress: Progress | None = None,
    form: Form = "page",
) -> int:
    """Write `count` documents to the folder `out`; gives how many were drawn in this call.

    The folder appears when it is complete. One that was completed before with the same arguments
    is kept and 0 is returned.

    Args:
        languages: of the talks; each document gets one of them by chance.
        workers: processes, by default one a core.
        progress: where to show progress; None shows none.
        form: what the documents are.

    Raises:
        BogamError: a senseless count or language, or `out` holds something else.
    """
    if count < 1:
        raise BogamError(f"--count is {count}: at least one document must be asked for.")
    if seed < 0:
        raise BogamError(f"--seed is {seed}: it must not be negative.")
    unknown = [language for language in languages if language not in LANGUAGES]
    if unknown or not languages:
        raise BogamError(
            f"no templates for the language {', '.join(unknown) or '(none given)'}. "
            f"There are: {', '.join(LANGUAGES)}."
        )
    arguments = {
        "version": VERSION, "form": form, "count": count, "seed": seed,
        "languages": list(languages),
    }  # fmt: skip
    if _is_complete(out, arguments):
        logger.info("%s: made before with the same arguments; kept as it is", out)
        return 0
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        (partial / IMAGES).mkdir(parents=True)
        task = progress.add_task("Drawing documents", total=count) if progress else None
        with (partial / DOCUMENTS_FILE).open("wb") as file:
            for lines in _batches(partial, count, seed, languages, form, workers):
                file.writelines(lines)
                if progress is not None and task is not None:
                    progress.advance(task, len(lines))
        (partial / SYNTHESIS_FILE).write_bytes(orjson.dumps(arguments, option=orjson.OPT_INDENT_2))
        if out.exists():
            out.rmdir()  # empty, or _is_complete would have refused it
        partial.rename(out)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise BogamError(
                f"{out}: cannot be written: {error.strerror}. Nothing was kept; make room or "
                "choose another --out."
            ) from error
        raise
    return count


def _is_complete(out: Path, arguments: dict[str, Any]) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    manifest = out / SYNTHESIS_FILE
    if not manifest.is_file():
        raise BogamError(
            f"{out}: is there already and holds no made-up documents. Choose another --out."
        )
    before = orjson.loads(manifest.read_bytes())
    if before != arguments:
        changed = [key for key in arguments if before.get(key) != arguments[key]]
        raise BogamError(
            f"{out}: holds documents made with another {', '.join(changed)}. "
            "Choose another --out, or remove the folder."
        )
    return True


def _batches(
    folder: Path,
    count: int,
    seed: int,
    languages: Sequence[Language],
    form: Form,
    workers: int | None,
) -> Iterator[list[bytes]]:
    """The lines of the documents in their order, drawn in parallel when that pays."""
    ranges = [range(start, min(count, start + _BATCH)) for start in range(0, count, _BATCH)]
    processes = min(workers or len(os.sched_getaffinity(0)), len(ranges))
    if processes < 2:
        for numbers in ranges:
            yield _draw_batch(folder, seed, numbers, languages, form)
        return
    # Not forked: the caller may have threads (a progress bar, torch) that a fork would break.
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[list[bytes]]] = deque()
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start_worker) as pool:
        try:
            for numbers in ranges:
                waiting.append(pool.submit(_draw_batch, folder, seed, numbers, languages, form))
                if len(waiting) >= 4 * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """One thread each, and no word of their own when the user interrupts: the parent ends them."""
    import cv2

    cv2.setNumThreads(1)
    # albumentations imports torch where it finds it: a second and much memory, for nothing here.
    sys.modules["torch"] = None  # type: ignore[assignment]
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw_batch(
    folder: Path, seed: int, numbers: range, languages: Sequence[Language], form: Form
) -> list[bytes]:
    lines = []
    for number in numbers:
        document = make_document(seed, number, languages, form)
        name = f"{IMAGES}/{document.id}.jpg"
        (folder / name).write_bytes(document.picture.jpeg)
        lines.append(orjson.dumps(_record(document, name), option=orjson.OPT_APPEND_NEWLINE))
    return lines


def _record(document: Document, image: str) -> dict[str, Any]:
    conversations: list[dict[str, str]] = []
    for question, answer in document.turns:
        conversations.append({"from": "human", "value": question})
        conversations.append({"from": "gpt", "value": answer})
    conversations[0]["value"] = "<image>\n" + conversations[0]["value"]
    return {
        "id": document.id,
        "image": image,
        "conversations": conversations,
        "document_type": document.type,
        "language": document.language,
        "person_id": document.person.id,
        "quality": document.picture.quality,
        "dpi": document.dpi,
        "fields": [
            {"name": f.name, "group": f.group, "value": f.value, "box": list(f.box)}
            for f in document.picture.fields
        ],
    }
