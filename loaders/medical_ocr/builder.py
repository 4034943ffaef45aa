"""Medical documents and receipts with talks about them, from records, annotations or synthesis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import datasets
import pyarrow as pa
from datasets.builder import Key

from cards.records import Note
from loaders.image_files import map_in_threads
from loaders.image_metadata import strip_metadata
from loaders.medical_ocr import description
from loaders.medical_ocr.findings import findings, statistics
from loaders.medical_ocr.splits import Placed, SplitRule, find_leaks, place
from loaders.medical_ocr.survey import Labels, Survey, survey
from loaders.medical_ocr.talks import Talk
from loaders.recorded_builder import Account, RecordedBuilder
from loaders.rows import picture_tables, row_features
from loaders.source import read_again


@dataclass
class MedicalOCRConfig(datasets.BuilderConfig):
    """Options of `bogam build medical-ocr`."""

    splits: SplitRule = field(
        default="regroup",
        metadata={
            "help": "Split anew by person and document, or keep the source's own splits, whose "
            "leaks then stop publication."
        },
    )
    labels: Labels = field(
        default="all",
        metadata={
            "help": "Keep all rows and flag those whose answers are provably not what the picture "
            "shows, or keep sound ones only."
        },
    )
    records: str | None = field(
        default=None,
        metadata={
            "help": "The one LLaVA JSON file to read, below the source; left out: every file of "
            "records that is found."
        },
    )
    images: str | None = field(
        default=None,
        metadata={"help": "The folder of its images, below the source; left out: anywhere."},
    )
    seed: int = field(
        default=42, metadata={"help": "Decides the split, and how receipts are asked about."}
    )


class MedicalOCR(RecordedBuilder, datasets.ArrowBasedBuilder):
    """Prescriptions, check-up results, bills and receipts with talks about what they say."""

    VERSION = datasets.Version("1.2.0")
    BUILDER_CONFIG_CLASS = MedicalOCRConfig
    LICENCE = "other"
    DOMAIN = "medical"
    LANGUAGES = ("ko", "zh", "en")
    TASK_CATEGORIES: ClassVar[tuple[str, ...]] = ("image-text-to-text", "visual-question-answering")
    TITLE = description.TITLE
    COLUMNS = description.COLUMNS
    ANNOTATION = description.ANNOTATION
    TASK = "medical_ocr"

    def _info(self) -> datasets.DatasetInfo:
        self._positions = 0
        text, number = datasets.Value("string"), datasets.Value("int32")
        columns = {
            "document_type": text,
            "language": text,
            "fields": datasets.List(
                {"name": text, "group": number, "value": text, "box": datasets.List(number)}
            ),
            "flags": datasets.List(text),
            "quality": text,
            "made_up": datasets.Value("bool"),
            "augmented_copy": datasets.Value("bool"),
            "width": datasets.List(number),
            "height": datasets.List(number),
            "source_sha256": datasets.List(text),
        }
        return datasets.DatasetInfo(features=row_features(columns))

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        config = self.config
        self._survey: Survey = survey(
            Path(config.data_dir),
            self.rejects,
            self.notices,
            self.stage,
            labels=config.labels,
            seed=config.seed,
            records=config.records,
            images=config.images,
        )
        self._placed = place(self._survey, config.splits, config.seed, self.rejects)
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"split": split})
            for split in self._placed
        ]

    def _generate_tables(self, split: str) -> Iterator[tuple[Key, pa.Table]]:
        yield from picture_tables(self._rows_in(split), self.info.features.arrow_schema)

    def _rows_in(self, split: str) -> Iterator[dict[str, Any]]:
        placed = self._placed[split]
        with self.stage(f"writing {split}", len(placed)) as advance:
            for row, positions in map_in_threads(self._row, placed):
                self._positions += positions
                yield row
                advance(1)

    def _row(self, placed: Placed) -> tuple[dict[str, Any], int]:
        """The row, and how many of its images had a position."""
        talk = placed.talk
        facts = [self._survey.facts[image] for image in talk.images]
        images, positions = [], 0
        for name, fact in zip(talk.images, facts, strict=True):
            data = read_again(self._survey.files.paths[name].read_bytes, name, fact.sha256)
            if fact.has_position:
                data = strip_metadata(data, fact.format, fact.orientation).data
                positions += 1
            images.append({"bytes": data, "path": PurePosixPath(name).name})
        messages = []
        for turn in talk.turns:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer})
        row = {
            "id": talk.row_id,
            "document_id": placed.group,
            "images": images,
            "messages": messages,
            "document_type": talk.document_type,
            "language": talk.language,
            "fields": [
                {"name": f.name, "group": f.group, "value": f.value, "box": list(f.box)}
                for f in talk.fields
            ],
            "flags": list(talk.flags),
            "quality": talk.quality or None,
            "made_up": talk.made_up,
            "augmented_copy": talk.augmented,
            "width": [fact.width for fact in facts],
            "height": [fact.height for fact in facts],
            "source_sha256": [fact.sha256 for fact in facts],
        }
        return row, positions

    def is_made_up(self) -> bool:
        return self._survey.is_made_up

    def description(self) -> Note:
        return description.describe(self._talks(), made_up=self.is_made_up())

    def limits(self) -> tuple[Note, ...]:
        return description.limits(self._talks())

    def _talks(self) -> list[Talk]:
        """Those that are rows."""
        return [item.talk for items in self._placed.values() for item in items]

    def account(self) -> Account:
        """Every record, annotation and made-up document is a row or a reject."""
        leaks = find_leaks(self._survey)
        return Account(
            raw_items=self._survey.raw_items,
            items_used=sum(len(items) for items in self._placed.values()),
            counting=(
                "raw_items == rows + rejects. An item is a record, an annotation file, a made-up "
                "document, an image that no record names, or a file of another kind."
            ),
            counting_ko=(
                "raw_items == rows + rejects. 항목은 기록, 주석 파일, 지어낸 문서, 어느 기록에도 "
                "없는 그림, 그 밖의 파일입니다."
            ),
            findings=tuple(findings(self._survey, leaks, self.config.splits, self._positions)),
            statistics=statistics(self._survey, self._placed),
            languages=tuple(sorted({talk.language for talk in self._survey.talks})),
        )
