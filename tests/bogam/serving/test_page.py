"""The page of a served model in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.system

ANSWER_MILLISECONDS = 120_000


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`open_page(url, width=1200)`; fails at the end where a script failed or was refused."""
    pages: list[Page] = []
    complaints: list[str] = []

    def open_(url: str, width: int = 1200) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(ANSWER_MILLISECONDS)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "policy" in said.text.lower() else None,
        )
        page.goto(url)
        page.wait_for_selector("body[data-ready]")
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert complaints == []


def wait_until_idle(page: Page) -> None:
    """Until nothing is being asked any more."""
    page.locator("#stop").wait_for(state="hidden")


@pytest.fixture(scope="module")
def name_on_the_document(reader: Path) -> str:
    from bogam.serving.examples import load_examples
    from trainers.model_source import find_model

    [example] = load_examples(find_model(str(reader)), 1)
    return str(next(one["value"] for one in example.fields if one["name"] == "patient.name"))


def test_a_document_is_read_into_a_table_in_three_languages(
    open_page: Callable[..., Page], served_reader: Any, name_on_the_document: str, tmp_path: Path
) -> None:
    page = open_page(served_reader.url)
    assert page.inner_text("#name") == "medical-reader"
    assert "This is no medical advice" in page.inner_text("#notice")
    assert "의학적 조언이 아닙니다" in page.inner_text("#notice")
    assert "0.612 [0.550, 0.670]" in page.inner_text("#facts")
    page.click("#examples button:nth-child(1)")
    page.locator("#boxes rect").nth(5).wait_for(state="attached")
    assert page.locator("#boxes rect.read").count() == 0

    page.click("#read")
    wait_until_idle(page)

    assert page.locator("#problem").is_hidden()
    assert page.inner_text("#answer-zh") == f"病人姓名: {name_on_the_document}"
    assert page.inner_text("#answer-ko") == f"환자 성명: {name_on_the_document}"
    assert page.inner_text("#answer-en") == f"Patient: {name_on_the_document}"
    row = page.inner_text("#fields tbody tr:first-child").split("\t")
    assert row == ["환자 성명 · Patient", *[name_on_the_document] * 4]
    # Its box is known and turns green; those of what was not read do not.
    assert page.locator("#boxes rect.read").count() == 1
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.height > 900


def test_a_picture_of_ones_own_is_taken_and_a_bad_one_named(
    open_page: Callable[..., Page], served_reader: Any, tmp_path: Path
) -> None:
    Image.new("RGB", (300, 200), "white").save(tmp_path / "own.png")
    (tmp_path / "no-picture.png").write_text("hello")
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(49 << 20)
    page = open_page(served_reader.url)

    page.set_input_files("#file", tmp_path / "no-picture.png")
    page.get_by_text("This is no picture").wait_for()
    page.set_input_files("#file", tmp_path / "large.png")
    page.get_by_text("too large").wait_for()
    page.set_input_files("#file", tmp_path / "own.png")
    page.get_by_text("where values stand is not known").wait_for()
    assert page.locator("#problem").is_hidden()
    page.fill("#question", "무엇이 적혀 있나요?")
    page.click("#send")
    page.locator("#answer:not(:empty)").wait_for()
    wait_until_idle(page)
    assert page.locator("#problem").is_hidden()


def test_of_two_pictures_the_last_one_is_shown(
    open_page: Callable[..., Page], served_reader: Any
) -> None:
    page = open_page(served_reader.url)
    page.evaluate("document.querySelectorAll('#examples button').forEach((one) => one.click())")
    page.locator("#boxes rect").nth(5).wait_for(state="attached")
    assert page.locator("#problem").is_hidden()
    assert page.locator("#examples [aria-pressed=true]").count() == 1
    assert page.locator("#examples button:last-child").get_attribute("aria-pressed") == "true"


def test_an_empty_question_is_answered_by_a_message(
    open_page: Callable[..., Page], served_reader: Any
) -> None:
    page = open_page(served_reader.url)
    page.click("#send")
    page.wait_for_selector("#problem:not([hidden])")
    assert "the question is empty" in page.inner_text("#problem")


def test_a_photo_gets_probabilities_and_the_key_is_asked_for(
    open_page: Callable[..., Page], served_classifier: Any, tmp_path: Path
) -> None:
    Image.new("RGB", (100, 80), "red").save(tmp_path / "photo.jpg")
    page = open_page(served_classifier.url, width=420)
    assert "This is no evidence" in page.inner_text("#notice")
    page.set_input_files("#file", tmp_path / "photo.jpg")

    page.click("#read:enabled")
    page.wait_for_selector("#problem:not([hidden])")
    assert "API key" in page.inner_text("#problem")
    page.fill("#key", "secret")
    page.click("#read:enabled")
    page.locator("#classes li").nth(1).wait_for()

    lines = [line.split("\n") for line in page.locator("#classes li").all_inner_texts()]
    assert sorted(line[0] for line in lines) == ["원물 · raw", "포장 · packed"]
    shares = [float(line[1].removesuffix(" %")) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.2)
    # Nothing hangs over the edge of a phone's screen.
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_an_answer_never_comes_to_stand_under_another_picture(
    open_page: Callable[..., Page], served_classifier: Any, tmp_path: Path
) -> None:
    for colour in ("red", "blue"):
        Image.new("RGB", (100, 80), colour).save(tmp_path / f"{colour}.png")
    page = open_page(served_classifier.url)
    page.fill("#key", "secret")
    page.route("**/v1/label_scores", lambda route: None)  # never answered
    page.set_input_files("#file", tmp_path / "red.png")
    page.click("#read:enabled")
    page.locator("#stop").wait_for()

    with page.expect_event("requestfailed") as failed:
        page.set_input_files("#file", tmp_path / "blue.png")

    assert failed.value.failure == "net::ERR_ABORTED"
    wait_until_idle(page)
    assert page.locator("#classes-panel").is_hidden()
    assert page.locator("#problem").is_hidden()
