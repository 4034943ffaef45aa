"""Pages for people: what is here, cards, files, rows, histories, boards, and their own tokens.

Nothing on a page runs: there is no script, and the policy sent along forbids any. `page` is what
all have in common; the other files have one subject each.
"""

from __future__ import annotations

from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hub.server.http.pages.board import routes as board_routes
from hub.server.http.pages.card import routes as card_routes
from hub.server.http.pages.files import routes as files_routes
from hub.server.http.pages.history import routes as history_routes
from hub.server.http.pages.home import owner_routes
from hub.server.http.pages.home import routes as home_routes
from hub.server.http.pages.login import routes as login_routes
from hub.server.http.pages.page import error_page
from hub.server.http.pages.rows import routes as rows_routes
from hub.server.http.pages.tokens import routes as tokens_routes

__all__ = ["error_page", "routes"]


def routes() -> list[Route | Mount]:
    """Must follow all other routes: any two names are taken for a repo, one for an owner."""
    return [
        *home_routes(),
        *login_routes(),
        *tokens_routes(),
        Mount("/static", StaticFiles(packages=[("hub.server", "static")])),
        *owner_routes(),
        *rows_routes(),
        *board_routes(),
        *files_routes(),
        *history_routes(),
        *card_routes(),
    ]
