"""The lines that are open, and how a new one is made.

A kept line is used last in, first out, so that those that are not needed grow old and are ended before their server ends
them. Nobody waits here for another's line: how many requests are in flight is the throttle's business, and waiting would
eat the deadline.
"""

from __future__ import annotations

import asyncio
import ssl

import httpx
from aiohappyeyeballs import start_connection

from etl.casebook.clock import SystemClock
from etl.casebook.line import Line
from etl.casebook.names import Names
from etl.casebook.request_head import Place

KEEP_ALIVE_S = 5.0
_NEXT_ADDRESS_S = 0.25


class Lines:
    """Lines to any number of places. Certificates are always checked, whatever the environment says."""

    def __init__(self, *, public_only: bool) -> None:
        self._clock = SystemClock()
        self._names = Names(self._clock, public_only=public_only)
        self._kept: dict[Place, list[Line]] = {}
        self._used: set[Line] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._trust: ssl.SSLContext | None = None

    def kept(self, place: Place) -> Line | None:
        """A line that was used before and is nobody's now."""
        kept = self._kept.get(place, [])
        while kept:
            line = kept.pop()
            if line.is_open and self._is_young(line):
                self._used.add(line)
                return line
            line.abort()
        return None

    async def made(self, place: Place, connect_s: float) -> Line:
        """A new line. Raises TimeoutError, or OSError, RuntimeError or ValueError where none can be made."""
        trust = self._trusted() if place.is_secure else None
        async with asyncio.timeout(connect_s):
            line = await self._made(place, trust)
        self._used.add(line)
        return line

    def give_back(self, place: Place, line: Line) -> None:
        """Keeps a line that may carry another request; ends any other."""
        self._used.discard(line)
        if not line.is_clean:
            line.abort()
            return
        line.idle_since = self._clock.monotonic()
        self._kept.setdefault(place, []).append(line)
        self._plan_sweep()

    def close(self) -> None:
        """Ends all of them."""
        for line in self._used.union(*self._kept.values()):
            line.abort()
        self._kept.clear()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    async def _made(self, place: Place, trust: ssl.SSLContext | None) -> Line:
        addresses = await self._names.addresses(place.host, place.port)
        connected = await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_S)
        _, line = await asyncio.get_running_loop().create_connection(
            Line,
            sock=connected,
            ssl=trust,
            server_hostname=place.host.rstrip(".") if trust else None,
        )
        return line

    def _trusted(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = httpx.create_ssl_context(trust_env=False)
        return self._trust

    def _is_young(self, line: Line) -> bool:
        return self._clock.monotonic() - line.idle_since < KEEP_ALIVE_S

    def _plan_sweep(self) -> None:
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(KEEP_ALIVE_S, self._end_the_old)

    def _end_the_old(self) -> None:
        self._sweep = None
        kept, self._kept = self._kept, {}
        for place, lines in kept.items():
            young = [line for line in lines if line.is_open and self._is_young(line)]
            for line in set(lines).difference(young):
                line.abort()
            if young:
                self._kept[place] = young
                self._plan_sweep()
