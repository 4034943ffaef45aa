"""Reading: listings by pages, files by revision and in parts, answers that caches can trust."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from huggingface_hub import HfFileSystem, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RevisionNotFoundError,
)

if TYPE_CHECKING:
    from tests.conftest import ServedHub

    FreshId = Callable[[str], str]

pytestmark = pytest.mark.system

LARGE = bytes(range(256)) * 40
SMALL = "작은 파일\n".encode()


@pytest.fixture(scope="module")
def repo_id(hub: ServedHub, fresh_id: FreshId) -> str:
    """A public model with a regular file, a large one and folders, in three commits."""
    repo_id = fresh_id("alice")
    api = hub.api("alice")
    api.create_repo(repo_id, private=False)
    for path, content in (("small.txt", SMALL), ("folder/large.bin", LARGE), ("empty", b"")):
        api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo=path)
    return repo_id


@pytest.fixture(scope="module")
def wide_repo_id(hub: ServedHub, fresh_id: FreshId) -> str:
    """A repo with more entries than fit on two pages."""
    from huggingface_hub import CommitOperationAdd

    repo_id = fresh_id("alice")
    api = hub.api("alice")
    api.create_repo(repo_id, private=False)
    paths = [f"f{n % 5}/{n:05d}.txt" for n in range(2300)] + [f"top-{n}" for n in range(150)]
    operations = [CommitOperationAdd(path_in_repo=p, path_or_fileobj=p.encode()) for p in paths]
    api.create_commit(repo_id, operations, commit_message="wide")
    return repo_id


def test_head_tells_what_caches_need(hub: ServedHub, repo_id: str) -> None:
    sha = hub.api(None).model_info(repo_id).sha
    with hub.http(None) as client:
        small = client.head(f"/{repo_id}/resolve/main/small.txt")
        large = client.head(f"/{repo_id}/resolve/main/folder/large.bin")
    git_oid = hashlib.sha1(f"blob {len(SMALL)}\0".encode() + SMALL).hexdigest()
    assert small.headers["ETag"] == f'"{git_oid}"'
    assert "X-Linked-ETag" not in small.headers
    assert large.headers["ETag"] == f'"{hashlib.sha256(LARGE).hexdigest()}"'
    assert large.headers["X-Linked-ETag"] == large.headers["ETag"]
    assert large.headers["X-Linked-Size"] == str(len(LARGE))
    for answer, content in ((small, SMALL), (large, LARGE)):
        assert answer.status_code == 200
        assert answer.content == b""
        assert answer.headers["X-Repo-Commit"] == sha
        assert answer.headers["Content-Length"] == str(len(content))
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert "Content-Encoding" not in answer.headers
        assert "X-Xet-Hash" not in answer.headers


@pytest.mark.parametrize(
    ("wanted", "status", "span"),
    [
        ("bytes=0-9", 206, (0, 10)),
        ("bytes=100-", 206, (100, len(LARGE))),
        ("bytes=-7", 206, (len(LARGE) - 7, len(LARGE))),
        ("bytes=-999999", 206, (0, len(LARGE))),
        ("bytes=5-999999", 206, (5, len(LARGE))),
        (f"bytes={len(LARGE) - 1}-", 206, (len(LARGE) - 1, len(LARGE))),
        (f"bytes={len(LARGE)}-", 416, None),
        ("bytes=999999-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=9-3", 200, (0, len(LARGE))),
        ("bytes=0-1,5-6", 200, (0, len(LARGE))),
        ("bytes=" + "9" * 5000 + "-", 200, (0, len(LARGE))),
        ("items=0-1", 200, (0, len(LARGE))),
    ],
)
def test_a_file_is_read_in_parts(
    hub: ServedHub, repo_id: str, wanted: str, status: int, span: tuple[int, int] | None
) -> None:
    with hub.http(None) as client:
        answer = client.get(f"/{repo_id}/resolve/main/folder/large.bin", headers={"Range": wanted})
    assert answer.status_code == status
    if span is None:
        assert answer.headers["Content-Range"] == f"bytes */{len(LARGE)}"
    else:
        assert answer.content == LARGE[slice(*span)]
    if status == 206:
        start, stop = span
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(LARGE)}"


def test_an_unchanged_file_is_not_sent_again(hub: ServedHub, repo_id: str) -> None:
    with hub.http(None) as client:
        url = f"/{repo_id}/resolve/main/small.txt"
        etag = client.get(url).headers["ETag"]
        again = client.get(url, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_file_is_found_by_branch_tag_and_commit(
    hub: ServedHub, repo_id: str, tmp_path: Path
) -> None:
    api = hub.api("alice")
    api.create_tag(repo_id, tag="first", revision=api.list_repo_commits(repo_id)[-1].commit_id)
    sha = api.model_info(repo_id).sha
    for revision in ("main", sha, sha[:7], "refs/heads/main"):
        file = api.hf_hub_download(
            repo_id, "small.txt", revision=revision, cache_dir=tmp_path / revision
        )
        assert Path(file).read_bytes() == SMALL
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(repo_id, "small.txt", revision="first", cache_dir=tmp_path)
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download(repo_id, "small.txt", revision="0" * 40, cache_dir=tmp_path)


def test_that_a_file_is_missing_is_remembered_by_the_cache(
    hub: ServedHub, repo_id: str, tmp_path: Path
) -> None:
    api = hub.api(None)
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(repo_id, "missing.json", cache_dir=tmp_path)
    assert list(tmp_path.rglob(".no_exist/*/missing.json"))
    with pytest.raises(LocalEntryNotFoundError):
        api.hf_hub_download(repo_id, "small.txt", cache_dir=tmp_path, local_files_only=True)


def test_a_tree_lists_folders_and_files_with_their_hashes(hub: ServedHub, repo_id: str) -> None:
    entries = {entry.path: entry for entry in hub.api(None).list_repo_tree(repo_id)}
    assert entries.keys() == {".gitattributes", "small.txt", "folder", "empty"}
    assert entries["small.txt"].lfs is None
    large = next(iter(hub.api(None).list_repo_tree(repo_id, "folder")))
    assert (large.path, large.size) == ("folder/large.bin", len(LARGE))
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{hashlib.sha256(LARGE).hexdigest()}\nsize {len(LARGE)}\n"
    ).encode()
    assert large.lfs.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert large.lfs.pointer_size == len(pointer)
    assert large.blob_id == hashlib.sha1(f"blob {len(pointer)}\0".encode() + pointer).hexdigest()
    with pytest.raises(EntryNotFoundError):
        list(hub.api(None).list_repo_tree(repo_id, "additional_chat_templates"))


def test_an_expanded_tree_names_the_commit_that_changed_each_entry(
    hub: ServedHub, repo_id: str
) -> None:
    api = hub.api(None)
    titles = {commit.commit_id: commit.title for commit in api.list_repo_commits(repo_id)}
    entries = api.list_repo_tree(repo_id, recursive=True, expand=True)
    changed = {entry.path: titles[entry.last_commit.oid] for entry in entries}
    assert changed == {
        ".gitattributes": "initial commit",
        "small.txt": "Upload small.txt with huggingface_hub",
        "folder": "Upload folder/large.bin with huggingface_hub",
        "folder/large.bin": "Upload folder/large.bin with huggingface_hub",
        "empty": "Upload empty with huggingface_hub",
    }


@pytest.mark.parametrize(("expand", "page"), [(False, 1000), (True, 50)])
def test_long_listings_come_in_pages_without_gaps(
    hub: ServedHub, wide_repo_id: str, expand: bool, page: int
) -> None:
    folder = "" if not expand else "/f0"
    url: str | None = f"/api/models/{wide_repo_id}/tree/main{folder}?recursive=true&expand={expand}"
    sizes, paths = [], []
    with hub.http(None) as client:
        while url is not None:
            answer = client.get(url)
            sizes.append(len(answer.json()))
            paths += [item["path"] for item in answer.json()]
            url = answer.links.get("next", {}).get("url")
    assert set(sizes[:-1]) == {page}
    assert len(sizes) > 2
    if expand:
        assert paths == [f"f0/{n:05d}.txt" for n in range(0, 2300, 5)]
    else:
        expected = [f"f{n}" for n in range(5)] + [f"f{n % 5}/{n:05d}.txt" for n in range(2300)]
        expected += [f"top-{n}" for n in range(150)] + [".gitattributes"]
        assert sorted(paths) == sorted(expected)


def test_paths_info_leaves_out_what_is_missing(hub: ServedHub, repo_id: str) -> None:
    infos = hub.api(None).get_paths_info(
        repo_id, ["small.txt", "folder", "nothing", "folder/large.bin"], expand=True
    )
    assert [info.path for info in infos] == ["small.txt", "folder", "folder/large.bin"]
    assert infos[2].last_commit.title == "Upload folder/large.bin with huggingface_hub"
    with hub.http(None) as client:
        answer = client.post(
            f"/api/models/{repo_id}/paths-info/main", json={"paths": ["empty"]}
        ).json()
    assert [(item["path"], item["size"]) for item in answer] == [("empty", 0)]


def test_the_file_system_reads_and_writes(hub: ServedHub, repo_id: str) -> None:
    files = HfFileSystem(endpoint=hub.endpoint, token=hub.tokens["alice"])
    assert files.read_bytes(f"{repo_id}/folder/large.bin", start=256, end=512) == bytes(range(256))
    with files.open(f"{repo_id}/by-fs/new.txt", "w") as file:
        file.write("by the file system")
    assert files.glob(f"{repo_id}/by-fs/*") == [f"{repo_id}/by-fs/new.txt"]
    assert files.cat(f"{repo_id}/by-fs/new.txt") == b"by the file system"
    files.rm(f"{repo_id}/by-fs", recursive=True)
    assert not files.exists(f"{repo_id}/by-fs/new.txt")


def test_a_snapshot_of_thousands_of_files_is_complete(
    hub: ServedHub, wide_repo_id: str, tmp_path: Path
) -> None:
    folder = Path(
        snapshot_download(
            wide_repo_id,
            cache_dir=tmp_path,
            token=False,
            allow_patterns=["f1/*", "top-1*"],
        )
    )
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    expected = {f"f1/{n:05d}.txt" for n in range(1, 2300, 5)}
    expected |= {f"top-{n}" for n in range(150) if str(n).startswith("1")}
    assert found == expected
    assert all((folder / path).read_text() == path for path in found)


def test_the_size_of_a_huge_file_is_not_told_beforehand(
    own_hub: Callable[..., ServedHub],
) -> None:
    """Clients refuse to download more than 50 GB over HTTP when they know the size."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    hub = own_hub()
    hub.api("alice").create_repo("alice/huge", private=False)
    hub.api("alice").upload_file(
        repo_id="alice/huge", path_or_fileobj=b"\0" * 70_000, path_in_repo="huge.bin"
    )
    # Waiting for 51 GB to arrive takes too long: the file is made to look so, full of holes.
    hub.process.stop()
    size = 51 * 1000**3
    (blob,) = [file for file in (hub.root / "blobs").rglob("*") if file.is_file()]
    with blob.open("r+b") as file:
        file.truncate(size)
    with closing(sqlite3.connect(hub.root / "hub.sqlite3")) as database, database:
        database.execute("UPDATE blobs SET size = ? WHERE size = 70000", (size,))
        (tree,) = database.execute("SELECT tree FROM commits ORDER BY number DESC").fetchone()
        content = zlib.decompress(
            database.execute("SELECT content FROM trees WHERE id = ?", (tree,)).fetchone()[0]
        ).replace(b",70000,", f",{size},".encode())
        database.execute(
            "UPDATE trees SET content = ? WHERE id = ?", (zlib.compress(content), tree)
        )
    hub.process.start()
    url = hf_hub_url("alice/huge", "huge.bin", endpoint=hub.endpoint)
    assert get_hf_file_metadata(url, token=False).size is None
    with hub.http(None) as client:
        answer = client.get(url, headers={"Range": f"bytes={size - 5}-"})
        assert (answer.status_code, answer.content) == (206, b"\0" * 5)


def test_every_answer_has_the_id_of_its_request(hub: ServedHub, repo_id: str) -> None:
    with hub.http(None) as client:
        for url in (f"/api/models/{repo_id}", "/api/models/a/b", "/api/no-such-call", "/"):
            assert client.get(url).headers["X-Request-Id"]
            for header in ("X-Request-Id", "X-Amzn-Trace-Id"):
                answer = client.get(url, headers={header: "trace-1"})
                assert answer.headers["X-Request-Id"] == "trace-1"


def test_a_call_that_is_not_offered_is_no_missing_repo(hub: ServedHub) -> None:
    with hub.http("alice") as client:
        for url in ("/api/collections", "/api/buckets/a/b", "/oauth/device"):
            answer = client.get(url)
            assert answer.status_code == 404
            assert "X-Error-Code" not in answer.headers


def test_what_datasets_asks_of_its_own_server_is_answered_at_once(hub: ServedHub) -> None:
    with hub.http("alice") as client:
        host = {"Host": "datasets-server.hub.example:8088"}
        assert client.get("/parquet?dataset=org/private", headers=host).status_code == 404
        assert client.get("/api/agent-harnesses").json() == {
            "standardEnvVars": [],
            "harnesses": {},
        }
        assert client.head("/api/telemetry/huggingface_hub/x").status_code == 200
