"""Two tuned models against each other: the same examples, paired statistics, disagreements.

What the card of one model says of zero-shot and tuned is said here of the first and the second
model, by the same code: `cards.scoring` on a table in which their tuned answers stand side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cards.errors import BogamError
from cards.records import Comparison, Metric, Revision, RunRecord
from cards.scoring import RESAMPLES, score, summarise
from cards.tasks import SIDES, Bilingual, Task, find_task

if TYPE_CHECKING:
    import pyarrow as pa

_TOKENS = "answer_tokens"
_SHOWN = 10


@dataclass(frozen=True)
class Contestant:
    """A model that was evaluated, with its predictions as :func:`cards.scoring.score` left them."""

    model: Revision
    run: RunRecord
    predictions: pa.Table


@dataclass(frozen=True)
class ComparedMetric:
    """Second minus first, on the same examples."""

    title: Bilingual
    first: Metric
    second: Metric
    difference: Comparison


@dataclass(frozen=True)
class Disagreement:
    """An example that one model answers better than the other, by the primary metric."""

    id: str
    split: str
    reference: str
    first: str
    second: str
    first_score: float
    second_score: float


@dataclass(frozen=True)
class ModelComparison:
    """What can be said of two models on one benchmark."""

    first: Revision
    second: Revision
    dataset: Revision
    task: str
    examples: int
    only_first: int
    """Examples that only the first model answered; they count for neither."""
    only_second: int
    metrics: tuple[ComparedMetric, ...]
    primary: str
    first_better: int
    """Examples with a better score of the first model in the primary metric."""
    second_better: int
    disagreements: tuple[Disagreement, ...]
    """The largest differences first, both directions in turn."""
    notes: tuple[str, ...]
    """What differs between the evaluations, and what could therefore not be compared."""
    seed: int
    resamples: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the metrics by name."""
        named = {
            one.difference.metric: {
                "title": {"ko": one.title.ko, "en": one.title.en},
                "first": one.first.model_dump(),
                "second": one.second.model_dump(),
                "difference": one.difference.model_dump(exclude={"metric"}),
            }
            for one in self.metrics
        }
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return plain | {
            "first": self.first.model_dump(),
            "second": self.second.model_dump(),
            "dataset": self.dataset.model_dump(),
            "metrics": named,
            "disagreements": [dict(vars(one)) for one in self.disagreements],
        }


def compare_models(
    first: Contestant, second: Contestant, *, resamples: int = RESAMPLES, shown: int = _SHOWN
) -> ModelComparison:
    """Compare the tuned answers of two models to the examples that both answered.

    Args:
        shown: how many disagreements to list.

    Raises:
        BogamError: task, dataset, its revision or the references differ, no example is common to
            both, or the predictions are not what the task needs.
    """
    _require_same_benchmark(first.run, second.run)
    task = find_task(first.run.task)
    table, left_out, notes = _side_by_side(first, second, task)
    seed = first.run.seeds.get("bootstrap", 0)
    scored = score(task.name, table)
    metrics, differences = summarise(task.name, scored, resamples=resamples, seed=seed)
    titles = {metric.name: metric.title for metric in task.metrics_of(scored)}
    better, disagreements = _disagreements(task, scored, shown)
    dataset = first.run.dataset
    return ModelComparison(
        first=first.model,
        second=second.model,
        dataset=Revision(id=dataset.id, revision=dataset.revision),
        task=task.name,
        examples=scored.num_rows,
        only_first=left_out[0],
        only_second=left_out[1],
        metrics=tuple(
            ComparedMetric(
                titles[one.metric],
                metrics["zero_shot"][one.metric],
                metrics["tuned"][one.metric],
                one,
            )
            for one in differences
        ),
        primary=task.primary,
        first_better=better[0],
        second_better=better[1],
        disagreements=disagreements,
        notes=(*notes, *_settings_that_differ(first.run, second.run)),
        seed=seed,
        resamples=resamples,
    )


def _require_same_benchmark(first: RunRecord, second: RunRecord) -> None:
    for what, one, other in (
        ("task", first.task, second.task),
        ("dataset", first.dataset.id, second.dataset.id),
        ("commit of the dataset", first.dataset.revision, second.dataset.revision),
    ):
        if one != other:
            raise BogamError(
                f"Comparing two models: their {what} differs, {one} and {other}, so their numbers "
                "say nothing about each other. Evaluate both on the same."
            )


def _side_by_side(
    first: Contestant, second: Contestant, task: Task
) -> tuple[pa.Table, tuple[int, int], list[str]]:
    """The common examples in the order of the first; the first's answers as `zero_shot`."""
    rows, other_rows = (_rows_by_example(one) for one in (first, second))
    common = [example for example in rows if example in other_rows]
    if not common:
        raise BogamError(
            f"Comparing {first.model.id} and {second.model.id}: no example was answered by both "
            f"({len(rows)} and {len(other_rows)} examples, {_splits(rows)} and "
            f"{_splits(other_rows)}). Evaluate both on the same split."
        )
    ours = first.predictions.take([rows[example] for example in common])
    theirs = second.predictions.take([other_rows[example] for example in common])
    if _classes(ours) != _classes(theirs):
        raise BogamError(
            f"Comparing {first.model.id} and {second.model.id}: they were asked for different "
            "classes, or their answers were read differently. Evaluate both on the same classes."
        )
    notes = []
    for name in ours.column_names:
        if _is_of_a_side(name) or name not in theirs.column_names:
            continue
        differing = _differing(ours, theirs, name)
        if not differing:
            continue
        if name == _TOKENS:
            notes.append(
                "The models count the tokens of the references differently, so their perplexity "
                "per token is not compared."
            )
        elif name == "prompt":
            notes.append(f"{len(differing)} examples were asked in other words.")
        else:
            raise BogamError(
                f"Comparing {first.model.id} and {second.model.id}: {name} of "
                f"{ours['id'][differing[0]].as_py()} differs ({len(differing)} such examples), "
                "though they name the same commit of the dataset. Check both with `bogam verify`."
            )
    tokens_differ = any("perplexity" in note for note in notes)
    table = ours.select(
        [
            name
            for name in ours.column_names
            if not _is_of_a_side(name) and not (name == _TOKENS and tokens_differ)
        ]
    )
    for side, answers in zip(SIDES, (ours, theirs), strict=True):
        for name in answers.column_names:
            if name == "tuned" or name.startswith("tuned_"):
                table = table.append_column(side + name.removeprefix("tuned"), answers[name])
    left_out = len(rows) - len(common), len(other_rows) - len(common)
    return table, left_out, notes


def _rows_by_example(contestant: Contestant) -> dict[tuple[str, str], int]:
    """{(split, id): row}"""
    table = contestant.predictions
    for name in ("split", "id"):
        if name not in table.column_names:
            raise BogamError(
                f"{contestant.model.id}: the predictions have no column {name}. Write them again "
                "with the trainer."
            )
    examples = list(zip(table["split"].to_pylist(), table["id"].to_pylist(), strict=True))
    rows = {example: row for row, example in enumerate(examples)}
    if len(rows) != len(examples):
        raise BogamError(
            f"{contestant.model.id}: {len(examples) - len(rows)} examples stand in the predictions "
            "more than once. Write them again with the trainer."
        )
    return rows


def _splits(rows: dict[tuple[str, str], int]) -> str:
    return ", ".join(sorted({str(split) for split, _ in rows})) or "no split"


def _is_of_a_side(name: str) -> bool:
    return any(name == side or name.startswith(f"{side}_") for side in SIDES)


def _classes(table: pa.Table) -> bytes | None:
    """What `cards.class_predictions` keeps with the table of a classifier."""
    held: bytes | None = (table.schema.metadata or {}).get(b"classes")
    return held


def _differing(ours: pa.Table, theirs: pa.Table, name: str) -> list[int]:
    if ours[name].equals(theirs[name]):
        return []
    pairs = zip(ours[name].to_pylist(), theirs[name].to_pylist(), strict=True)
    return [row for row, (one, other) in enumerate(pairs) if one != other]


def _settings_that_differ(first: RunRecord, second: RunRecord) -> list[str]:
    """How both were asked, as the recipes say; another limit can cut another answer."""
    notes = []
    for section in ("evaluation", "system_prompt"):
        one, other = first.recipe.get(section), second.recipe.get(section)
        if isinstance(one, dict) and isinstance(other, dict):
            for name in sorted({*one, *other}):
                if one.get(name) != other.get(name):
                    notes.append(f"{section}.{name}: {one.get(name)} and {other.get(name)}")
        elif one != other:
            notes.append(f"{section}: {one!r} and {other!r}")
    return notes


def _disagreements(
    task: Task, table: pa.Table, shown: int
) -> tuple[tuple[int, int], tuple[Disagreement, ...]]:
    """How often either is better, and where by most: of each direction in turn."""
    metric = task.primary_metric
    first, second = (table[metric.column(side)].to_numpy() for side in SIDES)
    gain = (second - first) * (1 if metric.higher_is_better else -1)
    losses = [int(row) for row in np.argsort(gain, kind="stable") if gain[row] < 0]
    gains = [int(row) for row in np.argsort(-gain, kind="stable") if gain[row] > 0]
    order: list[int] = []
    for place in range(max(len(losses), len(gains))):
        order += [rows[place] for rows in (losses, gains) if place < len(rows)]
    return (len(losses), len(gains)), tuple(
        Disagreement(
            id=str(table["id"][row].as_py()),
            split=str(table["split"][row].as_py()),
            reference=table["reference"][row].as_py() or "",
            first=table["zero_shot"][row].as_py() or "",
            second=table["tuned"][row].as_py() or "",
            first_score=float(first[row]),
            second_score=float(second[row]),
        )
        for row in order[:shown]
    )
