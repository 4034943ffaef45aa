"""Paths of the machine on which a release was made: they name people and lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from hub.gates.text_scan import Detector, Match

_HOME = r"/(?:home|Users)/[^/\s\"'<>]+|/root/[^\s\"'<>]+|[A-Za-z]:\\\\?Users\\[^\s\"'<>]+"
_FILE_URL = r"file:///?[A-Za-z0-9]"
_WINDOWS = r"[A-Za-z]:\\[\w가-힣.-]+\\"
# A cell that is nothing else; within prose `/a/b/` may be a route, a date or a ratio.
_WHOLE_CELL = r"(?:/[^/\s:?*\"<>|]+){2,}/?"


def detector(known: Iterable[Path]) -> Detector:
    """`known` are folders whose paths count anywhere in a text, such as the release's own."""
    folders = [re.escape(str(path)) for path in known if len(path.parts) > 2]
    forms = {
        "home folder": _HOME,
        "file URL": _FILE_URL,
        "Windows path": _WINDOWS,
        "absolute path": "|".join((rf"^{_WHOLE_CELL}$", *folders)),
    }
    # A URL may have a folder called /home/ too.
    patterns = {kind: re.compile(rf"(?<![\w:/.-])(?:{form})") for kind, form in forms.items()}

    def find(text: str, _: str) -> list[Match]:
        found: list[Match] = []
        for kind, pattern in patterns.items():
            for match in pattern.finditer(text):
                if all(match.start() != other.start for other in found):
                    found.append(Match(match.start(), match.end(), kind, "confirmed"))
        return found

    return Detector("|".join(f"(?:{form})" for form in forms.values()), find)
