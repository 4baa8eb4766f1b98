"""Waits for durable changes on the event loop, woken once a group commit instead of once a change.

The state database tells of each change from its own thread. To wake the loop from there costs a system call; whatever
was told before the loop wakes is passed on in the same go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from functools import partial

from etl.core.changes import Change
from etl.core.ports import Clock, StateStore

_Waiter = asyncio.Future[None]


class Commits:
    """Commits changes; to be used on one event loop. ``trusted_s`` is how long it may be taken for granted that the state is
    still ours.
    """

    def __init__(self, state: StateStore, clock: Clock, trusted_s: float) -> None:
        self._state = state
        self._clock = clock
        self._trusted_s = trusted_s
        self._told: deque[tuple[_Waiter, Future[None]]] = deque()
        self._is_waking = False

    def commit(self, *changes: Change) -> asyncio.Future[None]:
        """Queues changes that belong together; done when they are durable. Fails with StateError if they were not written."""
        loop = asyncio.get_running_loop()
        waiter: _Waiter = loop.create_future()
        self._state.commit(*changes).add_done_callback(partial(self._tell, loop, waiter))
        return waiter

    async def still_ours(self) -> None:
        """Returns when a request may leave under an intent made durable before. Raises StateError where another run has
        taken the state over.

        A process that was stopped, or whose machine slept, wakes with intents in hand that another one may have settled
        meanwhile. So nothing leaves long after the state was last known to be ours; whoever takes over waits longer than that.
        What was asked before the sleep and is answered after it says nothing of now, so it is asked again.
        """
        while self._clock.monotonic() - self._state.held_at > self._trusted_s:
            await self.commit()

    async def watch(self) -> None:
        """Waits until nothing can be written any more. Raises the StateError that says why."""
        await asyncio.wrap_future(self._state.broken)

    def _tell(self, loop: asyncio.AbstractEventLoop, waiter: _Waiter, done: Future[None]) -> None:
        """Called in the committing thread."""
        self._told.append((waiter, done))
        if not self._is_waking and not loop.is_closed():
            self._is_waking = True
            loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        # First this, so that what is told from now on wakes the loop again.
        self._is_waking = False
        while self._told:
            waiter, done = self._told.popleft()
            _pass(waiter, done)


def _pass(waiter: _Waiter, done: Future[None]) -> None:
    if waiter.done():
        return
    error = done.exception()
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)
