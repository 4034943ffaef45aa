"""A source that changes under a build stops it: no row holds bytes that nobody inspected."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cards.errors import BogamError
from loaders.source import read_again


def test_bytes_that_are_still_the_same_come_back(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"inspected")
    digest = hashlib.sha256(b"inspected").hexdigest()
    assert read_again(file.read_bytes, "a.jpg", digest) == b"inspected"


def test_what_changed_or_went_away_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    digest = hashlib.sha256(b"inspected").hexdigest()
    with pytest.raises(BogamError, match=r"photos/a\.jpg: could be read before and cannot now"):
        read_again(file.read_bytes, "photos/a.jpg", digest)
    file.write_bytes(b"another picture")
    with pytest.raises(BogamError, match=r"photos/a\.jpg: has changed since it was inspected"):
        read_again(file.read_bytes, "photos/a.jpg", digest)
