"""Large files: whole, in parts, only as announced, and only for those who have the bytes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from huggingface_hub.errors import HfHubHTTPError

if TYPE_CHECKING:
    import httpx2

    from tests.conftest import ServedHub

    FreshId = Callable[[str], str]

pytestmark = pytest.mark.system


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def ask_upload(
    client: httpx2.Client, repo_id: str, content: bytes, transfers: tuple[str, ...] = ("basic",)
) -> dict[str, Any]:
    """What the batch call says about one object."""
    body = {
        "operation": "upload",
        "transfers": transfers,
        "hash_algo": "sha256",
        "objects": [{"oid": sha256(content), "size": len(content)}],
    }
    answer = client.post(f"/{repo_id}.git/info/lfs/objects/batch", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["objects"][0]


def commit_lfs(client: httpx2.Client, repo_id: str, oid: str, **more: object) -> httpx2.Response:
    """Commit a file by its hash alone."""
    import orjson

    items = [
        {"key": "header", "value": {"summary": "by hash"}},
        {"key": "lfsFile", "value": {"path": "named.bin", "algo": "sha256", "oid": oid, **more}},
    ]
    body = b"\n".join(orjson.dumps(item) for item in items)
    return client.post(f"/api/models/{repo_id}/commit/main", content=body)


@pytest.fixture
def secret() -> bytes:
    """A content that no other test uploads."""
    return b"\0only one repo has this " + secrets.token_bytes(3000)


@pytest.fixture
def secret_repo(hub: ServedHub, fresh_id: FreshId, secret: bytes) -> str:
    """A private repo of `org` that alone holds `secret`."""
    repo_id = fresh_id("org")
    api = hub.api("alice")
    api.create_repo(repo_id)
    api.upload_file(repo_id=repo_id, path_or_fileobj=secret, path_in_repo="secret.bin")
    return repo_id


def test_a_file_in_parts_comes_back_whole(
    own_hub: Callable[..., ServedHub], tmp_path: Path
) -> None:
    hub = own_hub(multipart_bytes=1_000_000, part_bytes=300_000)
    content = bytes(range(251)) * 8000 + b"end"
    (tmp_path / "big.bin").write_bytes(content)
    api = hub.api("alice")
    api.create_repo("alice/big")
    with hub.http("alice") as client:
        asked = ask_upload(client, "alice/big", content, ("basic", "multipart"))
        header = asked["actions"]["upload"]["header"]
        assert sum(key.isdigit() for key in header) == -(-len(content) // 300_000)
    api.upload_file(
        repo_id="alice/big", path_or_fileobj=tmp_path / "big.bin", path_in_repo="big.bin"
    )
    file = api.hf_hub_download("alice/big", "big.bin", cache_dir=tmp_path / "cache")
    assert Path(file).read_bytes() == content


def test_parts_may_be_repeated_and_come_in_any_order_also_over_a_restart(
    own_hub: Callable[..., ServedHub],
) -> None:
    hub = own_hub(multipart_bytes=1000, part_bytes=1000)
    content = bytes(range(250)) * 14
    hub.api("alice").create_repo("alice/parts")
    with hub.http("alice") as client:
        action = ask_upload(client, "alice/parts", content, ("multipart",))["actions"]["upload"]
        urls = action["header"]

        def put(number: int, data: bytes) -> int:
            return client.put(urls[str(number)], content=data).status_code

        parts = {number: content[1000 * (number - 1) : 1000 * number] for number in range(1, 5)}
        assert put(1, b"x" * 1000) == 200
        assert put(3, parts[3]) == 200
        assert client.post(action["href"], json={}).status_code == 400
        hub.process.kill()
        hub.process.start()
        assert put(4, parts[4][:-1]) == 400
        for number in (1, 2, 4, 1):
            assert put(number, parts[number]) == 200
        assert client.post(action["href"], json={}).status_code == 200
        # The content is published: nothing can be written to it any more.
        assert put(1, b"x" * 1000) == 404
        assert "actions" not in ask_upload(client, "alice/parts", content)
        assert commit_lfs(client, "alice/parts", sha256(content)).status_code == 200
        assert client.get("/alice/parts/resolve/main/named.bin").content == content


def test_a_content_that_is_not_as_announced_is_never_kept(hub: ServedHub, secret_repo: str) -> None:
    announced = b"announced" * 50
    with hub.http("alice") as client:
        href = ask_upload(client, secret_repo, announced)["actions"]["upload"]["href"]
        for wrong in (b"different" * 50, announced[:-1], b""):
            assert client.put(href, content=wrong).status_code == 400
        assert client.put(href, content=announced + b"!").status_code == 413
        assert "actions" in ask_upload(client, secret_repo, announced)
        assert commit_lfs(client, secret_repo, sha256(announced)).status_code == 422
        assert client.put(href, content=announced).status_code == 200
        assert "actions" not in ask_upload(client, secret_repo, announced)


def test_an_upload_link_cannot_be_made_up(hub: ServedHub, secret_repo: str) -> None:
    with hub.http("alice") as client:
        href = ask_upload(client, secret_repo, b"x" * 10)["actions"]["upload"]["href"]
        claims, signature = re.search(r"/lfs/(.+)\.(.+)$", href).groups()
        for link in (f"{claims}.AAAA", f"{claims}x.{signature}", "nonsense", f"{claims}."):
            answer = client.put(f"/lfs/{link}", content=b"x" * 10)
            assert answer.status_code == 403
        # A link for a whole object is none for parts.
        assert client.put(f"{href}/1", content=b"x" * 10).status_code == 403


def test_a_link_needs_no_token_and_a_batch_does(hub: ServedHub, secret_repo: str) -> None:
    content = b"sent without a token" * 10
    with hub.http("alice") as client:
        href = ask_upload(client, secret_repo, content)["actions"]["upload"]["href"]
    with hub.http(None) as client:
        assert client.put(href, content=content).status_code == 200
        url = f"/{secret_repo}.git/info/lfs/objects/batch"
        body = {"operation": "upload", "objects": []}
        assert client.post(url, json=body).status_code == 401


def test_knowing_a_hash_is_no_right_to_the_bytes(
    hub: ServedHub, secret_repo: str, secret: bytes, fresh_id: FreshId
) -> None:
    thief_repo = fresh_id("bob")
    hub.api("bob").create_repo(thief_repo)
    with hub.http("bob") as client:
        # It is not said to be there, cannot be named, and is not confirmed.
        assert "actions" in ask_upload(client, thief_repo, secret)
        for size in ({"size": len(secret)}, {}):
            refusal = commit_lfs(client, thief_repo, sha256(secret), **size)
            assert refusal.status_code == 422
            assert "not uploaded" in refusal.json()["error"]
        verify = {"oid": sha256(secret), "size": len(secret)}
        url = f"/{thief_repo}.git/info/lfs/objects/verify"
        assert client.post(url, json=verify).status_code == 404
        assert client.get(f"/{thief_repo}/resolve/main/named.bin").status_code == 404
        copy = {
            "target": {"type": "model", "name": thief_repo},
            "files": [{"sha256": sha256(secret)}],
        }
        own = client.post(f"/api/models/{thief_repo}/lfs-files/duplicate", json=copy)
        assert len(own.json()["failed"]) == 1

        # Who has the bytes may of course upload them.
        href = ask_upload(client, thief_repo, secret)["actions"]["upload"]["href"]
        assert client.put(href, content=secret).status_code == 200
        assert commit_lfs(client, thief_repo, sha256(secret)).status_code == 200


def test_what_one_may_download_one_may_name(
    hub: ServedHub, secret_repo: str, secret: bytes, fresh_id: FreshId
) -> None:
    own = fresh_id("bob")
    owner, guest = hub.api("alice"), hub.api("bob")
    guest.create_repo(own)
    owner.update_repo_settings(secret_repo, private=False, gated="manual")
    with hub.http("bob") as client:
        assert commit_lfs(client, own, sha256(secret)).status_code == 422
        owner.grant_access(secret_repo, "bob")
        assert commit_lfs(client, own, sha256(secret)).status_code == 200
    guest.copy_files(f"hf://{secret_repo}/secret.bin", f"hf://{own}/copied.bin")
    assert Path(guest.hf_hub_download(own, "copied.bin")).read_bytes() == secret


def test_a_lost_right_makes_a_link_worthless(hub: ServedHub, fresh_id: FreshId) -> None:
    repo_id = fresh_id("alice")
    api = hub.api("alice")
    api.create_repo(repo_id)
    with hub.http("alice") as client:
        href = ask_upload(client, repo_id, b"late" * 9)["actions"]["upload"]["href"]
        api.delete_repo(repo_id)
        assert client.put(href, content=b"late" * 9).status_code == 404


def test_a_missing_content_is_named_before_the_commit(hub: ServedHub, secret_repo: str) -> None:
    api = hub.api("alice")
    with hub.http("alice") as client:
        answer = commit_lfs(client, secret_repo, "0" * 64)
    assert answer.status_code == 422
    assert "0" * 64 in answer.json()["error"]
    with pytest.raises(HfHubHTTPError):
        api.get_paths_info(secret_repo, "named.bin", revision="missing")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(
    own_hub: Callable[..., ServedHub], tmp_path: Path
) -> None:
    import psutil

    hub = own_hub()
    hub.api("alice").create_repo("alice/huge")
    server = psutil.Process(hub.process.pid)
    piece = bytes(range(256)) * 4096
    pieces = 700
    digest = hashlib.sha256()
    for _ in range(pieces):
        digest.update(piece)
    before = server.memory_info().rss
    peak = before

    def stream() -> Any:
        nonlocal peak
        for _ in range(pieces):
            peak = max(peak, server.memory_info().rss)
            yield piece

    with hub.http("alice") as client:
        body = {
            "operation": "upload",
            "objects": [{"oid": digest.hexdigest(), "size": pieces * len(piece)}],
        }
        asked = client.post("/alice/huge.git/info/lfs/objects/batch", json=body).json()
        href = asked["objects"][0]["actions"]["upload"]["href"]
        assert client.put(href, content=stream()).status_code == 200
        assert commit_lfs(client, "alice/huge", digest.hexdigest()).status_code == 200
        received = hashlib.sha256()
        with client.stream("GET", "/alice/huge/resolve/main/named.bin") as answer:
            for chunk in answer.iter_bytes():
                received.update(chunk)
                peak = max(peak, server.memory_info().rss)
    assert received.digest() == digest.digest()
    assert peak - before < 60 * 1024 * 1024
