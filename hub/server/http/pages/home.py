"""The front page: repos by kind, words, task, licence and language."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hub.server.accounts import Caller
from hub.server.card_metadata import CardMetadata
from hub.server.choices import Choices, find_choices, language_tag, licence_tag, task_tag
from hub.server.errors import HubError
from hub.server.http.call import Call
from hub.server.http.pages.head import CardHead, read_head
from hub.server.http.pages.page import frame_of, page
from hub.server.http.routing import PLURALS, route
from hub.server.listing import Query, find_repos
from hub.server.repositories import KINDS, Kind, Repo
from hub.server.store.database import Transaction

PAGE_REPOS = 30
REPOS_OF_A_KIND = 8
"""On the page of all kinds."""


@dataclass(frozen=True)
class Filter:
    """What the address of the page asks for; empty text is no wish."""

    kind: str = ""
    search: str = ""
    author: str = ""
    task: str = ""
    licence: str = ""
    language: str = ""

    def address(self, **changes: str) -> str:
        """The page with some wishes changed, from its beginning."""
        wishes = {name: value for name, value in vars(replace(self, **changes)).items() if value}
        return f"/?{urlencode(wishes)}" if wishes else "/"

    @property
    def is_narrowed(self) -> bool:
        return any(value for name, value in vars(self).items() if name != "kind")

    def query(self, kind: Kind, limit: int = PAGE_REPOS, cursor: str | None = None) -> Query:
        tags = []
        if self.task:
            tags.append(task_tag(kind, self.task))
        if self.licence:
            tags.append(licence_tag(self.licence))
        if self.language:
            tags.append(language_tag(kind, self.language))
        return Query(
            kind,
            author=self.author or None,
            search=self.search,
            tags=tags,
            sort="lastModified",
            limit=limit,
            cursor=cursor,
        )


@dataclass(frozen=True)
class Listed:
    """Repos of one kind, and where the list goes on."""

    kind: Kind
    repos: list[tuple[Repo, CardHead]]
    cursor: str | None


def home_page(call: Call) -> Response:
    """`GET /[?kind=&search=&author=&task=&licence=&language=&cursor=]`."""
    parameters = call.request.query_params
    wishes = Filter(**{name: parameters.get(name, "").strip() for name in vars(Filter())})
    kind = PLURALS.get(wishes.kind)
    with call.store.database.read() as tx:
        frame = frame_of(call, tx)
        queries = [wishes.query(each) for each in KINDS]
        choices: Choices = find_choices(tx, frame.caller, queries, kind)
        lists = [
            _listed(tx, frame.caller, shown, wishes, kind, parameters.get("cursor"))
            for shown in ([kind] if kind else KINDS)
        ]
    return page(
        frame,
        "home.html",
        wishes=wishes,
        kind=kind,
        choices=choices,
        lists=[listed for listed in lists if listed.repos or kind],
    )


def kind_page(call: Call) -> Response:
    """`GET /models`, `/datasets`, `/spaces`: where the public Hub lists them."""
    return RedirectResponse(Filter(kind=f"{call.params['kind']}s").address())


def owner_page(call: Call) -> Response:
    """`GET /{owner}`: the repos of a user or an organisation. Raises 404 for neither."""
    owner = call.params["owner"]
    with call.store.database.read() as tx:
        found = tx.execute("SELECT 1 FROM accounts WHERE name = ?", (owner,)).fetchone()
    if found is None:
        raise HubError(404, "There is no such user or organisation")
    return RedirectResponse(Filter(author=owner).address())


def routes() -> list[Route]:
    return [
        route("GET", "/", home_page),
        route("GET", "/{kind:repo_kind}", kind_page),
    ]


def owner_routes() -> list[Route]:
    """Apart, because any one name is taken for an owner."""
    return [route("GET", "/{owner:quoted}", owner_page)]


def _listed(
    tx: Transaction,
    caller: Caller,
    shown: Kind,
    wishes: Filter,
    kind: Kind | None,
    cursor: str | None,
) -> Listed:
    limit = PAGE_REPOS if kind else REPOS_OF_A_KIND
    query = wishes.query(shown, limit, cursor if kind else None)
    repos, following = find_repos(tx, caller, query)
    shown_repos = [(repo, read_head(CardMetadata.from_json(repo.card))) for repo in repos]
    return Listed(shown, shown_repos, following)
