"""Pages: they show what is there to whom it may be shown, and nothing on them runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import datasets
import pytest

from hub.server.card_rendering import render_card

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

    from tests.conftest import ServedHub

    FreshId = Callable[[str], str]

pytestmark = pytest.mark.system

HOSTILE = """---
license: mit
---
# 제목 <script>alert(1)</script>

![그림](figures/loss.png) <img src="x.png" onerror="alert(1)">
[click](javascript:alert(1)) <a href="javascript:alert(1)">x</a>
<iframe src="https://evil.example"></iframe><style>body{display:none}</style>
<form action="https://evil.example"><input name="token"></form>
<svg onload="alert(1)"></svg><details><summary>more</summary>text</details>

| a | b |
|---|---|
| 1 | <b onclick="alert(1)">2</b> |
"""


@pytest.fixture
def dataset_id(hub: ServedHub, fresh_id: FreshId, tmp_path: Path) -> str:
    """A private dataset of `org` with a hostile card, a figure and rows."""
    repo_id = fresh_id("org")
    (tmp_path / "figures").mkdir()
    (tmp_path / "README.md").write_text(HOSTILE)
    (tmp_path / "figures" / "loss.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "page.html").write_text("<script>alert(1)</script>")
    (tmp_path / "not.parquet").write_bytes(b"no parquet")
    rows = {"text": [f"행 {n} <script>" for n in range(50)], "raw": [b"\0\1"] * 50}
    datasets.Dataset.from_dict(rows).to_parquet(tmp_path / "train.parquet")
    api = hub.api("alice")
    api.create_repo(repo_id, repo_type="dataset")
    api.upload_folder(repo_id=repo_id, repo_type="dataset", folder_path=tmp_path)
    return repo_id


@pytest.fixture
def browser(hub: ServedHub) -> httpx2.Client:
    """Like a person's browser, logged in as alice."""
    client = hub.http(None)
    client.headers["Accept"] = "text/html"
    assert client.post("/login", data={"token": hub.tokens["alice"]}).status_code == 303
    return client


def test_no_script_of_a_card_survives() -> None:
    html = render_card(HOSTILE, "/org/x", "abc")
    for dangerous in ("<script", "onerror", "onclick", "onload", "<iframe", "<form", "<style"):
        assert dangerous not in html
    assert 'href="javascript' not in html
    assert '<img src="/org/x/resolve/abc/figures/loss.png" alt="그림">' in html
    assert "<details>" in html
    assert "<td>1</td>" in html


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("figures/a b.png", "/r/resolve/c/figures/a%20b.png"),
        ("./a.png", "/r/resolve/c/a.png"),
        ("../../other/secret.png", None),
        ("https://example.org/a.png", "https://example.org/a.png"),
        ("#part", "#part"),
        ("data:text/html,x", None),
    ],
)
def test_links_of_a_card_stay_in_its_repo(target: str, expected: str | None) -> None:
    html = render_card(f'<a href="{target}">link</a>', "/r", "c")
    found = re.search(r'href="([^"]*)"', html)
    assert (found.group(1) if found else None) == expected


def test_a_page_shows_card_rows_files_and_history(
    hub: ServedHub, browser: httpx2.Client, dataset_id: str
) -> None:
    page = browser.get(f"/datasets/{dataset_id}")
    assert page.status_code == 200
    for expected in (
        "제목",
        "private",
        "license:mit",
        "the first 20 of 50 rows",
        "행 19 &lt;script&gt;",
        "[2 bytes]",
        "figures/",
        "train.parquet",
        "initial commit",
    ):
        assert expected in page.text
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    figure = re.search(r'<img src="([^"]+loss\.png)"', page.text).group(1)
    image = browser.get(figure)
    assert (image.status_code, image.headers["Content-Type"]) == (200, "image/png")
    folder = re.search(r'href="([^"]+/tree/[^"]+/figures)"', page.text).group(1)
    assert "loss.png" in browser.get(folder).text


def test_a_page_among_the_files_is_shown_as_text(browser: httpx2.Client, dataset_id: str) -> None:
    answer = browser.get(f"/datasets/{dataset_id}/resolve/main/page.html")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_private_repos_need_a_login(hub: ServedHub, dataset_id: str) -> None:
    with hub.http(None) as client:
        client.headers["Accept"] = "text/html"
        assert dataset_id not in client.get("/").text
        hidden = client.get(f"/datasets/{dataset_id}")
        assert hidden.status_code == 401
        assert '<a href="/login">' in hidden.text
        assert client.post("/login", data={"token": "hf_false"}).status_code == 401
        client.post("/login", data={"token": hub.tokens["bob"]})
        assert client.get(f"/datasets/{dataset_id}").status_code == 404
        client.post("/login", data={"token": hub.tokens["alice"]})
        assert dataset_id in client.get("/").text
        client.post("/logout")
        assert client.get(f"/datasets/{dataset_id}").status_code == 401


def test_a_session_only_looks(hub: ServedHub, browser: httpx2.Client, dataset_id: str) -> None:
    cookie = browser.cookies["hub_session"]
    assert hub.tokens["alice"] not in cookie
    deletion = {"name": dataset_id.split("/")[1], "organization": "org", "type": "dataset"}
    assert browser.request("DELETE", "/api/repos/delete", json=deletion).status_code == 401
    browser.cookies.set("hub_session", cookie[:-4] + "AAAA", domain="127.0.0.1")
    with hub.http(None) as forger:
        answer = forger.get(
            f"/datasets/{dataset_id}", headers={"Cookie": f"hub_session={cookie[:-4]}AAAA"}
        )
        assert answer.status_code == 401


def test_a_gated_page_shows_names_and_no_contents(hub: ServedHub, dataset_id: str) -> None:
    hub.api("alice").update_repo_settings(
        dataset_id, repo_type="dataset", private=False, gated="manual"
    )
    with hub.http(None) as client:
        page = client.get(f"/datasets/{dataset_id}").text
    assert "train.parquet" in page
    assert "행 19" not in page
    assert "제목" not in page


def test_what_is_missing_is_a_page_for_people_and_json_for_programs(hub: ServedHub) -> None:
    with hub.http(None) as client:
        shown = client.get("/org/missing", headers={"Accept": "text/html"})
        assert shown.headers["Content-Type"].startswith("text/html")
        assert shown.headers["X-Error-Code"] == "RepoNotFound"
        told = client.get("/org/missing")
        assert told.json()["error"]
