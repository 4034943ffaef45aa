"""A user's own tokens: which there are, a new one, and the end of one."""

from __future__ import annotations

import re

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hub.server import tokens
from hub.server.accounts import Role
from hub.server.errors import HubError, bad_request
from hub.server.http.call import Call
from hub.server.http.pages.page import Frame, frame_of, page
from hub.server.http.pages.session import Session, read_form, session_of, session_of_form
from hub.server.http.routing import route
from hub.server.store.database import Transaction

_NAME = re.compile(r"\S(.{0,78}\S)?")


def tokens_page(call: Call) -> Response:
    """`GET /settings/tokens`; leads to the login without a session."""
    with call.store.database.read() as tx:
        frame = frame_of(call, tx)
        session = session_of(call, tx)
        if session is None:
            return RedirectResponse(frame.login_address, 303)
        return _page(tx, frame, session)


def create_token(call: Call) -> Response:
    """`POST /settings/tokens`: the answer shows the token, once.

    A session cannot make a token that may do more than the token it was made from.
    """
    form = read_form(call)
    name = form.get("name", "").strip()
    with call.store.database.write() as tx:
        session = session_of_form(call, tx, form)
        role = _role(form.get("role", ""))
        if not _NAME.fullmatch(name):
            raise bad_request("A token needs a name of at most 80 characters on one line")
        _require(session, role)
        token = tokens.create(tx, session.caller, name, role)
    with call.store.database.read() as tx:
        return _page(tx, _frame(call, tx), session, made=token, made_name=name)


def revoke_token(call: Call) -> Response:
    """`POST /settings/tokens/{number}/revoke`. Raises 404 for a token of somebody else."""
    form = read_form(call)
    number = int(call.params["number"])
    with call.store.database.write() as tx:
        session = session_of_form(call, tx, form)
        known = next((t for t in tokens.of_user(tx, session.caller) if t.number == number), None)
        if known is None:
            raise HubError(404, "There is no such token")
        _require(session, known.role)
        tokens.revoke(tx, session.caller, number)
    return RedirectResponse("/settings/tokens", 303)


def routes() -> list[Route]:
    return [
        route("GET", "/settings/tokens", tokens_page),
        route("POST", "/settings/tokens", create_token),
        route("POST", "/settings/tokens/{number:number}/revoke", revoke_token),
    ]


def _frame(call: Call, tx: Transaction) -> Frame:
    """The frame of an answer to a form, for which the session counts as on a page."""
    frame = frame_of(call, tx)
    session = session_of(call, tx)
    caller = session.caller if session is not None else frame.caller
    return Frame(caller, frame.wording, "/settings/tokens", frame.form_token)


def _page(
    tx: Transaction,
    frame: Frame,
    session: Session,
    made: str | None = None,
    made_name: str | None = None,
) -> Response:
    return page(
        frame,
        "tokens.html",
        session=session,
        tokens=tokens.of_user(tx, session.caller),
        made=made,
        made_name=made_name,
    )


def _role(text: str) -> Role:
    if text == "read":
        return "read"
    if text == "write":
        return "write"
    raise bad_request("A token has the role read or write")


def _require(session: Session, role: Role) -> None:
    if role == "write" and session.role != "write":
        raise HubError(403, "You logged in with a token that only reads: it cannot do that")
