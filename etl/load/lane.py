"""The lane between preparing and sending: a few requests whose intents are durable, so that no place in flight stays empty.

While one record's intent waits for the disk, the one before it is under way. What lies here when the load stops was
never sent; whoever takes it out then takes its intent back, so that no later run has to ask about it.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from etl.core.records import Document
from etl.load.planned import PlannedRecord


class Prepared(NamedTuple):
    """A request ready to leave. ``left_out`` are the optional references that it goes without; ``is_alone`` where it
    holds its entity's first turn; ``asks`` where its record is asked about instead of sent.
    """

    record: PlannedRecord
    document: Document
    left_out: list[str]
    is_alone: bool = False
    asks: bool = False


class Lane:
    """Prepared requests in the order of their intents; ``ahead`` of them at most wait for a place in flight."""

    def __init__(self, ahead: int) -> None:
        self._prepared: asyncio.Queue[Prepared] = asyncio.Queue(ahead)

    async def put(self, prepared: Prepared) -> None:
        """Adds a request; waits while enough are ready."""
        await self._prepared.put(prepared)

    async def take(self) -> Prepared:
        """The next request to send."""
        return await self._prepared.get()
