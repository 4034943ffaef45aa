"""The page of a served model in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = pytest.mark.system

IDLE = "document.querySelector('#stop').hidden"
CLASSES = (
    {"name": "raw", "korean": "원물", "answer": "1"},
    {"name": "packed", "korean": "포장", "answer": "2"},
)


@pytest.fixture(scope="module")
def name_on_the_document(reader: Path) -> str:
    from bogam.serving.examples import load_examples
    from trainers.model_source import find_model

    [example] = load_examples(find_model(str(reader)), 1)
    return str(next(one["value"] for one in example.fields if one["name"] == "patient.name"))


def test_a_document_is_read_into_a_table_in_three_languages(
    browser: Any, served_reader: Any, name_on_the_document: str, tmp_path: Path
) -> None:
    browser.open(served_reader.url)
    assert browser.text("#name") == "medical-reader"
    assert "This is no medical advice" in browser.text("#notice")
    assert "의학적 조언이 아닙니다" in browser.text("#notice")
    assert "0.612 [0.550, 0.670]" in browser.text("#facts")
    browser.wait_until("document.querySelectorAll('#examples button').length === 2")
    browser.click("#examples button")
    browser.wait_until("document.querySelectorAll('#boxes rect').length > 5")
    assert browser.run("document.querySelectorAll('#boxes rect.read').length") == 0

    browser.click("#read")
    browser.wait_until(IDLE)

    assert browser.text("#problem") == ""
    assert browser.text("#answer-zh") == f"病人姓名: {name_on_the_document}"
    assert browser.text("#answer-ko") == f"환자 성명: {name_on_the_document}"
    assert browser.text("#answer-en") == f"Patient: {name_on_the_document}"
    row = browser.text("#fields tbody tr:first-child").split("\t")
    assert row == ["환자 성명 · Patient", *[name_on_the_document] * 4]
    # Its box is known and turns green; those of what was not read do not.
    assert browser.run("document.querySelectorAll('#boxes rect.read').length") == 1
    assert browser.complaints == []
    browser.picture(tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.height > 900


def test_a_picture_of_ones_own_is_taken_and_a_bad_one_named(
    browser: Any, served_reader: Any, tmp_path: Path
) -> None:
    Image.new("RGB", (300, 200), "white").save(tmp_path / "own.png")
    (tmp_path / "no-picture.png").write_text("hello")
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(50 << 20)
    browser.open(served_reader.url)

    browser.choose_file("#file", tmp_path / "no-picture.png")
    browser.wait_until("!document.querySelector('#problem').hidden")
    assert "This is no picture" in browser.text("#problem")
    browser.choose_file("#file", tmp_path / "large.png")
    browser.wait_until("document.querySelector('#problem').innerText.includes('too large')")
    browser.choose_file("#file", tmp_path / "own.png")
    browser.wait_until("document.querySelector('#problem').hidden")
    assert "where values stand is not known" in browser.text("#box-note")
    browser.write("#question", "무엇이 적혀 있나요?")
    browser.click("#send")
    browser.wait_until(f"{IDLE} && document.querySelector('#answer').innerText !== ''")
    assert browser.text("#problem") == ""


def test_an_empty_question_is_answered_by_a_message(browser: Any, served_reader: Any) -> None:
    browser.open(served_reader.url)
    browser.click("#send")
    browser.wait_until("!document.querySelector('#problem').hidden")
    assert "the question is empty" in browser.text("#problem")


def test_a_photo_gets_probabilities_and_the_key_is_asked_for(
    browser: Any,
    serve_model: Callable[..., Any],
    make_model_release: Callable[..., Path],
    vision_twins: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    release = make_model_release(
        tmp_path / "photos",
        vision_twins("llava-next"),
        task="classification",
        domain="forensic",
        classes=CLASSES,
        prompts=["이 사진은 무엇입니까?"],
    )
    served = serve_model(release, "--api-key", "secret")
    Image.new("RGB", (100, 80), "red").save(tmp_path / "photo.jpg")
    browser.open(served.url, width=420)
    assert "This is no evidence" in browser.text("#notice")
    browser.choose_file("#file", tmp_path / "photo.jpg")
    browser.wait_until("!document.querySelector('#read').disabled")

    browser.click("#read")
    browser.wait_until("!document.querySelector('#problem').hidden")
    assert "API key" in browser.text("#problem")
    browser.write("#key", "secret")
    browser.click("#read")
    browser.wait_until("document.querySelectorAll('#classes li').length === 2")

    lines = browser.run(
        "[...document.querySelectorAll('#classes li')].map((one) => one.innerText.split('\\n'))"
    )
    assert sorted(line[0] for line in lines) == ["원물 · raw", "포장 · packed"]
    shares = [float(line[1].removesuffix(" %")) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.2)
    # Nothing hangs over the edge of a phone's screen.
    assert browser.run("document.documentElement.scrollWidth") <= 420
    served.stop()
