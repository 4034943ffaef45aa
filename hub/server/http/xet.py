"""The calls of hf-xet: a token, xorbs, shards.

Global deduplication, upload grants and version 2 of the shard call are not offered; hf-xet takes
404 there as a hint to go on without (tested with hf-xet 1.8.0).
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.server.errors import bad_request, invalid_credentials
from hub.server.http.call import Call, json_response, stream_body
from hub.server.http.routing import api_routes
from hub.server.store.database import store_value
from hub.server.xet.formats import FormatError
from hub.server.xet.rebuilding import XetClaims, register_shard
from hub.server.xet.xorbs import XorbStore

TOKEN_SECONDS = 3600
XORB_BYTES = 128 * 1024 * 1024
SHARD_BYTES = 256 * 1024 * 1024

_HASH = re.compile(r"[0-9a-f]{64}")


def write_token(call: Call) -> Response:
    """`GET xet-write-token/{rev}`: where and with which right to upload to this repo.

    The address holds the id of the store: a client remembers per address what it sent, and must
    forget it when the store is another one.
    """
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        repo = call.proposable_repo(tx, caller)
        store_id = store_value(tx, "id")
    claims = {"user": caller.user_id, "repo": repo.id}
    token, expires = call.store.signer.sign("xet", claims, TOKEN_SECONDS)
    url = f"{call.base_url}/xet/{store_id}"
    return json_response(
        {"casUrl": url, "accessToken": token, "exp": expires},
        headers={
            "X-Xet-Cas-Url": url,
            "X-Xet-Access-Token": token,
            "X-Xet-Token-Expiration": str(expires),
        },
    )


async def put_xorb(request: Request) -> Response:
    """`POST /xet/{store}/v1/xorbs/default/{hash}`."""
    call = Call(request)
    claims = _claims(call)
    hash_ = call.params["hash"]
    if not _HASH.fullmatch(hash_):
        raise bad_request("A xorb is named by 64 hexadecimal digits")
    path = call.store.blobs.temporary / secrets.token_hex(16)
    try:
        with path.open("xb") as file:
            await stream_body(request, file.write, XORB_BYTES)
        inserted = await anyio.to_thread.run_sync(_keep_xorb, call, claims, hash_, path)
    finally:
        path.unlink(missing_ok=True)
    return json_response({"was_inserted": inserted})


async def put_shard(request: Request) -> Response:
    """`POST /xet/{store}/v1/shards`: the files are readable when this is answered."""
    call = Call(request)
    claims = _claims(call)
    shard = bytearray()
    await stream_body(request, shard.extend, SHARD_BYTES)
    xorbs: XorbStore = request.app.state.xorbs
    await anyio.to_thread.run_sync(register_shard, call.store, xorbs, claims, bytes(shard))
    return json_response({"result": 1})


def routes() -> list[Route]:
    store = "/xet/{store:quoted}/v1"
    return [
        Route(f"{store}/xorbs/default/{{hash:quoted}}", put_xorb, methods=["POST"]),
        Route(f"{store}/shards", put_shard, methods=["POST"]),
        *api_routes([("GET", "/xet-write-token/{revision:quoted}", write_token)]),
    ]


def _claims(call: Call) -> XetClaims:
    """Whose upload this is, and where to. Raises 401."""
    token = call.token()
    claims = call.store.signer.verify("xet", token) if token is not None else None
    if claims is None:
        raise invalid_credentials()
    return XetClaims(claims["user"], claims["repo"])


def _keep_xorb(call: Call, claims: XetClaims, hash_: str, path: Path) -> bool:
    xorbs: XorbStore = call.request.app.state.xorbs
    try:
        with call.store.database.write() as tx:
            return xorbs.add(tx, claims.user_id, hash_, path)
    except FormatError as error:
        raise bad_request(f"The xorb cannot be accepted: {error}") from error
