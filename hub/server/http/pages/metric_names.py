"""What the metrics of the tasks are called, so that pages name them as the cards do."""

from __future__ import annotations

from functools import cache

from cards.tasks import Bilingual, find_task, task_names
from hub.server.http.pages.wording import Language


def metric_name(metric: str, language: Language) -> str:
    """The metric's title; a metric that is of no task keeps its own name."""
    title = _titles().get(metric)
    if title is None:
        return metric
    return title.ko if language == "ko" else title.en


@cache
def _titles() -> dict[str, Bilingual]:
    """{metric: title} over all tasks; a metric of several has one title."""
    return {
        metric.name: metric.title for name in task_names() for metric in find_task(name).metrics
    }
