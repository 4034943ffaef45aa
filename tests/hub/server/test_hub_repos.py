"""Repos: made, hidden, moved, gated, deleted, and who may do what with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

if TYPE_CHECKING:
    from tests.conftest import ServedHub

    FreshId = Callable[[str], str]

pytestmark = pytest.mark.system


@pytest.fixture
def private_repo(hub: ServedHub, fresh_id: FreshId) -> str:
    """A private model of `org` with one small and one large file, a branch and a tag."""
    repo_id = fresh_id("org")
    api = hub.api("alice")
    api.create_repo(repo_id)
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"secret", path_in_repo="secret.txt")
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"\0secret", path_in_repo="secret.bin")
    api.create_branch(repo_id, branch="side")
    api.create_tag(repo_id, tag="v1")
    return repo_id


def test_a_repo_is_private_unless_told_otherwise(hub: ServedHub, fresh_id: FreshId) -> None:
    repo_id = fresh_id("alice")
    api = hub.api("alice")
    api.create_repo(repo_id)
    assert api.model_info(repo_id).private is True
    api.update_repo_settings(repo_id, private=False)
    assert hub.api(None).model_info(repo_id).private is False


def test_creating_again_is_a_conflict_that_still_tells_the_url(
    hub: ServedHub, fresh_id: FreshId
) -> None:
    repo_id = fresh_id("alice")
    api = hub.api("alice")
    url = api.create_repo(repo_id, repo_type="dataset")
    assert api.create_repo(repo_id, repo_type="dataset", exist_ok=True) == url
    with pytest.raises(HfHubHTTPError) as refusal:
        api.create_repo(repo_id, repo_type="dataset")
    assert refusal.value.response.status_code == 409


@pytest.mark.parametrize("user", [None, "bob"])
@pytest.mark.parametrize(
    "path",
    [
        "api/models/{r}",
        "api/models/{r}/revision/main",
        "api/models/{r}/tree/main",
        "api/models/{r}/refs",
        "api/models/{r}/commits/main",
        "api/models/{r}/discussions",
        "api/models/{r}/auth-check",
        "api/models/{r}/lfs-files",
        "api/models/{r}/xet-write-token/main",
        "{r}/resolve/main/secret.txt",
        "{r}/resolve/main/missing.txt",
        "{r}",
        "{r}/tree/main",
    ],
)
def test_a_private_repo_looks_missing_to_others(
    hub: ServedHub, private_repo: str, user: str | None, path: str
) -> None:
    with hub.http(user) as client:
        hidden = client.get("/" + path.format(r=private_repo))
        missing = client.get("/" + path.format(r="org/never-existed"))
    for answer in (hidden, missing):
        assert answer.status_code == (404 if user else 401)
        assert answer.headers["X-Error-Code"] == "RepoNotFound"
        assert "X-Repo-Commit" not in answer.headers
    assert hidden.content == missing.content


@pytest.mark.parametrize("user", [None, "bob"])
def test_a_private_repo_cannot_be_written_moved_or_found_by_others(
    hub: ServedHub, private_repo: str, user: str | None
) -> None:
    form = {"paths": ["secret.txt"]}
    move = {"fromRepo": private_repo, "toRepo": "bob/stolen", "type": "model"}
    batch = {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}]}
    with hub.http(user) as client:
        api = f"/api/models/{private_repo}"
        answers = [
            client.post(f"{api}/paths-info/main", data=form),
            client.post(f"{api}/preupload/main", json={"files": []}),
            client.post(f"{api}/commit/main", content=b""),
            client.post(f"{api}/discussions", json={"title": "hello"}),
            client.post(f"{api}/duplicate", json={"repository": "bob/stolen"}),
            client.put(f"{api}/settings", json={"visibility": "public"}),
            client.post("/api/repos/move", json=move),
            client.post(f"/{private_repo}.git/info/lfs/objects/batch", json=batch),
        ]
        listed = client.get("/api/models", params={"limit": 1000}).json()
        found = client.get("/api/models", params={"search": private_repo.split("/")[1]}).json()
    assert {answer.headers.get("X-Error-Code") for answer in answers} == {"RepoNotFound"}
    assert private_repo not in {repo["id"] for repo in listed + found}


def test_a_member_with_a_read_token_reads_and_cannot_write(
    hub: ServedHub, private_repo: str
) -> None:
    api = hub.api("reader")
    assert "secret.txt" in api.list_repo_files(private_repo)
    assert private_repo in {repo.id for repo in api.list_models(author="org")}
    for write in (
        lambda: api.upload_file(repo_id=private_repo, path_or_fileobj=b"x", path_in_repo="x.txt"),
        lambda: api.create_branch(private_repo, branch="mine"),
        lambda: api.delete_repo(private_repo),
        lambda: api.create_repo("reader/own"),
    ):
        with pytest.raises(HfHubHTTPError) as refusal:
            write()
        assert refusal.value.response.status_code == 403


def test_nobody_makes_repos_for_another_or_without_a_token(hub: ServedHub) -> None:
    for user, status in (("bob", 403), (None, 401)):
        with hub.http(user) as client:
            body = {"name": "x", "organization": "org"}
            assert client.post("/api/repos/create", json=body).status_code == status


def test_a_false_token_is_called_invalid_even_for_public_things(
    hub: ServedHub, fresh_id: FreshId
) -> None:
    repo_id = fresh_id("alice")
    hub.api("alice").create_repo(repo_id, private=False)
    with hub.http(None) as client:
        answer = client.get(f"/api/models/{repo_id}", headers={"Authorization": "Bearer hf_no"})
    assert answer.status_code == 401
    assert answer.headers["X-Error-Message"] == "Invalid credentials in Authorization header"


def test_a_moved_repo_is_found_under_its_old_name(hub: ServedHub, fresh_id: FreshId) -> None:
    old, new = fresh_id("alice"), fresh_id("org")
    api = hub.api("alice")
    api.create_repo(old, repo_type="dataset")
    api.upload_file(
        repo_id=old, repo_type="dataset", path_or_fileobj=b"text", path_in_repo="a b/c.txt"
    )
    api.move_repo(old, new, repo_type="dataset")

    with hub.http("alice") as client:
        answer = client.get(f"/datasets/{old}/resolve/main/a%20b/c.txt?x=1")
        assert answer.status_code == 307
        assert answer.headers["Location"] == f"/datasets/{new}/resolve/main/a%20b/c.txt?x=1"
    assert api.dataset_info(old).id == new
    assert "a b/c.txt" in api.list_repo_files(old, repo_type="dataset")
    with hub.http("bob") as client:
        assert client.get(f"/api/datasets/{old}").status_code == 404

    # The old name is free again, and then means the new repo.
    api.create_repo(old, repo_type="dataset")
    assert api.dataset_info(old).id == old


def test_moving_onto_another_repo_is_refused(hub: ServedHub, fresh_id: FreshId) -> None:
    first, second = fresh_id("alice"), fresh_id("alice")
    api = hub.api("alice")
    for repo_id in (first, second):
        api.create_repo(repo_id)
    with pytest.raises(HfHubHTTPError, match=r"A model repository called .* already exists"):
        api.move_repo(first, second)


def test_ids_do_not_tell_upper_from_lower_case(hub: ServedHub, fresh_id: FreshId) -> None:
    repo_id = fresh_id("alice")
    api = hub.api("alice")
    api.create_repo(repo_id)
    assert api.model_info(repo_id.upper()).id == repo_id
    with pytest.raises(HfHubHTTPError):
        api.create_repo(repo_id.upper())


def test_an_id_of_one_word_is_no_repo(hub: ServedHub) -> None:
    with hub.http("alice") as client:
        for path in ("api/models/gpt2", "api/models/gpt2/revision/main", "gpt2/resolve/main/x"):
            answer = client.get(f"/{path}")
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "RepoNotFound")


def test_a_deleted_repo_is_gone_and_its_name_free(hub: ServedHub, fresh_id: FreshId) -> None:
    repo_id = fresh_id("alice")
    api = hub.api("alice")
    api.create_repo(repo_id)
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"old", path_in_repo="old.txt")
    api.delete_repo(repo_id)
    with pytest.raises(RepositoryNotFoundError):
        api.model_info(repo_id)
    api.create_repo(repo_id)
    assert api.list_repo_files(repo_id) == [".gitattributes"]


def test_a_gated_repo_is_seen_by_all_and_read_by_those_let_in(
    hub: ServedHub, fresh_id: FreshId
) -> None:
    repo_id = fresh_id("org")
    owner, guest = hub.api("alice"), hub.api("bob")
    owner.create_repo(repo_id, private=False)
    owner.upload_file(repo_id=repo_id, path_or_fileobj=b"text", path_in_repo="a.txt")
    owner.update_repo_settings(repo_id, gated="manual")

    assert guest.model_info(repo_id).gated == "manual"
    for api in (guest, hub.api(None)):
        with pytest.raises(GatedRepoError, match="is restricted"):
            api.hf_hub_download(repo_id, "a.txt")
    with hub.http("bob") as client:
        asked = client.post(f"/api/models/{repo_id}/user-access-request")
        assert asked.json() == {"status": "pending"}
    assert [request.username for request in owner.list_pending_access_requests(repo_id)] == ["bob"]
    with pytest.raises(GatedRepoError):
        guest.auth_check(repo_id)
    owner.accept_access_request(repo_id, "bob")
    guest.auth_check(repo_id)
    assert Path(guest.hf_hub_download(repo_id, "a.txt")).read_text() == "text"
    with pytest.raises(HfHubHTTPError):
        list(guest.list_accepted_access_requests(repo_id))


def test_a_duplicate_has_the_files_and_a_history_of_its_own(
    hub: ServedHub, private_repo: str, fresh_id: FreshId
) -> None:
    copy = fresh_id("alice")
    api = hub.api("alice")
    api.duplicate_repo(private_repo, copy)
    assert api.model_info(copy).private is True
    assert set(api.list_repo_files(copy)) == set(api.list_repo_files(private_repo))
    assert len(api.list_repo_commits(copy)) == 1
    assert Path(api.hf_hub_download(copy, "secret.bin")).read_bytes() == b"\0secret"


def test_erased_contents_are_in_no_commit(hub: ServedHub, private_repo: str) -> None:
    api = hub.api("alice")
    before = api.list_repo_commits(private_repo)
    doomed = list(api.list_lfs_files(private_repo))
    assert [file.filename for file in doomed] == ["secret.bin"]
    api.permanently_delete_lfs_files(private_repo, doomed)

    assert list(api.list_lfs_files(private_repo)) == []
    after = api.list_repo_commits(private_repo)
    assert [commit.title for commit in after] == [commit.title for commit in before]
    for revision in ["side", "v1", *(commit.commit_id for commit in after)]:
        assert "secret.bin" not in api.list_repo_files(private_repo, revision=revision)
    with hub.http("alice") as client:
        old = before[0].commit_id
        assert client.get(f"/{private_repo}/resolve/{old}/secret.bin").status_code == 404
