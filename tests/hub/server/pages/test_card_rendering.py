"""Cards are shown as they were meant, and nothing in them does anything."""

from __future__ import annotations

import re

import pytest

from hub.server.card_rendering import Heading, render_card


def test_no_script_of_a_card_survives(hostile_card: str) -> None:
    html = render_card(hostile_card, "/org/x", "abc").html
    for dangerous in ("<script", "<iframe", "<form", "<style", "<svg", "<input"):
        assert dangerous not in html
    # What looks like a handler may stand as escaped text of a title, never as an attribute.
    tags = re.findall(r"<[a-z][^>]*>", re.sub(r'"[^"]*"', '""', html))
    assert tags
    assert not [tag for tag in tags if re.search(r"\son\w+", tag)]
    assert 'href="javascript' not in html
    assert "evil.example" not in html
    assert '<img src="/org/x/resolve/abc/figures/loss.png" alt="그림">' in html
    assert "<details" in html
    assert "<td>1</td>" in html


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("figures/a b.png", "/r/blob/c/figures/a%20b.png"),
        ("./a.png", "/r/blob/c/a.png"),
        ("../../other/secret.png", None),
        ("https://example.org/a.png", "https://example.org/a.png"),
        ("#part", "#card-part"),
        ("data:text/html,x", None),
        ("http://[x", None),
    ],
)
def test_links_of_a_card_stay_in_its_repo(target: str, expected: str | None) -> None:
    html = render_card(f'<a href="{target}">link</a>', "/r", "c").html
    found = re.search(r'href="([^"]*)"', html)
    assert (found.group(1) if found else None) == expected


def test_every_picture_has_an_alternative_text() -> None:
    html = render_card('<img src="a.png"> <img alt="words" src="b.png"> ![](c.png)', "/r", "c").html
    pictures = re.findall(r"<img[^>]*>", html)
    assert len(pictures) == 3
    assert all(re.search(r"\salt\b", picture) for picture in pictures)
    assert 'alt="words"' in html


def test_headings_stand_below_the_title_of_the_page_and_can_be_linked_to() -> None:
    card = render_card("# 제목 one\n\n## 제목 one\n\n<h1>raw</h1>\n\n[x](#제목-one-1)", "/r", "c")
    assert card.headings == [
        Heading(1, "제목 one", "card-제목-one"),
        Heading(2, "제목 one", "card-제목-one-1"),
    ]
    assert "<h1" not in card.html
    assert '<h3 id="card-제목-one-1">' in card.html
    assert '<a href="#card-' in card.html


def test_columns_keep_their_side() -> None:
    html = render_card("| a | b |\n|---|---:|\n| 1 | 2 |", "/r", "c").html
    assert '<td align="right">2</td>' in html
    assert "<td>1</td>" in html
    assert "style" not in html


def test_numbers_of_a_table_stay_in_one_piece() -> None:
    row = "| 0.5 [0.41, 0.6] | +0.1 [-0.2, +0.4] | < 0.001 | a, 1 `2, 3` |"
    html = render_card(f"| a | b | c | d |\n|---|---|---|---|\n{row}\n\n1, 2", "/r", "c").html
    assert "0.5 [0.41,&nbsp;0.6]" in html
    assert "+0.1 [-0.2,&nbsp;+0.4]" in html
    assert "&lt;&nbsp;0.001" in html
    assert "a, 1 <code>2, 3</code>" in html
    assert "<p>1, 2</p>" in html


def test_ids_of_a_card_are_never_those_of_the_page() -> None:
    assert 'id="card-content"' in render_card('<a id="content"></a>', "/r", "c").html
