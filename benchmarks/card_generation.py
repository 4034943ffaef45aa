"""A model card from 100,000 predictions, and the numbers on it.

The budget of a card is 2 s, so that publishing never waits for it. Baselines: for the interval
the plain loop that draws rows and takes their mean, for ROUGE-L the textbook table in Python.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pyarrow as pa

from benchmarks.measurement import Measurement
from cards.card import Card
from cards.model_card import render_model_card
from cards.records import RunRecord
from cards.scoring import score, summarise
from cards.statistics import percentile_interval, resampled_sums
from cards.text_scores import rouge_l

ROWS = 100_000
SCORED_ROWS = 2_000
RESAMPLES = 1_000
BUDGET_SECONDS = 2.0
T = TypeVar("T")
_WORDS = ("증상은", "발열과", "두통이", "나타나며", "물을", "자주", "마시고", "쉬어야", "합니다")


def run() -> list[Measurement]:
    predictions = _predictions(SCORED_ROWS)
    scoring_seconds, scored = _timed(lambda: score("generation", predictions))
    many = _repeated(scored, ROWS)
    summary_seconds, (metrics, comparison) = _timed(
        lambda: summarise("generation", many, resamples=RESAMPLES, seed=0)
    )
    record = _record(metrics, comparison)
    _render(record, many)  # fonts and templates are read once a process
    card_seconds, _ = _timed(lambda: _render(record, many))
    return [
        Measurement(
            f"card, {ROWS:,} predictions, 3 tables of parts",
            card_seconds,
            "s",
            BUDGET_SECONDS / card_seconds,
            f"the budget of {BUDGET_SECONDS:.0f} s",
        ),
        Measurement(
            f"12 metrics, intervals and tests, {ROWS:,} predictions, {RESAMPLES:,} resamples",
            summary_seconds,
            "s",
        ),
        _intervals(many),
        Measurement(
            "scores of two answers to a question", 1e6 * scoring_seconds / SCORED_ROWS, "µs"
        ),
        _longest_common_subsequence(predictions),
    ]


def _intervals(scored: pa.Table) -> Measurement:
    """Intervals of every score column, against the loop that draws rows and takes their means."""
    resamples = 100
    names = [name for name in scored.column_names if scored.schema.field(name).type == "double"]
    columns = np.column_stack([scored[name].to_numpy() for name in names])
    ours, _ = _timed(
        lambda: [
            percentile_interval(means)
            for means in resampled_sums(columns, resamples=resamples, seed=0).T / len(columns)
        ]
    )
    draw = np.random.default_rng(0)
    theirs, _ = _timed(
        lambda: np.quantile(
            [
                columns[draw.integers(0, len(columns), len(columns))].mean(axis=0)
                for _ in range(resamples)
            ],
            (0.025, 0.975),
            axis=0,
        )
    )
    return Measurement(
        f"{len(names)} intervals, {resamples} resamples",
        ours,
        "s",
        theirs / ours,
        "numpy, rows drawn by index",
    )


def _longest_common_subsequence(predictions: pa.Table) -> Measurement:
    pairs = list(
        zip(predictions["tuned"].to_pylist(), predictions["reference"].to_pylist(), strict=True)
    )[:20]
    ours, _ = _timed(lambda: [rouge_l(answer, reference) for answer, reference in pairs])
    theirs, _ = _timed(
        lambda: [_table_of_lengths(answer, reference) for answer, reference in pairs]
    )
    return Measurement(
        "ROUGE-L of an answer", 1e6 * ours / len(pairs), "µs", theirs / ours, "table in Python"
    )


def _table_of_lengths(one: str, other: str) -> int:
    row = [0] * (len(other) + 1)
    for left in one:
        above = row
        row = [0]
        for place, right in enumerate(other):
            row.append(above[place] + 1 if left == right else max(row[place], above[place + 1]))
    return row[-1]


def _render(record: RunRecord, predictions: pa.Table) -> Card:
    return render_model_card(record, predictions)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def _predictions(rows: int) -> pa.Table:
    draw = random.Random(0)

    def text() -> str:
        return " ".join(draw.choices(_WORDS, k=40))

    references = [text() for _ in range(rows)]
    return pa.table(
        {
            "id": [f"q{row}" for row in range(rows)],
            "split": ["test"] * rows,
            "prompt": [text() for _ in range(rows)],
            "reference": references,
            "zero_shot": [text() for _ in range(rows)],
            "tuned": [f"{reference[:60]} {text()}" for reference in references],
            "answer_tokens": [80] * rows,
            "zero_shot_nll": [draw.uniform(160, 240) for _ in range(rows)],
            "tuned_nll": [draw.uniform(80, 160) for _ in range(rows)],
            "disease_category": [f"분류 {int(draw.paretovariate(1))}" for _ in range(rows)],
            "intention": [draw.choice(_WORDS) for _ in range(rows)],
        }
    )


def _repeated(table: pa.Table, rows: int) -> pa.Table:
    """The rows over and over under new ids."""
    repeated = pa.concat_tables([table] * (rows // table.num_rows))
    return repeated.set_column(0, "id", pa.array([f"q{row}" for row in range(repeated.num_rows)]))


def _record(metrics: object, comparison: object) -> RunRecord:
    return RunRecord.model_validate(
        {
            "recipe": {"name": "benchmark"},
            "task": "generation",
            "base_model": {"id": "org/base", "revision": "1" * 40},
            "dataset": {"id": "org/data", "revision": "2" * 40, "splits": {"test": ROWS}},
            "licence": "apache-2.0",
            "base_licence": "apache-2.0",
            "dataset_licence": "mit",
            "parameter_groups": [],
            "training": {
                "steps": 2000,
                "epochs": 3,
                "loss_history": [
                    {"step": step, "loss": 3 / (1 + step / 100), "learning_rate": 1e-4}
                    for step in range(0, 2000, 10)
                ],
                "seconds": 1,
                "peak_memory_bytes": 1,
                "samples_per_second": 1,
                "frozen_unchanged": True,
                "label_tokens": 1,
                "longest_sample_tokens": 1,
                "samples_over_length": 0,
            },
            "metrics": metrics,
            "comparison": comparison,
            "environment": {
                "python": "3.11",
                "platform": "Linux",
                "packages": {},
                "device": "cpu",
                "device_count": 1,
                "cpu_count": 2,
                "memory_bytes": 1,
            },
            "seeds": {"bootstrap": 0},
            "bootstrap_resamples": RESAMPLES,
            "artifacts": {},
            "library_model_class": "AutoModelForCausalLM",
        }
    )
