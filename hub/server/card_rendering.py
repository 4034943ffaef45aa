"""A card's text as HTML that can do nothing: sanitised, with links that stay in the repo."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import SplitResult, quote, unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_ATTRIBUTES = {
    "a": {"href", "title", "id"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "details": {"open"},
    "ol": {"start"},
    **{heading: {"id"} for heading in _HEADINGS},
}
_TAGS = nh3.ALLOWED_TAGS - {"article", "aside", "footer", "header", "map", "area", "nav", "main"}
_ANCHOR = "card-"
"""Begins every id of a card, so that none is taken for one of the page around it."""
_HEADING_TAG = re.compile(r"(?<=<)(/?)h([1-5])(?=[\s>])")
_INSIDE_NUMBERS = re.compile(r"(?<=\d,) (?=[+-]?\d)|(?<=<) (?=\d)")
_IMAGE_WITHOUT_ALT = re.compile(r"<img(?![^>]*\salt=)(?=[\s>])")


@dataclass(frozen=True)
class Heading:
    """A heading of a card: its level on the card, its words, and the id on the page."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Card:
    """A rendered card and what is in it."""

    html: str
    headings: list[Heading]


def render_card(text: str, repo_url: str, commit_id: str) -> Card:
    """Markdown with the HTML in it as safe HTML, to stand below a page's own first heading.

    Relative images and links lead to files of the repo at `commit_id`; `repo_url` is the path of
    the repo's page. Scripts, styles, forms, frames, event handlers and images of other hosts are
    dropped. Headings are one level lower than written, and can be linked to as on the Hub.
    """

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute not in {"href", "src"}:
            return value
        try:
            parts = urlsplit(value)
        except ValueError:
            return None
        if (tag, attribute) == ("img", "src"):
            is_elsewhere = bool(parts.scheme or parts.netloc)
            return None if is_elsewhere else _in_repo(parts, f"{repo_url}/resolve/{commit_id}")
        if value.startswith("#"):
            return f"#{_ANCHOR}{value[1:]}"
        return _in_repo(parts, f"{repo_url}/blob/{commit_id}")

    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = markdown.parse(text)
    headings = _name_headings(tokens)
    html = nh3.clean(
        markdown.renderer.render(_with_wide_tables(tokens), markdown.options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        allowed_classes={"div": {"wide"}},
        id_prefix=_ANCHOR,
    )
    # Neither adds a quotation mark: nothing can be ended or begun, wherever the text stands.
    html = _HEADING_TAG.sub(lambda match: f"{match[1]}h{int(match[2]) + 1}", html)
    return Card(_IMAGE_WITHOUT_ALT.sub("<img alt", html), headings)


def _name_headings(tokens: Sequence[Token]) -> list[Heading]:
    """Give each heading the id by which GitHub and the Hub know it."""
    headings = []
    seen: dict[str, int] = {}
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = "".join(
            child.content
            for child in inline.children or ()
            if child.type in {"text", "code_inline"}
        )
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = seen.get(slug, 0)
        seen[slug] = number + 1
        anchor = f"{slug}-{number}" if number else slug
        token.attrSet("id", anchor)
        headings.append(Heading(int(token.tag[1]), text.strip(), _ANCHOR + anchor))
    return headings


def _with_wide_tables(tokens: Sequence[Token]) -> list[Token]:
    """Each table in a box of its own, which a narrow page can scroll, with aligned columns.

    Intervals and bounds (`[0.83, 0.91]`, `< 0.001`) are not broken.
    """
    boxed = []
    in_cell = False
    for token in tokens:
        if token.type in {"td_open", "td_close"}:
            in_cell = token.type == "td_open"
        for child in (token.children or ()) if in_cell else ():
            if child.type == "text":
                child.content = _INSIDE_NUMBERS.sub("\u00a0", child.content)
        # Styles are not let through.
        side = str(token.attrGet("style") or "").removeprefix("text-align:")
        if token.type in {"th_open", "td_open"} and side:
            token.attrs = {"align": side}
        if token.type == "table_open":
            boxed.append(Token("div_open", "div", 1, attrs={"class": "wide"}, block=True))
        boxed.append(token)
        if token.type == "table_close":
            boxed.append(Token("div_close", "div", -1, block=True))
    return boxed


def _in_repo(target: SplitResult, base: str) -> str | None:
    """A link as it should stand on the page; None for one that leads out of the repo."""
    if target.scheme or target.netloc or not target.path or target.path.startswith("/"):
        return target.geturl()
    path = posixpath.normpath(unquote(target.path))
    if path.startswith(".."):
        return None
    return f"{base}/{quote(path)}"
