"""Which of our modules does a program need? For shipping a part of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
FLOORS = ("bogam", "cards", "hub", "loaders", "trainers")


@dataclass(frozen=True)
class NeededModules:
    """What some modules import, directly or through others, also within functions."""

    files: tuple[Path, ...]
    """Of ours, relative to the folder that holds the floors; packages' `__init__.py` included."""
    distributions: tuple[str, ...]
    """Installed packages of others that these files import."""


def needed_modules(names: Iterable[str]) -> NeededModules:
    """Follow the imports of some modules of ours. What is imported by a computed name must be
    among `names`."""
    files: set[Path] = set()
    others: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if path is None or path in files:
            continue
        files.add(path)
        waiting += [name.rpartition(".")[0]] if "." in name else []
        for imported in _imports(ast.parse((HOUSE / path).read_text(encoding="utf-8"))):
            if imported.partition(".")[0] in FLOORS:
                waiting.append(imported)
            else:
                others.add(imported.partition(".")[0])
    known = packages_distributions()
    found = {distribution for name in others for distribution in known.get(name, ())}
    return NeededModules(tuple(sorted(files)), tuple(sorted(found, key=str.lower)))


def _file_of(name: str) -> Path | None:
    """None for what is no module, such as a class in one."""
    path = Path(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (HOUSE / candidate).is_file():
            return candidate
    return None


def _imports(tree: ast.AST) -> Iterator[str]:
    """Full names; of `from a import b` both `a` and `a.b`, which may be a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (isinstance(node, ast.If) and _is_type_checking(node.test)):
            yield from _imports(node)


def _is_type_checking(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"
