"""What a caller may ask for, and the answer to one who asks for more."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import JSONResponse


@dataclass(frozen=True)
class Limits:
    """Of one gateway. Sizes are those of a page scan or a phone's photo, with room to spare."""

    concurrency: int = 1
    """Requests in the engine at once; `transformers serve` answers one after the other."""
    waiting: int = 16
    """Requests that may wait for the engine. One more is turned away with 429."""
    wait_seconds: float = 60.0
    """How long one waits before it is given up with 503."""
    read_seconds: float = 60.0
    """How long a request may take to arrive."""
    answer_seconds: float = 600.0
    """How long the engine may be silent."""
    request_bytes: int = 20 << 20
    images: int = 8
    pixels: int = 40_000_000
    """Of one picture."""
    characters: int = 100_000
    """Of all text of a request."""
    new_tokens: int = 2048
    fetch_images: bool = False
    """Let the engine fetch pictures from http(s) addresses: a caller then makes this machine
    send requests to wherever it likes."""


class Refusal(Exception):
    """An answer to a request that will not be served; `code` is for programs."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after

    def body(self) -> dict[str, dict[str, str | None]]:
        """In the form of OpenAI's errors."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": None, "code": self.code}}

    def response(self) -> JSONResponse:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body(), self.status, headers)
