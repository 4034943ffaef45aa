"""Lines about single raw items, written while a dataset is being built."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import orjson

Word = TypeVar("Word", bound=StrEnum)


class ItemLog(Generic[Word]):
    """A JSON Lines file of {path, reason, detail}, and how often each reason occurred.

    A line holds nothing of the item's text, which may be personal: `detail` says where and what
    kind of thing was found. Memory does not grow with the number of lines.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._counts: Counter[Word] = Counter()

    def add(self, path: str, reason: Word, detail: str = "") -> None:
        """Write one line.

        Args:
            path: the item as it is called in the source, without the folders above the source.
        """
        line = {"path": path, "reason": reason.value, "detail": detail}
        # A file name may hold bytes that are no UTF-8; Python keeps them as lone surrogates.
        line["path"] = path.encode("utf-8", "backslashreplace").decode("utf-8")
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._counts[reason] += 1

    @property
    def counts(self) -> dict[str, int]:
        """{reason: lines}, in alphabetical order."""
        return {word.value: self._counts[word] for word in sorted(self._counts)}

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
