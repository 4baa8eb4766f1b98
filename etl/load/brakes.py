"""Stops an entity of which everything fails, before much harm is done: the mapping or the role is wrong, not the data.

An entity is proved as soon as one record of it is known to be there; from then on single failures are the records' own.
"""

from __future__ import annotations

from collections import Counter

from etl.core.state_port import StateReader

REJECTED_ALL = 20
"""An entity whose first records are all refused, this many, is stopped."""
NEVER_TAKEN = frozenset({405, 413, 414, 415})
"""Refusals of how or where a record was sent, not of what it says (RFC 9110): settings are wrong."""
NEVER_TAKEN_ALL = 3
"""An entity of which so many were refused like that, and none taken, is stopped."""
LOST_ALL = 5
"""An entity whose first answers are all lost, this many, is stopped: each of them is held until sight can be proved."""


class Brakes:
    """Counts answers by entity. ``stopped`` tells why by entity, and is written to."""

    def __init__(self, state: StateReader, stopped: dict[str, str]) -> None:
        self._state = state
        self._stopped = stopped
        self._accepted: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._never_taken: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()

    def accepted(self, entity: str) -> None:
        """A record was created."""
        self._accepted[entity] += 1

    def refused(self, entity: str, status: int | None) -> None:
        """The server said no to a record, with this status."""
        self._refused[entity] += 1
        self._never_taken[entity] += status in NEVER_TAKEN
        if self._accepted[entity]:
            return
        if self._never_taken[entity] >= NEVER_TAKEN_ALL:
            self._stopped[entity] = f"Casebook takes no such request (status {status}): check the entity's path"
        elif self._refused[entity] >= REJECTED_ALL:
            self._stopped[entity] = f"the first {REJECTED_ALL} records were all refused"

    def lost(self, entity: str) -> None:
        """An answer was lost; an entity of which nothing has succeeded yet is stopped before much is unclear."""
        self._lost[entity] += 1
        if self._lost[entity] >= LOST_ALL and not self.is_proved(entity):
            self._stopped[entity] = f"the first {LOST_ALL} answers were all lost; the rest was not sent"

    def is_proved(self, entity: str) -> bool:
        """Whether a record of this entity is known to be there: one that this run created, or one in state."""
        return self._accepted[entity] > 0 or self._state.sample(entity) is not None
