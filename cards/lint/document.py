"""A README taken apart: metadata, headings, links, snippets and prose, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

_FRONT_MATTER = re.compile(
    r"\A\ufeff?---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_HTML_TARGET = re.compile(
    r"""<(img|a|video|source)\b[^<>]*?\b(?:src|href)\s*=\s*["']([^"']+)["']""", re.I
)
_HTML_ANCHOR = re.compile(r"""\b(?:id|name)\s*=\s*["']([^"']+)["']""", re.I)
_LARGEST_METADATA = 1_000_000
"""Keys and values; the card of a dataset with thousands of configurations has some 100,000."""


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    line: int
    is_empty: bool
    """Nothing but headings of its own level or above follows."""


@dataclass(frozen=True)
class Link:
    target: str
    line: int
    is_image: bool


@dataclass(frozen=True)
class Snippet:
    language: str
    text: str
    line: int
    """Of the first line of code."""


class CardDocument:
    """A README.md. Nothing here raises on malformed input; `metadata_fault` says what is wrong."""

    def __init__(self, readme: str) -> None:
        self.readme = readme.replace("\r\n", "\n")
        found = _FRONT_MATTER.match(self.readme)
        self._front = found.group(1) if found else ""
        self._offset = found.group(0).count("\n") if found else 0
        self._body = self.readme[found.end() :] if found else self.readme
        self.metadata: dict[str, Any] = {}
        self.metadata_fault: tuple[int, str] | None = None
        if found is None:
            self.metadata_fault = (1, "no YAML metadata block stands at the top")
            return
        try:
            loaded = yaml.safe_load(self._front)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = 1 if mark is None else mark.line + 2
            problem = getattr(error, "problem", None) or "it cannot be parsed"
            self.metadata_fault = (line, f"the metadata is no valid YAML: {problem}")
            return
        if not isinstance(loaded, dict):
            self.metadata_fault = (1, "the metadata is no mapping of keys to values")
            return
        if _expanded_size(loaded, {}) > _LARGEST_METADATA:
            self.metadata_fault = (1, "the metadata refers to itself over and over by YAML aliases")
            return
        self.metadata = {str(key): value for key, value in loaded.items()}

    def key_line(self, key: str) -> int:
        """Where a key of the metadata stands; 1 where it does not."""
        found = re.search(rf"^{re.escape(key)}\s*:", self._front, re.MULTILINE)
        return 1 if found is None else self._front.count("\n", 0, found.start()) + 2

    @cached_property
    def headings(self) -> tuple[Heading, ...]:
        found: list[tuple[int, str, int, int]] = []
        for place, token in enumerate(self._tokens):
            if token.type == "heading_open":
                text = _plain(self._tokens[place + 1])
                found.append((int(token.tag[1]), text, self._line(token), place))
        headings = []
        for level, text, line, place in found:
            after = self._tokens[place + 3] if place + 3 < len(self._tokens) else None
            ends = after is None or (after.type == "heading_open" and int(after.tag[1]) <= level)
            headings.append(Heading(level, text, line, ends))
        return tuple(headings)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        found = []
        for token, line in self._inline():
            for child, child_line in _children(token, line):
                if child.type == "link_open":
                    found.append(Link(str(child.attrGet("href") or ""), child_line, False))
                elif child.type == "image":
                    found.append(Link(str(child.attrGet("src") or ""), child_line, True))
        for text, line in self._html():
            for match in _HTML_TARGET.finditer(text):
                place = line + text.count("\n", 0, match.start())
                found.append(Link(match.group(2), place, match.group(1).lower() != "a"))
        return tuple(sorted(found, key=lambda link: link.line))

    @cached_property
    def anchors(self) -> frozenset[str]:
        """What `#...` may point to: headings as GitHub and the Hub name them, and HTML ids."""
        seen: dict[str, int] = {}
        anchors = set()
        for heading in self.headings:
            slug = re.sub(r"[^\w\- ]", "", heading.text.lower()).replace(" ", "-")
            number = seen.get(slug, 0)
            seen[slug] = number + 1
            anchors.add(f"{slug}-{number}" if number else slug)
        for text, _ in self._html():
            anchors.update(_HTML_ANCHOR.findall(text))
        return frozenset(anchors)

    @cached_property
    def snippets(self) -> tuple[Snippet, ...]:
        return tuple(
            Snippet(token.info.strip().split(" ")[0].lower(), token.content, self._line(token) + 1)
            for token in self._tokens
            if token.type == "fence"
        )

    @cached_property
    def comments(self) -> tuple[tuple[int, str], ...]:
        """(line, text) of the comments, which a reader does not see."""
        return tuple(
            (
                self._offset + self._without_code.count("\n", 0, start) + 1,
                self._without_code[start:stop],
            )
            for start, stop in _comments(self._without_code)
        )

    @cached_property
    def prose(self) -> tuple[tuple[int, str], ...]:
        """(line, source text) outside code blocks and comments, metadata left out."""
        text = _blank_comments(self._without_code)
        return tuple(
            (self._offset + number, line)
            for number, line in enumerate(text.split("\n"), start=1)
            if line.strip()
        )

    @cached_property
    def _tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self._body)

    @cached_property
    def _without_code(self) -> str:
        lines = self._body.split("\n")
        for token in self._tokens:
            if token.type in ("fence", "code_block") and token.map:
                for number in range(*token.map):
                    lines[number] = ""
        return "\n".join(lines)

    def _line(self, token: Token) -> int:
        return self._offset + (token.map[0] if token.map else 0) + 1

    def _inline(self) -> Iterator[tuple[Token, int]]:
        line = self._offset + 1
        for token in self._tokens:
            if token.map:
                line = self._line(token)
            if token.type == "inline":
                yield token, line

    def _html(self) -> Iterator[tuple[str, int]]:
        for token in self._tokens:
            if token.type == "html_block":
                yield _blank_comments(token.content), self._line(token)
        for token, line in self._inline():
            for child, child_line in _children(token, line):
                if child.type == "html_inline":
                    yield child.content, child_line


def _children(token: Token, line: int) -> Iterator[tuple[Token, int]]:
    for child in token.children or ():
        yield child, line
        if child.type in ("softbreak", "hardbreak"):
            line += 1


def _comments(text: str) -> Iterator[tuple[int, int]]:
    """(start, stop) of each; a regular expression takes forever where none is ever closed."""
    stop = 0
    while (start := text.find("<!--", stop)) >= 0:
        end = text.find("-->", start)
        if end < 0:
            return
        stop = end + 3
        yield start, stop


def _blank_comments(text: str) -> str:
    """The text without its comments, on the same lines."""
    kept, place = [], 0
    for start, stop in _comments(text):
        kept += [text[place:start], "\n" * text.count("\n", start, stop)]
        place = stop
    return "".join([*kept, text[place:]])


def _expanded_size(value: Any, known: dict[int, float]) -> float:
    """Keys and values with every alias written out; infinite where one contains itself.

    A few hundred bytes of YAML can stand for billions of values, which is only seen by counting.
    """
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = float("inf")
        inner = [*value, *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_expanded_size(one, known) for one in inner)
    return known[id(value)]


def _plain(token: Token) -> str:
    return "".join(
        child.content for child in token.children or () if child.type in ("text", "code_inline")
    ).strip()
