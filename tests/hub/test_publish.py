"""A folder becomes exactly one commit, whole and checked, or nothing at all."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from rich.progress import Progress

from cards.dataset_card import render_dataset_card
from cards.errors import BogamError
from cards.licences import find_licence
from cards.records import DatasetRecord
from hub.publish import publish_dataset, publish_model, publish_release
from hub.release import Release

ANSWERS = ["물을 자주 마시고 쉬십시오.", "열이 38도를 넘으면 병원에 가십시오."]


def commits(api: HfApi, repo_id: str, repo_type: str) -> list[str]:
    return [commit.title for commit in api.list_repo_commits(repo_id, repo_type=repo_type)]


def test_a_dataset_is_published_whole_private_and_in_one_commit(
    hub, fresh_id, make_dataset_folder
) -> None:
    api, repo_id, folder = hub.api("alice"), fresh_id("org"), make_dataset_folder(ANSWERS)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    published = publish_dataset(folder, repo_id, card=render_dataset_card, api=api)

    info = api.dataset_info(repo_id, files_metadata=True)
    assert (published.commit, published.private, info.private) == (info.sha, True, True)
    assert commits(api, repo_id, "dataset")[0] == "Publish made-for-tests"
    assert len(commits(api, repo_id, "dataset")) == 2  # the repo's own first one, and this
    assert {file.rfilename for file in info.siblings} == {
        "croissant.json",
        ".gitattributes",
        "README.md",
        "data/test-00000-of-00001.parquet",
        "data/train-00000-of-00001.parquet",
        "dataset.json",
        "rejects.jsonl",
    }
    record = DatasetRecord.read(
        Path(api.hf_hub_download(repo_id, "dataset.json", repo_type="dataset"))
    )
    assert record.publication.repo_id == repo_id
    assert record.publication.personal_data.policy == "refuse"
    assert record.publication.personal_data.texts_scanned == 3 * 4 + 2 * 2
    assert record.publication.personal_data.found == {}
    for path, digest in record.artifacts.items():
        content = Path(api.hf_hub_download(repo_id, path, repo_type="dataset")).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_publishing_the_same_again_makes_no_commit(hub, fresh_id, make_dataset_folder) -> None:
    api, repo_id, folder = hub.api("alice"), fresh_id("org"), make_dataset_folder(ANSWERS)
    first = publish_dataset(folder, repo_id, card=render_dataset_card, api=api)
    again = publish_dataset(folder, repo_id, card=render_dataset_card, api=api)
    assert first.is_new
    assert not again.is_new
    assert again.commit == first.commit
    assert len(commits(api, repo_id, "dataset")) == 2


def test_files_that_left_the_release_leave_the_repo_in_the_same_commit(
    hub, fresh_id, make_dataset_folder, plain_card, caplog
) -> None:
    api, repo_id = hub.api("alice"), fresh_id("org")
    publish_dataset(make_dataset_folder(ANSWERS), repo_id, card=plain_card.of, api=api)
    api.upload_file(
        path_or_fileobj=b"old", path_in_repo="old/notes.txt", repo_id=repo_id, repo_type="dataset"
    )
    longer = make_dataset_folder([*ANSWERS, "손을 씻으십시오."], name="longer")
    with caplog.at_level(logging.INFO):
        published = publish_dataset(longer, repo_id, card=plain_card.of, api=api)
    assert published.removed == ("old/notes.txt",)
    assert published.changed == ("data/train-00000-of-00001.parquet", "dataset.json")
    assert "old/notes.txt is not part of this release and was removed" in caplog.text
    assert "old/notes.txt" not in api.list_repo_files(repo_id, repo_type="dataset")
    assert len(commits(api, repo_id, "dataset")) == 4


def test_a_model_is_published_with_what_its_run_names(
    hub, fresh_id, make_model_folder, plain_card
) -> None:
    api, repo_id, folder = hub.api("alice"), fresh_id("org"), make_model_folder()
    (folder / "optimizer.pt").write_bytes(b"stays at home")
    published = publish_model(folder, repo_id, card=plain_card.of, api=api)
    assert set(api.list_repo_files(repo_id)) == {
        ".gitattributes",
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "run.json",
    }
    assert published.url == f"{hub.endpoint}/{repo_id}"
    run = json.loads(Path(api.hf_hub_download(repo_id, "run.json")).read_text())
    assert run["publication"]["private"] is True


def test_a_release_of_its_own_making_is_published(hub, fresh_id, make_model_folder) -> None:
    api, repo_id, folder = hub.api("alice"), fresh_id("org"), make_model_folder()
    (folder / "README.md").write_text("---\nlicense: other\n---\n")
    release = Release(folder, repo_id, "model", find_licence("exaone"))
    with pytest.raises(BogamError, match="begin with 'EXAONE'"):
        publish_release(release, "Convert", api=api)
    release = Release(folder, repo_id, "model", find_licence("apache-2.0"))
    published = publish_release(release, "Convert the base model", api=api)
    assert commits(api, repo_id, "model")[0] == "Convert the base model"
    assert published.private


def test_a_base_model_that_others_cannot_load_is_mentioned(
    hub, fresh_id, make_model_folder, plain_card, caplog
) -> None:
    publish_model(make_model_folder(), fresh_id("org"), card=plain_card.of, api=hub.api("alice"))
    assert "org/a-base at 111111111111 is not on" in caplog.text


def test_progress_is_shown(hub, fresh_id, make_dataset_folder, plain_card) -> None:
    with Progress(disable=False, transient=True) as progress:
        publish_dataset(
            make_dataset_folder(ANSWERS),
            fresh_id("org"),
            card=plain_card.of,
            api=hub.api("alice"),
            progress=progress,
        )
        assert progress.finished
        assert [task.description for task in progress.tasks] == [
            "Checking against the record",
            "Looking for personal data",
            "Looking for secrets, paths, personal data",
            "Hashing",
        ]


def test_a_licence_beside_the_record_is_published_with_it(
    hub, fresh_id, make_dataset_folder, plain_card
) -> None:
    api, repo_id = hub.api("alice"), fresh_id("org")
    folder = make_dataset_folder(ANSWERS)
    (folder / "LICENSE").write_text("Made for tests. Do with it what you like.\n")
    (folder / "notes.txt").write_text("mine\n")
    publish_dataset(folder, repo_id, card=plain_card.of, api=api)
    files = api.list_repo_files(repo_id, repo_type="dataset")
    assert "LICENSE" in files and "notes.txt" not in files


def test_material_of_ai_hub_is_never_public(hub, fresh_id, make_dataset_folder, plain_card) -> None:
    api, repo_id, folder = hub.api("alice"), fresh_id("org"), make_dataset_folder(ANSWERS, "aihub")
    with pytest.raises(BogamError, match="does not allow passing the material on"):
        publish_dataset(folder, repo_id, card=plain_card.of, public=True, api=api)
    assert not api.repo_exists(repo_id, repo_type="dataset")

    api.create_repo(repo_id, repo_type="dataset", private=False)
    with pytest.raises(BogamError, match="does not allow passing the material on"):
        publish_dataset(folder, repo_id, card=plain_card.of, api=api)
    assert api.list_repo_files(repo_id, repo_type="dataset") == [".gitattributes"]


def test_a_repo_keeps_its_visibility(hub, fresh_id, make_dataset_folder, plain_card) -> None:
    api, folder = hub.api("alice"), make_dataset_folder(ANSWERS)
    open_repo, closed_repo, new_repo = fresh_id("org"), fresh_id("org"), fresh_id("org")
    api.create_repo(open_repo, repo_type="dataset", private=False)
    api.create_repo(closed_repo, repo_type="dataset", private=True)
    assert not publish_dataset(folder, open_repo, card=plain_card.of, api=api).private
    assert publish_dataset(folder, closed_repo, card=plain_card.of, public=True, api=api).private
    assert not publish_dataset(folder, new_repo, card=plain_card.of, public=True, api=api).private
    assert [one.private for one in plain_card.publications] == [False, True, False]
    assert api.dataset_info(closed_repo).private
    assert not api.dataset_info(new_repo).private


def test_a_name_that_the_licence_forbids_is_refused(
    hub, fresh_id, make_model_folder, plain_card
) -> None:
    with pytest.raises(BogamError, match="begin with 'EXAONE'"):
        publish_model(
            make_model_folder("exaone"), fresh_id("org"), card=plain_card.of, api=hub.api("alice")
        )


def test_a_file_that_changed_after_the_build_is_noticed(
    make_dataset_folder, plain_card, hub, fresh_id
) -> None:
    folder = make_dataset_folder(ANSWERS)
    (folder / "rejects.jsonl").write_text("{}\n")
    with pytest.raises(BogamError, match=r"rejects\.jsonl: changed since the record was made"):
        publish_dataset(folder, fresh_id("org"), card=plain_card.of, api=hub.api("alice"))
    (folder / "rejects.jsonl").unlink()
    with pytest.raises(BogamError, match=r"rejects\.jsonl missing"):
        publish_dataset(folder, fresh_id("org"), card=plain_card.of, api=hub.api("alice"))


def test_secrets_and_paths_of_the_machine_stop_a_release(
    hub, fresh_id, make_model_folder, plain_card
) -> None:
    api, repo_id, folder = hub.api("alice"), fresh_id("org"), make_model_folder()
    run = json.loads((folder / "run.json").read_text())
    for value, reason in (
        (f"used {hub.tokens['alice']}", "secrets"),
        ("/home/kim/data/TL.zip", "paths of this machine"),
    ):
        (folder / "run.json").write_text(json.dumps(run | {"recipe": {"name": "x", "a": value}}))
        with pytest.raises(BogamError, match=reason) as refusal:
            publish_model(folder, repo_id, card=plain_card.of, api=api)
        assert value not in str(refusal.value)
        assert "recipe.a" in str(refusal.value)
    assert not api.repo_exists(repo_id)


def test_a_card_that_the_hub_does_not_accept_leaves_nothing_published(
    hub, fresh_id, make_model_folder, plain_card
) -> None:
    api, repo_id = hub.api("alice"), fresh_id("org")
    plain_card.licence = "mit\ntags: &names [a]\nlanguage: *names"  # aliases are refused
    with pytest.raises(
        BogamError, match=r"(?s)does not accept the card.*the same command completes it"
    ):
        publish_model(make_model_folder(), repo_id, card=plain_card.of, api=api)
    assert api.list_repo_files(repo_id) == [".gitattributes"]
    assert api.model_info(repo_id).private


@pytest.mark.parametrize(
    ("user", "owner", "reason"),
    [
        ("bob", "org", "bob may not write under org"),
        ("reader", "org", "may only read"),
        (None, "org", "no token"),
        ("nobody", "org", "does not accept the token"),
    ],
)
def test_without_the_right_to_write_one_is_told_so(
    hub, fresh_id, make_model_folder, plain_card, user: str | None, owner: str, reason: str
) -> None:
    token = hub.tokens.get(user, "hf_" + "x" * 34) if user else False
    api = HfApi(endpoint=hub.endpoint, token=token)
    with pytest.raises(BogamError, match=reason) as refusal:
        publish_model(make_model_folder(), fresh_id(owner), card=plain_card.of, api=api)
    assert str(refusal.value).startswith("Publishing org/")


def test_a_hub_that_is_not_there_is_said_so(make_model_folder, plain_card) -> None:
    api = HfApi(endpoint="http://127.0.0.1:9", token="hf_x")
    with pytest.raises(BogamError, match=r"the Hub at http://127\.0\.0\.1:9 cannot be reached"):
        publish_model(make_model_folder(), "org/x", card=plain_card.of, api=api)


@pytest.mark.parametrize("name", ["a/b/c", "x", "org/한글"])
def test_a_name_that_is_no_repo_id_is_said_so(hub, make_model_folder, plain_card, name) -> None:
    with pytest.raises(BogamError, match="A repo is called owner/name"):
        publish_model(make_model_folder(), name, card=plain_card.of, api=hub.api("alice"))


def test_somebody_who_was_faster_loses_nothing(
    hub, fresh_id, make_dataset_folder, plain_card
) -> None:
    api, repo_id = hub.api("alice"), fresh_id("org")
    folder = make_dataset_folder(ANSWERS)
    publish_dataset(folder, repo_id, card=plain_card.of, api=api)
    longer = make_dataset_folder([*ANSWERS, "손을 씻으십시오."], name="longer")

    def card_while_another_commits(record: DatasetRecord) -> object:
        api.upload_file(
            path_or_fileobj=b"theirs",
            path_in_repo="theirs.txt",
            repo_id=repo_id,
            repo_type="dataset",
        )
        return plain_card.of(record)

    with pytest.raises(BogamError, match="somebody else changed the repo in the meantime"):
        publish_dataset(longer, repo_id, card=card_while_another_commits, api=api)

    assert "theirs.txt" in api.list_repo_files(repo_id, repo_type="dataset")
    assert len(commits(api, repo_id, "dataset")) == 3


def test_the_disk_of_this_machine_being_full_is_said_so(hub, fresh_id, make_dataset_folder) -> None:
    import errno
    import os

    def card(record: DatasetRecord) -> object:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    folder = make_dataset_folder(ANSWERS)
    with pytest.raises(BogamError, match="the disk of this machine is full"):
        publish_dataset(folder, fresh_id("org"), card=card, api=hub.api("alice"))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_bug_is_not_taken_for_a_refusal(hub, fresh_id, make_dataset_folder) -> None:
    def card(record: DatasetRecord) -> object:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        publish_dataset(
            make_dataset_folder(ANSWERS), fresh_id("org"), card=card, api=hub.api("alice")
        )
