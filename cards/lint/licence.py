"""Does the licence of a card agree with its records and with what the repo is made from?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cards.errors import BogamError
from cards.licences import (
    Licence,
    check_publication,
    find_licence,
    is_read,
    licence_of_base,
    with_text_in,
)
from cards.lint.document import CardDocument
from cards.lint.finding import CardRepo, LintFinding
from cards.lint.hub_terms import LICENCES

# How makers call licences for which the Hub has no name.
_NAMES = (
    (r"exaone\b.*", "exaone"),
    (r"qwen-?research.*", "qwen-research"),
    (r"ai-?hub.*", "aihub"),
)


def check_licence(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """Stated, known, as recorded, and no looser than base model and data allow."""
    if document.metadata_fault is not None:
        return
    data = document.metadata
    line = document.key_line("license")
    stated = data.get("license")
    if not stated:
        yield LintFinding(
            "missing-licence",
            "error",
            line,
            "the metadata names no licence, so nobody may use this.",
            "Add `license:`; `other` needs `license_name` and `license_link` too.",
        )
        return
    names = [str(one) for one in stated] if isinstance(stated, list) else [str(stated)]
    for name in names:
        if name not in LICENCES:
            yield LintFinding(
                "unknown-licence",
                # The Hub adds licences; a name in words or capitals is never one of them.
                "warning" if re.fullmatch(r"[a-z0-9.+-]+", name) else "error",
                line,
                f"{name!r} is no licence id of the Hub.",
                "Use an id of https://huggingface.co/docs/hub/repositories-licenses, or `other` "
                "with `license_name` and `license_link`.",
            )
    if "other" in names:
        yield from _check_other(document, repo)
    yield from _check_record(document, repo)
    if repo.repo_type == "model":
        yield from _check_sources(document, repo)


def _check_other(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    line = document.key_line("license")
    data = document.metadata
    missing = [key for key in ("license_name", "license_link") if not data.get(key)]
    if missing:
        yield LintFinding(
            "incomplete-licence",
            "error",
            line,
            f"`license: other` without {' and '.join(missing)}.",
            "Name the licence and where its text stands.",
        )
    link = str(data.get("license_link") or "")
    if link and "://" not in link and link not in repo.files:
        yield LintFinding(
            "missing-licence-file",
            "warning",
            document.key_line("license_link"),
            f"license_link names {link}, which is not in the repo.",
            "Add the text of the licence.",
        )


def _check_record(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    if repo.record is None:
        return
    expected = with_text_in(find_licence(repo.record.licence), repo.files).metadata()
    found = {key: document.metadata.get(key) for key in expected}
    if found != expected:
        yield LintFinding(
            "licence-differs-from-record",
            "error",
            document.key_line("license"),
            f"the card says {_told(found)}, the record {repo.record.licence!r}.",
            f"State {_told(expected)}.",
        )


def _check_sources(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    own = stated_licence(document.metadata)
    if own is None:
        return
    if repo.record is not None:
        own = find_licence(repo.record.licence)  # may name several, which metadata cannot
    name = repo.repo_id or f"x/{own.name_prefix}"
    for what, source in _sources(document, repo):
        if not is_read(source):
            continue
        try:
            check_publication(own, name, private=True, made_from=(source,))
        except BogamError as error:
            yield LintFinding(
                "licence-mismatch",
                "error",
                document.key_line("license"),
                f"{what} is under {source.id}. {str(error).partition(': ')[2]}",
                "The stricter licence holds for what is made from it.",
            )


def _sources(document: CardDocument, repo: CardRepo) -> Iterator[tuple[str, Licence]]:
    bases = document.metadata.get("base_model")
    for base in bases if isinstance(bases, list) else [bases]:
        if not isinstance(base, str):
            continue
        try:
            yield f"base model {base}", licence_of_base(base, repo.base_models.get(base))
        except BogamError:
            continue  # neither we nor its card know; nothing can be said
    for name, card in repo.datasets.items():
        licence = stated_licence(card or {})
        if licence is not None:
            yield f"dataset {name}", licence


def stated_licence(data: Mapping[str, Any]) -> Licence | None:
    """What the metadata of a card states; None where that is nothing that can be compared."""
    stated = data.get("license")
    if stated == "other":
        stated = data.get("license_name")
    if not isinstance(stated, str) or stated == "unknown":
        return None
    name = re.sub(r"[ _]", "-", stated.lower())
    alias = next((known for pattern, known in _NAMES if re.fullmatch(pattern, name)), name)
    return find_licence(alias)


def _told(terms: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {value}" for key, value in terms.items())
