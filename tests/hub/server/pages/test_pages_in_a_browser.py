"""In a real browser: pages serve keyboard, phone and ear, and no stranger's script runs.

Chromium is Debian's (`apt-get install chromium`); Playwright only drives it.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from datasets import Dataset, Features, Image, List, Value
from PIL import Image as Pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request

    from tests.conftest import ServedHub

    FreshId = Callable[[str], str]
    OpenPage = Callable[..., Page]

pytestmark = pytest.mark.system
SCRIPTS = Path(__file__).parent
FAULTS = (SCRIPTS / "faults.js").read_text(encoding="utf-8")
LOW_CONTRASTS = (SCRIPTS / "low_contrasts.js").read_text(encoding="utf-8")
PATIENCE_MILLISECONDS = 120_000
PHONE_WIDTH = 390
OTHER_SITE = "http://other.example/"
"""Answered by the test itself, never asked for on any network."""


@pytest.fixture
def open_page(hub: ServedHub, browser: Browser) -> Iterator[OpenPage]:
    """`open_page("/path", user="alice", color_scheme="dark")`: a page in a browser of its own.

    The test fails at its end if any page said something, asked something, or left this Hub.
    """
    contexts: list[BrowserContext] = []
    noises: list[str] = []

    def note_dialog(dialog: Dialog) -> None:
        noises.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def note_request(request: Request) -> None:
        if not request.url.startswith((hub.endpoint, OTHER_SITE)):
            noises.append(f"request {request.url}")

    def open_(path: str, user: str | None = "alice", **options: Any) -> Page:
        context = browser.new_context(base_url=hub.endpoint, **{"locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", note_dialog)
        page.on("request", note_request)
        page.on("pageerror", lambda error: noises.append(f"error {error}"))
        if user is not None:
            page.goto("/login")
            page.locator("input[name=token]").fill(hub.tokens[user])
            page.keyboard.press("Enter")
            page.wait_for_url(hub.endpoint + "/")
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert noises == []


@pytest.fixture
def dataset_id(
    publish: Callable[..., str],
    fresh_id: FreshId,
    tmp_path: Path,
    hostile_card: str,
    hostile_text: str,
) -> str:
    """A dataset in which everything that a stranger can write is hostile, with pictures."""
    out = io.BytesIO()
    Pictures.new("RGB", (300, 200), "green").save(out, "JPEG")
    features = Features(
        {
            "images": List(Image()),
            "messages": List({"role": Value("string"), "content": Value("string")}),
            "kind": Value("string"),
            "hashes": List(Value("string")),
            "boxes": List({"box": List(Value("int32")), "name": Value("string")}),
            hostile_text: Value("string"),
        }
    )
    rows = [
        {
            "images": [{"bytes": out.getvalue(), "path": hostile_text}],
            "messages": [{"role": "user", "content": f"{hostile_text} 질문"}],
            "hashes": ["0123456789abcdef" * 4] * 3,
            "boxes": [{"box": list(range(40)), "name": "x" * 200}] * 2,
            "kind": hostile_text if number % 2 else "plain",
            hostile_text: f"{hostile_text} " * 30,
        }
        for number in range(60)
    ]
    Dataset.from_list(rows, features=features).to_parquet(tmp_path / "x.parquet")
    files = {
        "README.md": hostile_card,
        "data/train-00000-of-00001.parquet": (tmp_path / "x.parquet").read_bytes(),
        "figures/loss.png": out.getvalue(),
        "page.html": "<script>document.title = 'ran'; alert(1)</script>",
        "drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>"
        "<script>document.title = 'ran'; alert(1)</script></svg>",
        '"><img src=x onerror=alert(1)>.txt': "words",
    }
    return publish(fresh_id("org"), files)


def _pages_of(dataset_id: str) -> list[str]:
    repo = f"/datasets/{dataset_id}"
    places = ("", "/viewer", "/tree/main", "/commits/main", "/commit/main", "/board")
    return [repo + place for place in places]


def test_nothing_of_a_hostile_repo_runs(open_page: OpenPage, dataset_id: str) -> None:
    """Not even as far as the policy, which would complain on the console."""
    page = open_page("/?search=repo")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    blobs = [f"/datasets/{dataset_id}/blob/main/{name}" for name in ("page.html", "drawing.svg")]
    for address in ("/?kind=datasets", *_pages_of(dataset_id), *blobs):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert page.title() != "ran", address
        assert (
            page.locator("main script, main iframe, main form[action*=evil], main style").count()
            == 0
        )
        assert [text for text in complaints if "olicy" in text or "script" in text] == [], address


@pytest.mark.parametrize("name", ["page.html", "drawing.svg"])
def test_a_file_that_is_opened_by_itself_runs_nothing(
    open_page: OpenPage, dataset_id: str, name: str
) -> None:
    page = open_page(f"/datasets/{dataset_id}/resolve/main/{name}")
    page.wait_for_load_state("networkidle")
    assert page.title() != "ran"


def test_a_script_that_got_onto_a_page_would_be_stopped_by_the_policy(open_page: OpenPage) -> None:
    page = open_page("/", user=None)
    stopped = page.evaluate(
        """() => new Promise((tell) => {
          const stopped = [];
          document.addEventListener("securitypolicyviolation", (event) => {
            stopped.push(event.effectiveDirective);
            if (stopped.length === 2) tell(stopped);
          });
          const image = "<img src=/missing onerror=\\"document.title='ran'\\">";
          document.body.insertAdjacentHTML("beforeend", image);
          const script = document.createElement("script");
          script.textContent = "document.title = 'ran'";
          document.body.append(script);
        })"""
    )
    assert sorted(stopped) == ["script-src-attr", "script-src-elem"]
    assert page.title() != "ran"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_suit_assistive_technology(open_page: OpenPage, dataset_id: str, scheme: str) -> None:
    page = open_page("/", color_scheme=scheme)
    for address in (
        "/",
        "/?kind=datasets",
        "/settings/tokens",
        "/missing/repo",
        *_pages_of(dataset_id),
    ):
        page.goto(address)
        assert page.evaluate(FAULTS) == [], address
        assert page.evaluate(LOW_CONTRASTS) == [], address


def test_dark_and_light_follow_the_system(open_page: OpenPage) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = open_page("/", user=None, color_scheme="light").evaluate(ground)
    dark = open_page("/", user=None, color_scheme="dark").evaluate(ground)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 24, 29)")


def test_no_page_is_wider_than_a_phone(open_page: OpenPage, dataset_id: str) -> None:
    page = open_page("/", viewport={"width": PHONE_WIDTH, "height": 800})
    for address in ("/", "/settings/tokens", "/login", *_pages_of(dataset_id)):
        page.goto(address)
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= PHONE_WIDTH, f"{address}: {width} pixels"


def test_tables_of_numbers_suit_desk_and_phone(
    open_page: OpenPage, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    numbers = "0.792 [0.771, 0.812] | 0.812 [0.771, 0.912] | +0.539 [+0.519, +0.559] | < 0.001"
    card = (
        "| 지표 · Metric | Zero-shot | Tuned | Difference | p |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        f"| 기준 답 퍼플렉시티 · Perplexity of the whole long reference ↓ | {numbers} |\n"
    )
    repo = publish(fresh_id("org"), {"README.md": card})
    page = open_page(f"/datasets/{repo}", viewport={"width": 1280, "height": 800})
    lines = """() => [...document.querySelectorAll('.card td')].slice(1).map((cell) => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
    })"""
    assert page.evaluate(lines) == [1, 1, 1, 1]
    page.set_viewport_size({"width": PHONE_WIDTH, "height": 800})
    assert page.evaluate(lines) == [2, 2, 2, 1]
    left = page.locator("th", has_text="Difference").bounding_box()["x"]
    assert left < PHONE_WIDTH - 30, "nothing shows that there is more"


def test_a_list_of_files_is_as_wide_as_a_phone(
    open_page: OpenPage, publish: Callable[..., str], fresh_id: FreshId
) -> None:
    names = ("adapter_model.safetensors", "special_tokens_map.json")
    repo = publish(fresh_id("org"), dict.fromkeys(names, "x" * 900))
    page = open_page(f"/datasets/{repo}/tree/main", viewport={"width": PHONE_WIDTH, "height": 800})
    table = page.locator(".wide")
    assert table.evaluate("(box) => box.scrollWidth - box.clientWidth") <= 0
    assert page.locator(".files td:nth-child(4)").first.bounding_box()["width"] > 100


def test_predictions_of_both_sides_stand_on_one_screen(
    open_page: OpenPage, publish: Callable[..., str], fresh_id: FreshId, tmp_path: Path
) -> None:
    answer = "처방 의약품: 케토프로펜 플라스타 30mg, 1회 투약량: 1매, 총 투약일수: 14일 " * 3
    short = dict.fromkeys(("id", "document_id", "split"), "synthetic-42-000016")
    long = dict.fromkeys(("prompt", "reference", "zero_shot", "tuned", "more"), answer)
    Dataset.from_list([short | long]).to_parquet(tmp_path / "predictions.parquet")
    table = (tmp_path / "predictions.parquet").read_bytes()
    repo = publish(fresh_id("org"), {"predictions.parquet": table}, type="model")
    page = open_page(f"/{repo}/viewer", viewport={"width": 1280, "height": 800})
    box = page.locator("th", has_text="tuned").bounding_box()
    assert box["x"] + box["width"] <= 1280


def test_the_keyboard_reaches_the_content(open_page: OpenPage, dataset_id: str) -> None:
    page = open_page(f"/datasets/{dataset_id}/viewer")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Skip to content"
    assert focused.bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("#"))
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_rows_are_filtered_and_paged_by_hand(
    open_page: OpenPage, dataset_id: str, hostile_text: str
) -> None:
    page = open_page(f"/datasets/{dataset_id}/viewer")
    page.get_by_role("link", name="Next").first.click()
    page.wait_for_url(re.compile("start=25"))
    page.get_by_label("kind").select_option("plain")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url(re.compile("where.kind=plain"))
    assert page.locator("tbody tr[id^=row-]").count() == 25
    assert page.locator("#row-48").count() == 1
    assert page.locator("#row-47").count() == 0
    page.get_by_label("Go to row").fill("59")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("row=59"))
    picture = page.locator("#row-59 img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 256


def test_the_language_changes_at_a_click_and_stays(open_page: OpenPage, dataset_id: str) -> None:
    page = open_page(f"/datasets/{dataset_id}/tree/main")
    page.get_by_role("button", name="한국어").click()
    page.locator("html[lang=ko]").wait_for()
    assert page.url.endswith("/tree/main")
    page.get_by_role("link", name="기록").wait_for()
    page.goto("/settings/tokens")
    assert page.get_by_role("heading", level=1).inner_text() == "내 토큰"


def test_a_token_is_made_and_revoked_by_hand(open_page: OpenPage) -> None:
    page = open_page("/settings/tokens", user="bob", locale="ko-KR")
    page.get_by_label("토큰 이름").fill("새 노트북")
    page.get_by_label("권한").select_option("write")
    page.get_by_role("button", name="만들기").click()
    token = page.locator(".token").inner_text()
    assert re.fullmatch(r"hf_[0-9a-f]{40}", token)
    page.goto("/settings/tokens")
    assert token not in page.content()
    page.get_by_role("button", name="새 노트북 폐기").click()
    page.get_by_role("button", name="새 노트북 폐기").wait_for(state="detached")


def test_another_sites_form_changes_nothing(hub: ServedHub, open_page: OpenPage) -> None:
    page = open_page("/settings/tokens", user="bob")
    form = (
        f'<form method="post" action="{hub.endpoint}/settings/tokens"><input name="name"'
        ' value="stolen"><input name="role" value="write"><button>Go</button></form>'
    )
    page.route(OTHER_SITE, lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto(OTHER_SITE)
    page.get_by_role("button", name="Go").click()
    page.wait_for_url(hub.endpoint + "/settings/tokens")
    assert page.get_by_role("heading", level=1).inner_text() == "403 · Not allowed"
    page.goto("/settings/tokens")
    assert page.get_by_role("heading", level=1).inner_text() == "Your tokens"
    assert "stolen" not in page.content()
