"""What the pages say of a card's head, which may hold anything at all."""

from __future__ import annotations

from dataclasses import dataclass

from hub.server.card_metadata import CardMetadata

MOST_LISTED = 20


@dataclass(frozen=True)
class CardHead:
    """The head of a card as texts; what does not fit is left out."""

    licence: str | None
    licence_link: str | None
    languages: list[str]
    tasks: list[str]
    library: str | None
    base_models: list[str]
    datasets: list[str]
    tags: list[str]


def read_head(metadata: CardMetadata) -> CardHead:
    data = metadata.data
    link = data.get("license_link")
    task = metadata.pipeline_tag
    licences = _texts(data.get("license_name")) or _texts(data.get("license"))
    return CardHead(
        licence=", ".join(licences) or None,
        licence_link=link if isinstance(link, str) and link.startswith("https://") else None,
        languages=_texts(data.get("language")),
        tasks=[task] if task else _texts(data.get("task_categories")),
        library=metadata.library_name,
        base_models=_texts(data.get("base_model")),
        datasets=_texts(data.get("datasets")),
        tags=_texts(data.get("tags")),
    )


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(item) for item in values if isinstance(item, str | int) and item][:MOST_LISTED]
