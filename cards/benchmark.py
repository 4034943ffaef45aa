"""`eval.yaml`: what makes a dataset a benchmark of the Hub, with a board of results.

The schema: "Registering a Benchmark" of https://huggingface.co/docs/hub/eval-results. Every metric
is a task of its own, called as in the `.eval_results` of models (`cards.eval_results`).
"""

from __future__ import annotations

import yaml

from cards.records import DatasetRecord
from cards.tasks import find_task

BENCHMARK_FILE = "eval.yaml"
FRAMEWORK = "bogam"
_HELD_OUT = ("test", "validation")


def benchmark(record: DatasetRecord) -> dict[str, bytes]:
    """{path: YAML}; nothing for a dataset without a task or without held-out rows.

    Raise :class:`~cards.errors.BogamError` when there is no such task.
    """
    split = next((name for name in _HELD_OUT if name in record.splits), None)
    if record.task is None or split is None:
        return {}
    title = record.title.en if record.title else record.name
    content = {
        "name": title,
        "description": record.description.en if record.description else title,
        "evaluation_framework": FRAMEWORK,
        "tasks": [
            {"id": metric.name, "config": "default", "split": split}
            for metric in find_task(record.task).metrics
        ],
    }
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
    return {BENCHMARK_FILE: text.encode()}
