"""By what the repos of a list can be narrowed down: task, licence, language, with their numbers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.server.accounts import Caller
from hub.server.listing import Query, matching
from hub.server.repositories import FROM_REPOS, Kind
from hub.server.store.database import Transaction


@dataclass
class Choices:
    """{value: repos that have it}."""

    kinds: Counter[Kind] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)


def task_tag(kind: Kind, task: str) -> str:
    """The tag of a task, as :func:`hub.server.card_metadata.read_metadata` writes it."""
    return f"task_categories:{task}" if kind == "dataset" else task


def language_tag(kind: Kind, language: str) -> str:
    """The tag of a language; models have it without a prefix."""
    return language if kind == "model" else f"language:{language}"


def licence_tag(licence: str) -> str:
    return f"license:{licence}"


def find_choices(
    tx: Transaction, caller: Caller, queries: Sequence[Query], kind: Kind | None
) -> Choices:
    """How many repos answer each of the queries, and what those of `kind` have on their cards.

    The values are taken out of the cards by the database: reading whole cards here would cost
    more than the rest of the page.
    """
    choices = Choices()
    for query in queries:
        conditions, values = matching(caller, query)
        rows = tx.execute(
            "SELECT json_extract(iif(json_valid(card), card, '{}'), '$.pipeline_tag',"
            " '$.data.task_categories', '$.data.license', '$.data.language')"
            f" {FROM_REPOS} WHERE {' AND '.join(conditions)}",
            values,
        ).fetchall()
        choices.kinds[query.kind] = len(rows)
        if kind is not None and query.kind != kind:
            continue
        for (heads,) in rows:
            pipeline_tag, task_categories, licence, language = json.loads(heads)
            tasks = task_categories if query.kind == "dataset" else pipeline_tag
            choices.tasks.update(_texts(tasks))
            choices.licences.update(_texts(licence))
            choices.languages.update(_texts(language))
    return choices


def _texts(value: Any) -> set[str]:
    values = value if isinstance(value, list) else [value]
    return {str(item) for item in values if item not in (None, "", {})}
