"""What happened to a repo: its commits, and what each changed."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from hub.server import revisions
from hub.server.card_metadata import README
from hub.server.diffs import FileChange, TextDiff, changed_files, diff_of_change
from hub.server.http.call import Call, threaded
from hub.server.http.pages.repo import open_repo
from hub.server.http.routing import page_routes

PAGE_COMMITS = 50
LISTED_FILES = 300
DIFFED_FILES = 25
DIFF_LINES = 1500


def history_page(call: Call) -> Response:
    """`GET {repo}/commits/{rev}`: newest first; those that changed the card are marked."""
    with open_repo(call) as view:
        line = revisions.history(view.tx, view.repo, view.commit.id, PAGE_COMMITS + 1)
        cards = [call.store.trees.find(view.tx, commit.tree, README) for commit in line]
        changed_card = {
            commit.id
            for commit, card, older in zip(line, cards, [*cards[1:], None], strict=True)
            if card is not None and card != older
        }
        return view.page(
            "history.html",
            "history",
            commits=line[:PAGE_COMMITS],
            following=line[PAGE_COMMITS].id if len(line) > PAGE_COMMITS else None,
            changed_card=changed_card,
        )


def commit_page(call: Call) -> Response:
    """`GET {repo}/commit/{rev}`: the files that a commit changed, and their lines; card first."""
    with open_repo(call) as view:
        before = (
            revisions.get_commit(view.tx, view.repo, view.commit.parent).tree
            if view.commit.parent is not None
            else None
        )
        changes = changed_files(view.tx, call.store.trees, before, view.commit.tree)
        changes.sort(key=lambda change: change.path != README)
        shown: list[tuple[FileChange, TextDiff | None]] = []
        lines = 0
        for change in changes[:LISTED_FILES]:
            diff = None
            if view.may_read and len(shown) < DIFFED_FILES and lines < DIFF_LINES:
                diff = diff_of_change(view.tx, call.store, change)
            if diff is not None:
                lines += sum(len(hunk) for hunk in diff.hunks)
            shown.append((change, diff))
        return view.page(
            "commit.html", "history", changes=shown, more=max(len(changes) - LISTED_FILES, 0)
        )


def routes() -> list[Route]:
    return [
        *page_routes("/commits/{revision:quoted}", threaded(history_page), "GET"),
        *page_routes("/commit/{revision:quoted}", threaded(commit_page), "GET"),
    ]
