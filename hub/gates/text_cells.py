"""The texts of one file, as columns of cells: parquet, JSON, JSON lines, or plain lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from cards.errors import BogamError

_LINES = frozenset({".jinja", ".md", ".txt", ".yaml"})
# A vocabulary is a list of word pieces of somebody else's corpus: no text that anyone wrote here.
VOCABULARIES = frozenset(
    {"tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "added_tokens.json"}
)
# Licence texts are quoted word for word, with the addresses of their authors.
QUOTED = frozenset({"LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE", "NOTICE.txt", "NOTICE.md"})
_BATCH_ROWS = 16_384
_PLAIN_NAME = re.compile(r"(?!.*\d{5})[^\W\d]\w{0,39}")


class TextColumn(NamedTuple):
    """Cells of one column, or of a piece of it."""

    name: str
    """Dotted for nested columns; empty where a file has none."""
    row_of: Callable[[int], str]
    """The id, or else the number, of the row in which the cell with this index stands."""
    cells: Any
    """`pyarrow.StringArray` or `LargeStringArray`, without nulls."""


def has_text(path: Path) -> bool:
    """Whether the cells of this file are looked at."""
    if path.name in VOCABULARIES or path.name in QUOTED:
        return False
    return path.suffix in _READERS or path.suffix in _LINES


def text_columns(path: Path) -> Iterator[TextColumn]:
    """Parquet comes in pieces of bounded size, the others at once.

    Raises :class:`BogamError` for a file that is not what its name says.
    """
    return _READERS.get(path.suffix, _of_lines)(path)


def parse_json(path: Path, content: bytes, where: str = "") -> Any:
    """Raise :class:`BogamError` with the file and `where` in it when this is no JSON."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BogamError(
            f"{path}{where}: not valid JSON: {error}. Write the file again with the command that "
            "made it."
        ) from error


def read_text(path: Path) -> str:
    """Raise :class:`BogamError` when this is no UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BogamError(
            f"{path}: not UTF-8 text (byte {error.start}). Save it as UTF-8, or leave it out."
        ) from error


def _of_parquet(path: Path) -> Iterator[TextColumn]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    first = 0
    try:
        with pq.ParquetFile(path) as file:
            leaves = [file.schema.column(index) for index in range(len(file.schema))]
            # Only the strings are read, not the pictures beside them.
            texts = [leaf.path for leaf in leaves if leaf.logical_type.type == "STRING"]
            wanted = sorted({*texts, *(["id"] if "id" in file.schema.names else [])})
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
                ids = batch.column("id") if "id" in batch.schema.names else None
                every_row = pa.array(range(len(batch)), pa.int64())
                for top in batch.schema.names:
                    for name, rows, cells in string_leaves(top, batch.column(top), every_row):
                        present = pc.is_valid(cells)
                        row_of = _row_of(ids, rows.filter(present), first)
                        yield TextColumn(name, row_of, cells.filter(present))
                first += len(batch)
    except pa.ArrowInvalid as error:
        raise BogamError(f"{path}: cannot be read as parquet: {error}. Build it again.") from error


def _row_of(ids: Any, rows: Any, first: int) -> Callable[[int], str]:
    def row_of(index: int) -> str:
        row = rows[index].as_py()
        return str(ids[row].as_py()) if ids is not None else f"row {first + row}"

    return row_of


def string_leaves(name: str, array: Any, rows: Any) -> Iterator[tuple[str, Any, Any]]:
    """(column, row of each cell, cells) for every string inside a possibly nested array.

    rows: the row number of each entry of `array`, as an Arrow array. Cells may be null.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        yield from string_leaves(name, array.storage, rows)
    elif types.is_dictionary(kind):
        yield from string_leaves(name, array.dictionary_decode(), rows)
    elif types.is_string(kind) or types.is_large_string(kind):
        yield name, rows, array
    elif types.is_string_view(kind):
        yield name, rows, array.cast(pa.large_string())
    elif types.is_struct(kind):
        for part, child in zip(kind, array.flatten(), strict=True):
            yield from string_leaves(f"{name}.{part.name}", child, rows)
    elif types.is_map(kind):
        entries = array.cast(pa.list_(pa.struct([kind.key_field, kind.item_field])))
        yield from string_leaves(name, entries, rows)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        parents = rows.take(pc.list_parent_indices(array))
        yield from string_leaves(name, pc.list_flatten(array), parents)


def _of_json(path: Path) -> Iterator[TextColumn]:
    texts = list(_walk((), parse_json(path, path.read_bytes())))

    def row_of(index: int) -> str:
        return _shown_key(texts[index][0])

    yield TextColumn("", row_of, _strings([text for _, text in texts]))


def _of_jsonl(path: Path) -> Iterator[TextColumn]:
    columns: dict[str, tuple[list[int], list[str]]] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                for key, text in _walk((), parse_json(path, line, f" line {number}")):
                    numbers, texts = columns.setdefault(_shown_key(key), ([], []))
                    numbers.append(number)
                    texts.append(text)
    for name, (numbers, texts) in columns.items():
        yield TextColumn(name, _line_of(numbers), _strings(texts))


def _of_lines(path: Path) -> Iterator[TextColumn]:
    lines = read_text(path).splitlines()
    yield TextColumn("", _line_of(range(1, len(lines) + 1)), _strings(lines))


def _of_safetensors(path: Path) -> Iterator[TextColumn]:
    """What its writer noted in the header."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        yield from _of_notes(file.metadata() or {})


def _of_png(path: Path) -> Iterator[TextColumn]:
    """What the program that drew it noted."""
    from PIL import Image

    with Image.open(path, formats=["PNG"]) as image:
        image.load()
        notes = {str(key): text for key, text in image.info.items() if isinstance(text, str)}
    yield from _of_notes(notes)


def _of_notes(notes: dict[str, str]) -> Iterator[TextColumn]:
    keys = [_shown_key((key,)) for key in notes]
    yield TextColumn("", keys.__getitem__, _strings(list(notes.values())))


def _line_of(numbers: list[int] | range) -> Callable[[int], str]:
    return lambda index: f"line {numbers[index]}"


def _walk(key: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every string in a JSON value with the keys above it. A key of an object counts as a text of
    that object: counts are kept by value, and a value may be somebody's number."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, child in value.items():
            yield key, name
            yield from _walk((*key, name), child)
    elif isinstance(value, list):
        for child in value:
            yield from _walk((*key, "[]"), child)


def _shown_key(key: tuple[str, ...]) -> str:
    """The keys as a dotted path; one that is no plain name may be a value, and is not shown."""
    parts = [part if part == "[]" or _PLAIN_NAME.fullmatch(part) else "*" for part in key]
    return ".".join(parts).replace(".[]", "[]") or "top"


def _strings(values: list[str]) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.large_string())


_READERS: dict[str, Callable[[Path], Iterator[TextColumn]]] = {
    ".parquet": _of_parquet,
    ".json": _of_json,
    ".jsonl": _of_jsonl,
    ".safetensors": _of_safetensors,
    ".png": _of_png,
}
