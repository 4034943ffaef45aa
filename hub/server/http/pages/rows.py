"""The rows of a repo's parquet files, page by page and filtered, with their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from hub.server.errors import HubError, entry_not_found
from hub.server.gating import require_download
from hub.server.http.call import Call, threaded
from hub.server.http.pages.repo import RepoView, open_repo
from hub.server.http.routing import page_routes
from hub.server.store.blobs import StoredBlob
from hub.server.store.trees import FileEntry
from hub.server.tables.cells import Cell, make_cell
from hub.server.tables.columns import Column, UnreadableTableError
from hub.server.tables.pictures import UnreadablePictureError, media_type, thumbnail
from hub.server.tables.reader import TableReader

PAGE_ROWS = 25
MOST_DIGITS = 12
FILTER = "where."
"""Begins the query parameters that filter: `where.label=receipt`."""


@dataclass(frozen=True)
class Selection:
    """The rows that the address asks for."""

    split: str
    wanted: dict[str, str]
    start: int
    """Place of the first row of the page among the matching rows."""

    def query(self, start: int) -> str:
        """The query of the page that begins at another place."""
        filters = {FILTER + column: value for column, value in self.wanted.items()}
        return urlencode({"split": self.split, **filters, "start": start})


@dataclass(frozen=True)
class Row:
    """A row and its number in the split, counted from 0."""

    number: int
    cells: dict[str, Cell]

    def repeats(self, column: str) -> bool:
        """Whether a text is one of the messages of the row, word for word."""
        messages = [message.text for cell in self.cells.values() for message in cell.messages]
        return self.cells[column].kind == "text" and self.cells[column].text in messages


def rows_page(tables: TableReader, call: Call) -> Response:
    """`GET {repo}/viewer[/{rev}][?split=&where.<column>=&start=|row=]`."""
    with open_repo(call) as view:
        require_download(view.tx, view.frame.caller, view.repo)
        if not view.splits:
            raise HubError(404, "This repo holds no parquet files, so there are no rows to show")
        selection = _selection(call, view)
        shards = _shards(call, view, view.splits[selection.split])
        try:
            return _rows_page(tables, view, selection, shards)
        except UnreadableTableError as error:
            return view.page("rows_unreadable.html", "rows", selection=selection, reason=str(error))


def picture(tables: TableReader, call: Call) -> Response:
    """`GET {repo}/picture/{rev}?split=&row=&column=&item=[&whole=1]`: an image of a row."""
    parameters = call.request.query_params
    with open_repo(call) as view:
        require_download(view.tx, view.frame.caller, view.repo)
        split = parameters.get("split", "")
        if split not in view.splits:
            raise entry_not_found(split, view.commit.id)
        shards = _shards(call, view, view.splits[split])
    row, item = _number(parameters.get("row")), _number(parameters.get("item"))
    whole = call.flag("whole")
    # The content of a commit never changes; who may see it can, so the browser asks each time.
    etag = f'"{view.commit.id[:20]}-{int(whole)}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if call.request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    try:
        content = tables.image(shards, row, parameters.get("column", ""), item)
        if content is None:
            raise HubError(404, "There is no such picture")
        if whole:
            return Response(content, headers=headers, media_type=media_type(content))
        return Response(thumbnail(content), headers=headers, media_type="image/jpeg")
    except (UnreadableTableError, UnreadablePictureError) as error:
        raise HubError(415, f"This picture cannot be shown: {error}") from error


def routes() -> list[Route]:
    tables = TableReader()
    show_rows = threaded(partial(rows_page, tables))
    return [
        *page_routes("/viewer", show_rows, "GET"),
        *page_routes("/viewer/{revision:quoted}", show_rows, "GET"),
        *page_routes("/picture/{revision:quoted}", threaded(partial(picture, tables)), "GET"),
    ]


def _rows_page(
    tables: TableReader, view: RepoView, selection: Selection, shards: Sequence[StoredBlob]
) -> Response:
    facets = tables.facets(shards)
    if selection.wanted:
        matching = tables.matching(shards, selection.wanted)
        total = len(matching)
        numbers = matching[selection.start : selection.start + PAGE_ROWS].tolist()
    else:
        total = tables.row_count(shards)
        numbers = list(range(selection.start, min(selection.start + PAGE_ROWS, total)))
    columns = tables.columns(shards)
    rows = [
        Row(number, {column.name: make_cell(column, row) for column in columns})
        for number, row in zip(numbers, tables.rows(shards, numbers), strict=True)
    ]
    last = max((total - 1) // PAGE_ROWS * PAGE_ROWS, 0)
    return view.page(
        "rows.html",
        "rows",
        selection=selection,
        rows=rows,
        total=total,
        facets=facets,
        layout=_layout(columns, rows),
        page_rows=PAGE_ROWS,
        last=last,
        filter_prefix=FILTER,
    )


@dataclass(frozen=True)
class Layout:
    """Which columns have a place of their own; the others stand together as fields.

    A table without conversations and pictures has only fields, each in its own column.
    """

    pictures: list[str]
    conversations: list[str]
    fields: list[str]


def _layout(columns: Sequence[Column], rows: Sequence[Row]) -> Layout:
    """Columns of pictures and conversations in which no row has any are left out."""
    pictures = [column.name for column in columns if column.is_image or column.is_image_list]
    conversations = [column.name for column in columns if column.is_conversation]
    own = {*pictures, *conversations}
    used = {name for row in rows for name in own if row.cells[name].kind != "empty"}
    return Layout(
        [name for name in pictures if name in used],
        [name for name in conversations if name in used],
        [column.name for column in columns if column.name not in own],
    )


def _selection(call: Call, view: RepoView) -> Selection:
    """Raises 404 for a split that is not there and 400 for a start that is no number."""
    parameters = call.request.query_params
    split = parameters.get("split") or next(iter(view.splits))
    if split not in view.splits:
        raise entry_not_found(split, view.commit.id)
    wanted = {
        name.removeprefix(FILTER): value
        for name, value in parameters.items()
        if name.startswith(FILTER) and value
    }
    if parameters.get("row"):
        # A row is asked for by its number: its page, on which every row stands.
        return Selection(split, {}, _number(parameters.get("row")) // PAGE_ROWS * PAGE_ROWS)
    return Selection(split, wanted, _number(parameters.get("start")))


def _number(text: str | None) -> int:
    """Raises 400."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise HubError(400, "Rows are counted by whole numbers")
    return int(text)


def _shards(call: Call, view: RepoView, paths: Sequence[str]) -> list[StoredBlob]:
    shards = []
    for path in paths:
        entry = call.store.trees.find(view.tx, view.commit.tree, path)
        blob = (
            call.store.blobs.find(view.tx, entry.sha256) if isinstance(entry, FileEntry) else None
        )
        if blob is None:
            raise OSError(f"{view.repo.repo_id}: the content of '{path}' is missing")
        shards.append(blob)
    return shards
