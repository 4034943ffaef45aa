"""Lists of repos: what the cards say is what can be asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

pytestmark = pytest.mark.system

MODEL_CARD = """---
license: apache-2.0
language: [ko, en]
library_name: peft
pipeline_tag: text-generation
tags: [의료, lora]
datasets: [org/medical-qa]
base_model: org/base
---
# 모델
"""
DATASET_CARD = """---
license: other
language:
- ko
task_categories:
- question-answering
size_categories: 1K<n<10K
configs:
- config_name: default
  data_files: data/train-*.parquet
---
See https://arxiv.org/abs/2106.09685.
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HfApi]:
    """A Hub with a few repos, as alice."""
    from hub.server import accounts
    from hub.server.process import HubProcess

    root = tmp_path_factory.mktemp("listing")
    accounts.add_user(root, "alice")
    accounts.add_organisation(root, "org", ["alice"])
    with HubProcess(root) as process:
        api = HfApi(process.endpoint, token=accounts.create_token(root, "alice"))
        for repo_id, kind, card in (
            ("org/adapter-ko", "model", MODEL_CARD),
            ("org/plain", "model", "# no head\n"),
            ("alice/broken", "model", None),
            ("org/medical-qa", "dataset", DATASET_CARD),
        ):
            api.create_repo(repo_id, repo_type=kind, private=repo_id == "org/plain")
            if card is not None:
                api.upload_file(
                    repo_id=repo_id,
                    repo_type=kind,
                    path_or_fileobj=card.encode(),
                    path_in_repo="README.md",
                )
        api.update_repo_settings("org/adapter-ko", gated="auto")
        # Made first and changed last.
        api.upload_file(repo_id="org/adapter-ko", path_or_fileobj=b"x", path_in_repo="x.txt")
        yield api


def ids(repos: Iterator) -> list[str]:
    return [repo.id for repo in repos]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["alice/broken", "org/plain", "org/adapter-ko"]),
        ({"author": "org"}, ["org/plain", "org/adapter-ko"]),
        ({"author": "ORG"}, ["org/plain", "org/adapter-ko"]),
        ({"search": "ADAPT"}, ["org/adapter-ko"]),
        ({"search": "org ko"}, ["org/adapter-ko"]),
        ({"search": "%"}, []),
        ({"filter": "의료"}, ["org/adapter-ko"]),
        ({"filter": ["peft", "license:apache-2.0", "ko"]}, ["org/adapter-ko"]),
        ({"filter": ["peft", "license:mit"]}, []),
        ({"pipeline_tag": "text-generation"}, ["org/adapter-ko"]),
        ({"trained_dataset": "org/medical-qa"}, ["org/adapter-ko"]),
        ({"filter": "base_model:org/base"}, ["org/adapter-ko"]),
        ({"gated": True}, ["org/adapter-ko"]),
        ({"gated": False}, ["alice/broken", "org/plain"]),
        ({"sort": "last_modified"}, ["org/adapter-ko", "alice/broken", "org/plain"]),
        ({"limit": 2}, ["alice/broken", "org/plain"]),
    ],
)
def test_models_are_found(api: HfApi, query: dict, expected: list[str]) -> None:
    assert ids(api.list_models(**query)) == expected


def test_datasets_are_found(api: HfApi) -> None:
    for query in (
        {"filter": "task_categories:question-answering"},
        {"filter": ["language:ko", "size_categories:1K<n<10K"]},
        {"filter": "arxiv:2106.09685"},
    ):
        assert ids(api.list_datasets(**query)) == ["org/medical-qa"]
    assert ids(api.list_datasets(filter="language:en")) == []


def test_pages_follow_each_other(api: HfApi) -> None:
    import httpx2

    url: str | None = f"{api.endpoint}/api/models?limit=1"
    found = []
    while url is not None:
        answer = httpx2.get(url, headers={"Authorization": f"Bearer {api.token}"}, timeout=60)
        found.append([repo["id"] for repo in answer.json()])
        url = answer.links.get("next", {}).get("url")
    assert found == [["alice/broken"], ["org/plain"], ["org/adapter-ko"]]


def test_nobody_sees_private_repos_in_a_list(api: HfApi) -> None:
    stranger = HfApi(api.endpoint, token=False)
    assert ids(stranger.list_models()) == ["alice/broken", "org/adapter-ko"]
    assert ids(stranger.list_models(search="plain")) == []


def test_the_info_of_a_repo_shows_its_card(api: HfApi) -> None:
    info = api.model_info("org/adapter-ko", files_metadata=True)
    assert info.card_data.license == "apache-2.0"
    assert (info.pipeline_tag, info.library_name) == ("text-generation", "peft")
    assert {"의료", "lora", "ko", "en", "peft", "license:apache-2.0"} <= set(info.tags)
    readme = next(file for file in info.siblings if file.rfilename == "README.md")
    assert readme.size == len(MODEL_CARD.encode())
    dataset = api.dataset_info("org/medical-qa")
    assert dataset.card_data["configs"][0]["config_name"] == "default"
    narrow = api.model_info("org/adapter-ko", expand=["gated", "sha"])
    assert (narrow.gated, narrow.card_data, narrow.siblings) == ("auto", None, None)
    with pytest.raises(HfHubHTTPError) as refusal:
        api.model_info("org/adapter-ko", expand=["nonsense"])
    assert refusal.value.response.status_code == 400


def test_an_older_revision_shows_its_own_card(api: HfApi) -> None:
    first = api.list_repo_commits("org/adapter-ko")[-1].commit_id
    info = api.model_info("org/adapter-ko", revision=first)
    assert (info.sha, info.card_data, info.tags) == (first, None, [])


@pytest.mark.parametrize(
    ("card", "accepted"),
    [
        ("---\nlicense: mit\n---\n", True),
        ("no head at all", True),
        ("---\n[unclosed\n---\n", False),
        ("---\n- a list\n---\n", False),
        ("---\nmodel-index: foo\n---\n", False),
        ("---\na: &x [1]\nb: [*x, *x]\n---\n", False),
        ("---\nd: 2026-11-21\nn: .nan\n1: one\n---\n", True),
    ],
)
def test_a_card_that_cannot_be_read_is_refused_before_the_commit(
    api: HfApi, card: str, accepted: bool
) -> None:
    def upload() -> None:
        api.upload_file(
            repo_id="alice/cards", path_or_fileobj=card.encode(), path_in_repo="README.md"
        )

    api.create_repo("alice/cards")
    try:
        if accepted:
            upload()
            assert api.model_info("alice/cards").id == "alice/cards"
        else:
            with pytest.raises(ValueError, match=r"Invalid metadata in README\.md"):
                upload()
    finally:
        api.delete_repo("alice/cards")
