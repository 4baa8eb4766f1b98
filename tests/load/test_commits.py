"""What became durable is told to the loop that waits for it, and to no other's harm."""

from __future__ import annotations

import asyncio

from etl.load.commits import Commits
from tests.load.world import FakeClock


class Store:
    """Keeps who is to be told."""

    def __init__(self) -> None:
        self.told = []

    def commit_telling(self, told, *_changes):
        self.told.append(told)


def test_a_loop_that_ends_just_as_it_is_told_does_not_end_the_thread_that_writes():
    store = Store()

    async def go() -> asyncio.AbstractEventLoop:
        Commits(store, FakeClock(), 1.0).commit()
        return asyncio.get_running_loop()

    loop = asyncio.run(go())
    # Seen open, and closed a moment later.
    loop.is_closed = lambda: False
    store.told[0].set_result(None)
    del loop.is_closed
    assert store.told[0].done()
