"""Logging in with a token, logging out, and the choice of a language."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hub.server.accounts import caller_of_token, token_number
from hub.server.errors import HubError
from hub.server.http.call import SESSION_COOKIE, Call
from hub.server.http.pages.page import frame_of, page
from hub.server.http.pages.session import (
    local_address,
    read_form,
    session_of_form,
    set_cookie,
    start_session,
)
from hub.server.http.pages.wording import LANGUAGE_COOKIE, LANGUAGES
from hub.server.http.routing import route

YEAR_SECONDS = 365 * 24 * 3600


def login_page(call: Call) -> Response:
    """`GET /login[?next=]`."""
    next_address = local_address(call.request.query_params.get("next", "/"))
    with call.store.database.read() as tx:
        return page(frame_of(call, tx), "login.html", failed=False, next=next_address)


def login(call: Call) -> Response:
    """`POST /login` with a token in a form: the browser keeps a session, not the token."""
    form = read_form(call)
    next_address = local_address(form.get("next", "/"))
    with call.store.database.read() as tx:
        token = form.get("token", "").strip()
        try:
            caller = caller_of_token(tx, token)
        except HubError:
            frame = frame_of(call, tx)
            return page(frame, "login.html", status=401, failed=True, next=next_address)
        claims = {"user": caller.user_id, "token": token_number(tx, token)}
    response = RedirectResponse(next_address, 303)
    start_session(call, response, claims)
    return response


def logout(call: Call) -> Response:
    """`POST /logout`."""
    form = read_form(call)
    with call.store.database.read() as tx:
        session_of_form(call, tx, form)
    response = RedirectResponse("/", 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return response


def choose_language(call: Call) -> Response:
    """`POST /language` with `language` and where to go on."""
    form = read_form(call)
    response = RedirectResponse(local_address(form.get("next", "/")), 303)
    if form.get("language") in LANGUAGES:
        set_cookie(call, response, LANGUAGE_COOKIE, form["language"], YEAR_SECONDS)
    return response


def routes() -> list[Route]:
    return [
        route("GET", "/login", login_page),
        route("POST", "/login", login),
        route("POST", "/logout", logout),
        route("POST", "/language", choose_language),
    ]
