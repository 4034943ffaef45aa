"""The store below the calls: what is forced to the disk, and trees that share what is the same."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from hub.server.errors import HubError
from hub.server.settings import Settings
from hub.server.signing import Signer
from hub.server.store.store import Store
from hub.server.store.tree_edits import TreeEditor
from hub.server.store.trees import FileEntry, FolderEntry, regular_entry


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", Settings(inline_bytes=100))


def test_a_content_is_on_the_disk_before_it_has_its_name_and_before_its_row(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"x" * 1000
    sha256 = hashlib.sha256(content).hexdigest()
    final = store.blobs.path(sha256)
    steps: list[str] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        forced = Path(f"/proc/self/fd/{descriptor}").readlink()
        if forced.parent == store.blobs.temporary:
            assert forced.stat().st_size == len(content)
            steps.append("file")
        elif forced == final.parent:
            assert final.read_bytes() == content
            steps.append("folder")
        with store.database.read() as tx:
            assert store.blobs.find(tx, sha256) is None
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    sealed = store.blobs.seal(content)
    assert steps == ["file"]
    assert not final.exists()
    with store.database.write() as tx:
        store.blobs.publish(tx, sealed)
        assert steps == ["file", "folder"]
    with store.database.read() as tx:
        assert store.blobs.find(tx, sha256).read(990) == b"x" * 10
        assert tx.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert tx.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_store_is_closed_to_other_users_of_the_machine(store: Store) -> None:
    assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    sealed = store.blobs.seal(b"small")
    with pytest.raises(RuntimeError), store.database.write() as tx:
        store.blobs.publish(tx, sealed)
        raise RuntimeError
    with store.database.read() as tx:
        assert store.blobs.find(tx, sealed.sha256) is None


def test_a_reader_sees_one_moment(store: Store) -> None:
    sealed = store.blobs.seal(b"small")
    with store.database.read() as before:
        assert store.blobs.find(before, sealed.sha256) is None
        with store.database.write() as tx:
            store.blobs.publish(tx, sealed)
        assert store.blobs.find(before, sealed.sha256) is None
    with store.database.read() as after:
        assert store.blobs.find(after, sealed.sha256).read() == b"small"


def edited(store: Store, root: str | None, *, add: dict[str, bytes], remove: tuple[str, ...] = ()):
    with store.database.write() as tx:
        editor = TreeEditor(store.trees, tx, root)
        for path in remove:
            assert editor.remove(path)
        for path, content in add.items():
            editor.add(path, regular_entry(content))
        return editor.write()


def paths(store: Store, root: str, after: str = "") -> list[str]:
    with store.database.read() as tx:
        return [path for path, _ in store.trees.walk(tx, root, recursive=True, after=after)]


def test_the_same_files_make_the_same_tree_however_they_came(store: Store) -> None:
    files = {"b/x": b"1", "a": b"2", "b/c/d": b"3", "가": b"4"}
    at_once = edited(store, None, add=files)
    step = edited(store, None, add={"b/c/d": b"old", "gone": b"x"})
    step = edited(store, step, add={**files}, remove=("gone",))
    assert step == at_once
    assert paths(store, at_once) == ["a", "b", "b/c", "b/c/d", "b/x", "가"]


def test_a_folder_without_files_does_not_exist(store: Store) -> None:
    root = edited(store, None, add={"a/b/c": b"1", "d": b"2"})
    root = edited(store, root, add={}, remove=("a/b/c",))
    assert paths(store, root) == ["d"]
    assert paths(store, edited(store, root, add={"a": b"now a file"}, remove=("d",))) == ["a"]


def test_a_walk_goes_on_after_any_path(store: Store) -> None:
    root = edited(store, None, add={f"{a}/{b}/{c}": b"" for a in "abc" for b in "xy" for c in "12"})
    every = paths(store, root)
    for number, path in enumerate(every):
        assert paths(store, root, after=path) == every[number + 1 :]


def test_what_stands_in_the_way_is_named(store: Store) -> None:
    root = edited(store, None, add={"a/b": b"1"})
    for path in ("a", "a/b/c"):
        with pytest.raises(HubError, match=r"cannot be added") as refusal:
            edited(store, root, add={path: b"2"})
        assert refusal.value.status == 422


def test_an_entry_has_the_id_that_git_gives(store: Store) -> None:
    assert regular_entry(b"hello\n").oid == "ce013625030ba8dba906f756967f9e9ca394464a"
    root = edited(store, None, add={"folder/hello": b"hello\n"})
    with store.database.read() as tx:
        assert isinstance(store.trees.find(tx, root, "folder"), FolderEntry)
        assert isinstance(store.trees.find(tx, root, "folder/hello"), FileEntry)
        assert store.trees.find(tx, root, "folder/hello/more") is None
        assert store.trees.find(tx, root, "nothing") is None


def test_signed_claims_serve_one_purpose_for_a_while() -> None:
    signer = Signer("secret")
    token, _ = signer.sign("upload", {"repo": 1}, 60)
    assert signer.verify("upload", token)["repo"] == 1
    assert signer.verify("session", token) is None
    assert Signer("other").verify("upload", token) is None
    expired, _ = signer.sign("upload", {"repo": 1}, -1)
    assert signer.verify("upload", expired) is None
    for false in ("", ".", "é.é", token + "x", token.replace(".", "")):
        assert signer.verify("upload", false) is None
