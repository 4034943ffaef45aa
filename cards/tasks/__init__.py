"""What is measured for a task: one file per task, found by its name.

`cards/tasks/<name>.py` holds a constant `TASK`; recipes and run records name it. Adding a task is
adding that file.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cards.errors import BogamError

if TYPE_CHECKING:
    import pyarrow as pa

    from cards.records import RunRecord

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
class Described:
    """What a metric is called and how it is read."""

    name: str
    title: Bilingual
    meaning: Bilingual
    unit: str
    higher_is_better: bool


@dataclass(frozen=True)
class TaskMetric(Described):
    """A number per model that is a function of sums over the examples."""

    score: Callable[[pa.Table, Side], Floats] | None
    """(examples,) numbers that become the column `<side>_<name>`; None when the predictions hold
    what is needed already."""
    contributions: Callable[[pa.Table, Side], Floats]
    """(examples, k) numbers that are added up. Reads the score columns, never scores again.
    Metrics of one `rows` that give the same function share its sums."""
    statistic: Callable[[Floats], Floats]
    """(..., k) sums to (...) values."""
    binary: bool = False
    """Scores are 0 or 1: right or wrong."""
    needs: tuple[str, ...] = ()
    """Columns without which the metric is left out."""
    unless: tuple[str, ...] = ()
    """Columns with which it has nothing to say and is left out."""
    rows: Callable[[pa.Table], NDArray[np.bool_]] | None = None
    """(examples,) which of them the metric is about; None for all. Where it is about none, it is
    left out. The statistic must give NaN for sums over no example."""
    counted: Callable[[Floats], NDArray[np.bool_]] | None = None
    """(examples, k) contributions of one model to (examples,) which of them its value is computed
    from, where that depends on its answers; None for all that the metric is about."""
    trials: Callable[[Floats], float] | None = None
    """(documents, k) contributions to the number of independent trials behind a value of exactly
    0 or 1, of which a bootstrap can draw nothing else; None for all documents of these examples."""
    grows_with_noise: bool = False
    """Both sampling and resampling add to the value, see `statistics.reflected_interval`."""
    scored_as: str | None = None
    """The metric whose score column this one reads; None for its own."""

    def column(self, side: Side) -> str:
        return f"{side}_{self.scored_as or self.name}"

    def about(self, predictions: pa.Table) -> NDArray[np.bool_]:
        """(examples,) `rows`, all of them where it is None."""
        if self.rows is None:
            return np.ones(predictions.num_rows, dtype=bool)
        return self.rows(predictions)


Weighted = Callable[[Floats, Floats], Floats]
"""(draws, examples) weights of the zero-shot and of the tuned outputs to (k, draws) values."""


@dataclass(frozen=True)
class RankMetric(Described):
    """A number per model that compares examples with each other, so that no sum holds it.

    It is a function of how much each output counts. Outputs of both models can be weighed
    together, which is what an exchange of the models comes to.
    """

    weighted: Callable[[pa.Table], Weighted]
    """Prepare the function once for all draws; it gives NaN where nothing can be compared.
    Metrics that give the same one share its values."""
    statistic: Callable[[Floats], Floats]
    """(k, draws) values to (draws,), of which the metric is made."""
    rows: Callable[[pa.Table], NDArray[np.bool_]]
    """(examples,) which of them the metric is about; left out where it is about none."""
    trials: Callable[[pa.Table, NDArray[np.int64]], float]
    """The predictions and each row's document to the number of independent trials behind a value
    of exactly 0 or 1."""
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    def about(self, predictions: pa.Table) -> NDArray[np.bool_]:
        return self.rows(predictions)


@dataclass(frozen=True)
class Task:
    """A kind of answer: the columns its predictions must have, and its metrics."""

    name: str
    title: Bilingual
    hub_type: str
    """The Hub's name of the task, for `pipeline_tag` and `model-index`."""
    columns: tuple[str, ...]
    metrics: tuple[TaskMetric | RankMetric, ...]
    primary: str
    """The metric that the summary names; it has score columns."""
    derive: Callable[[pa.Table], Mapping[str, pa.Array]] | None = None
    """Columns that follow from the others and that metrics read, computed again by every audit."""
    more_metrics: Callable[[pa.Table], tuple[TaskMetric | RankMetric, ...]] | None = None
    """Metrics that depend on the predictions, e.g. one for each class. They are not in the card's
    table of metrics but where `section` puts them."""
    figures: Callable[[RunRecord, pa.Table], Mapping[str, bytes]] | None = None
    """More figures for the card: {file name: PNG}."""
    section: tuple[str, Callable[[RunRecord, pa.Table], Mapping[str, Any]]] | None = None
    """More text for the card: a file of `cards/templates`, and the values it takes as `section`."""
    pictured: Callable[[pa.Table], Sequence[int]] | None = None
    """Rows of scored predictions that keep a small picture of what was asked about, in the column
    `tuned_picture`, for a figure of the card. A card is public: each must be known to be fit."""
    row_columns: tuple[str, ...] = ()
    """Columns of the dataset that predictions carry unchanged, as far as it has them."""
    slices: tuple[str, ...] = ()
    """Columns of the predictions by whose values the card splits the primary metric, as far as
    there are such columns."""
    slice_lengths: tuple[str, ...] = ()
    """Text columns by whose length in characters it does so too, in thirds."""

    @property
    def primary_metric(self) -> TaskMetric:
        for metric in self.metrics:
            if metric.name == self.primary and isinstance(metric, TaskMetric):
                return metric
        raise LookupError(f"task {self.name}: no metric {self.primary} with score columns")

    def metrics_of(self, predictions: pa.Table) -> Iterator[TaskMetric | RankMetric]:
        """What can be measured on these predictions."""
        present = set(predictions.column_names)
        more = self.more_metrics(predictions) if self.more_metrics else ()
        for metric in (*self.metrics, *more):
            if not present.issuperset(metric.needs) or present.intersection(metric.unless):
                continue
            if metric.about(predictions).any():
                yield metric


def mean_metric(
    name: str,
    *,
    title: Bilingual,
    meaning: Bilingual,
    score: Callable[[pa.Table, Side], Floats] | None,
    unit: str = "0-1",
    higher_is_better: bool = True,
    binary: bool = False,
    needs: tuple[str, ...] = (),
    unless: tuple[str, ...] = (),
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
        needs=needs,
        unless=unless,
        rows=rows,
        scored_as=scored_as,
    )


def ratio(total: Floats, count: Floats) -> Floats:
    """total / count, NaN where nothing was counted."""
    with np.errstate(invalid="ignore"):
        return np.asarray(total / count)


def task_names() -> list[str]:
    """All tasks there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_task(name: str) -> Task:
    """Raise :class:`BogamError` that lists the tasks when there is none of that name."""
    known = task_names()
    if name not in known:
        raise BogamError(f"Task {name!r} is not known. Tasks: {', '.join(known)}.")
    task: Task = import_module(f"{__name__}.{name}").TASK
    return task
