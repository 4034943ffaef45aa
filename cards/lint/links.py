"""Do the links of a card lead anywhere? Only what the repo itself answers is looked up."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from cards.lint.document import CardDocument
from cards.lint.finding import CardRepo, LintFinding

_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|/", re.IGNORECASE)
_LICENCE_FILE = re.compile(r"licen[sc]e(\.\w+)?", re.IGNORECASE)


def check_links(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """Anchors, relative links and images."""
    for link in document.links:
        target = unquote(link.target).strip()
        if not target:
            yield LintFinding(
                "empty-link", "error", link.line, "a link without a target.", "Fill it in."
            )
        elif target.startswith("#"):
            if target[1:].lower() not in document.anchors and target != "#":
                yield LintFinding(
                    "dead-anchor",
                    "error",
                    link.line,
                    f"{target} is no heading of this card.",
                    "Link to a heading as it is written now.",
                )
        elif not _ELSEWHERE.match(target):
            yield from _check_relative(target, link.line, link.is_image, repo)


def _check_relative(
    target: str, line: int, is_image: bool, repo: CardRepo
) -> Iterator[LintFinding]:
    path = posixpath.normpath(re.split(r"[?#]", target)[0])
    if path in repo.files or any(file.startswith(f"{path}/") for file in repo.files):
        return
    if _LICENCE_FILE.fullmatch(path):
        yield LintFinding(
            "missing-licence-file",
            "warning",
            line,
            f"{path} is linked and not in the repo.",
            "Add the text of the licence.",
        )
        return
    yield LintFinding(
        "dead-image" if is_image else "dead-link",
        "error",
        line,
        f"{path} is not in the repo.",
        "Upload it, or correct the path (upper and lower case count).",
    )
