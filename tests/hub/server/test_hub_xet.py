"""Uploads by Xet: real ones by hf-xet, and those that no honest client would send."""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import lz4.frame
import pytest

from hub.server.maintenance import fsck, gc
from hub.server.xet.formats import FormatError, Frame, hash_text, read_chunk, read_frames

if TYPE_CHECKING:
    import httpx2

    from tests.conftest import ServedHub

    FreshId = Callable[[str], str]

pytestmark = pytest.mark.system

UPLOAD = Path(__file__).parent / "stories" / "upload_one.py"


@pytest.fixture
def upload(tmp_path: Path, quiet_clients: dict[str, str]) -> Callable[..., None]:
    """Uploads one content as alice, in a process of its own that keeps its Xet cache."""

    def run(hub: ServedHub, repo_id: str, content: bytes, path: str) -> None:
        (tmp_path / "content.bin").write_bytes(content)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        environment |= quiet_clients | {
            "HF_ENDPOINT": hub.endpoint,
            "HF_TOKEN": hub.tokens["alice"],
            "HF_HOME": str(tmp_path / "home"),
        }
        command = [sys.executable, str(UPLOAD), repo_id, str(tmp_path / "content.bin"), path]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def read_back(hub: ServedHub, repo_id: str, path: str) -> bytes:
    with hub.http("alice") as client:
        answer = client.get(f"/{repo_id}/resolve/main/{path}")
    assert answer.status_code == 200
    return answer.content


def test_a_later_upload_names_chunks_that_were_sent_before(
    own_hub: Callable[..., ServedHub], upload: Callable[..., None]
) -> None:
    hub = own_hub()
    first = random.Random(7).randbytes(3_000_000)
    second = first[:1_500_000] + b"a change in the middle" + first[1_500_000:]
    upload(hub, "alice/one", first, "a.bin")
    upload(hub, "alice/two", second, "b.bin")
    assert read_back(hub, "alice/one", "a.bin") == first
    assert read_back(hub, "alice/two", "b.bin") == second
    # The bytes are kept once, as files; of the xorbs only the places of their chunks remain.
    assert list((hub.root / "xorbs").iterdir()) == []
    with sqlite3.connect(hub.root / "hub.sqlite3") as database:
        sizes = [
            sum(memoryview(row[0]).cast("I"))
            for row in database.execute("SELECT lengths FROM xorbs")
        ]
    assert sum(sizes) < len(first) + 700_000
    assert fsck(hub.root).is_clean


def test_garbage_collection_does_not_break_what_clients_remember(
    own_hub: Callable[..., ServedHub], upload: Callable[..., None]
) -> None:
    hub = own_hub()
    content = secrets.token_bytes(1_000_000)
    upload(hub, "alice/one", content, "a.bin")
    hub.api("alice").delete_repo("alice/one")
    report = gc(hub.root, grace_seconds=0)
    assert report.new_store_id
    assert report.bytes >= len(content)
    upload(hub, "alice/two", content + b"more", "a.bin")
    assert read_back(hub, "alice/two", "a.bin") == content + b"more"


def test_another_store_at_the_same_address_gets_everything_anew(
    own_hub: Callable[..., ServedHub], upload: Callable[..., None], tmp_path: Path
) -> None:
    hub = own_hub()
    content = secrets.token_bytes(500_000)
    upload(hub, "alice/one", content, "a.bin")
    hub.process.stop()
    tokens = hub.root / "tokens-of-the-old-store"
    shutil.move(hub.root / "hub.sqlite3", tokens)
    shutil.rmtree(hub.root / "blobs")
    shutil.rmtree(hub.root / "xorbs")
    from hub.server import accounts

    accounts.add_user(hub.root, "alice")
    hub.tokens["alice"] = accounts.create_token(hub.root, "alice")
    hub.process.start()
    upload(hub, "alice/one", content, "a.bin")
    assert read_back(hub, "alice/one", "a.bin") == content


@dataclass(frozen=True)
class XetClient:
    """Speaks Xet by hand, for one user and repo."""

    http: httpx2.Client
    cas_path: str
    headers: dict[str, str]

    def put_xorb(self, hash_: str, body: bytes) -> httpx2.Response:
        url = f"{self.cas_path}/v1/xorbs/default/{hash_}"
        return self.http.post(url, content=body, headers=self.headers)

    def put_shard(self, body: bytes) -> httpx2.Response:
        return self.http.post(f"{self.cas_path}/v1/shards", content=body, headers=self.headers)


@pytest.fixture
def xet(hub: ServedHub, fresh_id: FreshId) -> Callable[[str], tuple[XetClient, str]]:
    """A hand-made Xet client of a user, and the id of its own new repo."""

    def connect(user: str) -> tuple[XetClient, str]:
        repo_id = fresh_id(user)
        hub.api(user).create_repo(repo_id)
        client = hub.http(user)
        granted = client.get(f"/api/models/{repo_id}/xet-write-token/main")
        assert granted.headers["X-Xet-Access-Token"] == granted.json()["accessToken"]
        path = granted.json()["casUrl"].removeprefix(hub.endpoint)
        bearer = {"Authorization": f"Bearer {granted.json()['accessToken']}"}
        return XetClient(client, path, bearer), repo_id

    return connect


def xorb_of(*chunks: bytes) -> bytes:
    """A xorb with stored chunks."""
    frames = [
        b"\0" + len(c).to_bytes(3, "little") + b"\0" + len(c).to_bytes(3, "little") + c
        for c in chunks
    ]
    return b"".join(frames)


def shard_of(sha256: str, xorb_hash: str, chunks: int, size: int) -> bytes:
    """A shard that says: this file is these first chunks of this xorb."""

    def raw(text: str) -> bytes:
        return struct.pack("<4Q", *(int(text[n : n + 16], 16) for n in range(0, 64, 16)))

    head = b"\1" * 32 + struct.pack("<IIQ", 1 << 30, 1, 0)
    term = raw(xorb_hash) + struct.pack("<IIII", 0, size, 0, chunks)
    metadata = raw(sha256) + b"\0" * 16
    return b"\0" * 48 + head + term + metadata + b"\xff" * 32 + b"\0" * 16


def commit_by_hash(xet: XetClient, repo_id: str, sha256: str) -> int:
    import orjson

    items = [
        {"key": "header", "value": {"summary": "by hash"}},
        {"key": "lfsFile", "value": {"path": "x.bin", "algo": "sha256", "oid": sha256}},
    ]
    body = b"\n".join(orjson.dumps(item) for item in items)
    return xet.http.post(f"/api/models/{repo_id}/commit/main", content=body).status_code


def test_a_hand_made_upload_arrives(
    hub: ServedHub, xet: Callable[[str], tuple[XetClient, str]]
) -> None:
    client, repo_id = xet("alice")
    content = secrets.token_bytes(5000)
    name = secrets.token_hex(32)
    assert client.put_xorb(name, xorb_of(content[:2000], content[2000:])).status_code == 200
    digest = hashlib.sha256(content).hexdigest()
    assert client.put_shard(shard_of(digest, name, 2, 5000)).json() == {"result": 1}
    assert commit_by_hash(client, repo_id, digest) == 200
    assert read_back(hub, repo_id, "x.bin") == content


def test_knowing_a_hash_is_no_right_to_the_bytes_by_xet_either(
    hub: ServedHub, xet: Callable[[str], tuple[XetClient, str]]
) -> None:
    owner, _ = xet("alice")
    secret = secrets.token_bytes(4000)
    digest, name = hashlib.sha256(secret).hexdigest(), secrets.token_hex(32)
    owner.put_xorb(name, xorb_of(secret))
    assert owner.put_shard(shard_of(digest, name, 1, 4000)).status_code == 200

    thief, thief_repo = xet("bob")
    # The xorb of another user cannot be named ...
    answer = thief.put_shard(shard_of(digest, name, 1, 4000))
    assert (answer.status_code, "never sent" in answer.json()["error"]) == (400, True)
    # ... nor the hash of the file with other bytes behind it.
    own = secrets.token_hex(32)
    thief.put_xorb(own, xorb_of(b"z" * 4000))
    assert thief.put_shard(shard_of(digest, own, 1, 4000)).status_code == 400
    assert commit_by_hash(thief, thief_repo, digest) == 422

    # False bytes under the name of another's xorb spoil nothing for its owner.
    thief.put_xorb(name, xorb_of(b"z" * 4000))
    again, again_repo = xet("alice")
    assert again.put_shard(shard_of(digest, name, 1, 4000)).status_code == 200
    assert commit_by_hash(again, again_repo, digest) == 200
    assert read_back(hub, again_repo, "x.bin") == secret


def test_a_xorb_that_made_a_wrong_file_can_be_sent_again(
    xet: Callable[[str], tuple[XetClient, str]],
) -> None:
    client, _ = xet("alice")
    content, name = secrets.token_bytes(1000), secrets.token_hex(32)
    digest = hashlib.sha256(content).hexdigest()
    client.put_xorb(name, xorb_of(b"damaged".ljust(1000, b"!")))
    assert client.put_shard(shard_of(digest, name, 1, 1000)).status_code == 400
    assert client.put_xorb(name, xorb_of(content)).json() == {"was_inserted": True}
    assert client.put_shard(shard_of(digest, name, 1, 1000)).status_code == 200


def test_shards_at_the_same_time_share_their_xorbs(
    hub: ServedHub, xet: Callable[[str], tuple[XetClient, str]]
) -> None:
    """Each shard makes one file of one xorb's first chunks; afterwards every chunk is findable."""
    client, repo_id = xet("alice")
    chunks = [secrets.token_bytes(1000) for _ in range(16)]
    name = secrets.token_hex(32)
    client.put_xorb(name, xorb_of(*chunks))
    files = [b"".join(chunks[:count]) for count in range(1, 17)]
    answers: list[int] = []

    def send(content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        shard = shard_of(digest, name, len(content) // 1000, len(content))
        with hub.http("alice") as own:
            other = XetClient(own, client.cas_path, client.headers)
            answers.append(other.put_shard(shard).status_code)

    for _ in range(2):
        threads = [threading.Thread(target=send, args=(content,)) for content in files]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [200] * 32
    for content in (files[3], files[15]):
        digest = hashlib.sha256(content).hexdigest()
        assert commit_by_hash(client, repo_id, digest) == 200
        assert read_back(hub, repo_id, "x.bin") == content
    assert not any(file.name.endswith(name) for file in (hub.root / "xorbs").iterdir())


def test_a_xet_token_is_for_writers_and_for_one_repo(
    hub: ServedHub, xet: Callable[[str], tuple[XetClient, str]]
) -> None:
    client, repo_id = xet("alice")
    with hub.http("bob") as stranger:
        url = f"/api/models/{repo_id}/xet-write-token/main"
        assert stranger.get(url).status_code == 404
    hub.api("alice").update_repo_settings(repo_id, private=False)
    for user, status in (("reader", 403), (None, 401)):
        with hub.http(user) as reader:
            assert reader.get(url).status_code == status
    content, name = secrets.token_bytes(100), secrets.token_hex(32)
    digest = hashlib.sha256(content).hexdigest()
    client.put_xorb(name, xorb_of(content))
    client.put_shard(shard_of(digest, name, 1, 100))
    false = XetClient(client.http, client.cas_path, {"Authorization": "Bearer a.b"})
    assert false.put_shard(b"").status_code == 401
    assert false.put_xorb(name, b"").status_code == 401
    plain = XetClient(client.http, client.cas_path, {})
    assert plain.put_xorb(name, b"").status_code == 401
    # The token of a repo that is gone gives no right any more.
    hub.api("alice").delete_repo(repo_id)
    assert client.put_shard(shard_of(digest, name, 1, 100)).status_code == 404


@pytest.mark.parametrize(
    "xorb",
    [b"\1" * 20, b"\0\xff\xff\xff\0\1\0\0", xorb_of(b"x" * 50)[:-1], b"\0\0"],
    ids=["version", "too-long", "cut", "no-header"],
)
def test_what_is_no_xorb_is_refused(
    xet: Callable[[str], tuple[XetClient, str]], xorb: bytes
) -> None:
    client, _ = xet("alice")
    answer = client.put_xorb(secrets.token_hex(32), xorb)
    assert answer.status_code == 400
    assert client.put_xorb("../../etc/passwd".replace("/", "%2F"), xorb_of(b"x")).status_code == 400


def test_what_is_no_shard_is_refused(xet: Callable[[str], tuple[XetClient, str]]) -> None:
    client, _ = xet("alice")
    content, name = secrets.token_bytes(300), secrets.token_hex(32)
    client.put_xorb(name, xorb_of(content))
    digest = hashlib.sha256(content).hexdigest()
    good = shard_of(digest, name, 1, 300)
    for bad in (
        b"",
        good[:100],
        good[:-48],
        shard_of(digest, name, 2, 300),
        shard_of(digest, name, 1, 299),
        shard_of(digest, name, 0, 0),
    ):
        assert client.put_shard(bad).status_code == 400
    assert client.put_shard(good).status_code == 200


def test_what_is_not_offered_is_404_so_that_clients_go_on_without(
    xet: Callable[[str], tuple[XetClient, str]],
) -> None:
    client, repo_id = xet("alice")
    name = secrets.token_hex(32)
    for method, path in (
        ("POST", f"{client.cas_path}/v1/xorb-grants/default/{name}"),
        ("GET", f"{client.cas_path}/v1/chunks/default/{name}"),
        ("POST", f"{client.cas_path}/v2/shards"),
        ("GET", f"/api/models/{repo_id}/xet-read-token/main"),
    ):
        answer = client.http.request(method, path, headers=client.headers)
        assert answer.status_code == 404, path


def test_packed_chunks_are_unpacked_but_never_to_more_than_announced(tmp_path: Path) -> None:
    numbers = struct.pack("<500I", *range(500))
    grouped = b"".join(numbers[position::4] for position in range(4))
    bomb = lz4.frame.compress(b"\0" * 10_000_000)
    cases = [
        (0, numbers, len(numbers)),
        (1, lz4.frame.compress(numbers), len(numbers)),
        (2, lz4.frame.compress(grouped), len(numbers)),
    ]
    file = tmp_path / "xorb"
    for packing, packed, raw_bytes in cases:
        header = b"\0" + len(packed).to_bytes(3, "little") + bytes([packing])
        file.write_bytes(header + raw_bytes.to_bytes(3, "little") + packed + b"XETBLOB-footer")
        with file.open("rb") as xorb:
            frames = read_frames(xorb)
            assert [read_chunk(xorb, frame) for frame in frames] == [numbers]
    file.write_bytes(bomb)
    with file.open("rb") as xorb, pytest.raises(FormatError, match="announced"):
        read_chunk(xorb, Frame(0, len(bomb), 1, 1000))
    with file.open("rb") as xorb, pytest.raises(FormatError, match="unknown way"):
        read_chunk(xorb, Frame(0, len(bomb), 9, 1000))


def test_hashes_are_written_as_four_little_endian_words() -> None:
    assert hash_text(bytes(range(32))) == (
        "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918"
    )
