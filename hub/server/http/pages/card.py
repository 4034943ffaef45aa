"""The front page of a repo: its card, what is known about it, and whether that was checked."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from cards.records import Metric, RunRecord
from hub.server import boards
from hub.server.card_metadata import README, split_card
from hub.server.card_rendering import Card, render_card
from hub.server.descriptions import read_text
from hub.server.http.call import Call, threaded
from hub.server.http.pages.head import read_head
from hub.server.http.pages.repo import RepoView, open_repo
from hub.server.http.routing import page_routes


def card_page(call: Call) -> Response:
    """`GET /[datasets/|spaces/]{repo}`."""
    with open_repo(call) as view:
        card = _card(call, view) if view.may_read else None
        files = [entry for _, entry in call.store.trees.files(view.tx, view.commit.tree)]
        run = boards.read_run(view.tx, call.store, view.commit) if view.may_read else None
        return view.page(
            "card.html",
            "card",
            card=card,
            head=read_head(view.metadata),
            files=len(files),
            size=sum(entry.size for entry in files),
            scores=_scores(run),
        )


def routes() -> list[Route]:
    return page_routes("", threaded(card_page), "GET")


def _card(call: Call, view: RepoView) -> Card | None:
    text = read_text(view.tx, call.store, view.commit, README)
    if text is None:
        return None
    return render_card(split_card(text)[1], view.repo.url_path, view.commit.id)


def _scores(run: RunRecord | None) -> list[tuple[str, Metric]]:
    """What a run measured on all examples; metrics of a class (`recall/receipt`) are the card's."""
    if run is None:
        return []
    return [one for one in run.metrics.get("tuned", {}).items() if "/" not in one[0]]
