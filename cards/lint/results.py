"""Are the results beside a card what boards can read?

The schema: https://huggingface.co/docs/hub/eval-results. A file that does not follow it is left
out of every board without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cards.card import is_repo_id
from cards.lint.document import CardDocument
from cards.lint.finding import CardRepo, LintFinding

FOLDER = ".eval_results/"


def check_results(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """Lists of results, each with dataset, task and value."""
    for path, content in repo.results.items():
        if path.startswith(FOLDER):
            for fault in _faults(content):
                yield LintFinding(
                    "results-file",
                    "error",
                    0,
                    f"{path}: {fault}.",
                    "Write it with EvalResultEntry of huggingface_hub.",
                )


def _faults(content: Any) -> Iterator[str]:
    if not isinstance(content, list) or not content:
        yield "is no list of results"
        return
    for number, result in enumerate(content, start=1):
        dataset = result.get("dataset") if isinstance(result, dict) else None
        if not isinstance(dataset, dict):
            yield f"result {number} names no dataset"
            continue
        if not is_repo_id(str(dataset.get("id", ""))):
            yield f"result {number}: {dataset.get('id')!r} is no id of a dataset"
        if not dataset.get("task_id"):
            yield f"result {number} names no task of the benchmark (task_id)"
        if "value" not in result:
            yield f"result {number} has no value"
