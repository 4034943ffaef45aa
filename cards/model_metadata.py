"""What the Hub reads of a model: the YAML on top of its card, and what a visitor asks it first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cards.card import is_repo_id
from cards.licences import Licence
from cards.records import RunRecord
from cards.tasks import Task

if TYPE_CHECKING:
    from huggingface_hub.repocard_data import ModelCardData

_PIPELINE_TAGS = {
    "AutoModelForCausalLM": "text-generation",
    "AutoModelForImageTextToText": "image-text-to-text",
}
_QUESTIONS = {
    "medical": "감기와 독감은 어떻게 다른가요?",
    "forensic": "이 자료에서 무엇을 먼저 확인해야 하나요?",
    "general": "안녕하세요?",
}
_PICTURE_QUESTIONS = {
    "medical": "이 문서에 적힌 약과 용량을 모두 적어 주세요.",
    "forensic": "이 사진은 어느 분류입니까?",
    "general": "What does the chart show?",
}


def model_metadata(
    run: RunRecord, task: Task, licence: Licence, name: str, splits: list[str]
) -> ModelCardData:
    """What the Hub reads: https://huggingface.co/docs/hub/model-cards#model-card-metadata"""
    from huggingface_hub.repocard_data import EvalResult, ModelCardData

    pipeline_tag = _PIPELINE_TAGS.get(run.library_model_class, task.hub_type)
    titles = {metric.name: metric.title.en for metric in task.metrics}
    dataset_name = run.dataset.id.rpartition("/")[2]
    terms: dict[str, Any] = dict(licence.metadata())
    if licence.research_only or not licence.redistribution:
        terms |= {
            "extra_gated_prompt": " ".join(licence.notice_en),
            "extra_gated_fields": {"I accept the terms of the licence": "checkbox"},
        }
    return ModelCardData(
        language=list(run.languages) or None,
        **terms,
        library_name="peft",
        pipeline_tag=pipeline_tag,
        base_model=run.base_model.id if is_repo_id(run.base_model.id) else None,
        base_model_relation="adapter",
        datasets=[run.dataset.id] if is_repo_id(run.dataset.id) else None,
        tags=["bogam", method_of(run), run.domain],
        model_name=name,
        widget=_widget(run),
        eval_results=[
            EvalResult(
                task_type=pipeline_tag,
                # A folder says nothing to others and tells where somebody keeps files.
                dataset_type=run.dataset.id if is_repo_id(run.dataset.id) else dataset_name,
                dataset_name=dataset_name,
                dataset_split=", ".join(splits),
                dataset_revision=run.dataset.revision,
                metric_type=metric,
                metric_name=titles[metric],
                metric_value=value.value,
            )
            for metric, value in run.metrics["tuned"].items()
            if metric in titles
        ],
    )


def question_of(run: RunRecord, prompts: Sequence[str], *, quotable: bool) -> str:
    """What the snippet asks: what all examples were asked, or the shortest that begins a talk.

    Args:
        prompts: of the predictions.
        quotable: texts of the examples may stand on a card.
    """
    if len(set(prompts)) == 1:
        return prompts[0]
    if quotable:
        first_turns = [prompt for prompt in prompts if "\n\n" not in prompt]
        if first_turns:
            return min(first_turns, key=len)
    if run.library_model_class != "AutoModelForCausalLM":
        return _PICTURE_QUESTIONS[run.domain]
    return _QUESTIONS[run.domain]


def method_of(run: RunRecord) -> str:
    tuning = run.recipe.get("tuning", {})
    return str(tuning.get("method", "lora") if isinstance(tuning, dict) else "lora")


def _widget(run: RunRecord) -> list[dict[str, Any]] | None:
    """A question for the page's own form; a picture to ask about cannot be in the repo."""
    if run.library_model_class != "AutoModelForCausalLM":
        return None
    messages = [{"role": "user", "content": _QUESTIONS[run.domain]}]
    if run.recipe.get("system_prompt"):
        messages.insert(0, {"role": "system", "content": run.recipe["system_prompt"]})
    return [{"messages": messages}]
