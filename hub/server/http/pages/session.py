"""A browser's session: made from a token, carried by a cookie, safe from other sites' forms.

The cookie is `HttpOnly` and `SameSite=Strict`. A form that changes something must besides come
from this very site (`Origin`) and send a value that only a page of the session can know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response

from hub.server.accounts import Caller, Role, caller_of_session
from hub.server.errors import HubError
from hub.server.http.call import SESSION_COOKIE, Call
from hub.server.store.database import Transaction

SESSION_PURPOSE = "session"
FORM_PURPOSE = "form"


@dataclass(frozen=True)
class Session:
    """A browser that showed a token, which may have either role."""

    caller: Caller
    token_number: int
    role: Role

    @property
    def claims(self) -> dict[str, Any]:
        return {"user": self.caller.user_id, "token": self.token_number}


def session_of(call: Call, tx: Transaction) -> Session | None:
    """The session of the request's cookie; None when it is missing, false, over or revoked."""
    cookie = call.request.cookies.get(SESSION_COOKIE)
    claims = call.store.signer.verify(SESSION_PURPOSE, cookie) if cookie is not None else None
    if claims is None:
        return None
    caller = caller_of_session(tx, claims["user"], claims["token"])
    if not caller.is_known:
        return None
    row = tx.execute("SELECT role FROM tokens WHERE id = ?", (claims["token"],)).fetchone()
    return Session(caller, claims["token"], row["role"])


def start_session(call: Call, response: Response, claims: dict[str, Any]) -> None:
    """Let the browser carry a session, not the token."""
    seconds = call.store.settings.session_seconds
    value, _ = call.store.signer.sign(SESSION_PURPOSE, claims, seconds)
    set_cookie(call, response, SESSION_COOKIE, value, seconds)


def set_cookie(call: Call, response: Response, name: str, value: str, seconds: int) -> None:
    """A cookie that no script reads and no other site's request carries."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        secure=call.request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def form_token(call: Call, tx: Transaction) -> str | None:
    """What the forms of a session's pages send along; None without a session."""
    session = session_of(call, tx)
    if session is None:
        return None
    seconds = call.store.settings.session_seconds
    return call.store.signer.sign(FORM_PURPOSE, session.claims, seconds)[0]


def read_form(call: Call) -> dict[str, str]:
    """The fields of a form that one of our own pages sent. Raises 403 for another site's."""
    origin = call.request.headers.get("origin")
    host = call.request.headers.get("host", "")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise HubError(403, "This form was sent by another site and is refused")
    if call.request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise HubError(403, "This form was sent by another site and is refused")
    fields = parse_qs(call.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def session_of_form(call: Call, tx: Transaction, form: dict[str, str]) -> Session:
    """The session for which a form of its own page asks.

    Raises 401 without a session and 403 when the form is not of one of its pages.
    """
    session = session_of(call, tx)
    if session is None:
        raise HubError(401, "Log in first")
    claims = call.store.signer.verify(FORM_PURPOSE, form.get("form_token", ""))
    if claims is None or {name: claims.get(name) for name in session.claims} != session.claims:
        raise HubError(403, "This form is too old or not of this session. Load the page again.")
    return session


def local_address(address: str) -> str:
    """A path of this site to go to next; the front page for anything else."""
    is_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_path and address.isprintable() and " " not in address else "/"
