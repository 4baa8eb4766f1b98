"""Reads a list newest first only as far back as a lost request can stand: where a tenant cannot be asked for one record.

Both sides have clocks of their own, so no time of Casebook's is compared with ours. A record of which we knew that it was
there before the lost request was promised stands behind whatever came of that request; there the reading may end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from etl.core.keys import RecordKey
from etl.core.records import RemoteRecord
from etl.core.state_port import StateReader

LOOKED_AT_ONCE = 50
_CLOCK_MAY_JUMP = timedelta(minutes=10)
"""This side's wall clock may have been set between two runs."""


class Sweep:
    """Pages of a list, as many as it takes."""

    def __init__(self, state: StateReader) -> None:
        self._state = state

    def since(self, key: RecordKey) -> str | None:
        """A moment before the latest attempt of a record was promised, as state keeps moments; None where it knows none."""
        known = self._state.known([key]).get(key)
        if known is None or known.intent_at is None:
            return None
        return (datetime.fromisoformat(known.intent_at) - _CLOCK_MAY_JUMP).isoformat(timespec="milliseconds")

    async def pages(
        self, entity: str, newest_first: AsyncIterator[RemoteRecord], since: str | None
    ) -> AsyncIterator[list[RemoteRecord]]:
        """The records of a list, some at a time, back to one that was certainly there before ``since`` (None: all)."""
        page: list[RemoteRecord] = []
        async for record in newest_first:
            page.append(record)
            if len(page) == LOOKED_AT_ONCE:
                yield page
                if since is not None and self._were_there(entity, page, since):
                    return
                page = []
        yield page

    def _were_there(self, entity: str, page: list[RemoteRecord], since: str) -> bool:
        keys = self._state.by_target_id(entity, [record.id for record in page]).values()
        return any(each.updated_at < since and not each.adopted for each in self._state.known(list(keys)).values())
