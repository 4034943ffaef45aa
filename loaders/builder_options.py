"""The options of a builder: the fields of its `datasets.BuilderConfig` that have a help text."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from cards.errors import BogamError


def resolve_options(
    dataset: str, config_class: type[Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Every option with its value, defaults filled in, in alphabetical order.

    Args:
        config_class: a dataclass; `field(default=..., metadata={"help": ...})` is an option, and
            one of type `Literal[...]` allows nothing else.

    Raises:
        BogamError: no such option, or a value that the option does not allow.
    """
    fields = {f.name: f for f in dataclasses.fields(config_class) if "help" in f.metadata}
    hints = typing.get_type_hints(config_class)
    for key, value in options.items():
        if key not in fields:
            raise BogamError(
                f"{dataset}: no option {key!r}.{nearest(key, fields)} "
                f"There are: {', '.join(sorted(fields)) or 'none'}."
            )
        allowed = typing.get_args(hints[key])
        if typing.get_origin(hints[key]) is typing.Literal and value not in allowed:
            raise BogamError(
                f"{dataset}: {key} cannot be {value!r}.{nearest(str(value), map(str, allowed))} "
                f"It is one of: {', '.join(map(str, allowed))}."
            )
    return {key: options.get(key, fields[key].default) for key in sorted(fields)}


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean ...?`, or nothing where nothing is near."""
    found = difflib.get_close_matches(word.replace("_", "-"), list(known), n=1, cutoff=0.6)
    if not found:
        found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""
