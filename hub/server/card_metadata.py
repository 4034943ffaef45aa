"""What a repo's README.md says about it in its YAML head: tags, task, library, licence.

Source of the keys: https://github.com/huggingface/hub-docs/blob/main/modelcard.md and
datasetcard.md.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field
from datetime import date
from types import NoneType
from typing import Any

import yaml

from hub.server.repositories import Kind

README = "README.md"

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_ARXIV = re.compile(r"arxiv\.org/(?:abs|pdf)/(\d{4}\.\d{4,5})")
_LISTS = frozenset({"configs", "model-index", "tags", "widget"})
_TAG_PREFIXES = {
    "license": "license",
    "datasets": "dataset",
    "base_model": "base_model",
    "task_categories": "task_categories",
    "task_ids": "task_ids",
    "multilinguality": "multilinguality",
    "size_categories": "size_categories",
    "annotations_creators": "annotations_creators",
    "language_creators": "language_creators",
    "source_datasets": "source_datasets",
}


@dataclass(frozen=True)
class CardMetadata:
    """The head of a card and what listings need of it."""

    data: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    pipeline_tag: str | None = None
    library_name: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> CardMetadata:
        return cls(**json.loads(text))


class CardError(ValueError):
    """The YAML head of a card cannot be used; the text says why."""


def split_card(readme: str) -> tuple[str, str]:
    """The YAML head without its fences, empty when there is none, and the text below."""
    match = _FRONT_MATTER.match(readme.removeprefix("\ufeff"))
    if match is None:
        return "", readme
    return match.group(1), readme.removeprefix("\ufeff")[match.end() :]


def parse_head(readme: str) -> dict[str, Any]:
    """The YAML head as plain JSON values. Raises :class:`CardError`."""
    head, _ = split_card(readme)
    try:
        data = yaml.load(head, Loader=_CardLoader)
    except yaml.YAMLError as error:
        raise CardError(f"the YAML metadata cannot be read: {error}") from error
    except RecursionError as error:
        raise CardError("the YAML metadata is nested too deeply") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise CardError("the YAML metadata must be a mapping of keys to values")
    for key in _LISTS & data.keys():
        if not isinstance(data[key], list | NoneType):
            raise CardError(f'"{key}" must be a list')
    return _plain(data)  # type: ignore[no-any-return]


def read_metadata(kind: Kind, readme: str) -> CardMetadata:
    """What the listing knows of a card; a broken head counts as none, so that it can be mended."""
    try:
        data = parse_head(readme)
    except CardError:
        return CardMetadata()
    tags = [str(tag) for tag in _values(data.get("tags"))]
    pipeline_tag = data.get("pipeline_tag")
    library_name = data.get("library_name")
    if kind == "model":
        tags += [str(name) for name in (library_name, pipeline_tag) if name]
    tags += (
        [str(code) for code in _values(data.get("language"))]
        if kind == "model"
        else [f"language:{code}" for code in _values(data.get("language"))]
    )
    for key, prefix in _TAG_PREFIXES.items():
        tags += [f"{prefix}:{value}" for value in _values(data.get(key))]
    tags += [f"arxiv:{number}" for number in dict.fromkeys(_ARXIV.findall(readme))]
    return CardMetadata(
        data=data,
        tags=list(dict.fromkeys(tags)),
        pipeline_tag=str(pipeline_tag) if pipeline_tag else None,
        library_name=str(library_name) if library_name else None,
    )


class _CardLoader(yaml.SafeLoader):
    """Aliases are refused: a few lines of them can name gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    return [item for item in value if item is not None] if isinstance(value, list) else [value]
