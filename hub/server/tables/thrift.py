"""Thrift's compact protocol, as far as parquet's footers and page headers use it.

Values keep their types, so that what was read can be changed and written again. Source:
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BOOLEANS = {1: True, 2: False}
BYTE, DOUBLE, BINARY, LIST, STRUCT = 3, 7, 8, 9, 12
_INTEGERS = frozenset({4, 5, 6})
_MOST_DEPTH = 40


class ThriftError(ValueError):
    """The bytes are not of this protocol, or use a part of it that parquet does not."""


@dataclass
class Struct:
    """{number of the field: (its type, its value)}."""

    fields: dict[int, tuple[int, Any]] = field(default_factory=dict)

    def has(self, *numbers: int) -> bool:
        return all(number in self.fields for number in numbers)

    def integer(self, number: int) -> int:
        """The value of a field. Raises :class:`ThriftError` like the two below."""
        return self._value(number, int)  # type: ignore[no-any-return]

    def struct(self, number: int) -> Struct:
        return self._value(number, Struct)  # type: ignore[no-any-return]

    def items(self, number: int, of: type) -> list[Any]:
        """The elements of a list, all of one type."""
        items = self._value(number, Items)
        if not all(isinstance(value, of) for value in items.values):
            raise ThriftError(f"field {number} is a list of something else")
        return items.values  # type: ignore[no-any-return]

    def replace(self, number: int, value: Any) -> None:
        """Another value, of the same type, for a field that is there."""
        self.fields[number] = (self.fields[number][0], value)

    def drop(self, *numbers: int) -> None:
        for number in numbers:
            self.fields.pop(number, None)

    def copy(self) -> Struct:
        """Fields of its own; what is in them is shared."""
        return Struct(dict(self.fields))

    def _value(self, number: int, wanted: type) -> Any:
        value = self.fields.get(number, (0, None))[1]
        if not isinstance(value, wanted):
            raise ThriftError(f"field {number} is missing or of another type")
        return value


@dataclass
class Items:
    """A list and the type of its elements."""

    type: int
    values: list[Any]


def read_struct(data: bytes, start: int = 0) -> tuple[Struct, int]:
    """A struct and where it ends. Raises :class:`ThriftError`."""
    reader = _Reader(data, start)
    try:
        return reader.struct(0), reader.position
    except IndexError as error:
        raise ThriftError("the bytes end too early") from error


def write_struct(struct: Struct) -> bytes:
    """The bytes of a struct."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self.position = position

    def struct(self, depth: int) -> Struct:
        if depth > _MOST_DEPTH:
            raise ThriftError("structs are nested too deeply")
        struct, last = Struct(), 0
        while head := self._byte():
            delta, type_ = head >> 4, head & 0x0F
            last = last + delta if delta else self._integer()
            struct.fields[last] = (type_, BOOLEANS.get(type_))
            if type_ not in BOOLEANS:
                struct.fields[last] = (type_, self._value(type_, depth))
        return struct

    def _value(self, type_: int, depth: int) -> Any:
        if type_ in _INTEGERS:
            return self._integer()
        if type_ == BINARY:
            return self._bytes(self._unsigned())
        if type_ == STRUCT:
            return self.struct(depth + 1)
        if type_ == LIST:
            head = self._byte()
            count, element = head >> 4, head & 0x0F
            count = self._unsigned() if count == 15 else count
            return Items(element, [self._element(element, depth) for _ in range(count)])
        if type_ == BYTE:
            return self._byte()
        if type_ == DOUBLE:
            return self._bytes(8)
        raise ThriftError(f"type {type_} is not used by parquet")

    def _element(self, type_: int, depth: int) -> Any:
        # In a list a boolean is a byte of its own.
        return self._byte() if type_ in BOOLEANS else self._value(type_, depth)

    def _byte(self) -> int:
        self.position += 1
        return self._data[self.position - 1]

    def _bytes(self, count: int) -> bytes:
        if count > len(self._data) - self.position:
            raise ThriftError("the bytes end too early")
        self.position += count
        return self._data[self.position - count : self.position]

    def _unsigned(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
            if shift > 63:
                raise ThriftError("a number has more than 64 bits")

    def _integer(self) -> int:
        number = self._unsigned()
        return (number >> 1) ^ -(number & 1)


def _write_struct(out: bytearray, struct: Struct) -> None:
    last = 0
    for number, (type_, value) in sorted(struct.fields.items()):
        if 0 < number - last < 16:
            out.append((number - last) << 4 | type_)
        else:
            out.append(type_)
            _write_integer(out, number)
        last = number
        if type_ not in BOOLEANS:
            _write_value(out, type_, value)
    out.append(0)


def _write_value(out: bytearray, type_: int, value: Any) -> None:
    if type_ in _INTEGERS:
        _write_integer(out, value)
    elif type_ == BINARY:
        _write_unsigned(out, len(value))
        out += value
    elif type_ == STRUCT:
        _write_struct(out, value)
    elif type_ == LIST:
        short = len(value.values) < 15
        out.append((len(value.values) if short else 15) << 4 | value.type)
        if not short:
            _write_unsigned(out, len(value.values))
        for element in value.values:
            if value.type in BOOLEANS:
                out.append(element)
            else:
                _write_value(out, value.type, element)
    elif type_ == BYTE:
        out.append(value)
    else:
        out += value


def _write_unsigned(out: bytearray, number: int) -> None:
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _write_integer(out: bytearray, number: int) -> None:
    _write_unsigned(out, number << 1 if number >= 0 else (-number << 1) - 1)
