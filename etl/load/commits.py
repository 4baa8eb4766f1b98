"""Waits for durable changes on the event loop, woken once a group commit instead of once a change.

The state database tells of each change from its own thread. To wake the loop from there costs a system call; whatever
was told before the loop wakes is passed on in the same go.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from etl.core.changes import Change
from etl.core.ports import Clock
from etl.core.state_port import StateStore


class Commits:
    """Commits changes; to be used on one event loop. ``trusted_s`` is how long it may be taken for granted that the state is
    still ours.
    """

    def __init__(self, state: StateStore, clock: Clock, trusted_s: float) -> None:
        self._state = state
        self._clock = clock
        self._trusted_s = trusted_s
        self._loop = asyncio.get_running_loop()
        self._told: deque[_Waiting] = deque()
        self._is_waking = False

    def commit(self, *changes: Change) -> asyncio.Future[None]:
        """Queues changes that belong together; done when they are durable. Fails with StateError if they were not written."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._state.commit_telling(_Waiting(waiter, self._tell), *changes)
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

    def _tell(self, waiting: _Waiting) -> None:
        """Called in the committing thread."""
        self._told.append(waiting)
        if not self._is_waking and not self._loop.is_closed():
            self._is_waking = True
            # A loop that ends in this very moment waits for nothing; the thread has more to write.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        # First this, so that what is told from now on wakes the loop again.
        self._is_waking = False
        while self._told:
            self._told.popleft().pass_on()


class _Waiting:
    """Waits on the loop for changes, and is told in the committing thread."""

    __slots__ = ("_error", "_is_told", "_tell", "_waiter")

    def __init__(self, waiter: asyncio.Future[None], tell: Callable[[_Waiting], None]) -> None:
        self._waiter = waiter
        self._tell = tell
        self._error: BaseException | None = None
        self._is_told = False

    def set_result(self, _nothing: None) -> None:
        """They are durable."""
        self._is_told = True
        self._tell(self)

    def set_exception(self, error: BaseException) -> None:
        """They were not written."""
        self._error = error
        self._is_told = True
        self._tell(self)

    def done(self) -> bool:
        """Whether it was told."""
        return self._is_told

    def pass_on(self) -> None:
        """Called on the loop; nobody may be waiting any more."""
        if self._waiter.done():
            return
        if self._error is None:
            self._waiter.set_result(None)
        else:
            self._waiter.set_exception(self._error)
