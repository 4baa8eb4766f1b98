"""Attachments' bytes on a lane of their own, so that a large file holds up no record.

A record counts as settled when its id is durable; its bytes follow here, to the address that its creation returned. What
the lane has no room for, or is cut off from, is not lost: state remembers every upload that is pending, and the end of
the load asks for a fresh address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from etl.core.keys import RecordKey
from etl.core.records import TargetId
from etl.load.planned import PlannedRecord
from etl.load.tail import UPLOADS_AT_ONCE, Tail

_WAITING = 64
Guard = Callable[[RecordKey, str], AbstractContextManager[None]]


class UploadLane:
    """Uploads beside the load. ``guard`` decides what an error of one upload ends."""

    def __init__(self, tail: Tail, guard: Guard) -> None:
        self._tail = tail
        self._guard = guard
        self._waiting: asyncio.Queue[tuple[PlannedRecord, TargetId, Mapping[str, object]]] = asyncio.Queue(_WAITING)
        self._stopping = False

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Begins to upload what is offered; the tasks end only by being cancelled."""
        return [tasks.create_task(self._work()) for _ in range(UPLOADS_AT_ONCE)]

    def offer(self, record: PlannedRecord, target_id: TargetId, shown: Mapping[str, object]) -> None:
        """Uploads a created record's bytes soon, or leaves them to the end of the load; ``shown`` holds the address."""
        if not self._stopping and not self._waiting.full():
            self._waiting.put_nowait((record, target_id, shown))

    async def until_empty(self) -> None:
        """Waits until everything taken in is uploaded or, after :meth:`stop`, let go."""
        await self._waiting.join()

    def stop(self) -> None:
        """Begins no more uploads."""
        self._stopping = True

    async def _work(self) -> None:
        while True:
            record, target_id, shown = await self._waiting.get()
            try:
                if not self._stopping:
                    with self._guard(record.key, record.entity):
                        await self._tail.upload(record, target_id, shown)
            finally:
                self._waiting.task_done()
