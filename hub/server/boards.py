"""Which models report results on a dataset, with what certainty, best first.

A model that has a `run.json` of a run on the dataset brings intervals and what the model scored
before tuning; any other brings the bare values of the `model-index` of its card.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from cards.records import RUN_FILE, Metric, RunRecord
from hub.server import gating, revisions
from hub.server.accounts import Caller
from hub.server.card_metadata import CardMetadata
from hub.server.descriptions import read_text
from hub.server.listing import Query, find_repos
from hub.server.repositories import Repo
from hub.server.revisions import Commit
from hub.server.store.database import Transaction
from hub.server.store.store import Store
from hub.server.verification import Verification, find_verification

MOST_MODELS = 500
MOST_VALUE = 1e15


@dataclass(frozen=True)
class Score:
    """A reported value; what a card leaves open is None."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    before: Metric | None = None
    """The same metric of the model before tuning."""

    @property
    def numbers(self) -> list[float]:
        """All that is drawn of it."""
        before = self.before.value if self.before is not None else None
        return [n for n in (self.value, self.low, self.high, before) if n is not None]


@dataclass(frozen=True)
class Entry:
    """A model on a board."""

    repo: Repo
    commit: Commit
    score: Score
    revision: str | None
    """The commit of the dataset that was used."""
    split: str | None
    verification: Verification | None

    @property
    def is_refuted(self) -> bool:
        """Whether a verification is attached that does not hold."""
        return self.verification is not None and self.verification.is_refuted


@dataclass
class MetricBoard:
    """All models that report one metric, the best first, those with a refuted one at the end."""

    name: str
    unit: str = ""
    higher_is_better: bool = True
    entries: list[Entry] = field(default_factory=list)

    @property
    def scale(self) -> tuple[float, float]:
        """The smallest and largest number to draw, never equal; shares are drawn from 0 to 1."""
        numbers = [0.0, 1.0] if self.unit == "0-1" else []
        numbers += [number for entry in self.entries for number in entry.score.numbers]
        low, high = min(numbers), max(numbers)
        return (low, high) if high > low else (low - 0.5, high + 0.5)


@dataclass(frozen=True)
class _Report:
    """What one model says about a dataset."""

    scores: dict[str, Score]
    units: dict[str, tuple[str, bool]]
    revision: str | None
    split: str | None


def find_board(
    tx: Transaction, store: Store, caller: Caller, dataset: Repo
) -> dict[str, MetricBoard]:
    """{metric: its board}, in the order in which the first model reports them."""
    boards: dict[str, MetricBoard] = {}
    query = Query("model", tags=[f"dataset:{dataset.repo_id}"], limit=MOST_MODELS)
    repos, _ = find_repos(tx, caller, query)
    for repo in repos:
        head = revisions.ref_target(tx, repo, revisions.MAIN)
        if head is None:
            continue
        commit = revisions.get_commit(tx, repo, head)
        may_read = gating.may_download(tx, caller, repo)
        verified = find_verification(tx, store, repo, commit) if may_read else None
        run = read_run(tx, store, commit) if may_read else None
        report = (
            _of_run(run)
            if run is not None and run.dataset.id.lower() == dataset.repo_id.lower()
            else _of_card(CardMetadata.from_json(repo.card), dataset.repo_id)
        )
        for name, score in report.scores.items():
            board = boards.setdefault(name, MetricBoard(name))
            if name in report.units:  # Which a bare value of a card does not tell.
                board.unit, board.higher_is_better = report.units[name]
            board.entries.append(
                Entry(repo, commit, score, report.revision, report.split, verified)
            )
    for board in boards.values():
        sign = -1 if board.higher_is_better else 1
        board.entries.sort(
            key=lambda entry: (entry.is_refuted, sign * entry.score.value, entry.repo.repo_id)
        )
    return boards


def has_board(tx: Transaction, caller: Caller, dataset: Repo) -> bool:
    """Whether any model that the caller sees names the dataset."""
    found, _ = find_repos(tx, caller, Query("model", tags=[f"dataset:{dataset.repo_id}"], limit=1))
    return bool(found)


def read_run(tx: Transaction, store: Store, commit: Commit) -> RunRecord | None:
    """The run record of a commit; None when there is none that can be used."""
    text = read_text(tx, store, commit, RUN_FILE)
    try:
        return None if text is None else RunRecord.model_validate_json(text)
    except ValidationError:
        return None


def _of_run(run: RunRecord) -> _Report:
    before = _finite(run.metrics.get("zero_shot", {}))
    usable = _finite(run.metrics.get("tuned", {}))
    return _Report(
        {
            name: Score(metric.value, metric.low, metric.high, metric.n, before.get(name))
            for name, metric in usable.items()
        },
        {name: (metric.unit, metric.higher_is_better) for name, metric in usable.items()},
        run.dataset.revision,
        next((split for split in ("test", "validation") if split in run.dataset.splits), None),
    )


def _finite(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    return {
        name: metric
        for name, metric in metrics.items()
        if all(map(math.isfinite, (metric.value, metric.low, metric.high)))
    }


def _of_card(card: CardMetadata, dataset_id: str) -> _Report:
    """Source: https://github.com/huggingface/hub-docs/blob/main/modelcard.md (`model-index`)."""
    scores: dict[str, Score] = {}
    revision = split = None
    for result in _dicts(card.data.get("model-index"), "results"):
        dataset = result.get("dataset")
        if not isinstance(dataset, dict) or str(dataset.get("type")).lower() != dataset_id.lower():
            continue
        revision, split = _text(dataset.get("revision")), _text(dataset.get("split"))
        metrics = result.get("metrics")
        for metric in metrics if isinstance(metrics, list) else []:
            value = _number(metric.get("value")) if isinstance(metric, dict) else None
            if value is not None:
                scores[str(metric.get("type"))] = Score(value)
    return _Report(scores, {}, revision, split)


def _dicts(models: Any, key: str) -> list[dict[str, Any]]:
    """The dictionaries in the lists under `key` of a list of dictionaries."""
    lists = [item.get(key) for item in models or [] if isinstance(item, dict)]
    items = [item for list_ in lists if isinstance(list_, list) for item in list_]
    return [item for item in items if isinstance(item, dict)]


def _number(value: object) -> float | None:
    """A finite number; whole ones may be too large to be one."""
    if not isinstance(value, int | float) or abs(value) > MOST_VALUE:
        return None
    return float(value) if math.isfinite(value) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
