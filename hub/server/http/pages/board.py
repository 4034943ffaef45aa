"""The board of a dataset: every model that reports results on it, with intervals."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from hub.server.boards import MetricBoard, find_board
from hub.server.http.call import Call, threaded
from hub.server.http.pages.repo import open_repo
from hub.server.http.routing import page_routes

PLOT_WIDTH = 200
"""Of the drawn scale, in the units of its own view box."""


def board_page(call: Call) -> Response:
    """`GET /datasets/{repo}/board`."""
    with open_repo(call) as view:
        boards = find_board(view.tx, call.store, view.frame.caller, view.repo)
        return view.page("board.html", "board", boards=boards, place=_place, width=PLOT_WIDTH)


def routes() -> list[Route]:
    return page_routes("/board", threaded(board_page), "GET")


def _place(board: MetricBoard, value: float) -> str:
    """Where a value stands on the drawn scale."""
    low, high = board.scale
    return f"{(value - low) / (high - low) * PLOT_WIDTH:.1f}"
