"""What was acknowledged stays, whatever happens to the process; what nobody needs goes."""

from __future__ import annotations

import base64
import hashlib
import random
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import orjson
import pytest

from cards.errors import BogamError
from hub.server.maintenance import FsckReport, fsck, gc

if TYPE_CHECKING:
    from tests.conftest import ServedHub

pytestmark = pytest.mark.system

REPO = "alice/durable"


def commit_body(title: str, **values: tuple[str, dict[str, object]]) -> bytes:
    header = {"key": "header", "value": {"summary": title}}
    items = [header, *({"key": key, "value": value} for key, value in values.values())]
    return b"\n".join(orjson.dumps(item) for item in items)


class Writer(threading.Thread):
    """Commits two files at a time, small and large ones, until the server is gone."""

    def __init__(self, hub: ServedHub, seed: int) -> None:
        super().__init__()
        self.acknowledged: dict[str, bytes] = {}
        self.titles: list[str] = []
        self.refusals: list[str] = []
        self._hub = hub
        self._seed = seed
        self.stopped = threading.Event()
        self.steps = threading.Semaphore(0)

    def run(self) -> None:
        source = random.Random(self._seed)
        with self._hub.http("alice") as client:
            try:
                for number in range(10_000):
                    if self.stopped.is_set():
                        return
                    self._step(client, source, f"{self._seed}-{number}")
            except httpx2.TransportError:
                # The server was killed: this step was not acknowledged.
                return

    def _step(self, client: httpx2.Client, source: random.Random, title: str) -> None:
        small = source.randbytes(source.choice([10, 3000, 100_000]))
        large = source.randbytes(source.choice([10, 50_000, 400_000]))
        oid = hashlib.sha256(large).hexdigest()
        asked = client.post(
            f"/{REPO}.git/info/lfs/objects/batch",
            json={"operation": "upload", "objects": [{"oid": oid, "size": len(large)}]},
        ).json()
        actions = asked["objects"][0].get("actions")
        if actions is not None:
            self._expect(client.put(actions["upload"]["href"], content=large))
        content = base64.b64encode(small).decode()
        body = commit_body(
            title,
            small=("file", {"path": f"{title}/small", "content": content, "encoding": "base64"}),
            large=("lfsFile", {"path": f"{title}/large", "algo": "sha256", "oid": oid}),
        )
        self._expect(client.post(f"/api/models/{REPO}/commit/main", content=body))
        self.acknowledged |= {f"{title}/small": small, f"{title}/large": large}
        self.titles.append(title)
        self.steps.release()

    def _expect(self, answer: httpx2.Response) -> None:
        if answer.status_code != 200:
            self.refusals.append(answer.text)


def assert_all_there(hub: ServedHub, writers: list[Writer]) -> None:
    """Every acknowledged file can be read, and every commit is there once and whole."""
    contents: dict[str, bytes] = {}
    for writer in writers:
        assert writer.refusals == []
        contents |= writer.acknowledged
    with hub.http("alice") as client:
        for path, content in contents.items():
            assert client.get(f"/{REPO}/resolve/main/{path}").content == content
    titles = [commit.title for commit in hub.api("alice").list_repo_commits(REPO)]
    assert len(titles) == len(set(titles))
    assert {title for writer in writers for title in writer.titles} <= set(titles)
    files = set(hub.api("alice").list_repo_files(REPO)) - {".gitattributes"}
    assert files == {f"{title}/{name}" for title in titles[:-1] for name in ("small", "large")}


def test_a_killed_server_has_everything_it_acknowledged(
    own_hub: Callable[..., ServedHub],
) -> None:
    hub = own_hub()
    hub.api("alice").create_repo(REPO)
    source = random.Random(0)
    writers: list[Writer] = []
    for round_ in range(6):
        running = [Writer(hub, 2 * round_ + number) for number in range(2)]
        for writer in running:
            writer.start()
        for _ in range(4):
            assert running[0].steps.acquire(timeout=60)
        # The moment of death is what this test varies.
        running[0].join(source.uniform(0, 0.1))
        hub.process.kill()
        for writer in running:
            writer.join()
        writers += running
        assert fsck(hub.root).problems == []
        hub.process.start()
        assert list((hub.root / "temporary").iterdir()) == []
        assert_all_there(hub, writers)
    assert sum(len(writer.titles) for writer in writers) > 20


def test_collection_while_serving_takes_nothing_that_is_needed(
    own_hub: Callable[..., ServedHub],
) -> None:
    hub = own_hub()
    hub.api("alice").create_repo(REPO)
    writers = [Writer(hub, number) for number in range(2)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        gc(hub.root, grace_seconds=60)
    for writer in writers:
        writer.stopped.set()
        writer.join()
    assert_all_there(hub, writers)
    assert gc(hub.root, grace_seconds=0).blobs == 0
    assert fsck(hub.root).problems == []
    assert_all_there(hub, writers)


def test_half_an_upload_is_never_seen(own_hub: Callable[..., ServedHub]) -> None:
    hub = own_hub()
    hub.api("alice").create_repo(REPO)
    content = secrets.token_bytes(3_000_000)
    oid = hashlib.sha256(content).hexdigest()
    request = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    batch = f"/{REPO}.git/info/lfs/objects/batch"

    def half() -> Iterator[bytes]:
        yield content[:2_000_000]
        hub.process.kill()
        yield content[2_000_000:]

    with hub.http("alice") as client:
        asked = client.post(batch, json=request).json()
        with pytest.raises(httpx2.TransportError):
            client.put(asked["objects"][0]["actions"]["upload"]["href"], content=half())
    assert not any(file.is_file() for file in (hub.root / "blobs").rglob("*"))
    hub.process.start()
    with hub.http("alice") as client:
        assert "actions" in client.post(batch, json=request).json()["objects"][0]
    assert fsck(hub.root).is_clean


@pytest.fixture
def small_store(own_hub: Callable[..., ServedHub]) -> ServedHub:
    """A Hub with contents in the database and in files, a tag, and a history."""
    hub = own_hub()
    api = hub.api("alice")
    api.create_repo(REPO)
    for path, content in (
        ("a.txt", b"first"),
        ("b.bin", b"\0" * 200_000),
        ("folder/c.bin", b"\0c"),
        ("a.txt", b"second"),
    ):
        api.upload_file(repo_id=REPO, path_or_fileobj=content, path_in_repo=path)
    api.create_tag(REPO, tag="v1")
    return hub


def kinds(report: FsckReport) -> set[str]:
    return {problem.kind for problem in report.problems}


def test_a_sound_store_is_clean(small_store: ServedHub) -> None:
    steps: list[tuple[int, int]] = []
    report = fsck(small_store.root, lambda done, total: steps.append((done, total)))
    assert report.is_clean
    assert (report.blobs, report.commits, report.orphan_files) == (5, 5, 0)
    assert steps[-1] == (report.bytes, report.bytes)


def test_a_changed_bit_in_a_file_is_found(small_store: ServedHub) -> None:
    (file,) = [file for file in (small_store.root / "blobs").rglob("*") if file.is_file()]
    with file.open("r+b") as content:
        content.seek(77)
        content.write(b"\1")
    (problem,) = fsck(small_store.root).problems
    assert (problem.kind, problem.subject) == ("damaged-blob", file.parent.name + file.name)


def test_a_lost_file_is_found_and_can_be_uploaded_again(small_store: ServedHub) -> None:
    (file,) = [file for file in (small_store.root / "blobs").rglob("*") if file.is_file()]
    file.unlink()
    assert kinds(fsck(small_store.root)) == {"missing-blob"}
    api = small_store.api("alice")
    api.create_repo("alice/again")
    api.upload_file(repo_id="alice/again", path_or_fileobj=b"\0" * 200_000, path_in_repo="b.bin")
    assert fsck(small_store.root).is_clean


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE blobs SET content = x'00' WHERE content IS NOT NULL", {"damaged-blob"}),
        ("DELETE FROM blobs WHERE size = 5", {"missing-blob"}),
        ("DELETE FROM commits WHERE title LIKE '%a.txt%'", {"dangling-ref", "missing-commit"}),
        ("UPDATE trees SET content = substr(content, 1, 20)", {"damaged-tree"}),
        ("DELETE FROM trees", {"missing-tree"}),
        ("DELETE FROM holdings", {"not-held"}),
    ],
)
def test_damage_in_the_database_is_found(
    small_store: ServedHub, statement: str, expected: set[str]
) -> None:
    with closing(sqlite3.connect(small_store.root / "hub.sqlite3")) as database, database:
        assert database.execute(statement).rowcount > 0
    assert kinds(fsck(small_store.root)) - {"database"} == expected


def test_collection_removes_what_no_commit_names(small_store: ServedHub) -> None:
    api = small_store.api("alice")
    api.create_repo("alice/doomed")
    api.upload_file(repo_id="alice/doomed", path_or_fileobj=b"\0d" * 100_000, path_in_repo="d.bin")
    unused = b"uploaded, never committed" * 10_000
    with small_store.http("alice") as client:
        request = {
            "operation": "upload",
            "objects": [{"oid": hashlib.sha256(unused).hexdigest(), "size": len(unused)}],
        }
        asked = client.post(f"/{REPO}.git/info/lfs/objects/batch", json=request).json()
        href = asked["objects"][0]["actions"]["upload"]["href"]
        assert client.put(href, content=unused).status_code == 200
    api.delete_repo("alice/doomed")
    (small_store.root / "blobs" / "00" / "rubbish-of-a-crash").touch()

    kept = gc(small_store.root)
    assert (kept.blobs, kept.commits, kept.trees) == (0, 0, 1)
    report = gc(small_store.root, grace_seconds=0)
    assert report.blobs == 2
    assert report.bytes == 200_000 + len(unused)
    assert fsck(small_store.root).is_clean
    files = [file for file in (small_store.root / "blobs").rglob("*") if file.is_file()]
    assert len(files) == 1
    assert Path(api.hf_hub_download(REPO, "b.bin")).read_bytes() == b"\0" * 200_000
    with small_store.http("alice") as client:
        asked = client.post(f"/{REPO}.git/info/lfs/objects/batch", json=request).json()
        assert "actions" in asked["objects"][0]


def test_collection_after_squashing_drops_the_history_but_no_tag(small_store: ServedHub) -> None:
    api = small_store.api("alice")
    before = api.list_repo_commits(REPO)
    api.upload_file(repo_id=REPO, path_or_fileobj=b"\0x" * 99_999, path_in_repo="x.bin")
    api.delete_file("x.bin", REPO)
    api.super_squash_history(REPO)
    report = gc(small_store.root, grace_seconds=0)
    assert (report.commits, report.blobs) == (2, 1)
    tagged = api.list_repo_commits(REPO, revision="v1")
    assert [commit.commit_id for commit in tagged] == [commit.commit_id for commit in before]
    assert fsck(small_store.root).is_clean


def test_maintenance_says_when_there_is_no_store(tmp_path: Path) -> None:
    for task in (fsck, gc):
        with pytest.raises(BogamError, match="no Hub store"):
            task(tmp_path)
    assert list(tmp_path.iterdir()) == []
