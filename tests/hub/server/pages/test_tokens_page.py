"""Tokens are made and revoked by their user alone, and never by more right than was shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import ServedHub
    from tests.hub.server.pages.conftest import Visitor

    Visit = Callable[[str | None], Visitor]

pytestmark = pytest.mark.system
PAGE = "/settings/tokens"


def _make(visitor: Visitor, name: str, role: str) -> str:
    answer = visitor.send(PAGE, PAGE, name=name, role=role)
    assert answer.status_code == 200
    return re.findall(r"hf_[0-9a-f]{40}", answer.text)[0]


def _revoke_path(visitor: Visitor, name: str) -> str:
    page = visitor.get(PAGE).text
    row = next(part for part in page.split("<tr>") if name in part)
    found = re.search(rf'action="({PAGE}/\d+/revoke)"', row)
    assert found is not None
    return found[1]


def test_a_new_token_works_and_is_shown_once(hub: ServedHub, visit: Visit) -> None:
    visitor = visit("alice")
    token = _make(visitor, "<b>laptop</b>", "write")
    page = visitor.get(PAGE).text
    assert token not in page
    assert "&lt;b&gt;laptop&lt;/b&gt;" in page
    with hub.http(None) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/api/whoami-v2").json()["name"] == "alice"


def test_a_revoked_token_and_its_sessions_end(hub: ServedHub, visit: Visit) -> None:
    visitor, other = visit("alice"), visit(None)
    token = _make(visitor, "to be revoked", "write")
    other.http.post("/login", data={"token": token})
    assert other.get(PAGE).status_code == 200
    action = _revoke_path(visitor, "to be revoked")
    assert visitor.send(PAGE, action).status_code == 303
    assert other.get(PAGE).status_code == 303
    with hub.http(None) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/api/whoami-v2").status_code == 401


def test_a_reading_token_makes_no_writing_one_and_revokes_none(
    hub: ServedHub, visit: Visit
) -> None:
    alice, reader = visit("alice"), visit(None)
    weak = _make(alice, "weak", "read")
    _make(alice, "strong", "write")
    strong = _revoke_path(alice, "strong")
    reader.http.post("/login", data={"token": weak})
    assert reader.send(PAGE, PAGE, name="stronger", role="write").status_code == 403
    fields = dict(re.findall(r'name="(form_token)" value="([^"]+)"', reader.get(PAGE).text))
    assert reader.http.post(strong, data=fields).status_code == 403
    assert "stronger" not in alice.get(PAGE).text
    assert _revoke_path(alice, "strong") == strong
    assert _make(reader, "as weak", "read")


def test_forms_need_the_session_that_they_were_made_for(visit: Visit) -> None:
    alice, bob = visit("alice"), visit("bob")
    fields = dict(re.findall(r'name="(form_token)" value="([^"]+)"', bob.get(PAGE).text))
    wanted = {"name": "stolen", "role": "write"}
    assert alice.http.post(PAGE, data=wanted).status_code == 403
    assert alice.http.post(PAGE, data={**wanted, **fields}).status_code == 403
    assert alice.http.post("/logout").status_code == 403
    assert visit(None).http.post(PAGE, data={**wanted, **fields}).status_code == 401
    assert "stolen" not in alice.get(PAGE).text + bob.get(PAGE).text


def test_nobody_revokes_the_token_of_another(hub: ServedHub, visit: Visit) -> None:
    alice, bob = visit("alice"), visit("bob")
    _make(alice, "of alice", "write")
    action = _revoke_path(alice, "of alice")
    fields = dict(re.findall(r'name="(form_token)" value="([^"]+)"', bob.get(PAGE).text))
    assert bob.http.post(action, data=fields).status_code == 404
    assert _revoke_path(alice, "of alice") == action


@pytest.mark.parametrize(("name", "role"), [("", "read"), ("x" * 81, "read"), ("x", "admin")])
def test_odd_wishes_are_refused(visit: Visit, name: str, role: str) -> None:
    assert visit("alice").send(PAGE, PAGE, name=name, role=role).status_code == 400


def test_tokens_are_for_those_who_are_logged_in(hub: ServedHub, visit: Visit) -> None:
    answer = visit(None).get(PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/login?next=%2Fsettings%2Ftokens",
    )
    # A token in a header is a program's: it gets no page that acts for its user.
    with hub.http("alice") as client:
        assert client.get(PAGE).status_code == 303
