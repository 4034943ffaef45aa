"""Short-lived claims that the server signs and takes back: upload links, Xet tokens, sessions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import orjson


class Signer:
    """Signs with the store's secret; a purpose keeps one kind of token from passing as another."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sign(self, purpose: str, claims: dict[str, Any], seconds: float) -> tuple[str, int]:
        """A URL-safe token, and the Unix second at which it expires."""
        expires = int(time.time() + seconds)
        payload = _encode(orjson.dumps({**claims, "expires": expires}))
        return f"{payload}.{self._signature(purpose, payload)}", expires

    def verify(self, purpose: str, token: str) -> dict[str, Any] | None:
        """The claims; None for a token that is false, expired or of another purpose."""
        payload, _, signature = token.partition(".")
        # compare_digest() takes no text beyond ASCII.
        if not hmac.compare_digest(signature.encode(), self._signature(purpose, payload).encode()):
            return None
        claims: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
        return claims if claims["expires"] > time.time() else None

    def _signature(self, purpose: str, payload: str) -> str:
        message = f"{purpose}:{payload}".encode()
        return _encode(hmac.digest(self._secret, message, hashlib.sha256))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
