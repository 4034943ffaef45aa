"""Large files: the batch call, uploads by signed links, whole or in parts, and their check.

Whoever may propose changes may upload: the calls do not say whether a pull request is meant.
What no commit names is removed by garbage collection.

Source: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md, with the `multipart`
transfer that huggingface_hub adds (`huggingface_hub.lfs._upload_multi_part`).
"""

from __future__ import annotations

import re
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.server import repositories
from hub.server.accounts import Caller, caller_of_user
from hub.server.errors import HubError, bad_request
from hub.server.holdings import hold, may_name
from hub.server.http.call import Call, json_response, stream_body, threaded
from hub.server.http.routing import page_routes, route
from hub.server.repositories import Repo, require_proposal, require_read
from hub.server.store.blobs import SealedBlob
from hub.server.store.database import Transaction
from hub.server.store.part_uploads import PartUploads

_OID = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = "application/vnd.git-lfs+json"
_BATCH_OBJECTS = 1000
_BYTES_PER_SECOND = 1_000_000
"""The slowest line that a signed link waits for."""


def batch(call: Call) -> Response:
    """`POST {repo}.git/info/lfs/objects/batch`: where each object is to be sent, if at all."""
    data = call.json()
    objects = data.get("objects")
    if not isinstance(objects, list) or len(objects) > _BATCH_OBJECTS:
        raise bad_request(f"objects must be a list of at most {_BATCH_OBJECTS}")
    if data.get("operation") != "upload":
        raise bad_request("Only uploads go through LFS: download by the resolve URL")
    transfers = data.get("transfers")
    in_parts = isinstance(transfers, list) and "multipart" in transfers
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        repo = call.proposable_repo(tx, caller)
        answers = [_object(call, tx, repo, caller, item, in_parts) for item in objects]
    uses_parts = any("chunk_size" in _upload_header(answer) for answer in answers)
    answer = {"transfer": "multipart" if uses_parts else "basic", "objects": answers}
    response = json_response(answer)
    response.headers["Content-Type"] = _MEDIA_TYPE
    return response


async def upload(request: Request) -> Response:
    """`PUT /lfs/{link}`: a whole object. The link is the right to send it."""
    call = Call(request)
    claims = _claims(call, "lfs-upload")
    with call.store.blobs.writer() as writer:
        await stream_body(request, writer.write, claims["size"])
        sealed = await anyio.to_thread.run_sync(writer.seal)
    await anyio.to_thread.run_sync(_keep, call, claims, sealed)
    return Response(status_code=200, headers={"ETag": f'"{sealed.sha256}"'})


async def upload_part(request: Request) -> Response:
    """`PUT /lfs/{link}/{part}`: one part of an object."""
    call = Call(request)
    claims = _claims(call, "lfs-parts")
    number = int(request.path_params["part"])
    uploads = _part_uploads(call)
    with uploads.part(claims["upload"], number, claims["size"]) as part:
        await stream_body(request, part.write, part.length)
        etag = await anyio.to_thread.run_sync(part.finish)
    return Response(status_code=200, headers={"ETag": f'"{etag}"'})


def complete(call: Call) -> Response:
    """`POST /lfs/{link}`: all parts were sent."""
    claims = _claims(call, "lfs-parts")
    sealed = _part_uploads(call).seal(claims["upload"], claims["size"])
    _keep(call, claims, sealed)
    return json_response({"success": True})


def verify(call: Call) -> Response:
    """`POST {repo}.git/info/lfs/objects/verify {oid, size}`: the object has arrived."""
    data = call.json()
    with call.store.database.read() as tx:
        caller = call.caller(tx)
        repo = call.proposable_repo(tx, caller)
        oid = str(data.get("oid"))
        blob = call.store.blobs.find(tx, oid) if may_name(tx, repo, caller, oid) else None
    if blob is None or blob.size != data.get("size"):
        raise HubError(404, f"The object {oid} was not uploaded to {repo.repo_id}")
    return json_response({"success": True})


def routes() -> list[Route]:
    objects = ".git/info/lfs/objects"
    return [
        *page_routes(f"{objects}/batch", threaded(batch), "POST"),
        *page_routes(f"{objects}/verify", threaded(verify), "POST"),
        Route("/lfs/{link:quoted}", upload, methods=["PUT"]),
        Route("/lfs/{link:quoted}/{part:number}", upload_part, methods=["PUT"]),
        route("POST", "/lfs/{link:quoted}", complete),
    ]


def _object(
    call: Call, tx: Transaction, repo: Repo, caller: Caller, item: object, in_parts: bool
) -> dict[str, Any]:
    oid = item.get("oid") if isinstance(item, dict) else None
    size = item.get("size") if isinstance(item, dict) else None
    if not isinstance(oid, str) or not _OID.fullmatch(oid) or not isinstance(size, int) or size < 0:
        raise bad_request("Each object needs a sha256 oid and a size")
    answer: dict[str, Any] = {"oid": oid, "size": size}
    if may_name(tx, repo, caller, oid):
        blob = call.store.blobs.find(tx, oid)
        if blob is not None and blob.size == size and blob.is_present():
            return answer
    settings = call.store.settings
    claims = {"oid": oid, "size": size, "repo": repo.id, "user": caller.user_id}
    seconds = settings.link_seconds + size / _BYTES_PER_SECOND
    if in_parts and size > settings.multipart_bytes:
        uploads = _part_uploads(call)
        claims["upload"] = uploads.start()
        link, _ = call.store.signer.sign("lfs-parts", claims, seconds)
        href = f"{call.base_url}/lfs/{link}"
        parts = range(1, uploads.part_count(size) + 1)
        header = {"chunk_size": str(uploads.part_bytes(size))}
        header |= {str(number): f"{href}/{number}" for number in parts}
        upload_action: dict[str, Any] = {"href": href, "header": header}
    else:
        link, _ = call.store.signer.sign("lfs-upload", claims, seconds)
        upload_action = {"href": f"{call.base_url}/lfs/{link}"}
    verify_url = f"{call.base_url}{repo.url_path}.git/info/lfs/objects/verify"
    answer["actions"] = {"upload": upload_action, "verify": {"href": verify_url}}
    return answer


def _keep(call: Call, claims: dict[str, Any], sealed: SealedBlob) -> None:
    """Publish what was uploaded, if it is what was announced and the right still stands."""
    try:
        if (sealed.sha256, sealed.size) != (claims["oid"], claims["size"]):
            raise bad_request(
                f"The content has {sealed.size} bytes and the SHA-256 {sealed.sha256}; "
                f"announced were {claims['size']} and {claims['oid']}"
            )
        with call.store.database.write() as tx:
            repo = repositories.find_by_number(tx, claims["repo"])
            caller = caller_of_user(tx, claims["user"], "write")
            repo = require_read(caller, repo)
            require_proposal(caller, repo)
            call.store.blobs.publish(tx, sealed)
            hold(tx, repo, sealed.sha256)
    finally:
        sealed.discard()


def _claims(call: Call, purpose: str) -> dict[str, Any]:
    claims = call.store.signer.verify(purpose, call.params["link"])
    if claims is None:
        raise HubError(403, "This upload link is not valid or has expired")
    return claims


def _part_uploads(call: Call) -> PartUploads:
    uploads: PartUploads = call.request.app.state.part_uploads
    return uploads


def _upload_header(answer: dict[str, Any]) -> dict[str, str]:
    header: dict[str, str] = answer.get("actions", {}).get("upload", {}).get("header", {})
    return header
