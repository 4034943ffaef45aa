"""Text as it should stand in a row: composed, without invisible characters, trimmed."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_LINE_ENDS = re.compile(r"\r\n?|[\x85\u2028\u2029]")
# Control characters but tab and line feed; soft hyphen; zero-width and direction marks; byte
# order mark. U+200D joins emoji and stays.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_NO_WORD = re.compile(r"[\W_]+")


def _suspicious_bytes() -> NDArray[np.bool_]:
    """Of UTF-8: those that all characters begin with that may have to be changed.

    0xC2 and 0xE2 lead to control, zero-width and separator characters, 0xCC and 0xCD to combining
    marks, 0xE1 to the single letters that Hangul syllables are decomposed into.
    """
    table = np.zeros(256, dtype=np.bool_)
    table[:0x20] = True
    table[[0x09, 0x0A]] = False
    table[[0x7F, 0xC2, 0xCC, 0xCD, 0xE1, 0xE2, 0xEF]] = True
    return table


_SUSPICIOUS = _suspicious_bytes()


def clean_text(text: str) -> str:
    """Unicode NFC, line ends as line feeds, no invisible characters, no blanks at the ends."""
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    return unicodedata.normalize("NFC", text).strip()


def comparable(text: str) -> str:
    """What is left when blanks, punctuation, case and width do not count: letters and digits."""
    return _NO_WORD.sub("", unicodedata.normalize("NFKC", text)).casefold()


def clean_column(column: pa.StringArray) -> tuple[pa.StringArray, NDArray[np.bool_]]:
    """:func:`clean_text` of every row; which rows lost an invisible character.

    Rows without a byte that could begin such a character, which are nearly all, are only trimmed.
    """
    changed = np.zeros(len(column), dtype=np.bool_)
    rows = _suspicious_rows(column)
    if len(rows):
        old = column.take(pa.array(rows)).to_pylist()
        changed[rows] = [_INVISIBLE.search(_LINE_ENDS.sub("\n", text)) is not None for text in old]
        mask = np.zeros(len(column), dtype=np.bool_)
        mask[rows] = True
        new = pa.array([clean_text(text) for text in old], pa.string())
        column = pc.replace_with_mask(column, pa.array(mask), new)
    return pc.utf8_trim_whitespace(column), changed


def _suspicious_rows(column: pa.StringArray) -> NDArray[np.int64]:
    if not len(column) or column.buffers()[2] is None:
        return np.zeros(0, dtype=np.int64)
    first = column.offset
    ends = np.frombuffer(column.buffers()[1], dtype=np.int32)[first : first + len(column) + 1]
    data = np.frombuffer(column.buffers()[2], dtype=np.uint8)[ends[0] : ends[-1]]
    places = np.flatnonzero(_SUSPICIOUS[data]) + ends[0]
    return np.unique(np.searchsorted(ends, places, side="right") - 1).astype(np.int64)
