"""Where is a model better, where worse? The primary metric on parts of the examples.

The parts are the values of a column (class, document type, language) and thirds by length. Each
has an interval of its own, and one for the difference of the two models. A dozen parts are a
dozen chances to find something by luck: the card says so, and marks parts of few documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cards import statistics
from cards.scoring import documents_of
from cards.tasks import SIDES, Bilingual, Floats, Side, Task, TaskMetric

if TYPE_CHECKING:
    import pyarrow as pa

FEW_DOCUMENTS = 30
"""Below this many independent documents a part is marked."""
MOST_RESAMPLES = 500
"""Enough for two digits of a bound; all metrics on all examples take those of the record."""
_SHOWN_VALUES = 12
_POOLS = 1000
_TITLES = {
    "disease_category": Bilingual("질병 분류", "Disease category"),
    "intention": Bilingual("질문 의도", "Intention"),
    "language": Bilingual("언어", "Language"),
    "document_type": Bilingual("문서 종류", "Document type"),
    "quality": Bilingual("화질", "Quality"),
    "human_or_machine": Bilingual("질문의 표시", "Marked as"),
}
_LENGTH_TITLES = {
    "prompt": Bilingual("질문 길이(글자)", "Prompt length (characters)"),
    "reference": Bilingual("기준 답 길이(글자)", "Reference length (characters)"),
}


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Slice:
    """The examples with one value."""

    value: str
    examples: int
    documents: int
    zero_shot: Interval
    tuned: Interval
    difference: Interval
    """Tuned minus zero-shot, on the same documents."""

    @property
    def is_small(self) -> bool:
        return self.documents < FEW_DOCUMENTS


@dataclass(frozen=True)
class Slicing:
    """All examples, split by one property; `column` is that of the predictions."""

    column: str
    title: Bilingual
    slices: tuple[Slice, ...]
    folded: int = 0
    """Values too rare to be shown on their own; together they are the last slice."""


def slice_metric(
    task: Task, predictions: pa.Table, *, resamples: int, seed: int
) -> tuple[Slicing, ...]:
    """The primary metric by every property that the task names and the predictions have.

    predictions: as :func:`cards.scoring.score` returns them. What has one value for all examples
    splits nothing and is left out, as are examples without a value.
    """
    found = []
    for column in task.slices:
        if column in predictions.column_names:
            title = _TITLES.get(column, Bilingual(column, column))
            found.append((column, title, *_values(predictions[column])))
    for column in task.slice_lengths:
        title = _LENGTH_TITLES.get(column, Bilingual(f"{column} 길이", f"Length of {column}"))
        found.append((f"length of {column}", title, *_lengths(predictions[column]), 0))
    if not any(len(names) > 1 for _, _, _, names, _ in found):
        return ()
    sample = _Sample.of(task.primary_metric, predictions, min(resamples, MOST_RESAMPLES), seed)
    return tuple(
        Slicing(
            column,
            title,
            tuple(
                sample.measure(name, codes == number)
                for number, name in enumerate(names)
                if (sample.about & (codes == number)).any()
            ),
            folded,
        )
        for column, title, codes, names, folded in found
        if len(names) > 1
    )


@dataclass(frozen=True)
class _Sample:
    """What a metric adds up, by example."""

    metric: TaskMetric
    about: NDArray[np.bool_]
    sides: dict[Side, Floats]
    """(examples, k) contributions of both models."""
    documents: NDArray[np.int64]
    resamples: int
    seed: int

    @classmethod
    def of(cls, metric: TaskMetric, predictions: pa.Table, resamples: int, seed: int) -> _Sample:
        documents = documents_of(predictions)
        return cls(
            metric,
            metric.about(predictions),
            {side: metric.contributions(predictions, side) for side in SIDES},
            np.arange(predictions.num_rows) if documents is None else documents,
            resamples,
            seed,
        )

    def measure(self, name: str, rows: NDArray[np.bool_]) -> Slice:
        rows = rows & self.about
        kept, documents = np.unique(self.documents[rows], return_inverse=True)
        both = [
            statistics.sums_by_document(contributions[rows], documents)
            if len(kept) < rows.sum()
            else contributions[rows]
            for contributions in self.sides.values()
        ]
        drawn = statistics.resampled_sums(
            self._pooled(np.concatenate(both, axis=1)), resamples=self.resamples, seed=self.seed
        )
        values, samples = {}, {}
        for side, sums, draws in zip(SIDES, both, np.split(drawn, 2, axis=1), strict=True):
            value = float(self.metric.statistic(sums.sum(axis=0)))
            samples[side] = self.metric.statistic(draws)
            low, high = statistics.percentile_interval(samples[side])
            if self.metric.unit == "0-1" and value in (0.0, 1.0):
                trials = self.metric.trials(sums) if self.metric.trials else len(kept)
                low, high = statistics.wilson_interval(value, trials)
            values[side] = Interval(value, low, high)
        low, high = statistics.percentile_interval(samples["tuned"] - samples["zero_shot"])
        return Slice(
            value=name,
            examples=int(rows.sum()),
            documents=len(kept),
            zero_shot=values["zero_shot"],
            tuned=values["tuned"],
            difference=Interval(values["tuned"].value - values["zero_shot"].value, low, high),
        )

    def _pooled(self, documents: Floats) -> Floats:
        """(documents, k) to at most `_POOLS` sums of as many random documents each.

        Sums of random pools vary as the documents do, so resampling them gives the same interval
        at a hundredth of the work.
        """
        if len(documents) <= _POOLS:
            return documents
        order = statistics.random_order(len(documents), seed=self.seed)
        return statistics.sums_by_document(documents, order % _POOLS)


def _values(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str], int]:
    """(rows,) numbers of the values, -1 for none; their names, most frequent first; how many
    values the last one stands for."""
    import pyarrow as pa

    texts = column.combine_chunks()
    if pa.types.is_nested(texts.type):
        return np.full(len(texts), -1), [], 0
    encoded = texts.cast(pa.string()).dictionary_encode()
    names = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    order = sorted(range(len(names)), key=lambda code: (-counts[code], names[code]))
    kept = order if len(order) <= _SHOWN_VALUES else order[: _SHOWN_VALUES - 1]
    folded = len(order) - len(kept)
    places = np.full(len(names) + 1, len(kept))
    places[kept] = np.arange(len(kept))
    places[-1] = -1
    shown = [names[code] for code in kept]
    return places[codes], [*shown, "…"] if folded else shown, folded


def _lengths(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """(rows,) thirds by length, and their bounds; fewer where many texts are equally long."""
    import pyarrow.compute as pc

    lengths = pc.utf8_length(column).fill_null(0).to_numpy().astype(np.int64)
    bounds = np.unique(np.quantile(lengths, (1 / 3, 2 / 3, 1), method="lower"))
    thirds = np.searchsorted(bounds, lengths)
    lows = [int(lengths.min()), *(int(bound) + 1 for bound in bounds[:-1])]
    return thirds, [
        f"{low}–{int(high)}" if low < high else f"{low}"
        for low, high in zip(lows, bounds, strict=True)
    ]
