"""Is a card fit to be read? Rules about README.md, for repos that bogam made and for others.

    README.md -> CardDocument;  the files beside it -> CardRepo;  every rule -> findings by line

`bogam verify` asks whether what a card says is true; this asks whether it says what it must.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cards.card import CARD_FILE, Card
from cards.errors import BogamError
from cards.lint.document import CardDocument
from cards.lint.finding import CardRepo, LintFinding, LintSeverity, RepoType
from cards.lint.licence import check_licence
from cards.lint.links import check_links
from cards.lint.metadata import check_metadata
from cards.lint.numbers import check_numbers
from cards.lint.results import check_results
from cards.lint.snippets import check_snippets
from cards.lint.text import check_domain_limits, check_placeholders, check_sections
from cards.records import (
    DATASET_FILE,
    PREDICTIONS_FILE,
    RUN_FILE,
    DatasetRecord,
    RunRecord,
)

__all__ = [
    "RECORD_FILES",
    "CardDocument",
    "CardRepo",
    "LintFinding",
    "LintSeverity",
    "RepoType",
    "lint_card",
    "lint_folder",
    "publishable",
    "require_publishable",
    "result_files",
]

logger = logging.getLogger(__name__)

_RULES = (
    check_metadata,
    check_licence,
    check_sections,
    check_domain_limits,
    check_placeholders,
    check_links,
    check_snippets,
    check_numbers,
    check_results,
)
# What Trainer, lm-evaluation-harness and the Hub leave numbers in.
_RESULTS = ("all_results.json", "eval_results.json", "train_results.json", "trainer_state.json")
_CONFIG = "config.json"
RECORD_FILES = (RUN_FILE, DATASET_FILE, PREDICTIONS_FILE, _CONFIG, *_RESULTS)
"""What a linter reads besides the card, where a repo has it."""
_DATASET_KEYS = ("dataset_info", "configs", "task_categories", "size_categories", "pretty_name")


def lint_card(readme: str, repo: CardRepo) -> list[LintFinding]:
    """Every finding, by line; those about the whole card first."""
    document = CardDocument(readme)
    findings = {finding: None for rule in _RULES for finding in rule(document, repo)}
    return sorted(findings, key=lambda finding: (finding.line, finding.rule))


def lint_folder(
    folder: Path,
    *,
    repo_type: RepoType | None = None,
    repo_id: str | None = None,
    files: frozenset[str] | None = None,
    base_models: Mapping[str, Mapping[str, Any] | None] | None = None,
    datasets: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> list[LintFinding]:
    """Lint the card of a folder.

    Args:
        repo_type: None finds out from records and metadata.
        repo_id: what its own snippets must load.
        files: the paths of the repo where the folder holds only some of them.
        base_models, datasets: cards of what it is made from, see :class:`CardRepo`.

    Raises:
        BogamError: there is no such folder.
    """
    if not folder.is_dir():
        raise BogamError(f"{folder}: no such folder. Give a folder with a README.md.")
    if files is None:
        files = frozenset(
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        )
    if not (folder / CARD_FILE).is_file():
        advice = "Write one; `bogam` does so when it publishes."
        return [LintFinding("missing-card", "error", 0, "there is no README.md.", advice)]
    readme = (folder / CARD_FILE).read_bytes().decode(errors="replace")
    record, broken = _record(folder)
    repo = CardRepo(
        repo_type=repo_type or _guess_type(readme, record, files),
        files=files,
        repo_id=repo_id,
        record=record,
        rendered=_rendered(folder, record),
        results=_results(folder, files),
        architectures=_architectures(folder / _CONFIG),
        base_models=base_models or {},
        datasets=datasets or {},
    )
    return [*broken, *lint_card(readme, repo)]


def publishable(card: Card, record: RunRecord | DatasetRecord) -> Card:
    """The card, if it may go out: the gate of whoever renders it for a release.

    Raise :class:`BogamError` that lists the errors. Warnings are logged.
    """
    is_run = isinstance(record, RunRecord)
    beside = (CARD_FILE, RUN_FILE if is_run else DATASET_FILE)
    repo = CardRepo(
        repo_type="model" if is_run else "dataset",
        files=frozenset((*record.artifacts, *card.files, *beside)),
        repo_id=record.publication.repo_id if record.publication else None,
        record=record,
        rendered=card.readme,
    )
    _refuse(lint_card(card.readme, repo), repo.repo_id)
    return card


def require_publishable(folder: Path, repo_type: RepoType, repo_id: str) -> None:
    """The gate of a folder that brings its own card.

    Raise :class:`BogamError` that lists the errors. Warnings are logged.
    """
    _refuse(lint_folder(folder, repo_type=repo_type, repo_id=repo_id), repo_id)


def _refuse(findings: list[LintFinding], repo_id: str | None) -> None:
    for finding in findings:
        if finding.severity == "warning":
            logger.warning("%s", finding)
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise BogamError(
            f"The card of {repo_id} must not be published as it is; nothing was sent.\n"
            + "\n".join(errors)
        )


def result_files(files: frozenset[str]) -> list[str]:
    """Which files of a repo hold measured numbers, or say what it is."""
    wanted = [path for path in RECORD_FILES if path in files]
    return wanted + sorted(path for path in files if _is_eval_result(path))


def _record(folder: Path) -> tuple[RunRecord | DatasetRecord | None, list[LintFinding]]:
    try:
        if (folder / RUN_FILE).is_file():
            return RunRecord.read(folder / RUN_FILE), []
        if (folder / DATASET_FILE).is_file():
            return DatasetRecord.read(folder / DATASET_FILE), []
    except BogamError as error:
        # A file of this name that another tool wrote is no fault of the card.
        advice = "Numbers were not checked against it."
        return None, [LintFinding("unreadable-record", "warning", 0, str(error), advice)]
    return None, []


def _rendered(folder: Path, record: RunRecord | DatasetRecord | None) -> str | None:
    """The README that follows from the records; None where they do not make one."""
    from cards.dataset_card import render_dataset_card

    try:
        if isinstance(record, DatasetRecord):
            return render_dataset_card(record).readme
        if record is not None and (folder / PREDICTIONS_FILE).is_file():
            import pyarrow.parquet as pq

            from cards.model_card import render_model_card

            predictions = pq.ParquetFile(folder / PREDICTIONS_FILE).read()
            return render_model_card(record, predictions).readme
    except (BogamError, KeyError, ValueError, TypeError, OSError) as error:
        # `bogam verify` says what is wrong with them; numbers are then held to the record alone.
        logger.warning("%s: its records do not make a card: %s", folder, error)
    return None


def _guess_type(
    readme: str, record: RunRecord | DatasetRecord | None, files: frozenset[str]
) -> RepoType:
    if record is not None:
        return "model" if isinstance(record, RunRecord) else "dataset"
    metadata = CardDocument(readme).metadata
    weights = any(path.endswith((".safetensors", ".gguf")) for path in files)
    is_dataset = not weights and any(key in metadata for key in _DATASET_KEYS)
    return "dataset" if is_dataset else "model"


def _results(folder: Path, files: frozenset[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in result_files(files):
        if (path not in _RESULTS and not _is_eval_result(path)) or not (folder / path).is_file():
            continue
        try:
            # JSON is YAML too, and NaN in it is not JSON.
            text = (folder / path).read_text(encoding="utf-8")
            found[path] = json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
        except (ValueError, yaml.YAMLError) as error:
            logger.warning("%s: cannot be read: %s", folder / path, error)
    return found


def _is_eval_result(path: str) -> bool:
    return path.startswith(".eval_results/") and path.endswith((".yaml", ".yml"))


def _architectures(config: Path) -> tuple[str, ...]:
    if not config.is_file():
        return ()
    try:
        content = json.loads(config.read_bytes())
    except ValueError:
        logger.warning("%s: no valid JSON", config)
        return ()
    named = content.get("architectures") if isinstance(content, dict) else None
    return tuple(map(str, named)) if isinstance(named, list) else ()
