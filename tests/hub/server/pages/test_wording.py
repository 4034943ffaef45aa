"""Every word of the pages is there in both languages, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.server.http.pages.wording import KOREAN, Wording, choose_language

TEMPLATES = Path(__file__).parents[4] / "hub/server/templates"
PAGES = Path(__file__).parents[4] / "hub/server/http/pages"
KINDS_OF_CHANGE = {"added", "removed", "moved", "changed"}


def test_every_word_of_a_page_is_translated_and_none_is_left_over() -> None:
    used = set(KINDS_OF_CHANGE)
    for template in TEMPLATES.glob("*.html"):
        used.update(re.findall(r'\bt\(\s*"([^"]+)"', template.read_text(encoding="utf-8")))
    for module in PAGES.glob("*.py"):
        refusals = r'\b(?:HubError\(\d+, |bad_request\()"([^"]+)"'
        used.update(re.findall(refusals, module.read_text(encoding="utf-8")))
    assert used == KOREAN.keys()


def test_translations_keep_the_values() -> None:
    for english, korean in KOREAN.items():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", korean)), english
    assert Wording("ko")("row {number}", number=7) == "7행"
    assert Wording("en")("row {number}", number=7) == "row 7"


@pytest.mark.parametrize(
    ("chosen", "accepted", "expected"),
    [
        (None, "", "en"),
        (None, "ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        (None, "en-GB,en;q=0.9,ko;q=0.8", "en"),
        (None, "fr, ko;q=0.1", "ko"),
        (None, "ko;q=., ;;;=, q", "en"),
        ("en", "ko", "en"),
        ("ko", "en", "ko"),
        ("<script>", "ko", "ko"),
    ],
)
def test_the_choice_of_the_visitor_wins_over_the_browser(
    chosen: str | None, accepted: str, expected: str
) -> None:
    assert choose_language(chosen, accepted) == expected
