"""Who may enter the engine, who waits, and who is turned away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from bogam.serving.limits import Limits, Refusal


class Admission:
    """First come, first served. A request that is cancelled gives its place free."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.concurrency)
        self.present = 0
        """Requests that wait or are being answered."""

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold one of the places, which are as many as run and wait together.

        Raises:
            Refusal: 429, no place is free.
        """
        if self.present >= self._limits.concurrency + self._limits.waiting:
            raise Refusal(
                429,
                "too_many_requests",
                f"{self.present} requests are being answered or wait. Try again a little later.",
                retry_after=2,
            )
        self.present += 1
        try:
            yield
        finally:
            self.present -= 1

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for the engine and hold it.

        Raises:
            Refusal: 503, it took too long.
        """
        seconds = self._limits.wait_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise Refusal(
                503,
                "busy",
                f"the model was busy with other requests for {seconds:.0f} seconds. Try again "
                "later.",
                retry_after=5,
            ) from None
        try:
            yield
        finally:
            self._slots.release()
