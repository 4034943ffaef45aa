"""With which keys the users of this Hub sign verifications.

Anybody can make a key and sign anything with it. Only a key that whoever runs the Hub has put down
for one of its users says who did the verifying.
"""

from __future__ import annotations

import base64
from pathlib import Path

from cards.errors import BogamError
from hub.attestation import key_fingerprint
from hub.server.accounts import opened, user_id_of
from hub.server.store.database import Transaction, timestamp


def add_key(root: Path, user: str, public_key: str) -> str:
    """Put a key down for a user.

    Args:
        public_key: base64, as `verify.json` and `bogam verify --attach` tell it.

    Returns:
        Its fingerprint.

    Raises:
        BogamError: no such user, no such kind of key, or the key is somebody's already.
    """
    try:
        fingerprint = key_fingerprint(public_key)
    except ValueError as error:
        raise BogamError(
            f"'{public_key}' is no public Ed25519 key in base64 ({error}). "
            "`bogam verify ORG/REPO --attach` prints the one that it signs with."
        ) from error
    with opened(root) as database, database.write() as tx:
        user_id = user_id_of(tx, root, user)
        owner = owner_of(tx, public_key)
        if owner is not None:
            raise BogamError(f"The key {fingerprint} is put down for {owner} already.")
        tx.execute(
            "INSERT INTO signing_keys VALUES (?, ?, ?)", (_raw(public_key), user_id, timestamp())
        )
    return fingerprint


def revoke_keys(root: Path, user: str) -> int:
    """Let no key of a user count any more; gives their number.

    Raises :class:`BogamError` when there is no such user.
    """
    with opened(root) as database, database.write() as tx:
        cursor = tx.execute(
            "DELETE FROM signing_keys WHERE user_id = ?", (user_id_of(tx, root, user),)
        )
    return cursor.rowcount


def owner_of(tx: Transaction, public_key: str) -> str | None:
    """The user who signs with a key; None where the key is nobody's."""
    row = tx.execute(
        "SELECT accounts.name FROM signing_keys JOIN accounts ON accounts.id = user_id"
        " WHERE public_key = ?",
        (_raw(public_key),),
    ).fetchone()
    return None if row is None else str(row["name"])


def _raw(public_key: str) -> bytes:
    return base64.b64decode(public_key, validate=True)
