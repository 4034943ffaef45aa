"""Thousands of small JSON documents to one Arrow table in one parse.

The documents are joined into lines and parsed by Arrow's JSON reader, which writes columns
directly: no Python object is made for a document. If that fails, the batch is looked through one
by one, what can be read is read, and the others are named with what is wrong with them.

A document counts for exactly one row because it must begin with `{` and end with `}`: one that
holds less than an object would need the line break inside a string, or a comma before the next
document, and both are errors; one that holds more makes more rows than there are documents.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.json
from numpy.typing import NDArray

from loaders.aihub.names import Mark, Problem
from loaders.rejects import Reason

logger = logging.getLogger(__name__)

_TEXT = pa.string()
SCHEMA = pa.schema(
    [
        ("disease_category", _TEXT),
        ("disease_name", pa.struct([("kor", _TEXT)])),
        ("intention", _TEXT),
        ("question", _TEXT),
        ("department", pa.list_(_TEXT)),
        ("answer", pa.struct([("intro", _TEXT), ("body", _TEXT), ("conclusion", _TEXT)])),
    ]
)
"""The keys that are read, of questions and answers together; others are skipped over."""

_PARSE = pa.json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
_BOM = b"\xef\xbb\xbf"
_BREAKS = bytes.maketrans(b"\r\n", b"  ")
_CLOSED = (b"}\n", b"}\r\n")


@dataclass
class Parsed:
    """`table` has a row for every file that is not in `problems`, in their order."""

    table: pa.Table
    problems: dict[int, Problem]
    marks: NDArray[np.uint16]
    """Of every file."""


def parse_documents(files: Sequence[bytes]) -> Parsed:
    """Read the files of a batch.

    Read besides plain UTF-8 objects: those with a byte order mark, UTF-16 with its mark, CP949
    (when the bytes are no UTF-8 but are CP949 and then JSON), and an object alone in a list. What
    was odd is in `marks`.
    """
    documents: list[bytes] = []
    marks = bytearray(len(files))
    problems: dict[int, Problem] = {}
    for number, data in enumerate(files):
        if data[:4] == b"\xef\xbb\xbf{":
            marks[number] = Mark.BOM
            data = data[3:]
        if data[:1] == b"{" and (data[-1:] == b"}" or data.endswith(_CLOSED)):
            documents.append(data)
            continue
        opened = _open_up(data)
        if isinstance(opened, Problem):
            problems[number] = opened
        else:
            documents.append(opened[0])
            marks[number] |= opened[1]
    table = _parse_lines(documents)
    if table is None:
        numbers = [number for number in range(len(files)) if number not in problems]
        sound: list[bytes] = []
        for number, document in zip(numbers, documents, strict=True):
            read = _read_alone(document)
            if isinstance(read, Problem):
                problems[number] = read
            else:
                sound.append(read[0])
                marks[number] |= read[1]
        table = _parse_lines(sound)
        assert table is not None, "documents that parse alone must parse together"
    return Parsed(table, problems, np.frombuffer(marks, dtype=np.uint8).astype(np.uint16))


def _parse_lines(documents: list[bytes]) -> pa.Table | None:
    """None if any document is not one well-formed object of the schema in valid UTF-8."""
    if not documents:
        return SCHEMA.empty_table()
    lines = b"\n".join(documents)
    if lines.count(b"\n") != len(documents) - 1 or b"\r" in lines:
        lines = b"\n".join(document.translate(_BREAKS) for document in documents)
    if not _is_utf8(lines):
        return None
    whole = pa.json.ReadOptions(use_threads=False, block_size=len(lines) + 1)
    try:
        table = pa.json.read_json(pa.BufferReader(lines), read_options=whole, parse_options=_PARSE)
    except pa.ArrowInvalid as error:
        logger.debug("a batch of %d documents is read one by one: %s", len(documents), error)
        return None
    return table if table.num_rows == len(documents) else None


def _is_utf8(data: bytes) -> bool:
    """Arrow's check of one string that spans everything: several times faster than decoding."""
    offsets = pa.py_buffer(np.array([0, len(data)], dtype=np.int64))
    text = pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data))
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _open_up(data: bytes) -> tuple[bytes, int] | Problem:
    """A file that does not look like `{...}`, as such a document."""
    mark = Mark.NONE
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            data, mark = data.decode("utf-16").encode(), Mark.UTF16
        except UnicodeError:
            return Problem(Reason.UNREADABLE_ENCODING, "begins like UTF-16 but is not")
    elif data[:3] == _BOM:
        data, mark = data[3:], Mark.BOM
    data = data.strip(b" \t\r\n")
    if not data:
        return Problem(Reason.EMPTY_FILE, "only blanks")
    if data[:1] == b"[":
        loaded = _loads(data)
        if isinstance(loaded, Problem):
            return loaded
        value, encoding = loaded
        if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], dict):
            return Problem(Reason.WRONG_TYPE, "a list of other than one object")
        return orjson.dumps(value[0]), mark | encoding | Mark.IN_LIST
    if data[:1] == b"{" and data[-1:] == b"}":
        return data, mark
    loaded = _loads(data)
    return loaded if isinstance(loaded, Problem) else Problem(Reason.WRONG_TYPE, "no object")


def _read_alone(document: bytes) -> tuple[bytes, int] | Problem:
    """One document, written anew so that it is sure to parse, or what is wrong with it."""
    loaded = _loads(document)
    if isinstance(loaded, Problem):
        # Arrow reads a little more than orjson (NaN, deep nesting): a document must not be
        # judged otherwise because of what stands beside it.
        return (document, Mark.NONE) if _parse_lines([document]) is not None else loaded
    value, encoding = loaded
    if not isinstance(value, dict):
        return Problem(Reason.WRONG_TYPE, "no object")
    department = value.get("department")
    if isinstance(department, str):
        value["department"] = [department]
    wanted = {name: value[name] for name in SCHEMA.names if name in value}
    for name, part in wanted.items():
        wrong = _misfit(name, part, SCHEMA.field(name).type)
        if wrong:
            return Problem(Reason.WRONG_TYPE, wrong)
    return orjson.dumps(wanted), encoding


def _loads(data: bytes) -> tuple[Any, int] | Problem:
    encoding = Mark.NONE
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.end == len(data) and error.reason == "unexpected end of data":
            return Problem(Reason.BROKEN_JSON, "ends in the middle of a character")
        try:
            data, encoding = data.decode("cp949").encode(), Mark.CP949
        except UnicodeDecodeError:
            return Problem(Reason.UNREADABLE_ENCODING, "neither UTF-8 nor CP949 nor marked UTF-16")
    try:
        return orjson.loads(data), encoding
    except orjson.JSONDecodeError as error:
        return Problem(Reason.BROKEN_JSON, f"line {error.lineno}, column {error.colno}")


def _misfit(name: str, value: Any, kind: pa.DataType) -> str:
    """What does not fit, or nothing; null always fits."""
    if value is None:
        return ""
    expected, fits = {
        pa.lib.Type_STRING: ("text", isinstance(value, str)),
        pa.lib.Type_STRUCT: ("an object", isinstance(value, dict)),
        pa.lib.Type_LIST: ("a list", isinstance(value, list)),
    }[kind.id]
    if not fits:
        return f"{name} is {_KINDS.get(type(value), 'a number')}, not {expected}"
    if pa.types.is_struct(kind):
        parts = [(f"{name}.{part.name}", value.get(part.name), part.type) for part in kind]
    elif pa.types.is_list(kind):
        parts = [(f"{name}[{index}]", part, kind.value_type) for index, part in enumerate(value)]
    else:
        parts = []
    return next((wrong for part in parts if (wrong := _misfit(*part))), "")


_KINDS = {str: "text", dict: "an object", list: "a list", bool: "true or false"}
