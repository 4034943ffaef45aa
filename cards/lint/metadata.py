"""Is the metadata what the Hub expects?

The keys: `modelcard.md` and `datasetcard.md` of github.com/huggingface/hub-docs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cards.card import is_repo_id
from cards.lint.document import CardDocument
from cards.lint.finding import CardRepo, LintFinding, LintSeverity
from cards.lint.hub_terms import LANGUAGES, MISTAKEN_LANGUAGES, PIPELINE_TAGS

_RELATIONS = ("adapter", "finetune", "merge", "quantized")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def check_metadata(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    """Valid YAML, names that the Hub knows, ids of the form that it has."""
    if document.metadata_fault is not None:
        line, message = document.metadata_fault
        yield LintFinding(
            "metadata",
            "error",
            line,
            f"{message}.",
            "Begin the file with a YAML block between two lines of `---`.",
        )
        return
    yield from _check_languages(document)
    if repo.repo_type == "model":
        yield from _check_model(document, repo)
    else:
        yield from _check_dataset(document)


def _check_model(document: CardDocument, repo: CardRepo) -> Iterator[LintFinding]:
    data = document.metadata
    tag = data.get("pipeline_tag")
    if tag is None:
        yield _fault(
            document,
            "pipeline_tag",
            "is missing",
            "Name the task, e.g. text-generation.",
            "warning",
        )
    elif tag not in PIPELINE_TAGS:
        yield _fault(
            document,
            "pipeline_tag",
            f"{tag!r} is no task of the Hub",
            "See https://huggingface.co/tasks for the names.",
        )
    for key in ("base_model", "datasets"):
        yield from _check_ids(document, key, repo)
    relation = data.get("base_model_relation")
    if relation is not None and relation not in _RELATIONS:
        yield _fault(
            document,
            "base_model_relation",
            f"{relation!r} is none of {', '.join(_RELATIONS)}",
            "Use one of them.",
        )
    if "adapter_config.json" in repo.files and "base_model" not in data:
        yield _fault(
            document,
            "base_model",
            "is missing, and an adapter is nothing without its base model",
            "Name the model on the Hub that it was trained on.",
        )
    if "model-index" in data:
        for fault in _model_index_faults(data["model-index"]):
            yield _fault(document, "model-index", fault, "See EvalResult of huggingface_hub.")


def _check_dataset(document: CardDocument) -> Iterator[LintFinding]:
    for task in _listed(document.metadata.get("task_categories")):
        if task not in PIPELINE_TAGS:
            yield _fault(
                document,
                "task_categories",
                f"{task!r} is no task of the Hub",
                "See https://huggingface.co/tasks for the names.",
            )
    configs = document.metadata.get("configs")
    if configs is not None and not (
        isinstance(configs, list)
        and all(isinstance(one, dict) and "config_name" in one for one in configs)
    ):
        yield _fault(
            document,
            "configs",
            "is no list of mappings with a config_name",
            "See https://huggingface.co/docs/hub/datasets-manual-configuration.",
        )


def _check_languages(document: CardDocument) -> Iterator[LintFinding]:
    languages = _listed(document.metadata.get("language"))
    if not languages:
        yield _fault(
            document, "language", "is missing", "List the codes, e.g. [ko, en].", "warning"
        )
    for language in languages:
        if not isinstance(language, str):
            yield _fault(
                document,
                "language",
                f"{language!r} is no text: YAML reads `no` as false",
                'Write it in quotes: "no".',
            )
            continue
        meant = MISTAKEN_LANGUAGES.get(language.lower())
        known = _LANGUAGE.fullmatch(language) and (
            len(language.split("-")[0]) == 3 or language.split("-")[0] in LANGUAGES
        )
        if meant is not None:
            yield _fault(
                document, "language", f"{language!r} is no code of that language", f"Write {meant}."
            )
        elif not known and language not in ("multilingual", "code"):
            yield _fault(
                document,
                "language",
                f"{language!r} is no language code",
                "Use ISO 639-1 or 639-3, e.g. ko.",
            )


def _check_ids(document: CardDocument, key: str, repo: CardRepo) -> Iterator[LintFinding]:
    looked_up = repo.base_models if key == "base_model" else repo.datasets
    for name in _listed(document.metadata.get(key)):
        # Old canonical repos such as `gpt2` and `squad` have no organisation.
        if not isinstance(name, str) or not (is_repo_id(name) or is_repo_id(f"x/{name}")):
            yield _fault(
                document,
                key,
                f"{name!r} is no id of a repo",
                "Write organisation/name as on the Hub, no folder and no URL.",
            )
        elif name in looked_up and looked_up[name] is None:
            yield _fault(
                document,
                key,
                f"{name} is not on this Hub, or hidden from this token",
                "Publish it there too, or correct the id.",
                "warning",
            )


def _model_index_faults(index: Any) -> Iterator[str]:
    """As `eval_results_to_model_index` of huggingface_hub writes it."""
    if not isinstance(index, list) or not index:
        yield "is no list of models"
        return
    for model in index:
        if not isinstance(model, dict) or "name" not in model:
            yield "holds a model without a name"
            continue
        results = model.get("results")
        if not isinstance(results, list):
            yield "holds a model without a list of results"
            continue
        for number, result in enumerate(results, start=1):
            if not isinstance(result, dict):
                yield f"result {number} is no mapping"
                continue
            for part, keys in (("task", ("type",)), ("dataset", ("type", "name"))):
                # The task may be left out; what it was measured on may not.
                given = result.get(part, {"type": ""} if part == "task" else None)
                if not isinstance(given, dict) or any(key not in given for key in keys):
                    yield f"result {number} has no {part} with {' and '.join(keys)}"
            metrics = result.get("metrics")
            if not isinstance(metrics, list) or not metrics:
                yield f"result {number} has no list of metrics"
                continue
            for metric in metrics:
                if not isinstance(metric, dict) or "type" not in metric or "value" not in metric:
                    yield f"result {number} has a metric without type and value"


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _fault(
    document: CardDocument,
    key: str,
    message: str,
    advice: str,
    severity: LintSeverity = "error",
) -> LintFinding:
    return LintFinding(
        f"metadata-{key.replace('_', '-')}",
        severity,
        document.key_line(key),
        f"{key}: {message}.",
        advice,
    )
