"""The card of a model for which nothing was trained or measured: converted, merged, a tiny twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cards.card import compose
from cards.licences import Licence
from cards.records import Domain
from cards.tasks import Bilingual


def derived_card(
    title: str,
    licence: Licence,
    *,
    made: Bilingual,
    checked: Bilingual,
    data: Bilingual,
    repo: str = ".",
    detour: Bilingual | None = None,
    domain: Domain = "general",
    sees: bool = False,
    metadata: Mapping[str, Any],
) -> str:
    """A whole README with what every reader looks for.

    Args:
        made: from what, and what was done to it. Like the two below Markdown, not escaped.
        checked: what is known of its answers.
        data: what its weights were trained on.
        repo: what the snippet loads.
        detour: what to do instead, Markdown too, where plain transformers cannot load it.
        sees: whether it is a vision-language model.
        metadata: more of it, beside the licence.
    """
    from huggingface_hub import ModelCardData

    fields: dict[str, Any] = {**licence.metadata(), **metadata}
    return compose(
        ModelCardData(
            library_name="transformers",
            pipeline_tag="image-text-to-text" if sees else "text-generation",
            **fields,
        ),
        "derived_model.md.jinja",
        title=title,
        licence=licence,
        made=made,
        checked=checked,
        data=data,
        repo=repo,
        detour=detour,
        domain=domain,
        model_class="AutoModelForImageTextToText" if sees else "AutoModelForCausalLM",
        tokens_class="AutoProcessor" if sees else "AutoTokenizer",
    )
