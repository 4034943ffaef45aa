"""ChartQA to rows: one chart, one question, and every right answer to it.

Source: the authors' folder (`ChartQA Dataset/{train,val,test}`) or the Hub's parquet files. The
source's own splits stay, the bytes of a chart are never touched, and of a slice whole charts are
drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import xxhash
from datasets.builder import Key

from loaders.charts import notes
from loaders.charts.findings import findings, languages, statistics
from loaders.charts.layouts import SPLITS, Question
from loaders.charts.selection import parse_share
from loaders.charts.survey import SharedCharts, Survey, survey
from loaders.recorded_builder import Account, RecordedBuilder
from loaders.rows import picture_tables, row_features


@dataclass
class ChartQAConfig(datasets.BuilderConfig):
    """Options of `bogam build chartqa`."""

    slice: str | None = field(
        default=None,
        metadata={
            "help": "A random share of each split's charts with all of their questions, e.g. 1%; "
            "left out: all."
        },
    )
    shared_charts: SharedCharts = field(
        default="stop",
        metadata={
            "help": "A chart that stands in two splits: keep both and stop publication, or keep "
            "its rows in the later split only."
        },
    )
    seed: int = field(default=42, metadata={"help": "Decides what a slice holds."})


class ChartQA(RecordedBuilder, datasets.ArrowBasedBuilder):
    """Questions about charts with short answers, in the splits of their source."""

    VERSION = datasets.Version("1.1.0")
    BUILDER_CONFIG_CLASS = ChartQAConfig
    LICENCE = "gpl-3.0"
    DOMAIN = "general"
    LANGUAGES = ("en",)
    TASK_CATEGORIES = ("visual-question-answering", "image-text-to-text")
    TITLE = notes.TITLE
    DESCRIPTION = notes.DESCRIPTION
    MADE_UP_DESCRIPTION = notes.MADE_UP_DESCRIPTION
    COLUMNS = notes.COLUMNS
    MADE_UP_COLUMNS = notes.MADE_UP_COLUMNS
    LIMITS = notes.LIMITS
    MADE_UP_LIMITS = notes.MADE_UP_LIMITS
    ANNOTATION = notes.ANNOTATION
    TASK = "chartqa"

    _survey: Survey

    def _info(self) -> datasets.DatasetInfo:
        text, number = datasets.Value("string"), datasets.Value("int32")
        columns = {
            "question": text,
            "labels": datasets.List(text),
            "human_or_machine": text,
            "file_name": text,
            "width": number,
            "height": number,
            "sha256": text,
        }
        return datasets.DatasetInfo(features=row_features(columns))

    def _split_generators(self, dl_manager: Any) -> list[datasets.SplitGenerator]:
        config = self.config
        self._survey = survey(
            Path(config.data_dir),
            None if config.slice is None else parse_share(config.slice),
            config.seed,
            config.shared_charts,
            self.rejects,
            self.notices,
            self.stage,
        )
        filled = {question.split for question in self._survey.questions}
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"split": split})
            for split in SPLITS.values()
            if split in filled
        ]

    def _generate_tables(self, split: str) -> Iterator[tuple[Key, pa.Table]]:
        yield from picture_tables(self._rows_in(split), self.info.features.arrow_schema)

    def _rows_in(self, split: str) -> Iterator[dict[str, Any]]:
        questions = [question for question in self._survey.questions if question.split == split]
        with self.stage(f"writing {split}", len(questions)) as advance:
            for question in questions:
                yield self._row(question)
                advance(1)

    def _row(self, question: Question) -> dict[str, Any]:
        picture = question.picture
        chart = self._survey.charts[picture.sha256]
        record = "\n".join((question.part, question.text, *question.labels))
        digest = xxhash.xxh3_64_hexdigest(record.encode())
        return {
            "id": f"{question.split}-{picture.sha256[:16]}-{digest}",
            "document_id": chart.group,
            "images": [
                {"bytes": self._survey.layout.read_again(picture), "path": picture.name or None}
            ],
            "messages": [
                {"role": "system", "content": notes.SYSTEM_MESSAGE},
                {"role": "user", "content": question.text},
                {"role": "assistant", "content": question.labels[0]},
            ],
            "question": question.text,
            "labels": list(question.labels),
            "human_or_machine": question.part,
            "file_name": picture.name or None,
            "width": chart.facts.width,
            "height": chart.facts.height,
            "sha256": picture.sha256,
        }

    def is_made_up(self) -> bool:
        return self._survey.layout.made_up

    def account(self) -> Account:
        """Records and chart files are the items; where records hold their charts, the records."""
        survey = self._survey
        counting, counting_ko = "raw_items == rows + rejects", None
        if survey.contents.pictures:
            counting = (
                "Records and chart files are raw items; a row is made of a record and of its "
                "chart, which may serve several rows: raw_items == rows + charts used + rejects."
            )
            counting_ko = (
                "기록과 차트 파일을 항목으로 셉니다. 행 하나는 기록 하나와 그 차트로 만들며 차트는 "
                "여러 행에 쓰일 수 있습니다: raw_items == rows + 쓴 차트 + rejects."
            )
        return Account(
            raw_items=survey.contents.items,
            items_used=survey.items_used,
            counting=counting,
            counting_ko=counting_ko,
            findings=tuple(findings(survey, self.config.slice, self.config.shared_charts)),
            statistics=statistics(survey),
            languages=languages(survey.questions),
        )
