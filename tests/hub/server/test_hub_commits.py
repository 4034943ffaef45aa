"""Commits: whole or not at all, in order, and with nothing but paths for paths."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RevisionNotFoundError,
)

if TYPE_CHECKING:
    from tests.conftest import ServedHub

    FreshId = Callable[[str], str]

pytestmark = pytest.mark.system


@pytest.fixture
def repo_id(hub: ServedHub, fresh_id: FreshId) -> str:
    """An empty model of alice."""
    repo_id = fresh_id("alice")
    hub.api("alice").create_repo(repo_id)
    return repo_id


def add(path: str, content: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(path_in_repo=path, path_or_fileobj=content)


def lines(*operations: tuple[str, dict[str, object]]) -> bytes:
    """The body of a commit call, for what no client would send."""
    items = [("header", {"summary": "by hand"}), *operations]
    return b"\n".join(json.dumps({"key": key, "value": value}).encode() for key, value in items)


def test_one_commit_adds_changes_copies_and_deletes(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    first = [add("keep.txt", b"1"), add("old/a.txt", b"a"), add("old/b.bin", b"\0b")]
    api.create_commit(repo_id, [*first, add("gone.txt", b"x")], commit_message="first")
    second = api.create_commit(
        repo_id,
        [
            add("keep.txt", b"2"),
            CommitOperationCopy(src_path_in_repo="old/b.bin", path_in_repo="new/b.bin"),
            CommitOperationDelete("old/"),
            CommitOperationDelete("gone.txt"),
        ],
        commit_message="second",
        commit_description="with a body",
    )
    assert set(api.list_repo_files(repo_id)) == {".gitattributes", "keep.txt", "new/b.bin"}
    assert Path(api.hf_hub_download(repo_id, "new/b.bin")).read_bytes() == b"\0b"
    newest = api.list_repo_commits(repo_id)[0]
    assert (newest.commit_id, newest.title, newest.message, newest.authors) == (
        *(second.oid, "second", "with a body", ["alice"]),
    )


def test_a_commit_that_fails_at_its_last_line_changes_nothing(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    before = api.list_repo_commits(repo_id)
    with pytest.raises(EntryNotFoundError):
        api.create_commit(
            repo_id,
            [add("new.txt", b"1"), CommitOperationDelete("missing.txt")],
            commit_message="half",
        )
    assert api.list_repo_commits(repo_id) == before
    assert api.list_repo_files(repo_id) == [".gitattributes"]


def test_a_stale_parent_is_refused(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    parent = api.model_info(repo_id).sha
    api.create_commit(repo_id, [add("a", b"1")], commit_message="a", parent_commit=parent)
    with pytest.raises(HfHubHTTPError) as refusal:
        api.create_commit(repo_id, [add("b", b"2")], commit_message="b", parent_commit=parent)
    assert refusal.value.response.status_code == 412
    assert refusal.value.server_message == (
        "The branch was updated since you opened this page. Please refresh and try again."
    )


def test_of_two_writers_none_is_lost(hub: ServedHub, repo_id: str) -> None:
    rounds = 12
    failures: list[BaseException] = []

    def write(user: str, writer: int) -> None:
        try:
            api = hub.api(user)
            for number in range(rounds):
                path = f"{writer}/{number}.txt"
                api.create_commit(repo_id, [add(path, b"x")], commit_message=path)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=write, args=("alice", writer)) for writer in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    api = hub.api("alice")
    expected = {f"{writer}/{number}.txt" for writer in range(2) for number in range(rounds)}
    assert not failures
    assert set(api.list_repo_files(repo_id)) == {".gitattributes", *expected}
    assert {commit.title for commit in api.list_repo_commits(repo_id)} == {
        *expected,
        "initial commit",
    }


def test_two_writers_who_name_the_parent_are_told_when_they_lose(
    hub: ServedHub, repo_id: str
) -> None:
    api = hub.api("alice")
    parent = api.model_info(repo_id).sha
    outcomes: list[int] = []
    barrier = threading.Barrier(4)

    def write(writer: int) -> None:
        barrier.wait()
        try:
            api.create_commit(
                repo_id,
                [add(f"{writer}.txt", b"x")],
                commit_message="race",
                parent_commit=parent,
            )
            outcomes.append(200)
        except HfHubHTTPError as error:
            outcomes.append(error.response.status_code)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [200, 412, 412, 412]
    assert len(api.list_repo_commits(repo_id)) == 2


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../up.txt",
        "a/../../up.txt",
        "a/./b",
        "a//b",
        "a/",
        ".",
        "..",
        "..\\ddd",
        ".git/config",
        "a/.git/hooks/pre-commit",
        "nul\0byte",
        "x" * 5000,
        "/".join("d" * 200),
    ],
)
def test_what_is_no_path_is_refused(hub: ServedHub, repo_id: str, path: str) -> None:
    content = {"content": "", "encoding": "base64", "path": path}
    with hub.http("alice") as client:
        body = lines(("file", content))
        answer = client.post(f"/api/models/{repo_id}/commit/main", content=body)
        asked = client.post(
            f"/api/models/{repo_id}/preupload/main",
            json={"files": [{"path": path, "size": 1, "sample": ""}]},
        )
    assert (answer.status_code, asked.status_code) == (422, 422)
    assert hub.api("alice").list_repo_files(repo_id) == [".gitattributes"]


@pytest.mark.parametrize(
    "path",
    [
        "folder/..\\..\\..\\file",
        "C:\\windows",
        "새 폴더/사진 1.txt",
        "line\nbreak.txt",
        'quo"te;\t.txt',
        "100%25.txt",
        "...",
        ".gitignore",
        "trailing blank ",
        "#?&=+.txt",
    ],
)
def test_odd_names_are_names(hub: ServedHub, repo_id: str, path: str, tmp_path: Path) -> None:
    api = hub.api("alice")
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"odd", path_in_repo=path)
    assert path in api.list_repo_files(repo_id)
    assert [entry.path for entry in api.get_paths_info(repo_id, [path])] == [path]
    from huggingface_hub import hf_hub_url

    with hub.http("alice") as client:
        answer = client.get(hf_hub_url(repo_id, path, endpoint=hub.endpoint))
        assert (answer.status_code, answer.content) == (200, b"odd")
        missing = client.get(hf_hub_url(repo_id, path + "x", endpoint=hub.endpoint))
        assert (missing.status_code, missing.headers["X-Error-Code"]) == (404, "EntryNotFound")


def test_a_file_is_no_folder_and_a_folder_no_file(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    api.create_commit(repo_id, [add("a", b"1"), add("b/c", b"2")], commit_message="both")
    for operation in (add("a/x", b"3"), add("b", b"3")):
        with pytest.raises(HfHubHTTPError) as refusal:
            api.create_commit(repo_id, [operation], commit_message="no")
        assert refusal.value.response.status_code == 422
    swap = [CommitOperationDelete("b/c"), add("b", b"4")]
    api.create_commit(repo_id, swap, commit_message="swap")
    assert set(api.list_repo_files(repo_id)) == {".gitattributes", "a", "b"}


def test_files_that_git_would_ignore_are_not_uploaded(
    hub: ServedHub, repo_id: str, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("kept.txt", "secret.env", "logs/run.log", "logs/keep.log"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("*.env\nlogs/*\n!logs/keep.log\n")
    api = hub.api("alice")
    api.upload_folder(repo_id=repo_id, folder_path=tmp_path)
    kept = {".gitattributes", ".gitignore", "kept.txt", "logs/keep.log"}
    assert set(api.list_repo_files(repo_id)) == kept


def test_uploading_the_same_again_makes_no_commit(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    files = [("small.txt", b"text"), ("large.bin", b"\0" * 1000)]
    for _ in range(2):
        for path, content in files:
            api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo=path)
    assert len(api.list_repo_commits(repo_id)) == 3


def test_thousands_of_files_in_one_commit(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    contents = {f"part-{n % 7}/file-{n}.txt": f"{n}".encode() for n in range(3000)}
    operations = [add(path, content) for path, content in contents.items()]
    api.create_commit(repo_id, operations, commit_message="many")
    assert len(api.list_repo_files(repo_id)) == 3001
    assert len(api.list_repo_commits(repo_id)) == 2


def test_branches_and_tags_may_hold_slashes(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    api.create_branch(repo_id, branch="dev/second")
    api.upload_file(
        repo_id=repo_id, path_or_fileobj=b"dev", path_in_repo="d.txt", revision="dev/second"
    )
    api.create_tag(repo_id, tag="v/1", revision="dev/second")
    for revision in ("dev/second", "v/1", "refs/heads/dev/second"):
        file = api.hf_hub_download(repo_id, "d.txt", revision=revision)
        assert Path(file).read_bytes() == b"dev"
    refs = api.list_repo_refs(repo_id)
    assert {branch.name for branch in refs.branches} == {"main", "dev/second"}
    assert [tag.name for tag in refs.tags] == ["v/1"]
    assert "d.txt" not in api.list_repo_files(repo_id)

    api.delete_branch(repo_id, branch="dev/second")
    api.delete_tag(repo_id, tag="v/1")
    with pytest.raises(RevisionNotFoundError):
        api.list_repo_files(repo_id, revision="v/1")


def test_a_tag_does_not_follow_its_branch(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    api.create_tag(repo_id, tag="v1")
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"x", path_in_repo="x.txt")
    assert api.list_repo_files(repo_id, revision="v1") == [".gitattributes"]
    with pytest.raises(RevisionNotFoundError):
        api.upload_file(repo_id=repo_id, path_or_fileobj=b"y", path_in_repo="y.txt", revision="v1")


def test_a_squashed_branch_keeps_its_files_and_loses_its_history(
    hub: ServedHub, repo_id: str
) -> None:
    api = hub.api("alice")
    for number in range(3):
        api.upload_file(repo_id=repo_id, path_or_fileobj=f"{number}".encode(), path_in_repo="n.txt")
    api.super_squash_history(repo_id, commit_message="all in one")
    assert [commit.title for commit in api.list_repo_commits(repo_id)] == ["all in one"]
    assert Path(api.hf_hub_download(repo_id, "n.txt")).read_bytes() == b"2"


def test_a_pull_request_waits_until_it_is_merged(hub: ServedHub, repo_id: str) -> None:
    owner, stranger = hub.api("alice"), hub.api("bob")
    owner.update_repo_settings(repo_id, private=False)
    owner.upload_file(repo_id=repo_id, path_or_fileobj=b"1", path_in_repo="kept.txt")
    proposal = stranger.create_commit(
        repo_id,
        [add("added.txt", b"a"), add("added.bin", b"\0a")],
        commit_message="A proposal",
        create_pr=True,
    )
    owner.upload_file(repo_id=repo_id, path_or_fileobj=b"2", path_in_repo="kept.txt")
    assert "added.txt" not in owner.list_repo_files(repo_id)
    with pytest.raises(HfHubHTTPError):
        stranger.merge_pull_request(repo_id, proposal.pr_num)
    owner.merge_pull_request(repo_id, proposal.pr_num)
    assert {"added.txt", "added.bin", "kept.txt"} < set(owner.list_repo_files(repo_id))
    assert Path(owner.hf_hub_download(repo_id, "kept.txt")).read_bytes() == b"2"
    assert owner.get_discussion_details(repo_id, proposal.pr_num).status == "merged"


def test_a_pull_request_that_conflicts_is_not_merged(hub: ServedHub, repo_id: str) -> None:
    api = hub.api("alice")
    proposal = api.create_commit(
        repo_id, [add("same.txt", b"theirs")], commit_message="Mine", create_pr=True
    )
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"ours", path_in_repo="same.txt")
    details = api.get_discussion_details(repo_id, proposal.pr_num)
    assert details.conflicting_files == ["same.txt"]
    with pytest.raises(HfHubHTTPError, match=r"same\.txt"):
        api.merge_pull_request(repo_id, proposal.pr_num)
    assert Path(api.hf_hub_download(repo_id, "same.txt")).read_bytes() == b"ours"


def test_nobody_writes_to_anothers_public_repo(hub: ServedHub, repo_id: str) -> None:
    hub.api("alice").update_repo_settings(repo_id, private=False)
    proposal = hub.api("alice").create_commit(
        repo_id, [add("a.txt", b"a")], commit_message="Mine", create_pr=True
    )
    for user, status in (("bob", 403), (None, 401)):
        with hub.http(user) as client:
            for revision in ("main", proposal.pr_revision.replace("/", "%2F")):
                url = f"/api/models/{repo_id}/commit/{revision}"
                assert client.post(url, content=lines()).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"key": "header"}',
        b"[1, 2]",
        b'{"key": "file", "value": {"path": "a", "content": ""}}',
        lines(("file", {"path": "a", "content": "***", "encoding": "base64"})),
        lines(("lfsFile", {"path": "a", "algo": "md5", "oid": "0"})),
        lines(("surprise", {"path": "a"})),
    ],
)
def test_what_is_no_commit_is_refused_in_words(hub: ServedHub, repo_id: str, body: bytes) -> None:
    with hub.http("alice") as client:
        answer = client.post(f"/api/models/{repo_id}/commit/main", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
