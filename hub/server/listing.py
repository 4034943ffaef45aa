"""Which repos exist: found by owner, words, tags, and put in order."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from hub.server.accounts import Caller
from hub.server.errors import bad_request
from hub.server.repositories import SELECT_REPOS, Kind, Repo, repo_from_row
from hub.server.store.database import Transaction

PAGE_REPOS = 1000
_COLUMNS = {
    "lastModified": "repos.modified_at",
    "createdAt": "repos.created_at",
    "downloads": "repos.created_at",
    "likes": "repos.created_at",
    "trendingScore": "repos.modified_at",
}
"""Nobody counts downloads or likes here; those orders fall back on time."""


@dataclass(frozen=True)
class Query:
    """What a list call asks for. `tags` must all be there; words are looked for in the id."""

    kind: Kind
    author: str | None = None
    search: str | None = None
    tags: Sequence[str] = ()
    gated: bool | None = None
    sort: str = "createdAt"
    ascending: bool = False
    limit: int = PAGE_REPOS
    cursor: str | None = None


def find_repos(tx: Transaction, caller: Caller, query: Query) -> tuple[list[Repo], str | None]:
    """A page of the repos that the caller may see, and the cursor of the next page.

    Raises 400 for an unknown order or cursor.
    """
    if query.sort not in _COLUMNS:
        raise bad_request(f"Unknown sort: {query.sort}. Known: {', '.join(_COLUMNS)}")
    column, direction = _COLUMNS[query.sort], "ASC" if query.ascending else "DESC"
    conditions, values = matching(caller, query)
    if query.cursor is not None:
        comparison = ">" if query.ascending else "<"
        conditions.append(f"({column}, repos.id) {comparison} (?, ?)")
        values += _decode_cursor(query.cursor)
    rows = tx.execute(
        SELECT_REPOS
        + f"WHERE {' AND '.join(conditions)}"
        + f" ORDER BY {column} {direction}, repos.id {direction} LIMIT ?",
        (*values, query.limit + 1),
    ).fetchall()
    page = rows[: query.limit]
    cursor = None
    if len(rows) > query.limit:
        cursor = _encode_cursor(page[-1][column.removeprefix("repos.")], page[-1]["id"])
    return [repo_from_row(row) for row in page], cursor


def matching(caller: Caller, query: Query) -> tuple[list[str], list[object]]:
    """SQL conditions, all to hold, on rows of `FROM_REPOS`, and the values for their marks."""
    visible = [id_ for id_ in (caller.user_id, *(o for o, _ in caller.organisations)) if id_]
    marks = ", ".join("?" * len(visible))
    conditions = ["repos.kind = ?", f"(NOT repos.private OR repos.owner_id IN ({marks}))"]
    values: list[object] = [query.kind, *visible]
    if query.author is not None:
        conditions.append("accounts.name = ?")
        values.append(query.author)
    for word in (query.search or "").split():
        conditions.append("instr(lower(accounts.name || '/' || repos.name), lower(?))")
        values.append(word)
    for tag in query.tags:
        conditions.append(
            "EXISTS (SELECT 1 FROM repo_tags WHERE repo_id = repos.id AND repo_tags.tag = ?)"
        )
        values.append(tag)
    if query.gated is not None:
        conditions.append(f"repos.gated IS {'NOT ' if query.gated else ''}NULL")
    return conditions, values


def _encode_cursor(value: str, number: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([value, number])).decode()


def _decode_cursor(cursor: str) -> list[object]:
    try:
        value, number = orjson.loads(base64.urlsafe_b64decode(cursor))
    except (TypeError, ValueError) as error:
        raise bad_request("Invalid cursor") from error
    if not isinstance(value, str) or not isinstance(number, int) or number >= 1 << 63:
        raise bad_request("Invalid cursor")
    return [value, number]
