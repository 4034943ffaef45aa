"""Looking for personal data in a published dataset, against presidio on every text.

The rows are shaped like those of medical QA: a question and an answer of some 600 characters,
once as messages and once as columns, one row in 500 with something personal in it.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benchmarks.measurement import Measurement
from hub.gates import pii
from hub.gates.text_cells import text_columns
from hub.gates.text_scan import scan_files

ROWS = 60_000
BASELINE_CELLS = 2_000
T = TypeVar("T")
PERSONAL = (
    "연락처는 010-1234-5678입니다.",
    "주민번호는 900101-1234567입니다.",
    "hong@naver.com으로 보내 주세요.",
)
SENTENCES = (
    "환자는 2021년 5월 10일에 내원하였으며 혈압은 120/80 mmHg, 체온은 36.5도였습니다.",
    "아세트아미노펜 500 mg을 4-6시간마다 복용하되 하루 4,000 mg을 넘기지 마십시오.",
    "백혈구 4,500-11,000/uL, 혈소판 150,000-450,000/uL로 정상 범위였습니다.",
    "증상이 심해지면 가까운 병원 응급실을 찾아가거나 의료진과 상의하는 것이 좋습니다.",
    "물을 자주 마시고 충분히 쉬며 자극적인 음식과 음주, 흡연을 피하는 것이 도움이 됩니다.",
)


def run() -> list[Measurement]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        planted = _write_rows(folder / "train.parquet")
        pii.personal_data(PERSONAL[0])  # spaCy and torch are imported once a process
        seconds, scan = _timed(
            lambda: scan_files(folder, ["train.parquet"], {"personal data": pii.detector()})
        )
        found = scan["personal data"].found
        if found != 2 * planted:
            raise AssertionError(f"{found} found, {2 * planted} planted")
        cells = scan["personal data"].cells
        rate = cells / seconds

        texts = [
            text
            for column in text_columns(folder / "train.parquet")
            if column.name == "output"
            for text in column.cells[:BASELINE_CELLS].to_pylist()
        ][:BASELINE_CELLS]
        baseline_seconds, _ = _timed(lambda: [pii.personal_data(text) for text in texts])
        direct_seconds, _ = _timed(lambda: _presidio_directly(texts))
    # The short cells (ids, roles) flatter a rate per cell: rows are what a user waits for.
    rows_per_second = ROWS / seconds
    return [
        Measurement("scan, cells", rate, "cells/s"),
        Measurement("scan, rows", rows_per_second, "rows/s"),
        Measurement("scan of 420,000 such rows", 420_000 / rows_per_second, "s"),
        Measurement(
            "scan, long texts",
            2 * ROWS / seconds,
            "texts/s",
            2 * ROWS / seconds * direct_seconds / BASELINE_CELLS,
            "presidio's recognisers on every text",
        ),
        Measurement("close look at one text", baseline_seconds / BASELINE_CELLS * 1e6, "µs"),
    ]


def _presidio_directly(texts: list[str]) -> None:
    """The same recognisers as they come, in turn over every text."""
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        KrBrnRecognizer,
        KrDriverLicenseRecognizer,
        KrFrnRecognizer,
        KrPassportRecognizer,
        KrRrnRecognizer,
        PhoneRecognizer,
    )

    recognisers = [
        CreditCardRecognizer(),
        KrBrnRecognizer(),
        KrDriverLicenseRecognizer(),
        KrFrnRecognizer(),
        KrPassportRecognizer(),
        KrRrnRecognizer(),
        PhoneRecognizer(supported_regions=("KR",)),
    ]
    for text in texts:
        for recogniser in recognisers:
            recogniser.analyze(text, recogniser.supported_entities)


def _write_rows(path: Path) -> int:
    """How many rows have something personal in the answer (which stands there twice)."""
    from datasets import Dataset, Features, List, Value

    rng = random.Random(42)
    planted = 0
    columns: dict[str, list[object]] = {"id": [], "messages": [], "instruction": [], "output": []}
    for row in range(ROWS):
        question = " ".join(rng.choices(SENTENCES, k=2))
        sentences = rng.choices(SENTENCES, k=12)
        if row % 500 == 0:
            sentences.insert(rng.randrange(12), PERSONAL[row // 500 % len(PERSONAL)])
            planted += 1
        answer = " ".join(sentences)
        columns["id"].append(f"HC-Q-{row:07}")
        columns["messages"].append(
            [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        )
        columns["instruction"].append(question)
        columns["output"].append(answer)
    features = Features(
        {
            "id": Value("string"),
            "messages": List({"role": Value("string"), "content": Value("string")}),
            "instruction": Value("string"),
            "output": Value("string"),
        }
    )
    Dataset.from_dict(columns, features=features).to_parquet(path)
    return planted


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result
