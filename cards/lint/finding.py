"""What a rule says about a card, and what it may know about the repo around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cards.records import DatasetRecord, RunRecord

RepoType = Literal["model", "dataset"]
LintSeverity = Literal["error", "warning"]


@dataclass(frozen=True)
class LintFinding:
    """One fault of a card. `line` counts from 1 in README.md; 0 where it is about the whole."""

    rule: str
    severity: LintSeverity
    line: int
    message: str
    advice: str

    def __str__(self) -> str:
        return f"README.md:{self.line}: {self.rule}: {self.message} {self.advice}"


@dataclass(frozen=True)
class CardRepo:
    """What stands beside the card. Everything but type and files may be unknown."""

    repo_type: RepoType
    files: frozenset[str]
    """Every path in the repo."""
    repo_id: str | None = None
    record: RunRecord | DatasetRecord | None = None
    rendered: str | None = None
    """The README as the records render it: what stands in it was computed."""
    results: Mapping[str, Any] = field(default_factory=dict)
    """{path: content} of files in which other tools leave measured numbers."""
    architectures: tuple[str, ...] = ()
    """Classes that `config.json` names."""
    base_models: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """{id: metadata of its card, None where the Hub has no such repo} of those looked up."""
    datasets: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
