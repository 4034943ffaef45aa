"""The tokens of one user, inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass

from hub.server.accounts import Caller, Role, insert_token
from hub.server.store.database import Transaction


@dataclass(frozen=True)
class TokenInfo:
    """A token without the token itself, which nobody has but its user."""

    number: int
    name: str
    role: Role
    created_at: str


def of_user(tx: Transaction, caller: Caller) -> list[TokenInfo]:
    """Newest first."""
    rows = tx.execute(
        "SELECT id, name, role, created_at FROM tokens WHERE user_id = ? ORDER BY id DESC",
        (caller.user_id,),
    ).fetchall()
    return [TokenInfo(*row) for row in rows]


def create(tx: Transaction, caller: Caller, name: str, role: Role) -> str:
    """A new token of a known caller. Only its hash is stored."""
    assert caller.user_id is not None
    return insert_token(tx, caller.user_id, name, role)


def revoke(tx: Transaction, caller: Caller, number: int) -> None:
    """Make a token of the caller worthless at once; sessions made from it end too."""
    tx.execute("DELETE FROM tokens WHERE id = ? AND user_id = ?", (number, caller.user_id))
