"""Evidence photos in class folders to rows with a label, for a model that classifies by answering.

Source: a folder with one folder a class. Every usable picture is a row; what shows the same
picture stays in one split, and the same picture in two classes stops publication. Published bytes
are the file's, less its metadata.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import datasets
import pyarrow as pa
from datasets.builder import Key
from PIL import Image

from cards.errors import BogamError
from loaders.forensics import notes
from loaders.forensics.augmentation import Augmentation, encode
from loaders.forensics.classes import parse_class_numbers, parse_classes, question
from loaders.forensics.evidence import Evidence, Survey, sha256, survey
from loaders.forensics.findings import findings
from loaders.forensics.split import split_evidence
from loaders.image_files import inspect, map_in_threads, to_rgb
from loaders.image_metadata import strip_metadata
from loaders.notices import Oddity
from loaders.recorded_builder import Account, RecordedBuilder
from loaders.rows import picture_tables, row_features


@dataclass
class DrugForensicsConfig(datasets.BuilderConfig):
    """Options of `bogam build drug-forensics`."""

    classes: str | None = field(
        default=None,
        metadata={
            "help": "Class folders in the order of their numbers, 'folder=english/한국어, ...'; "
            "left out: 0_irrelevant, 1_chat_history, 2_transaction_place, 3_drug_raw."
        },
    )
    contradictions: Literal["stop", "reject"] = field(
        default="stop",
        metadata={
            "help": "The same picture in two classes: keep both and stop publication, "
            "or reject both."
        },
    )
    augment: Literal["materialise", "online", "none"] = field(
        default="materialise",
        metadata={
            "help": "New images from training images: written as rows, left to the trainer, "
            "or none."
        },
    )
    augment_classes: str | None = field(
        default=None,
        metadata={
            "help": "Classes to augment: numbers or English names, divided by commas; left out: "
            "transaction_place, or none of your own --classes."
        },
    )
    augment_copies: int = field(
        default=4, metadata={"help": "New images of each training image of those classes."}
    )
    seed: int = field(default=42, metadata={"help": "Decides the split and the augmentation."})


class DrugForensics(RecordedBuilder, datasets.ArrowBasedBuilder):
    """Evidence photos sorted into class folders: labelled rows, copies found, metadata removed."""

    VERSION = datasets.Version("1.2.0")
    BUILDER_CONFIG_CLASS = DrugForensicsConfig
    LICENCE = "other"
    DOMAIN = "forensic"
    LANGUAGES = ("ko",)
    TASK_CATEGORIES = ("image-classification", "image-text-to-text")
    TITLE = notes.TITLE
    DESCRIPTION = notes.DESCRIPTION
    MADE_UP_DESCRIPTION = notes.DRAWN_DESCRIPTION
    COLUMNS = notes.COLUMNS
    LIMITS = notes.LIMITS
    MADE_UP_LIMITS = notes.DRAWN_LIMITS
    ANNOTATION = notes.ANNOTATION
    TASK = "classification"

    def _info(self) -> datasets.DatasetInfo:
        self._classes = parse_classes(self.config.classes)
        self._augmented = parse_class_numbers(self.config.augment_classes, self._classes)
        if self.config.augment_copies < 0:
            raise BogamError(f"--augment-copies is {self.config.augment_copies}: less than none.")
        if self.config.augment != "materialise" and self.config.augment_classes is not None:
            raise BogamError(
                f"--augment-classes is for --augment materialise, not for {self.config.augment}. "
                "Online, the recipe's section augmentation names the classes."
            )
        self._stripped: Counter[str] = Counter()
        self._positions = 0
        self._rows: Counter[tuple[str, int]] = Counter()
        self._copies = 0
        text, number = datasets.Value("string"), datasets.Value("int32")
        columns = {
            "label": datasets.ClassLabel(names=[known.english for known in self._classes]),
            "label_ko": text,
            "file_name": text,
            "width": number,
            "height": number,
            "sha256": text,
            "source_sha256": text,
            "perceptual_hash": text,
            "metadata_removed": datasets.List(text),
            "augmented_from": text,
            "augmentation": number,
        }
        return datasets.DatasetInfo(features=row_features(columns))

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        self._survey: Survey = survey(
            Path(self.config.data_dir),
            self._classes,
            self.config.contradictions,
            self.rejects,
            self.notices,
            self.stage,
        )
        self._splits = split_evidence(self._survey.evidence, self.config.seed)
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"split": split})
            for split in self._splits
        ]

    def _generate_tables(self, split: str) -> Iterator[tuple[Key, pa.Table]]:
        yield from picture_tables(self._rows_in(split), self.info.features.arrow_schema)

    def _rows_in(self, split: str) -> Iterator[dict[str, Any]]:
        evidence = self._splits[split]
        with self.stage(f"writing {split}", len(evidence)) as advance:
            made = map_in_threads(lambda item: self._rows_of(item, split), evidence)
            for item, rows in zip(evidence, made, strict=True):
                self._count(item, split, rows)
                yield from rows
                advance(1)

    def _rows_of(self, item: Evidence, split: str) -> list[dict[str, Any]]:
        """The row of a picture, then those of its augmented copies."""
        data = item.read_again()
        facts = item.facts
        stripped = strip_metadata(data, facts.format, facts.orientation)
        known = self._classes[item.label]
        row_id = f"{known.english}-{facts.sha256[:16]}"
        row = {
            "id": row_id,
            "document_id": item.group,
            "images": [{"bytes": stripped.data, "path": f"{row_id}.{facts.format.lower()}"}],
            "messages": [
                {"role": "user", "content": question(self._classes)},
                {"role": "assistant", "content": str(item.label)},
            ],
            "label": item.label,
            "label_ko": known.korean,
            "file_name": item.name,
            "width": facts.width,
            "height": facts.height,
            "sha256": sha256(stripped.data) if stripped.removed else facts.sha256,
            "source_sha256": facts.sha256,
            "perceptual_hash": facts.perceptual_hash,
            "metadata_removed": list(stripped.removed),
            "augmented_from": None,
            "augmentation": 0,
        }
        wanted = self.config.augment == "materialise" and split == "train"
        if not wanted or item.label not in self._augmented:
            return [row]
        return [row, *self._copies_of(row, stripped.data)]

    def _copies_of(self, row: dict[str, Any], data: bytes) -> Iterator[dict[str, Any]]:
        image = to_rgb(Image.open(BytesIO(data)))
        augmentation = Augmentation(self.config.seed)
        for number in range(1, self.config.augment_copies + 1):
            made = augmentation.copy_of(image, row["id"], number)
            copy = encode(made)
            copy_id = f"{row['id']}-{number}"
            yield row | {
                "id": copy_id,
                "images": [{"bytes": copy, "path": f"{copy_id}.jpeg"}],
                "width": made.width,
                "height": made.height,
                "sha256": sha256(copy),
                "perceptual_hash": inspect(copy).perceptual_hash,
                "metadata_removed": [],
                "augmented_from": row["id"],
                "augmentation": number,
            }

    def _count(self, item: Evidence, split: str, rows: list[dict[str, Any]]) -> None:
        self._rows[split, item.label] += len(rows)
        self._copies += len(rows) - 1
        removed = rows[0]["metadata_removed"]
        if removed:
            self._stripped.update(removed)
            self._positions += item.facts.has_position
            self.notices.add(item.name, Oddity.METADATA_REMOVED, ", ".join(removed))

    def is_made_up(self) -> bool:
        return self._survey.is_drawn

    def account(self) -> Account:
        """Every file is a row or a reject; augmented copies are rows beside them."""
        names = [known.english for known in self._classes]
        statistics = {
            f"label ({split})": {name: self._rows[split, label] for label, name in enumerate(names)}
            for split in self._splits
        }
        counting, counting_ko = "raw_items == rows + rejects", None
        if self._copies:
            counting = "raw_items == rows - augmented copies + rejects"
            counting_ko = "raw_items == rows - 증강한 사본 + rejects"
            statistics["pictures before augmentation"] = {
                split: len(evidence) for split, evidence in self._splits.items()
            }
        if self._stripped:
            statistics["metadata_removed"] = dict(sorted(self._stripped.items()))
        return Account(
            raw_items=self._survey.files,
            items_used=len(self._survey.evidence),
            counting=counting,
            counting_ko=counting_ko,
            findings=tuple(
                findings(
                    self._survey,
                    self._classes,
                    kept_contradictions=self.config.contradictions == "stop",
                    positions=self._positions,
                    copies=self._copies,
                )
            ),
            statistics=statistics,
        )
