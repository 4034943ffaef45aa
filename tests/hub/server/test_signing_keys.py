"""A key counts for the user it is put down for, until it is revoked."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cards.errors import BogamError
from hub.server import accounts
from hub.server.signing_keys import add_key, owner_of, revoke_keys

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for user in ("kim", "lee"):
        accounts.add_user(tmp_path, user)
    return tmp_path


@pytest.fixture
def public_key() -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return base64.b64encode(key.public_bytes_raw()).decode()


def _owner(root: Path, public_key: str) -> str | None:
    with accounts.opened(root) as database, database.read() as tx:
        return owner_of(tx, public_key)


def test_a_key_is_one_users_until_it_is_revoked(root: Path, public_key: str) -> None:
    assert _owner(root, public_key) is None
    add_key(root, "kim", public_key)
    assert _owner(root, public_key) == "kim"
    with pytest.raises(BogamError, match="for kim already"):
        add_key(root, "lee", public_key)
    assert (revoke_keys(root, "lee"), _owner(root, public_key)) == (0, "kim")
    assert (revoke_keys(root, "kim"), _owner(root, public_key)) == (1, None)


@pytest.mark.parametrize("wrong", ["", "AAAA", "키", "not base64!"])
def test_what_is_no_key_is_refused(root: Path, wrong: str) -> None:
    with pytest.raises(BogamError, match="no public Ed25519 key"):
        add_key(root, "kim", wrong)


def test_a_user_who_is_not_here_has_no_key(root: Path, public_key: str) -> None:
    with pytest.raises(BogamError, match="no user 'park'"):
        add_key(root, "park", public_key)


def test_a_store_from_before_there_were_keys_is_brought_up_to_date(
    root: Path, public_key: str
) -> None:
    with closing(sqlite3.connect(root / "hub.sqlite3")) as database:
        database.execute("DROP TABLE signing_keys")
        database.execute("PRAGMA user_version=1")
    add_key(root, "kim", public_key)
    assert _owner(root, public_key) == "kim"
