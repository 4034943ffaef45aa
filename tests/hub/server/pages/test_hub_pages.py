"""Pages show what is there to whom it may be shown, and take forms from nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import ServedHub
    from tests.hub.server.pages.conftest import Visitor

    FreshId = Callable[[str], str]
    Visit = Callable[[str | None], Visitor]

pytestmark = pytest.mark.system

PATHS_OF_A_DATASET = (
    "",
    "/tree/main",
    "/blob/main/notes.txt",
    "/resolve/main/notes.txt",
    "/commits/main",
    "/commit/main",
    "/viewer",
    "/picture/main?split=train&row=0&column=images&item=0",
    "/board",
)


@pytest.fixture
def dataset_id(publish: Callable[..., str], fresh_id: FreshId, hostile_card: str) -> str:
    """A private dataset of `org`."""
    files = {
        "README.md": hostile_card,
        "notes.txt": "비밀 words",
        "page.html": "<script>alert(1)</script>",
        "not.parquet": "no parquet",
    }
    return publish(fresh_id("org"), files)


@pytest.mark.parametrize("path", PATHS_OF_A_DATASET)
def test_private_pages_need_a_login_and_do_not_tell_what_is_there(
    visit: Visit, dataset_id: str, path: str
) -> None:
    stranger = visit(None).get(f"/datasets/{dataset_id}{path}")
    assert stranger.status_code == 401
    assert stranger.headers["X-Error-Code"] == "RepoNotFound"
    other = visit("bob").get(f"/datasets/{dataset_id}{path}")
    assert other.status_code == 404
    for answer in (stranger, other):
        assert "비밀" not in answer.text
        assert "제목" not in answer.text


def test_the_login_leads_back_to_the_page_that_asked_for_it(
    hub: ServedHub, visit: Visit, dataset_id: str
) -> None:
    visitor = visit(None)
    page = f"/datasets/{dataset_id}/tree/main"
    refused = visitor.get(page)
    login = refused.text.partition('class="account" href="')[2].partition('"')[0]
    answer = visitor.send(login.replace("&amp;", "&"), "/login", token=hub.tokens["alice"])
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert visitor.get(page).status_code == 200


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil", "/ x", ""])
def test_the_login_leads_nowhere_else(hub: ServedHub, visit: Visit, target: str) -> None:
    answer = visit(None).http.post("/login", data={"token": hub.tokens["bob"], "next": target})
    assert answer.headers["Location"] == "/"


def test_a_session_ends_with_the_logout(visit: Visit, dataset_id: str) -> None:
    visitor = visit("alice")
    assert visitor.get(f"/datasets/{dataset_id}").status_code == 200
    assert visitor.send("/", "/logout").status_code == 303
    assert visitor.get(f"/datasets/{dataset_id}").status_code == 401


def test_a_false_token_is_no_login(visit: Visit) -> None:
    visitor = visit(None)
    answer = visitor.send("/login", "/login", token="hf_false")
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert not visitor.http.cookies


def test_a_session_only_looks(hub: ServedHub, visit: Visit, dataset_id: str) -> None:
    browser = visit("alice").http
    cookie = browser.cookies["hub_session"]
    assert hub.tokens["alice"] not in cookie
    deletion = {"name": dataset_id.split("/")[1], "organization": "org", "type": "dataset"}
    assert browser.request("DELETE", "/api/repos/delete", json=deletion).status_code == 401
    forged = {"Cookie": f"hub_session={cookie[:-4]}AAAA", "Accept": "text/html"}
    with hub.http(None) as forger:
        assert forger.get(f"/datasets/{dataset_id}", headers=forged).status_code == 401


def test_cookies_are_out_of_reach_for_scripts_and_other_sites(hub: ServedHub, visit: Visit) -> None:
    answer = visit(None).http.post("/login", data={"token": hub.tokens["bob"]})
    cookie = answer.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
@pytest.mark.parametrize("action", ["/login", "/logout", "/language", "/settings/tokens"])
def test_forms_of_other_sites_are_refused(
    hub: ServedHub, visit: Visit, action: str, headers: dict[str, str]
) -> None:
    visitor = visit("alice")
    form = {"token": hub.tokens["bob"], "language": "ko", "name": "stolen", "role": "write"}
    answer = visitor.http.post(action, data=form, headers=headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_the_language_is_remembered(visit: Visit) -> None:
    visitor = visit(None)
    assert '<html lang="en">' in visitor.get("/").text
    assert '<html lang="ko">' in visitor.get("/", **{"Accept-Language": "ko-KR,ko;q=0.9"}).text
    answer = visitor.send("/?kind=models", "/language", language="ko")
    assert answer.headers["Location"] == "/?kind=models"
    page = visitor.get("/")
    assert '<html lang="ko">' in page.text
    assert "저장소 검색" in page.text


def test_every_page_forbids_scripts_and_is_not_kept(visit: Visit, dataset_id: str) -> None:
    visitor = visit("alice")
    for path in ("/", "/login", "/settings/tokens", f"/datasets/{dataset_id}", "/org/missing"):
        headers = visitor.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'self'")
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_among_the_files_is_shown_as_text(visit: Visit, dataset_id: str) -> None:
    answer = visit("alice").get(f"/datasets/{dataset_id}/resolve/main/page.html")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PATHS_OF_A_DATASET)
def test_gated_pages_show_names_and_no_contents(
    hub: ServedHub, visit: Visit, dataset_id: str, path: str
) -> None:
    hub.api("alice").update_repo_settings(
        dataset_id, repo_type="dataset", private=False, gated="manual"
    )
    page = visit(None).get(f"/datasets/{dataset_id}{path}")
    assert page.status_code in {200, 401}
    assert "비밀" not in page.text
    assert "제목" not in page.text
    if path == "/tree/main":
        assert "notes.txt" in page.text


def test_what_is_missing_is_a_page_for_people_and_json_for_programs(hub: ServedHub) -> None:
    with hub.http(None) as client:
        shown = client.get("/org/missing", headers={"Accept": "text/html"})
        assert shown.headers["Content-Type"].startswith("text/html")
        assert shown.headers["X-Error-Code"] == "RepoNotFound"
        told = client.get("/org/missing")
        assert told.json()["error"]


@pytest.mark.parametrize(
    ("path", "user", "status", "korean", "told"),
    [
        ("/org/missing", None, 401, "볼 수 있는 저장소 가운데", "Invalid username or password."),
        ("/org/missing", "alice", 404, "볼 수 있는 저장소 가운데", "Repository not found"),
        ("/datasets/{}/tree/v9", "alice", 404, "브랜치나 태그나 커밋", "Invalid rev id"),
        ("/datasets/{}/blob/main/x.md", "alice", 404, "파일이나 폴더가", "Entry not found"),
        ("/datasets/{}/viewer?row=x", "alice", 400, "정수여야", "Rows are counted"),
        ("/no/such/page/at/all", "alice", 404, "여기에 없습니다", "Not Found"),
    ],
)
def test_a_refusal_speaks_the_language_of_who_reads_it(
    visit: Visit, dataset_id: str, path: str, user: str | None, status: int, korean: str, told: str
) -> None:
    path = path.format(dataset_id)
    visitor = visit(user)
    shown = visitor.get(path, **{"Accept-Language": "ko"})
    assert shown.status_code == status
    assert korean in shown.text
    assert told not in shown.text
    assert 'lang="en"' not in shown.text.partition("<main")[2]
    answer = visitor.get(path, Accept="*/*")
    assert (answer.status_code, answer.headers["X-Error-Message"]) == (
        status,
        answer.json()["error"],
    )
    assert answer.json()["error"].startswith(told)
