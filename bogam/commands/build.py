"""`bogam build DATASET`: raw files to a dataset folder.

The sub-commands are made from the builders themselves: a field of a builder's config that has
a help text becomes an option, so that a new dataset needs no line here.
"""

from __future__ import annotations

import dataclasses
import typing
from importlib import import_module
from pathlib import Path
from typing import Any

import click


class _Datasets(click.Group):
    """Imports a builder only when its own sub-command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from loaders import DATASETS

        return sorted(DATASETS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from loaders import DATASETS

        if cmd_name not in DATASETS:
            return None
        module, _, name = DATASETS[cmd_name].partition(":")
        return _command(cmd_name, getattr(import_module(module), name))


@click.group(cls=_Datasets)
def build() -> None:
    """Turn raw files into a dataset folder: rows, rejects and a record of both."""


def _command(name: str, builder: Any) -> click.Command:
    fields = [
        field
        for field in dataclasses.fields(builder.BUILDER_CONFIG_CLASS)
        if "help" in field.metadata
    ]
    types = typing.get_type_hints(builder.BUILDER_CONFIG_CLASS)

    def run(source: Path, out: Path, force: bool, **options: Any) -> None:
        from bogam.report import bars, show_dataset
        from loaders.dataset_folder import build as build_folder

        with bars() as progress:
            record = build_folder(name, source, out, options, force=force, progress=progress)
        show_dataset(record, out)

    source = click.Option(["--source"], type=click.Path(path_type=Path), required=True)
    source.help = "The raw input: a folder or an archive."
    out = click.Option(["--out"], type=click.Path(path_type=Path), required=True)
    out.help = "The dataset folder to write."
    force = click.Option(["--force"], is_flag=True, help="Replace a folder built otherwise.")
    params: list[click.Parameter] = [source, out, force]
    params += [_option(field, types[field.name]) for field in fields]
    return click.Command(name, callback=run, params=params, help=builder.__doc__)


def _option(field: dataclasses.Field[Any], hint: Any) -> click.Option:
    """A `Literal` becomes a choice, a `bool` a pair of switches, all else its own type."""
    flag = "--" + field.name.replace("_", "-")
    common: dict[str, Any] = {
        "default": field.default,
        "help": field.metadata["help"],
        "show_default": field.default is not None,
    }
    choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()
    if choices:
        return click.Option([flag], type=click.Choice([str(c) for c in choices]), **common)
    if hint is bool:
        return click.Option([f"{flag}/--no-{flag[2:]}"], **common)
    plain = [t for t in typing.get_args(hint) if t is not type(None)] or [hint]
    kind = click.Path(path_type=Path) if plain[0] is Path else plain[0]
    return click.Option([flag], type=kind, **common)
