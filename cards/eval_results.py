"""Results where the Hub looks for them: `.eval_results/<benchmark>.yaml` of a model.

The schema is that of `huggingface_hub.EvalResultEntry`
(https://huggingface.co/docs/hub/eval-results). A result names a task of the benchmark's own
`eval.yaml`; ours are called as the metrics, see `cards.benchmark`.
"""

from __future__ import annotations

import yaml

from cards.card import is_repo_id, metric
from cards.records import RunRecord
from cards.tasks import Task

FOLDER = ".eval_results"


def eval_results(run: RunRecord, task: Task) -> dict[str, bytes]:
    """{path: YAML} with the tuned model's metrics; nothing where the dataset is in no repo."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    if not is_repo_id(run.dataset.id):
        return {}
    entries = [
        EvalResultEntry(
            dataset_id=run.dataset.id,
            task_id=name,
            value=tuned.value,
            dataset_revision=run.dataset.revision,
            notes=f"95 % interval {metric(tuned)}, n = {tuned.n}; "
            f"zero-shot {metric(run.metrics['zero_shot'][name])}",
        )
        for name, tuned in run.metrics["tuned"].items()
        if any(name == described.name for described in task.metrics)
    ]
    name = run.dataset.id.rpartition("/")[2]
    text = yaml.safe_dump(
        eval_result_entries_to_yaml(entries), allow_unicode=True, sort_keys=False, width=100
    )
    return {f"{FOLDER}/{name}.yaml": text.encode()}
