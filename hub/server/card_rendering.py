"""A card's text as HTML that can do nothing: sanitised, with links that stay in the repo."""

from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote, urlsplit

import nh3
from markdown_it import MarkdownIt

_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
    "details": {"open"},
    "ol": {"start"},
}
_TAGS = nh3.ALLOWED_TAGS - {"article", "aside", "footer", "header", "map", "area", "nav"}


def render_card(text: str, repo_url: str, commit_id: str) -> str:
    """Markdown with the HTML in it as safe HTML.

    Relative images and links lead to files of the repo at `commit_id`; `repo_url` is the path of
    the repo's page. Scripts, styles, forms, frames and event handlers are dropped.
    """

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if (tag, attribute) in {("img", "src"), ("a", "href")}:
            return _in_repo(value, f"{repo_url}/resolve/{commit_id}")
        return value

    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return nh3.clean(
        markdown.render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def _in_repo(target: str, base: str) -> str | None:
    """A link as it should stand on the page; None for one that leads out of the repo."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
        return target
    path = posixpath.normpath(unquote(parts.path))
    if path.startswith(".."):
        return None
    return f"{base}/{quote(path)}"
