"""Bounds what is in flight and how fast requests leave, for one profile.

One 429 slows everybody: the pause is shared, because the server's limit is. All waiting happens before a request is
sent, so that it spends none of the request's deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from etl.core.ports import Clock

_BURST_S = 0.1


class Throttle:
    """At most ``concurrency`` requests in flight and ``rate_per_s`` started a second (None: no such limit)."""

    def __init__(self, concurrency: int, rate_per_s: float | None, clock: Clock) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._limiter = _limiter(rate_per_s)
        self._clock = clock
        self._open_at = clock.monotonic()

    def pause(self, delay_s: float) -> None:
        """Holds back every further request; a longer pause under way stays."""
        self._open_at = max(self._open_at, self._clock.monotonic() + delay_s)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A place in flight."""
        async with self._slots:
            await self._wait_until_open()
            if self._limiter is not None:
                await self._limiter.acquire()
            yield

    async def _wait_until_open(self) -> None:
        while (delay_s := self._open_at - self._clock.monotonic()) > 0:
            await self._clock.sleep(delay_s)


def _limiter(rate_per_s: float | None) -> AsyncLimiter | None:
    """Spreads requests evenly: a burst holds a tenth of a second's worth, at least one request."""
    if rate_per_s is None:
        return None
    burst = max(1.0, rate_per_s * _BURST_S)
    return AsyncLimiter(burst, burst / rate_per_s)
