"""What a record's parents mean for it now: go, wait for one, go without one, or never.

A parent that may still be fed is waited for, so no order of the plan can block a record that has a future; one that was
given up in this run is not.
"""

from __future__ import annotations

from etl.core.keys import RecordKey
from etl.core.outcomes import Action, RecordState
from etl.core.state_port import StateReader
from etl.load.parents import Parents
from etl.load.planned import PlannedRecord
from etl.load.schedule import Schedule

GO, WAIT, BLOCK, LEAVE_OUT = "go", "wait", "block", "leave_out"
_MAY_BE_TRIED_AGAIN = (RecordState.BLOCKED, RecordState.REJECTED, RecordState.UNDONE)


class Waiting:
    """Looks at the parents of records. ``given_up`` are the records that will not be created in this run."""

    def __init__(self, parents: Parents, schedule: Schedule, state: StateReader) -> None:
        self.given_up: set[RecordKey] = set()
        self._parents = parents
        self._schedule = schedule
        self._state = state

    def look(self, record: PlannedRecord, field: str) -> tuple[str, RecordKey]:
        """What one reference means for the record now, and for whom it waits or by whom it is blocked."""
        keys = record.parents().get(field, ())
        created = self._parents.created(keys)
        for key in keys:
            if key in created:
                continue
            if self._schedule.is_unsettled(key) or self._may_come(key):
                return WAIT, key
            return (LEAVE_OUT if record.policy(field) == "empty" else BLOCK), key
        return GO, record.key

    def left_out(self, record: PlannedRecord) -> list[str]:
        """The optional references whose parents are not there now."""
        parents = record.parents()
        created = self._parents.created({key for keys in parents.values() for key in keys})
        return [
            name
            for name in early_fields(record)
            if record.policy(name) == "empty" and not created.keys() >= set(parents[name])
        ]

    def _may_come(self, key: RecordKey) -> bool:
        """Whether a parent may still be fed: one never seen, or one that an earlier run could not load."""
        if not self._schedule.feeding or key in self.given_up:
            return False
        known = self._state.known([key]).get(key)
        return known is None or known.state in _MAY_BE_TRIED_AGAIN


def early_fields(record: PlannedRecord) -> list[str]:
    """The references that a record's request carries: not the deferred ones, and for an update only what changed."""
    names = [name for name in record.parents() if name not in record.deferred]
    return [name for name in names if name in record.changed] if record.action is Action.UPDATE else names
