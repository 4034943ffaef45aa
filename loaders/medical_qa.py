"""AI Hub's healthcare questions and answers as a dataset of single-turn conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import orjson
import pyarrow as pa
from datasets.builder import Key

from loaders.aihub import description
from loaders.aihub.findings import (
    MADE_UP,
    answers_per_department,
    by_frequency,
    plan_findings,
    plan_statistics,
)
from loaders.aihub.notices import write_notices
from loaders.aihub.plan import Pairing, Plan, make_plan
from loaders.aihub.row_tables import RowTables
from loaders.recorded_builder import Account, RecordedBuilder
from loaders.rows import row_features
from loaders.splits import DEFAULT_RATIOS

INSTRUCTIONS = "instructions"


@dataclass
class MedicalQAConfig(datasets.BuilderConfig):
    """Options of the dataset."""

    pairing: Pairing = field(
        default="topic",
        metadata={
            "help": "What joins questions and answers: their topic (disease category, disease, "
            "intention), or the number in their file names (q1.json and a1.json)."
        },
    )
    seed: int = field(
        default=42, metadata={"help": "Decides which answer of a topic a question gets."}
    )
    instruction_jsonl: bool = field(
        default=False,
        metadata={"help": 'Also write {"instruction", "output"} lines, a file for each split.'},
    )
    made_up: bool = field(
        default=False,
        metadata={
            "help": "The source is made up (`bogam synth medical-qa`), not AI Hub's: the card "
            "says so, and its terms are CC0."
        },
    )


class MedicalQA(RecordedBuilder, datasets.ArrowBasedBuilder):
    """Questions and answers about health, from TL.zip or an unpacked tree of AI Hub's set 120."""

    VERSION = datasets.Version("1.2.0")
    BUILDER_CONFIG_CLASS = MedicalQAConfig
    DEFAULT_WRITER_BATCH_SIZE = 10_000
    LICENCE = "aihub"
    LANGUAGES = ("ko",)
    TASK_CATEGORIES = ("question-answering", "text-generation")
    DOMAIN = "medical"
    TITLE = description.TITLE
    DESCRIPTION = description.DESCRIPTION
    MADE_UP_DESCRIPTION = description.MADE_UP_DESCRIPTION
    COLUMNS = description.COLUMNS
    LIMITS = description.LIMITS
    ANNOTATION = description.ANNOTATION
    MADE_UP_ANNOTATION = description.MADE_UP_ANNOTATION
    TASK = "generation"

    _plan: Plan
    _departments: dict[str, int]

    def _info(self) -> datasets.DatasetInfo:
        text = datasets.Value("string")
        features = row_features(
            {
                "instruction": text,
                "output": text,
                "disease_category": text,
                "disease": text,
                "intention": text,
                "department": datasets.List(text),
                "question_id": text,
                "answer_id": text,
                "pairing": text,
            }
        )
        return datasets.DatasetInfo(features=features)

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        self._plan = make_plan(
            Path(self.config.data_dir),
            self.scratch,
            self.rejects,
            self.stage,
            pairing=self.config.pairing,
            seed=self.config.seed,
            ratios=DEFAULT_RATIOS,
        )
        with self.stage("listing what is odd"):
            write_notices(self._plan, self.notices)
        self._departments = {}
        tables = RowTables(self._plan, self.config.pairing)
        return [
            datasets.SplitGenerator(
                name=name, gen_kwargs={"tables": tables, "split": name, "number": number}
            )
            for number, name in enumerate(DEFAULT_RATIOS)
            if (self._plan.splits == number).any()
        ]

    def _generate_tables(
        self, tables: RowTables, split: str, number: int
    ) -> Iterator[tuple[Key, pa.Table]]:
        rows = np.flatnonzero(self._plan.splits == number)
        with self.stage(f"writing {split}", len(rows)) as advance:
            for count, table in enumerate(tables.tables(rows)):
                answers_per_department(table, self._departments)
                if self.config.instruction_jsonl:
                    self._write_instructions(split, table)
                yield Key(0, count), table
                advance(len(table))

    def _write_instructions(self, split: str, table: pa.Table) -> None:
        folder = self.folder / INSTRUCTIONS
        folder.mkdir(exist_ok=True)
        lines = table.select(["instruction", "output"]).to_pylist()
        with (folder / f"{split}.jsonl").open("ab") as file:
            file.writelines(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)

    def is_made_up(self) -> bool:
        return bool(self.config.made_up)

    def account(self) -> Account:
        plan = self._plan
        findings = plan_findings(plan, self.config.pairing, self.config.seed, DEFAULT_RATIOS)
        if self.config.made_up:
            findings = (MADE_UP.model_copy(update={"count": len(plan)}), *findings)
        return Account(
            raw_items=plan.items.files,
            items_used=len(plan) + plan.answers_used(),
            counting=(
                "A row is made of one question file and one answer file, and an answer file may "
                "serve several rows: raw_items == items_used + rejects, items_used being the "
                "questions and the different answers in the rows."
            ),
            counting_ko=(
                "행 하나는 질문 파일 하나와 답변 파일 하나로 만들며 답변 파일은 여러 행에 쓰일 수 "
                "있습니다: raw_items == items_used + rejects. items_used는 행에 든 질문과 서로 "
                "다른 답변의 수입니다."
            ),
            findings=findings,
            statistics={**plan_statistics(plan), "department": by_frequency(self._departments)},
        )
