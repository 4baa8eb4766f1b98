"""Bounds what is in flight and how fast requests leave, for one profile.

One 429 slows everybody: the pause is shared, because the server's limit is. All waiting happens before a request is
sent, so that it spends none of the request's deadline.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from etl.casebook.pace import Pace
from etl.core.ports import Clock

_BURST_S = 0.1
"""Requests are spread evenly; so much time's worth, at least one, may leave at once."""
Rate = Callable[[], float | None]
"""Requests that may start a second, now; None: as many as can."""


class Throttle:
    """At most as many requests in flight as the pace (or a fixed number) allows, started no faster than the rate.

    ``async with`` holds a place in flight.
    """

    def __init__(self, pace: Pace | int, rate_per_s: Rate | float | None, clock: Clock) -> None:
        self._pace = pace
        self._rate = rate_per_s if callable(rate_per_s) else lambda: rate_per_s
        self._clock = clock
        self._open_at = clock.monotonic()
        self._due_at = self._open_at
        self._flying = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def pause(self, delay_s: float) -> None:
        """Holds back every further request; a longer pause under way stays."""
        self._open_at = max(self._open_at, self._clock.monotonic() + delay_s)

    def learn(self, kind: str, began: float, duration_s: float, *, busy: bool) -> None:
        """Tells the pace, where there is one, what an answer of this kind took, or that it asks to slow down."""
        if isinstance(self._pace, int):
            return
        if busy:
            self._pace.slow_down(began)
        else:
            self._pace.learn(kind, began, duration_s)

    async def enter(self) -> None:
        """Waits for a place, for the end of a pause and for the rate; the place must be left again."""
        if self._flying < self._limit and not self._waiting:
            self._flying += 1
        else:
            await self._wait_for_place()
        try:
            while (delay_s := self._open_at - self._clock.monotonic()) > 0:
                await self._clock.sleep(delay_s)
            if (rate := self._rate()) is not None:
                await self._wait_for_turn(1 / rate)
        except BaseException:
            self.leave()
            raise

    __aenter__ = enter

    async def __aexit__(self, *_error: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Gives a place back."""
        self._flying -= 1
        self._let_in()

    @property
    def _limit(self) -> int:
        return self._pace if isinstance(self._pace, int) else self._pace.limit

    async def _wait_for_place(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            elif place in self._waiting:  # a place that came free in this very moment may have passed it over already
                self._waiting.remove(place)
            raise

    def _let_in(self) -> None:
        while self._waiting and self._flying < self._limit:
            place = self._waiting.popleft()
            if not place.done():
                self._flying += 1
                place.set_result(None)

    async def _wait_for_turn(self, interval_s: float) -> None:
        now = self._clock.monotonic()
        due_at = max(self._due_at, now)
        self._due_at = due_at + interval_s
        delay_s = due_at - now - max(_BURST_S - interval_s, 0.0)
        if delay_s > 0:
            await self._clock.sleep(delay_s)
