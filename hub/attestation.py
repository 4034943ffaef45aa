"""`verify.json`: what a verification found, and whether its signature is of it.

The summary names one commit and the hashes of its record and card. The record holds the hashes of
rows, weights and predictions, and figures are drawn from these; the commit has all files. So
nothing in the repo can change without the summary becoming one of another content. Anybody can
check the signature with the key in the file (Ed25519, RFC 8032); whose key that is, a Hub knows of
its own users only, see :mod:`hub.server.signing_keys`.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Literal

from cards.records import Record

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_SIGNED_AS = b"bogam verify.json 1\n"
"""Put before what is signed, so that a signature of something else is none of this."""


class Summary(Record):
    """What was checked and found. Of a commit of a repo, or of a folder (`local`)."""

    schema_version: Literal[1] = 1
    repo: str
    repo_type: Literal["model", "dataset"]
    revision: str
    record_sha256: str
    card_sha256: str
    checks: int
    failures: tuple[str, ...]
    """Names of the checks that did not hold."""
    rerun: int
    """How many published answers the model was asked for again."""

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is of."""
        return _SIGNED_AS + self.to_json().encode()


class SignedSummary(Record):
    """`verify.json`. Key and signature are base64 of the raw bytes."""

    summary: Summary
    public_key: str
    signature: str

    @property
    def fingerprint(self) -> str:
        """See :func:`key_fingerprint`."""
        return key_fingerprint(self.public_key)

    def is_sound(self) -> bool:
        """Whether the signature is of this summary and key.

        Raise ValueError where key or signature are no base64 of the right length.
        """
        from cryptography.exceptions import InvalidSignature

        key = _read_key(self.public_key)
        signature = base64.b64decode(self.signature, validate=True)
        try:
            key.verify(signature, self.summary.signed_bytes)
        except InvalidSignature:
            return False
        return True


def key_fingerprint(public_key: str) -> str:
    """Sixteen digits of the SHA-256 of a key, to be compared by eye.

    Raise ValueError where it is no Ed25519 key in base64.
    """
    return hashlib.sha256(_read_key(public_key).public_bytes_raw()).hexdigest()[:16]


def _read_key(public_key: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
