"""What is measured for a task: one file per task, found by its name.

`cards/tasks/<name>.py` holds a constant `TASK`; recipes and run records name it. Adding a task is
adding that file.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cards.errors import BogamError

if TYPE_CHECKING:
    import pyarrow as pa

Floats = NDArray[np.float64]
Side = Literal["zero_shot", "tuned"]
SIDES: tuple[Side, Side] = ("zero_shot", "tuned")


@dataclass(frozen=True)
class Bilingual:
    """The same sentence for both readers."""

    ko: str
    en: str

    def both(self, separator: str = " · ") -> str:
        """Korean and English, or the one text where they are equal."""
        return self.ko if self.ko == self.en else f"{self.ko}{separator}{self.en}"


@dataclass(frozen=True)
class TaskMetric:
    """A number per model that is a function of sums over the examples."""

    name: str
    title: Bilingual
    meaning: Bilingual
    unit: str
    higher_is_better: bool
    score: Callable[[pa.Table, Side], Floats] | None
    """(examples,) numbers that become the column `<side>_<name>`; None when the predictions hold
    what is needed already."""
    contributions: Callable[[pa.Table, Side], Floats]
    """(examples, k) numbers that are added up. Reads the score columns, never scores again."""
    statistic: Callable[[Floats], Floats]
    """(..., k) sums to (...) values."""
    binary: bool = False
    """Scores are 0 or 1: right or wrong."""
    needs: tuple[str, ...] = ()
    """Columns without which the metric is left out."""
    rows: Callable[[pa.Table], NDArray[np.bool_]] | None = None
    """(examples,) which of them the metric is about; None for all. Where it is about none, it is
    left out. The statistic must give NaN for sums over no example."""
    scored_as: str | None = None
    """The metric whose score column this one reads; None for its own."""

    def column(self, side: Side) -> str:
        return f"{side}_{self.scored_as or self.name}"

    def about(self, predictions: pa.Table) -> NDArray[np.bool_]:
        """(examples,) `rows`, all of them where it is None."""
        if self.rows is None:
            return np.ones(predictions.num_rows, dtype=bool)
        return self.rows(predictions)


@dataclass(frozen=True)
class Task:
    """A kind of answer: the columns its predictions must have, and its metrics."""

    name: str
    title: Bilingual
    hub_type: str
    """The Hub's name of the task, for `pipeline_tag` and `model-index`."""
    columns: tuple[str, ...]
    metrics: tuple[TaskMetric, ...]
    primary: str
    """The metric that the summary names."""


def mean_metric(
    name: str,
    *,
    title: Bilingual,
    meaning: Bilingual,
    score: Callable[[pa.Table, Side], Floats] | None,
    unit: str = "0-1",
    higher_is_better: bool = True,
    binary: bool = False,
    rows: Callable[[pa.Table], NDArray[np.bool_]] | None = None,
    scored_as: str | None = None,
) -> TaskMetric:
    """A metric that is the mean of its scores over all rows, or over those it is about."""

    def contributions(predictions: pa.Table, side: Side) -> Floats:
        scores = predictions[f"{side}_{scored_as or name}"].to_numpy()
        return np.column_stack([scores, np.ones(len(scores))])

    return TaskMetric(
        name=name,
        title=title,
        meaning=meaning,
        unit=unit,
        higher_is_better=higher_is_better,
        score=score,
        contributions=contributions,
        statistic=lambda sums: ratio(sums[..., 0], sums[..., 1]),
        binary=binary,
        rows=rows,
        scored_as=scored_as,
    )


def ratio(total: Floats, count: Floats) -> Floats:
    """total / count, NaN where nothing was counted."""
    with np.errstate(invalid="ignore"):
        return np.asarray(total / count)


def find_task(name: str) -> Task:
    """Raise :class:`BogamError` that lists the tasks when there is none of that name."""
    known = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name not in known:
        raise BogamError(f"Task {name!r} is not known. Tasks: {', '.join(known)}.")
    task: Task = import_module(f"{__name__}.{name}").TASK
    return task
