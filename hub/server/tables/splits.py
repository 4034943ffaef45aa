"""Which parquet files make up which split of a repo."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from typing import Any

_SHARD = re.compile(r"(?P<name>.+?)(-\d{5}-of-\d{5}(-[0-9a-f]+)?)?\.parquet")
_FIRST_SPLITS = ("train", "validation", "test")


def find_splits(paths: Iterable[str], card: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """{split: its parquet files in order}, training first; empty where there is no parquet.

    The card's `configs` decide, as `datasets` has it; files that no config names are a split by
    their file name (`train-00000-of-00002.parquet`). With several configs a split is called
    `config/split`.
    """
    parquet = sorted(path for path in paths if path.endswith(".parquet"))
    found: dict[str, list[str]] = {}
    named: set[str] = set()
    for split, patterns in _configured(card):
        matching = [path for path in parquet if _matches(path, patterns)]
        if matching:
            found[split] = matching
            named.update(matching)
    for path in parquet:
        if path not in named:
            match = _SHARD.fullmatch(path.rsplit("/", 1)[-1])
            found.setdefault(match["name"] if match else path, []).append(path)
    return {split: tuple(found[split]) for split in sorted(found, key=_order)}


def _configured(card: Mapping[str, Any]) -> Iterable[tuple[str, list[str]]]:
    """(split, patterns) of every usable entry of `configs`; a card may hold anything."""
    configs = [item for item in _items(card.get("configs")) if isinstance(item, dict)]
    for config in configs:
        prefix = f"{config.get('config_name')}/" if len(configs) > 1 else ""
        files = config.get("data_files")
        entries = [item for item in _items(files) if isinstance(item, dict)]
        for entry in entries or [{"split": "train", "path": files}]:
            patterns = [item for item in _items(entry.get("path")) if isinstance(item, str)]
            yield f"{prefix}{entry.get('split')}", patterns


def _items(value: object) -> list[Any]:
    """A list as it is, one value as a list of it."""
    return value if isinstance(value, list) else [value]


def _matches(path: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern.removeprefix("./")) for pattern in patterns)


def _order(split: str) -> tuple[int, str]:
    known = split in _FIRST_SPLITS
    return (_FIRST_SPLITS.index(split) if known else len(_FIRST_SPLITS), split)
