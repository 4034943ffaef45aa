"""Who the caller is, and who else is there."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from hub.server.accounts import Caller, token_details
from hub.server.errors import HubError, invalid_credentials
from hub.server.http.call import Call, json_response
from hub.server.http.routing import route
from hub.server.store.database import Transaction

_AVATAR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">'
    '<rect width="40" height="40" fill="hsl({hue} 45% 45%)"/>'
    '<text x="20" y="27" font-size="20" fill="#fff" text-anchor="middle">{letter}</text></svg>'
)


def whoami(call: Call) -> Response:
    """`GET /api/whoami-v2`."""
    with call.store.database.read() as tx:
        token = call.token()
        if token is None:
            raise invalid_credentials()
        caller = call.caller(tx)
        name, role, created_at = token_details(tx, token)
        user = _account(tx, caller.name, "user")
        organisations = tx.execute(
            "SELECT accounts.*, members.role FROM members JOIN accounts"
            " ON accounts.id = organisation_id WHERE user_id = ? ORDER BY name",
            (caller.user_id,),
        ).fetchall()
    access_token = {"displayName": name, "role": role, "createdAt": created_at}
    return json_response(
        {
            "type": "user",
            "id": user["public_id"],
            "name": user["name"],
            "fullname": user["full_name"],
            "email": user["email"],
            "emailVerified": user["email"] is not None,
            "isPro": False,
            "canPay": False,
            "avatarUrl": _avatar_url(call, user["name"]),
            "orgs": [
                _organisation(call, row) | {"roleInOrg": row["role"]} for row in organisations
            ],
            "auth": {"type": "access_token", "accessToken": access_token},
        }
    )


def user_overview(call: Call) -> Response:
    """`GET /api/users/{name}/overview`."""
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        user = _account(tx, call.params["account"], "user")
        organisations = tx.execute(
            "SELECT accounts.* FROM members JOIN accounts ON accounts.id = organisation_id"
            " WHERE user_id = ? ORDER BY name",
            (user["id"],),
        ).fetchall()
        counts = _visible_repos(tx, caller, user["id"])
        discussions = tx.execute(
            "SELECT count(*) FROM discussions WHERE author_id = ?", (user["id"],)
        ).fetchone()[0]
    return json_response(
        _user(call, user)
        | counts
        | {"numDiscussions": discussions, "orgs": [_organisation(call, o) for o in organisations]}
    )


def organisation_overview(call: Call) -> Response:
    """`GET /api/organizations/{name}/overview`."""
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        organisation = _account(tx, call.params["account"], "organisation")
        members = _members(tx, organisation["id"])
        counts = _visible_repos(tx, caller, organisation["id"])
    return json_response(
        _organisation(call, organisation) | counts | {"numUsers": len(members), "isVerified": False}
    )


def organisation_members(call: Call) -> Response:
    """`GET /api/organizations/{name}/members`."""
    with call.store.database.read() as tx:
        call.caller(tx)
        organisation = _account(tx, call.params["account"], "organisation")
        return json_response([_user(call, row) for row in _members(tx, organisation["id"])])


def avatar(call: Call) -> Response:
    """`GET /avatars/{name}.svg`: the first letter on a colour of its own."""
    name = call.params["account"]
    hue = sum(name.lower().encode()) * 37 % 360
    svg = _AVATAR.format(hue=hue, letter=escape(name[:1].upper()))
    return Response(svg, media_type="image/svg+xml", headers={"Content-Security-Policy": "sandbox"})


def routes() -> list[Route]:
    return [
        route("GET", "/api/whoami-v2", whoami),
        route("GET", "/api/users/{account:quoted}/overview", user_overview),
        route("GET", "/api/organizations/{account:quoted}/overview", organisation_overview),
        route("GET", "/api/organizations/{account:quoted}/members", organisation_members),
        route("GET", "/avatars/{account:quoted}.svg", avatar),
    ]


def _account(tx: Transaction, name: str, kind: str) -> Any:
    row = tx.execute("SELECT * FROM accounts WHERE name = ? AND kind = ?", (name, kind)).fetchone()
    if row is None:
        raise HubError(404, f"There is no {kind} called {name}")
    return row


def _members(tx: Transaction, organisation_id: int) -> list[Any]:
    return tx.execute(
        "SELECT accounts.* FROM members JOIN accounts ON accounts.id = user_id"
        " WHERE organisation_id = ? ORDER BY name",
        (organisation_id,),
    ).fetchall()


def _visible_repos(tx: Transaction, caller: Caller, owner_id: int) -> dict[str, int]:
    rows = tx.execute(
        "SELECT kind, count(*) FROM repos WHERE owner_id = ? AND (NOT private OR ?) GROUP BY kind",
        (owner_id, caller.reads_as_member(owner_id)),
    ).fetchall()
    counts = {row[0]: row[1] for row in rows}
    return {
        "numModels": counts.get("model", 0),
        "numDatasets": counts.get("dataset", 0),
        "numSpaces": counts.get("space", 0),
    }


def _user(call: Call, row: Any) -> dict[str, Any]:
    return {
        "_id": row["public_id"],
        "user": row["name"],
        "fullname": row["full_name"],
        "avatarUrl": _avatar_url(call, row["name"]),
        "isPro": False,
        "type": "user",
        "createdAt": row["created_at"],
    }


def _organisation(call: Call, row: Any) -> dict[str, Any]:
    return {
        "type": "org",
        "id": row["public_id"],
        "name": row["name"],
        "fullname": row["full_name"],
        "avatarUrl": _avatar_url(call, row["name"]),
        "isEnterprise": False,
    }


def _avatar_url(call: Call, name: str) -> str:
    return f"{call.base_url}/avatars/{quote(name)}.svg"
