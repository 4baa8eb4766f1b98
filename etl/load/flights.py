"""The places in flight. Whoever is answered sends what is ready next at once; what the answer means is seen to afterwards.

So a place stands empty only while nothing is ready, however much there is to be done about many answers at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from etl.core.errors import EtlError

T = TypeVar("T")
Flight: TypeAlias = "Callable[[], Awaitable[T]]"


class Flights:
    """At most ``places`` flights at a time, begun in the order in which they were asked for."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._ready: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Begins to fly; the tasks end only by being cancelled."""
        return [tasks.create_task(self._fly()) for _ in range(self._places)]

    async def take(self, flight: Flight[T]) -> T:
        """What a flight brings, once a place was free for it. Raises the EtlError that it raises; a defect ends the tasks."""
        landed: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        async def fly() -> None:
            try:
                brought = await flight()
            except EtlError as error:
                if not landed.done():
                    landed.set_exception(error)
            else:
                if not landed.done():
                    landed.set_result(brought)

        self._ready.put_nowait(fly)
        return await landed

    async def _fly(self) -> None:
        while True:
            await (await self._ready.get())()
