"""From the files of a source to talks: one for every record, annotation and made-up document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, get_args

from loaders.image_files import ImageFacts
from loaders.medical_ocr import defects
from loaders.medical_ocr.cord import Receipt, read_annotation, receipt_talk
from loaders.medical_ocr.llava import read_record
from loaders.medical_ocr.prescription_answers import Claims, read_claims
from loaders.medical_ocr.source_files import SourceFiles, read_lines, split_of
from loaders.medical_ocr.synthesis.writer import SYNTHESIS_FILE
from loaders.medical_ocr.talks import DocumentType, Fault, Field, Talk, language_of
from loaders.rejects import Reason, RejectLog


@dataclass
class Reading:
    """What was read, before anything is asked of the images."""

    talks: list[Talk] = field(default_factory=list)
    claims: dict[str, Claims] = field(default_factory=dict)
    """{item: what its answers claim}, of prescriptions that came as records."""
    receipts: dict[str, Receipt] = field(default_factory=dict)
    """{SHA-256 of an image: its annotation}."""
    items: int = 0
    named: set[str] = field(default_factory=set)
    """Images that an item names, be the item usable or not."""
    as_recorded: int = 0
    elsewhere: int = 0
    """Records whose image lies where they say, and those whose image lies elsewhere."""
    missing: Counter[str] = field(default_factory=Counter)
    """{file: records whose image is nowhere}."""


def read_source(
    files: SourceFiles, facts: Mapping[str, ImageFacts], rejects: RejectLog, seed: int
) -> Reading:
    """Read every item; those that can be no row become rejects.

    Args:
        facts: of every image that can be used.
        seed: decides language and wording of the questions about annotated receipts.
    """
    reading = Reading()
    _read_annotations(reading, files, facts, rejects, seed)
    for name, entries in files.records.items():
        _read_records(reading, files, facts, rejects, name, entries)
    for name in files.documents:
        _read_documents(reading, files, rejects, name)
    return reading


def _read_annotations(
    reading: Reading,
    files: SourceFiles,
    facts: Mapping[str, ImageFacts],
    rejects: RejectLog,
    seed: int,
) -> None:
    for name, value in files.annotations.items():
        reading.items += 1
        receipt = read_annotation(value)
        if isinstance(receipt, Fault):
            rejects.add(name, *receipt)
            continue
        image = _image_of_annotation(name, receipt, files, facts)
        if isinstance(image, Fault):
            rejects.add(name, *image)
            continue
        reading.named.add(image)
        if facts[image].sha256 in reading.receipts:
            rejects.add(name, Reason.DUPLICATE, f"another annotation of {image}")
            continue
        language, turns = receipt_talk(receipt, PurePosixPath(name).name, seed)
        if not turns:
            rejects.add(name, Reason.EMPTY_TEXT, "nothing on it can be asked about")
            continue
        reading.receipts[facts[image].sha256] = receipt
        reading.talks.append(
            Talk(
                item=name,
                row_id=name.removesuffix(".json"),
                source=str(PurePosixPath(name).parent),
                images=(image,),
                turns=turns,
                document_type="receipt",
                language=language,
                split=split_of(image),
                fields=receipt.fields,
            )
        )


def _image_of_annotation(
    name: str, receipt: Receipt, files: SourceFiles, facts: Mapping[str, ImageFacts]
) -> str | Fault:
    """The image of the same number whose size is the annotated one."""
    alike = files.images_named(PurePosixPath(name).stem)
    fitting = [
        image
        for image in alike
        if image in facts
        and receipt.size in (None, (facts[image].width, facts[image].height))
        and "_aug" not in PurePosixPath(image).stem
    ]
    if not fitting:
        detail = (
            "no image of this number" if not alike else "no usable image of this number and size"
        )
        return Fault(Reason.NO_COUNTERPART, detail)
    if len({facts[image].sha256 for image in fitting}) > 1:
        return Fault(Reason.NO_COUNTERPART, f"several images fit: {', '.join(fitting[:3])}")
    return fitting[0]


def _read_records(
    reading: Reading,
    files: SourceFiles,
    facts: Mapping[str, ImageFacts],
    rejects: RejectLog,
    name: str,
    entries: list[Any],
) -> None:
    first_with: dict[str, str] = {}
    for place, entry in enumerate(entries):
        reading.items += 1
        item = f"{name}[{place}]"
        record = read_record(entry)
        if isinstance(record, Fault):
            rejects.add(item, *record)
            reading.named.update(_images_of_faulty(entry, files, name))
            continue
        images: list[str] = []
        lacking: list[str] = []
        for recorded in record.images:
            image, there = files.find_image(recorded, name)
            if image is None:
                lacking.append(PurePosixPath(recorded).name)
                continue
            reading.as_recorded += there
            reading.elsewhere += not there
            images.append(image)
        reading.named.update(images)
        if record.id in first_with:
            rejects.add(item, Reason.DUPLICATE, f"has the id of {first_with[record.id]}")
            continue
        first_with[record.id] = item
        claims = read_claims(record.turns)
        kind: DocumentType = "other"
        if claims is not None:
            reading.claims[item] = claims
            kind = "prescription"
        elif "receipt" in record.turns[0].question.lower():
            kind = "receipt"
        talk = Talk(
            item=item,
            row_id=f"{name.removesuffix('.json')}:{record.id}",
            source=name,
            images=tuple(images),
            turns=record.turns,
            document_type=kind,
            language=language_of(" ".join(turn.question for turn in record.turns)),
            split=split_of(name),
            person=claims.person if claims else "",
            fields=claims.fields() if claims else (),
            augmented=any(_is_copy(image) for image in images),
        )
        talk = replace(talk, flags=tuple(_flags(talk, claims, reading, facts)))
        if lacking:
            reading.missing[name] += 1
            detail = f"image {', '.join(lacking)} is not in the source"
            rejects.add(item, Reason.NO_COUNTERPART, detail)
            talk = replace(talk, images=())
        reading.talks.append(talk)


def _images_of_faulty(entry: Any, files: SourceFiles, name: str) -> Iterator[str]:
    """Images that a record names although it cannot be used: they are not without a record."""
    value = entry.get("image") if isinstance(entry, dict) else None
    for recorded in value if isinstance(value, list) else [value]:
        if isinstance(recorded, str) and recorded:
            image, _ = files.find_image(recorded, name)
            if image is not None:
                yield image


def _flags(
    talk: Talk, claims: Claims | None, reading: Reading, facts: Mapping[str, ImageFacts]
) -> list[str]:
    image = facts.get(talk.images[0]) if talk.images else None
    flags: list[str] = []
    if claims is not None:
        size = (image.width, image.height) if image else None
        flags += defects.prescription_flags(claims, size)
    receipt = reading.receipts.get(image.sha256) if image else None
    printed = receipt.single("total.total_price") if receipt else None
    return flags + defects.talk_flags(talk.turns, printed)


def _is_copy(image: str) -> bool:
    return original_of(image) is not None


def original_of(image: str) -> str | None:
    """`x/1_zh.jpg` for `x/1_zh_aug2.jpg`: only the image's own name tells, never a record's id."""
    path = PurePosixPath(image)
    stem, mark, number = path.stem.rpartition("_aug")
    return str(path.with_name(stem + path.suffix)) if mark and number.isdigit() else None


def _read_documents(reading: Reading, files: SourceFiles, rejects: RejectLog, name: str) -> None:
    # Others may use this form for documents of real people; theirs come without the manifest.
    made_up = files.paths[name].with_name(SYNTHESIS_FILE).is_file()
    for number, value in read_lines(files.paths[name]):
        reading.items += 1
        item = f"{name}:{number}"
        talk = value if isinstance(value, Fault) else _document(value, item, name, files, made_up)
        if isinstance(talk, Fault):
            rejects.add(item, *talk)
            continue
        if not talk.images:
            reading.missing[name] += 1
            rejects.add(item, Reason.NO_COUNTERPART, "its image is not in the source")
        reading.named.update(talk.images)
        reading.talks.append(talk)


def _document(value: Any, item: str, name: str, files: SourceFiles, made_up: bool) -> Talk | Fault:
    record = read_record(value)
    if isinstance(record, Fault):
        return record
    missing = [
        key
        for key in ("document_type", "language", "person_id", "quality", "fields")
        if key not in value
    ]
    if missing:
        return Fault(Reason.MISSING_KEY, ", ".join(missing))
    if value["document_type"] not in get_args(DocumentType):
        return Fault(Reason.WRONG_TYPE, f"document_type {str(value['document_type'])[:40]!r}")
    try:
        fields = tuple(
            Field(str(f["name"]), str(f["value"]), int(f["group"]), tuple(map(int, f["box"])))
            for f in value["fields"]
        )
    except (KeyError, TypeError, ValueError) as error:
        return Fault(Reason.WRONG_TYPE, f"fields: {type(error).__name__} {error}")
    found = [files.find_image(image, name)[0] for image in record.images]
    return Talk(
        item=item,
        row_id=record.id,
        source=name,
        images=tuple(image for image in found if image) if all(found) else (),
        turns=record.turns,
        document_type=value["document_type"],
        language=str(value["language"]),
        person=str(value["person_id"]),
        fields=fields,
        quality=str(value["quality"]),
        made_up=made_up,
    )
