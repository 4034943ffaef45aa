"""What all pages have in common: the frame, the language, the policy, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from cards.card import metric_value
from hub.server.accounts import ANONYMOUS, Caller
from hub.server.errors import HubError
from hub.server.http.call import Call
from hub.server.http.pages.metric_names import metric_name
from hub.server.http.pages.session import form_token, session_of
from hub.server.http.pages.wording import LANGUAGE_COOKIE, Language, Wording, choose_language
from hub.server.http.routing import PLURALS
from hub.server.store.database import Transaction

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Frame:
    """Who looks at a page, where, and in which language."""

    caller: Caller
    wording: Wording
    address: str
    """Path and query of the page, to come back to."""
    form_token: str | None
    """What a form must send along to act for the session; None without a session."""

    @cached_property
    def login_address(self) -> str:
        return f"/login?{urlencode({'next': self.address})}"


def frame_of(call: Call, tx: Transaction) -> Frame:
    """Raises 401 for a token that is none."""
    return Frame(
        call.caller(tx), wording_of(call.request), _address(call.request), form_token(call, tx)
    )


def wording_of(request: Request) -> Wording:
    """By the visitor's own choice, else by what the browser prefers."""
    language: Language = choose_language(
        request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", "")
    )
    return Wording(language)


def page(
    frame: Frame,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    """A filled template with the headers that keep it harmless."""
    html = _templates.get_template(template).render(
        frame=frame, caller=frame.caller, t=frame.wording, plurals=_plurals, **values
    )
    return HTMLResponse(html, status, {**(headers or {}), **HEADERS})


def error_page(request: Request, error: HubError) -> Response | None:
    """A refusal for a person; None when a program asked."""
    if request.method not in {"GET", "POST"}:
        return None
    if "text/html" not in request.headers.get("accept", ""):
        return None
    if error.status in range(300, 400):
        return None
    headers = {**error.headers, **({"X-Error-Code": error.code} if error.code else {})}
    frame = _frame_of_refusal(request)
    return page(
        frame,
        "error.html",
        status=error.status,
        headers=headers,
        # A bare phrase ("Not Found") says no more than the heading.
        message="" if error.message == HTTPStatus(error.status).phrase else error.message,
        code=error.status,
        error_code=error.code,
    )


def _frame_of_refusal(request: Request) -> Frame:
    """Like :func:`frame_of`; false credentials, which may be what was refused, count as none."""
    call = Call(request)
    with call.store.database.read() as tx:
        session = session_of(call, tx)
        caller = ANONYMOUS if session is None else session.caller
        token = form_token(call, tx)
    return Frame(caller, wording_of(request), _address(request), token)


def _address(request: Request) -> str:
    if request.method != "GET":
        return "/"
    path: str = request.scope["path"]
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def quoted_path(path: str) -> str:
    """A path of a repo for a link."""
    return quote(path, safe="/")


def human_bytes(size: int) -> str:
    """`1.5 MB`, in powers of a thousand."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return (
        f"{value:.0f} {_UNITS[unit]}"
        if unit == 0 or value >= 99.5
        else (f"{value:.1f} {_UNITS[unit]}")
    )


def day(timestamp: str) -> str:
    """The date of a stored time."""
    return timestamp[:10]


def minute(timestamp: str) -> str:
    """Date, hour and minute of a stored time, in UTC."""
    moment = datetime.fromisoformat(timestamp).astimezone(UTC)
    return moment.strftime("%Y-%m-%d %H:%M")


_plurals = {kind: plural for plural, kind in PLURALS.items()}
_templates = Environment(
    loader=PackageLoader("hub.server", "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_templates.filters |= {
    "quoted": quoted_path,
    "bytes": human_bytes,
    "day": day,
    "minute": minute,
    "metric_name": metric_name,
    "metric_value": metric_value,
    "query": urlencode,
}
