"""Users, organisations and tokens.

The functions that take a folder are for the command line: they work whether or not a server
runs on the store, and raise :class:`BogamError` for a person to read.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cards.errors import BogamError
from hub.server.errors import invalid_credentials
from hub.server.paths import RESERVED_NAMES, is_valid_name
from hub.server.store.database import Database, Transaction, is_store, make_root, timestamp

Role = Literal["read", "write"]


@dataclass(frozen=True)
class Caller:
    """Who asks. Without a token `user_id` is None and nothing may be written."""

    user_id: int | None = None
    name: str = ""
    role: Role = "read"
    organisations: tuple[tuple[int, str], ...] = ()
    """Id of each organisation and the caller's role in it: read, write or admin."""

    @property
    def is_known(self) -> bool:
        return self.user_id is not None

    def reads_as_member(self, owner_id: int) -> bool:
        """Whether the caller sees what belongs to this account and is private."""
        return owner_id == self.user_id or any(owner_id == id_ for id_, _ in self.organisations)

    def writes_for(self, owner_id: int) -> bool:
        """Whether the caller's token may change what belongs to this account."""
        if self.role != "write":
            return False
        return owner_id == self.user_id or any(
            owner_id == id_ and role != "read" for id_, role in self.organisations
        )


ANONYMOUS = Caller()


def caller_of_token(tx: Transaction, token: str) -> Caller:
    """Raises 401 for a token that was never made or was revoked."""
    row = tx.execute(
        "SELECT user_id, role FROM tokens WHERE digest = ?", (_digest(token),)
    ).fetchone()
    if row is None:
        raise invalid_credentials()
    return caller_of_user(tx, row["user_id"], row["role"])


def caller_of_user(tx: Transaction, user_id: int, role: Role) -> Caller:
    """The caller that a token of this user and role would be."""
    name = tx.execute("SELECT name FROM accounts WHERE id = ?", (user_id,)).fetchone()["name"]
    members = tx.execute(
        "SELECT organisation_id, role FROM members WHERE user_id = ?", (user_id,)
    ).fetchall()
    return Caller(user_id, name, role, tuple((row[0], row[1]) for row in members))


def token_details(tx: Transaction, token: str) -> tuple[str, str, str]:
    """Name, role and time of making of a valid token."""
    row = tx.execute(
        "SELECT name, role, created_at FROM tokens WHERE digest = ?", (_digest(token),)
    ).fetchone()
    return row["name"], row["role"], row["created_at"]


def token_number(tx: Transaction, token: str) -> int:
    """The row of a valid token, for sessions that end with it."""
    number: int = tx.execute(
        "SELECT id FROM tokens WHERE digest = ?", (_digest(token),)
    ).fetchone()["id"]
    return number


def caller_of_session(tx: Transaction, user_id: int, token_number: int) -> Caller:
    """A browser's caller, who only reads; nobody when the token was revoked."""
    row = tx.execute("SELECT 1 FROM tokens WHERE id = ?", (token_number,)).fetchone()
    return ANONYMOUS if row is None else caller_of_user(tx, user_id, "read")


def add_user(root: Path, name: str, *, full_name: str = "", email: str | None = None) -> None:
    """Add a user to the store in `root`, which is made with its first one.

    Raises :class:`BogamError` when the name is taken, reserved or not a name.
    """
    make_root(root)
    with closing(Database(root)) as database, database.write() as tx:
        _add_account(tx, name, "user", full_name, email)


def has_user(root: Path, name: str) -> bool:
    """Whether there is a store in `root` with a user of this name."""
    if not is_store(root):
        return False
    with opened(root) as database, database.read() as tx:
        row = tx.execute("SELECT 1 FROM accounts WHERE name = ? AND kind = 'user'", (name,))
        return row.fetchone() is not None


def add_organisation(root: Path, name: str, members: Sequence[str], *, full_name: str = "") -> None:
    """Add an organisation; its members may write to its repos, and the first administers it.

    For an organisation that exists the members are added to it. Raises :class:`BogamError`
    for a member who is no user, or when a user has the name.
    """
    with opened(root) as database, database.write() as tx:
        row = tx.execute("SELECT id, kind FROM accounts WHERE name = ?", (name,)).fetchone()
        if row is not None and row["kind"] == "user":
            raise BogamError(f"Cannot add the organisation '{name}': a user has this name.")
        organisation_id = (
            row["id"] if row else _add_account(tx, name, "organisation", full_name, None)
        )
        for number, member in enumerate(members):
            role = "admin" if row is None and number == 0 else "write"
            tx.execute(
                "INSERT INTO members VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (organisation_id, user_id_of(tx, root, member), role),
            )


def create_token(root: Path, user: str, *, name: str = "token", role: Role = "write") -> str:
    """A new token of a user. Only its hash is stored: it is shown now or never.

    Raises :class:`BogamError` when there is no such user.
    """
    with opened(root) as database, database.write() as tx:
        return insert_token(tx, user_id_of(tx, root, user), name, role)


def insert_token(tx: Transaction, user_id: int, name: str, role: Role) -> str:
    """The same inside a transaction, for a user who is known."""
    token = "hf_" + secrets.token_hex(20)
    tx.execute(
        "INSERT INTO tokens (user_id, name, role, digest, created_at) VALUES (?, ?, ?, ?, ?)",
        (user_id, name, role, _digest(token), timestamp()),
    )
    return token


def revoke_tokens(root: Path, user: str) -> int:
    """Make every token of a user worthless at once; gives their number.

    Raises :class:`BogamError` when there is no such user.
    """
    with opened(root) as database, database.write() as tx:
        cursor = tx.execute("DELETE FROM tokens WHERE user_id = ?", (user_id_of(tx, root, user),))
    return cursor.rowcount


@contextmanager
def opened(root: Path) -> Iterator[Database]:
    """The database of the store in a folder. Raises :class:`BogamError` where there is none."""
    if not is_store(root):
        raise BogamError(
            f"{root}: there is no Hub in this folder. Name the right one with --root, or add its "
            f"first user: bogam hub user add NAME --root {root}"
        )
    with closing(Database(root)) as database:
        yield database


def _add_account(tx: Transaction, name: str, kind: str, full_name: str, email: str | None) -> int:
    if not is_valid_name(name) or name.lower() in RESERVED_NAMES:
        raise BogamError(
            f"Cannot add '{name}': a name has up to 96 letters, digits, '-', '_' or '.', begins "
            "with a letter or digit, and is no word that the Hub uses itself."
        )
    if tx.execute("SELECT 1 FROM accounts WHERE name = ?", (name,)).fetchone():
        raise BogamError(f"Cannot add '{name}': the name is taken.")
    cursor = tx.execute(
        "INSERT INTO accounts (public_id, name, kind, full_name, email, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (secrets.token_hex(12), name, kind, full_name or name, email, timestamp()),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def user_id_of(tx: Transaction, root: Path, name: str) -> int:
    """The row of a user. Raises :class:`BogamError` when there is none."""
    row = tx.execute("SELECT id FROM accounts WHERE name = ? AND kind = 'user'", (name,)).fetchone()
    if row is None:
        raise BogamError(
            f"There is no user '{name}'. Add one first: bogam hub user add {name} --root {root}"
        )
    user_id: int = row["id"]
    return user_id


def _digest(token: str) -> bytes:
    # A token has 160 random bits: a fast hash is as good as a slow one.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
