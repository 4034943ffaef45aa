"""What the page says of the model behind it, all of it read from the run's own record."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from cards.card import is_repo_id, metric_value
from cards.tasks import find_task
from trainers.model_source import LOCAL, ModelSource, predictions_file

Kind = Literal["documents", "classes", "pictures", "text"]
_SUGGESTIONS, _LONGEST_SUGGESTION = 4, 200

_NOT_MEDICAL = {
    "ko": "의학적 조언이 아닙니다. 답은 틀릴 수 있으니 반드시 의사·약사와 확인하세요.",
    "en": "This is no medical advice. Answers can be wrong; check with a doctor or pharmacist.",
    "zh": "这不是医疗建议。回答可能有误，请务必向医生或药师确认。",
}
_NOT_EVIDENCE = {
    "ko": "증거가 아닙니다. 확률은 모델의 추정일 뿐이며 감정을 대신하지 않습니다.",
    "en": "This is no evidence. A probability is a model's guess and replaces no examination.",
    "zh": "这不是证据。概率只是模型的估计，不能代替鉴定。",
}
_MAY_BE_WRONG = {
    "ko": "답은 틀릴 수 있습니다. 쓰기 전에 확인하세요.",
    "en": "Answers can be wrong. Check them before you use them.",
    "zh": "回答可能有误，使用前请核实。",
}
NOTICES = {"medical": _NOT_MEDICAL, "forensic": _NOT_EVIDENCE, "general": _MAY_BE_WRONG}
"""What everybody must be told, by the domain of a run."""


def shown_name(source: ModelSource) -> str:
    """The repo's id; of a folder its own name, not where it lies."""
    if source.revision.revision == LOCAL:
        return Path(source.revision.id).resolve().name
    return source.revision.id


def describe(source: ModelSource, *, sees_images: bool, hub: str) -> dict[str, Any]:
    """JSON for the page. `hub` is the address of the Hub, for links to cards."""
    run, kind = source.run, _kind(source, sees_images)
    is_local = source.revision.revision == LOCAL
    return {
        "name": shown_name(source),
        "revision": source.revision.revision,
        "kind": kind,
        "sees_images": sees_images,
        "card": "card" if is_local else f"{hub}/{source.revision.id}",
        "base": None if source.base is None else _named(source.base.id),
        "dataset": None if run is None else _named(run.dataset.id),
        "licence": None if run is None else run.licence,
        "measured": _measured(source),
        "notice": NOTICES[run.domain if run is not None else "general"],
        "questions": _questions(source, kind),
        "classes": [{"name": one.name, "korean": one.korean} for one in source.classes],
    }


def _kind(source: ModelSource, sees_images: bool) -> Kind:
    if source.classes:
        return "classes"
    if source.run is not None and source.run.task == "medical_ocr":
        return "documents"
    return "pictures" if sees_images else "text"


def _named(id: str) -> str:
    """A repo's id; of a folder its name alone."""
    return id if is_repo_id(id) else Path(id).name


def _questions(source: ModelSource, kind: Kind) -> list[str]:
    """Some that the model was measured on; of a classifier the one that it is always asked."""
    predictions = predictions_file(source)
    if predictions is None or kind == "documents":
        return []
    prompts = pq.read_table(predictions, columns=["prompt"])["prompt"].to_pylist()
    asked = [prompt for prompt, _ in Counter(prompts).most_common()]
    if kind == "classes":
        return asked[:1]
    return [prompt for prompt in asked if len(prompt) <= _LONGEST_SUGGESTION][:_SUGGESTIONS]


def _measured(source: ModelSource) -> list[dict[str, Any]]:
    """The one number that sums the run up, with its interval, before and after tuning."""
    if source.run is None:
        return []
    task, metrics = find_task(source.run.task), source.run.metrics
    title = task.primary_metric.title
    return [
        {
            "side": side,
            "title": {"ko": title.ko, "en": title.en},
            "value": metric_value(found.value, found.unit),
            "low": metric_value(found.low, found.unit),
            "high": metric_value(found.high, found.unit),
            "n": found.n,
        }
        for side in ("zero_shot", "tuned")
        if (found := metrics.get(side, {}).get(task.primary)) is not None
    ]
