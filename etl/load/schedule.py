"""Who may go now, and who waits for whom: the loader's bookkeeping of records that are not settled yet.

A record waits for a parent (or for a twin with the same content) by being put aside, never by holding a worker, so the
order of the plan is an optimisation and no order of records can lock the loader up.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from etl.core.keys import RecordKey
from etl.load.planned import PlannedRecord


class Schedule:
    """Records on their way. At most ``capacity`` of them are ready or being worked on; records put aside do not count.

    A record is *active* from being ready to being settled, except while it is put aside or rests.
    """

    def __init__(self, capacity: int) -> None:
        self._ready: asyncio.Queue[PlannedRecord] = asyncio.Queue()
        self._room = asyncio.Semaphore(capacity)
        self._holding: set[RecordKey] = set()
        self._waiting: dict[RecordKey, list[PlannedRecord]] = defaultdict(list)
        self._unsettled: set[RecordKey] = set()
        self._active = 0
        self._feeding = True
        self._quiescent = asyncio.Event()
        self._finished = asyncio.Event()
        self._quiescent.set()

    @property
    def feeding(self) -> bool:
        """Whether more records may come."""
        return self._feeding

    @property
    def unsettled(self) -> int:
        """How many records are on their way."""
        return len(self._unsettled)

    def is_unsettled(self, key: RecordKey) -> bool:
        """Whether a record is on its way."""
        return key in self._unsettled

    async def add(self, record: PlannedRecord) -> None:
        """Takes a record in; waits while too many are under way."""
        await self._room.acquire()
        self._holding.add(record.key)
        self._unsettled.add(record.key)
        self._start(record)

    def adopt(self, key: RecordKey) -> None:
        """Takes in a record that is worked on outside the queue (an intent of an earlier run)."""
        self._unsettled.add(key)
        self.resume()

    async def next(self) -> PlannedRecord:
        """The next record to work on."""
        return await self._ready.get()

    def again(self, record: PlannedRecord) -> None:
        """Hands out an active record once more."""
        self._ready.put_nowait(record)

    def wait_for(self, key: RecordKey, record: PlannedRecord) -> None:
        """Puts a record aside until another one is settled."""
        self._waiting[key].append(record)
        self.park(record.key)

    def settle(self, key: RecordKey) -> None:
        """Ends the way of an active record and releases those that waited for it."""
        self._unsettled.discard(key)
        self._leave(key)
        for record in self._waiting.pop(key, ()):
            self._start(record)
        self.rest()

    def park(self, key: RecordKey) -> None:
        """Lets a record rest for as long as it takes; its room goes to others, because they may be what it waits for."""
        self._leave(key)
        self.rest()

    def rest(self) -> None:
        """An active record stops being worked on for now."""
        self._active -= 1
        if not self._active:
            self._signal()

    def resume(self) -> None:
        """Takes back :meth:`rest` or :meth:`park`."""
        self._active += 1
        if self._active == 1:
            self._signal()

    def end_feed(self) -> None:
        """Says that no more records will be added."""
        self._feeding = False
        self._signal()

    def release_orphans(self) -> int:
        """Starts every record that waits for one which is not under way at all; returns how many."""
        lost = [key for key in self._waiting if key not in self._unsettled]
        orphans = [record for key in lost for record in self._waiting.pop(key)]
        for record in orphans:
            self._start(record)
        return len(orphans)

    async def until_quiescent(self) -> None:
        """Waits until nothing is active."""
        await self._quiescent.wait()

    async def until_finished(self) -> None:
        """Waits until nothing is active and nothing more will be added."""
        await self._finished.wait()

    def _start(self, record: PlannedRecord) -> None:
        self.resume()
        self._ready.put_nowait(record)

    def _leave(self, key: RecordKey) -> None:
        if key in self._holding:
            self._holding.discard(key)
            self._room.release()

    def _signal(self) -> None:
        quiescent = self._active == 0
        _set(self._quiescent, on=quiescent)
        _set(self._finished, on=quiescent and not self._feeding)


def _set(event: asyncio.Event, *, on: bool) -> None:
    if on:
        event.set()
    else:
        event.clear()
