"""Pages for people: what is here, a repo's card, files and first rows, and the login.

Nothing on a page runs: there is no script, and the policy sent along forbids any.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote

from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hub.server import gating, revisions
from hub.server.accounts import Caller, caller_of_token, token_number
from hub.server.card_metadata import README, CardMetadata, split_card
from hub.server.card_rendering import render_card
from hub.server.descriptions import card_at, read_text
from hub.server.errors import HubError, entry_not_found
from hub.server.http.call import SESSION_COOKIE, Call, threaded
from hub.server.http.routing import PLURALS, page_routes, route
from hub.server.listing import Query, find_repos
from hub.server.previews import Preview, choose_file, read_preview
from hub.server.repositories import KINDS, Kind, Repo
from hub.server.revisions import Commit
from hub.server.store.database import Transaction
from hub.server.store.trees import FileEntry, FolderEntry

LISTED_REPOS = 100
LISTED_COMMITS = 10
_POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_SESSION_PURPOSE = "session"

_templates = Environment(
    loader=PackageLoader("hub.server", "templates"), autoescape=True, trim_blocks=True
)


def front_page(call: Call) -> Response:
    """`GET /[?search=]`: the newest repos of each kind."""
    search = call.request.query_params.get("search", "")
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        found = {kind: _list(tx, caller, kind, search) for kind in KINDS}
    return _page("front.html", caller, search=search, found=found)


def repo_page(call: Call) -> Response:
    """`GET /[datasets/|spaces/]{repo}`: card, files, first rows, history."""
    return _repo_page(call, "main", "")


def tree_page(call: Call) -> Response:
    """`GET {repo}/tree/{rev}[/{path}]` and `{repo}/commit/{rev}`."""
    return _repo_page(call, call.params["revision"], call.params.get("path", "").strip("/"))


def file_page(call: Call) -> Response:
    """`GET {repo}/blob/{rev}/{path}` leads to the file itself."""
    return RedirectResponse(call.request.scope["path"].replace("/blob/", "/resolve/", 1))


def login_page(call: Call) -> Response:
    """`GET /login`."""
    with call.store.database.read() as tx:
        return _page("login.html", call.caller(tx), failed=False)


def login(call: Call) -> Response:
    """`POST /login` with a token in a form: the browser keeps a session, not the token."""
    token = parse_qs(call.body.decode("utf-8", "replace")).get("token", [""])[0].strip()
    with call.store.database.read() as tx:
        try:
            caller = caller_of_token(tx, token)
        except HubError:
            page = _page("login.html", Caller(), failed=True)
            page.status_code = 401
            return page
        claims = {"user": caller.user_id, "token": token_number(tx, token)}
    seconds = call.store.settings.session_seconds
    session, _ = call.store.signer.sign(_SESSION_PURPOSE, claims, seconds)
    response = RedirectResponse("/", 303)
    response.set_cookie(
        SESSION_COOKIE,
        session,
        max_age=seconds,
        secure=call.request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


def logout(call: Call) -> Response:
    """`POST /logout`."""
    response = RedirectResponse("/", 303)
    response.delete_cookie(SESSION_COOKIE)
    return response


def error_page(request: Request, error: HubError) -> Response | None:
    """A refusal for a person; None when a program asked."""
    if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        return None
    page = _page("error.html", Caller(), status=error.status, message=error.message)
    page.status_code = error.status
    page.headers.update(error.headers)
    if error.code is not None:
        page.headers["X-Error-Code"] = error.code
    return page


def routes() -> list[Route | Mount]:
    return [
        route("GET", "/", front_page),
        route("GET", "/login", login_page),
        route("POST", "/login", login),
        route("POST", "/logout", logout),
        Mount("/static", StaticFiles(packages=[("hub.server", "static")])),
        *page_routes("", threaded(repo_page), "GET"),
        *page_routes("/tree/{revision:quoted}", threaded(tree_page), "GET"),
        *page_routes("/tree/{revision:quoted}/{path:quoted_path}", threaded(tree_page), "GET"),
        *page_routes("/commit/{revision:quoted}", threaded(tree_page), "GET"),
        *page_routes("/blob/{revision:quoted}/{path:quoted_path}", threaded(file_page), "GET"),
    ]


def _list(
    tx: Transaction, caller: Caller, kind: Kind, search: str
) -> list[tuple[Repo, CardMetadata]]:
    query = Query(kind=kind, search=search, sort="lastModified", limit=LISTED_REPOS)
    repos, _ = find_repos(tx, caller, query)
    return [(repo, CardMetadata.from_json(repo.card)) for repo in repos]


def _repo_page(call: Call, revision: str, path: str) -> Response:
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        repo = call.readable_repo(tx, caller)
        commit = revisions.find_commit(tx, repo, revision)
        folder = call.store.trees.find(tx, commit.tree, path)
        if not isinstance(folder, FolderEntry):
            raise entry_not_found(path, commit.id)
        entries = call.store.trees.get(tx, folder.oid)
        may_read = gating.may_download(tx, caller, repo)
        card_html = _card_html(call, tx, repo, commit) if may_read and not path else None
        preview = _preview(call, tx, repo, commit) if may_read and not path else None
        history = revisions.history(tx, repo, commit.id, LISTED_COMMITS)
        metadata = card_at(tx, call.store, repo, commit)
    return _page(
        "repo.html",
        caller,
        repo=repo,
        commit=commit,
        revision=revision,
        path=path,
        folders=[name for name, entry in entries.items() if isinstance(entry, FolderEntry)],
        files=[(name, entry) for name, entry in entries.items() if isinstance(entry, FileEntry)],
        may_read=may_read,
        card_html=card_html,
        preview=preview,
        history=history,
        metadata=metadata,
    )


def _card_html(call: Call, tx: Transaction, repo: Repo, commit: Commit) -> str | None:
    text = read_text(tx, call.store, commit, README)
    return None if text is None else render_card(split_card(text)[1], repo.url_path, commit.id)


def _preview(call: Call, tx: Transaction, repo: Repo, commit: Commit) -> Preview | None:
    if repo.kind != "dataset":
        return None
    path = choose_file([path for path, _ in call.store.trees.files(tx, commit.tree)])
    entry = call.store.trees.find(tx, commit.tree, path) if path is not None else None
    if path is None or not isinstance(entry, FileEntry):
        return None
    blob = call.store.blobs.find(tx, entry.sha256)
    return read_preview(path, blob) if blob is not None else None


def _page(template: str, caller: Caller, **values: Any) -> HTMLResponse:
    html = _templates.get_template(template).render(
        caller=caller, plurals={kind: plural for plural, kind in PLURALS.items()}, **values
    )
    headers = {
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(html, headers=headers)


def _quoted_path(path: str) -> str:
    return quote(path, safe="/")


_templates.filters["quoted"] = _quoted_path
