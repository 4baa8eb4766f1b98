"""Keeps requests apart that would touch the same case, person or provider at the same moment.

A server locks the parent row while it takes a child; requests for one family that arrive together wait for each other
there, or fail. So of all records below one root only one is on its way, and the others let records of other roots pass.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable

from etl.core.keys import RecordKey

Wake = Callable[[], None]


class Roots:
    """Which record is on its way below which root. With ``apart`` false nobody waits."""

    def __init__(self, *, apart: bool = True) -> None:
        self._apart = apart
        self._holder: dict[RecordKey, RecordKey] = {}
        self._root_of: dict[RecordKey, RecordKey] = {}
        self._waiting: defaultdict[RecordKey, deque[tuple[RecordKey, Wake]]] = defaultdict(deque)

    def take(self, root: RecordKey, key: RecordKey, wake: Wake) -> bool:
        """Whether a record may go now; if not, ``wake`` is called when it may, and the root is then its own already.

        A record that holds a root keeps it, whatever stands at its head by now: the others wait for that one.
        """
        root = self._root_of.get(key, root)
        if not self._apart or self._holder.setdefault(root, key) == key:
            self._root_of[key] = root
            return True
        self._waiting[root].append((key, wake))
        return False

    async def turn(self, root: RecordKey, key: RecordKey) -> None:
        """Waits until a record may go."""
        turn = asyncio.Event()
        if not self.take(root, key, turn.set):
            await turn.wait()

    def release(self, key: RecordKey) -> None:
        """A record is answered, or will not go after all; does nothing for one that holds no root."""
        root = self._root_of.pop(key, None)
        if root is None or not self._apart:
            return
        waiting = self._waiting.get(root)
        if not waiting:
            self._waiting.pop(root, None)
            del self._holder[root]
            return
        following, wake = waiting.popleft()
        self._holder[root], self._root_of[following] = following, root
        wake()
