"""Reading a recipe: YAML file + `key=value` overrides -> :class:`Recipe`.

Whatever is wrong is said with file, line and key, and all of it at once, before anything heavy is
imported.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cards.errors import BogamError
from trainers.recipe_schema import Recipe

__all__ = ["Recipe", "load_recipe"]

RECIPES = Path(__file__).resolve().parent.parent / "recipes"


class _RecipeLoader(yaml.SafeLoader):
    """Safe YAML in which `2e-4` is a number, as YAML 1.2 has it; 1.1 reads it as text."""


_RecipeLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and lay the overrides (`schedule.epochs=1`) over it.

    Raises:
        BogamError: no such file, no YAML, unknown or doubled keys, values that do not fit.
    """
    path = Path(path)
    data, lines = _read(path)
    given: set[str] = set()
    for override in overrides:
        given.add(_lay_over(data, override))
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        problems = [
            f"  {_place(problem['loc'], lines, given)}: {_explain(problem)}"
            for problem in error.errors()
        ]
        raise BogamError(
            f"{path}: not a valid recipe.\n" + "\n".join(problems) + "\n"
            "Every key with its default and meaning stands in trainers/recipe_schema.py."
        ) from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """The mapping in the file, and {dotted key: line}."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise BogamError(_no_such_recipe(path)) from None
    except UnicodeDecodeError as error:
        raise BogamError(f"{path}: not UTF-8 at byte {error.start}. Save it as UTF-8.") from None
    try:
        node = yaml.compose(text, Loader=_RecipeLoader)
        data = yaml.load(text, Loader=_RecipeLoader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BogamError(f"{path}{line}: not valid YAML: {error.problem}.") from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(data, dict):
        raise BogamError(
            f"{path}: a recipe is a mapping of keys to values; this file holds "
            f"{'nothing' if data is None else type(data).__name__}."
        )
    lines: dict[str, int] = {}
    for key, at in _keys(node):
        if key in lines:
            raise BogamError(
                f"{path}, line {at}: the key {key!r} already stands in line {lines[key]}. "
                "Keep one of the two."
            )
        lines[key] = at
    return data, lines


def _keys(node: yaml.MappingNode, above: str = "") -> Iterator[tuple[str, int]]:
    for key, value in node.value:
        dotted = f"{above}{key.value}"
        yield dotted, key.start_mark.line + 1
        if isinstance(value, yaml.MappingNode):
            yield from _keys(value, f"{dotted}.")


def _no_such_recipe(path: Path) -> str:
    known = sorted(str(found.relative_to(RECIPES.parent)) for found in RECIPES.rglob("*.yaml"))
    known = [name for name in known if "/accelerate/" not in name]
    nearest = difflib.get_close_matches(str(path), known, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    listing = f" Recipes that come with bogam: {', '.join(known)}." if known else ""
    return f"{path}: no such recipe file.{hint}{listing}"


def _lay_over(data: dict[str, Any], override: str) -> str:
    """Set one `dotted.key=value` in `data`; return the key."""
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals or not key:
        raise BogamError(
            f"{override!r} on the command line: overrides have the form key=value, "
            "for example schedule.epochs=1."
        )
    if key not in _schema_keys():
        raise BogamError(f"{override!r} on the command line: no such key.{_nearest(key)}")
    try:
        value = yaml.load(text, Loader=_RecipeLoader)
    except yaml.YAMLError:
        raise BogamError(
            f"{override!r} on the command line: the value is not valid YAML; quote it."
        ) from None
    *sections, last = key.split(".")
    place = data
    for section in sections:
        if place.get(section) is None:
            place[section] = {}
        place = place[section]
        if not isinstance(place, dict):
            return key  # the file holds a value where a section belongs: validation says so
    place[last] = value
    return key


def _schema_keys(model: type[BaseModel] = Recipe, above: str = "") -> list[str]:
    keys = []
    for name, field in model.model_fields.items():
        keys.append(f"{above}{name}")
        section = _section(field.annotation)
        if section is not None:
            keys.extend(_schema_keys(section, f"{above}{name}."))
    return keys


def _section(annotation: Any) -> type[BaseModel] | None:
    """The section a field holds, also where it may be null."""
    candidates = (
        get_args(annotation)
        if get_origin(annotation) in (Union, types.UnionType)
        else (annotation,)
    )
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _nearest(key: str) -> str:
    """Say which key was probably meant: by the whole dotted key, else by its last part."""
    keys = _schema_keys()
    found = difflib.get_close_matches(key, keys, n=1, cutoff=0.75)
    if not found:
        last = key.rpartition(".")[2]
        by_last: dict[str, str] = {}
        for known in keys:
            by_last.setdefault(known.rpartition(".")[2], known)
        found = [by_last[name] for name in difflib.get_close_matches(last, by_last, 1, 0.6)]
    if found:
        return f" Did you mean {found[0]!r}?"
    section = key.rpartition(".")[0]
    beside = [name for name in keys if name.rpartition(".")[0] == section]
    return f" Known here: {', '.join(beside or keys)}."


def _place(location: tuple[int | str, ...], lines: dict[str, int], given: set[str]) -> str:
    """`line 7, optimiser.lr`; the deepest key of the location that stands in the file."""
    dotted = ".".join(str(part) for part in location)
    parts = [str(part) for part in location]
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in given:
            return f"command line, {dotted}"
        if key in lines:
            return f"line {lines[key]}, {dotted}"
    return dotted or "as a whole"


def _explain(problem: ErrorDetails) -> str:
    kind, found = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return "no such key." + _nearest(".".join(str(part) for part in problem["loc"]))
    if kind == "missing":
        return "this key is needed and has no default."
    if kind == "value_error":
        return problem["msg"].removeprefix("Value error, ") + "."
    message = problem["msg"]
    if kind == "string_pattern_mismatch" and problem["loc"][-1] == "repo":
        message = "must have the form organisation/name"
    elif kind == "model_type":
        message = "this is a section, its keys stand below it"
    elif kind == "tuple_type":
        message = "must be a list, for example [q_proj, v_proj]"
    elif kind == "too_short":
        message = "the list must not be empty"
    return f"{message}; found {found!r}."
