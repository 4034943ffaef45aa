"""By what the repos of a list can be narrowed down: task, licence, language, with their numbers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hub.server.accounts import Caller
from hub.server.repositories import Kind
from hub.server.store.database import Transaction


@dataclass
class Choices:
    """{value: repos that the caller sees}, of each kind of repo."""

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


def find_choices(tx: Transaction, caller: Caller, kind: Kind | None) -> Choices:
    """What the visible repos of a kind have on their cards, and how many there are of every kind.

    The values are taken out of the cards by the database: reading whole cards here would cost
    more than the rest of the page.
    """
    visible = [id_ for id_ in (caller.user_id, *(o for o, _ in caller.organisations)) if id_]
    rows = tx.execute(
        "SELECT kind, json_extract(iif(json_valid(card), card, '{}'), '$.pipeline_tag',"
        " '$.data.task_categories', '$.data.license', '$.data.language') FROM repos"
        f" WHERE NOT private OR owner_id IN ({', '.join('?' * len(visible))})",
        visible,
    ).fetchall()
    choices = Choices()
    for row_kind, values in rows:
        choices.kinds[row_kind] += 1
        if kind is not None and row_kind != kind:
            continue
        pipeline_tag, task_categories, licence, language = json.loads(values)
        choices.tasks.update(_texts(task_categories if row_kind == "dataset" else pipeline_tag))
        choices.licences.update(_texts(licence))
        choices.languages.update(_texts(language))
    return choices


def _texts(value: Any) -> set[str]:
    values = value if isinstance(value, list) else [value]
    return {str(item) for item in values if item not in (None, "", {})}
