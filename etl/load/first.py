"""Lets the first record of an entity go alone: should its answer be lost, the next one proves that we see our records.

Without this a kill could leave every record of a small entity unclear at once. Then none would be certain, nothing could
prove sight, and a person would have to settle them all.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable


class FirstAlone:
    """A gate before the intents of each entity, open as soon as one record of it is known to be there."""

    def __init__(self, is_proved: Callable[[str], bool]) -> None:
        self._is_proved = is_proved
        self._alone: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def enter(self, entity: str) -> bool:
        """Waits while another record of an unproved entity is on its way; of a proved one any number goes at once.

        True where the record goes alone; then :meth:`leave` must follow its answer.
        """
        alone = self._alone[entity]
        # While one goes alone the answer would be no, and asking state for it costs a query for each that waits.
        if not alone.locked() and self._is_proved(entity):
            return False
        await alone.acquire()
        if self._is_proved(entity):
            alone.release()
            return False
        return True

    def leave(self, entity: str) -> None:
        """The record that went alone is answered."""
        self._alone[entity].release()
