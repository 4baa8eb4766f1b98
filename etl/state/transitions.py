"""Which change is legal in which state of a record, and what the record is afterwards: pure rules, one function a change.

Nothing here leads from ``intent`` to anything that forgets the intent, only ``undoing`` leads away from ``created``, and
an id once given never becomes another: that is what keeps a record from being sent twice and its dependents from losing
it. (It also makes the unique constraint on ids exact for a whole group of changes, of which only the last rows are
written.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, cast

from etl.core.changes import (
    Adopt,
    Change,
    Intend,
    MarkBlocked,
    MarkCreated,
    MarkDuplicate,
    MarkRejected,
    MarkRestored,
    MarkSpared,
    MarkUncertain,
    MarkUndoing,
    MarkUndone,
    MarkUnlinked,
    MarkUpdated,
    StoreAttribute,
)
from etl.core.errors import StateError
from etl.core.keys import RecordKey
from etl.core.outcomes import THERE, UNDECIDED, RecordState


class RecordRow(TypedDict):
    """A row of ``records``."""

    rk: str
    entity: str
    mapping: str
    state: str
    fingerprint: str
    field_hashes: bytes
    attempt: int
    intent_epoch: int | None
    intent_at: str | None
    target_id: str | None
    scope: str | None
    status: int | None
    error: str
    run_id: str
    updated_at: str
    adopted: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When and by whom a change is made: UTC as ISO text, the run and the epoch of the lease."""

    at: str
    run_id: str
    epoch: int


_ABSENT = "not known"
_BEFORE_SENDING = frozenset(
    {_ABSENT, RecordState.PLANNED, RecordState.BLOCKED, RecordState.REJECTED, RecordState.UNDONE}
)
_UNDECIDED = frozenset(UNDECIDED)
_LEGAL: dict[type[Change], frozenset[str]] = {
    Intend: _BEFORE_SENDING | _UNDECIDED,
    MarkCreated: _UNDECIDED | {RecordState.DUPLICATE},
    MarkUpdated: frozenset({RecordState.CREATED}),
    MarkRejected: _UNDECIDED,
    MarkUncertain: _UNDECIDED,
    MarkDuplicate: _UNDECIDED | {RecordState.DUPLICATE},
    MarkBlocked: _BEFORE_SENDING | THERE,
    StoreAttribute: THERE,
    Adopt: _BEFORE_SENDING,
    MarkUndoing: frozenset({RecordState.CREATED, RecordState.UNDOING}),
    MarkSpared: frozenset({RecordState.CREATED, RecordState.UNDOING}),
    MarkUndone: frozenset({RecordState.CREATED, RecordState.UNDOING}),
    MarkRestored: frozenset({RecordState.CREATED}),
    MarkUnlinked: frozenset({RecordState.CREATED}),
}


def require_legal(change: Change, row: RecordRow | None) -> None:
    """Raises StateError, naming the record and its state, if the change is not legal there."""
    state = row["state"] if row else _ABSENT
    if state not in _LEGAL[type(change)]:
        raise StateError(
            f"{type(change).__name__} is not legal for record {change.key}, which is {state}.",
            hint="Nothing of this change was written; run again, and report it if it comes back.",
        )


def intended(change: Intend, row: RecordRow | None, now: Moment) -> RecordRow:
    """The record with one more attempt that may be at the server. Raises StateError."""
    require_legal(change, row)
    if row and row["entity"] != change.entity:
        raise StateError(
            f"Record {change.key} is known as {row['entity']} and cannot become {change.entity}.",
            hint="Keep the entity of a mapping that has loaded records.",
        )
    return RecordRow(
        rk=change.key,
        entity=change.entity,
        mapping=change.mapping,
        state=RecordState.INTENT.value,
        fingerprint=change.fingerprint,
        field_hashes=change.field_hashes,
        attempt=row["attempt"] + 1 if row else 1,
        intent_epoch=now.epoch,
        intent_at=now.at,
        target_id=None,
        scope=change.scope,
        status=None,
        error="",
        run_id=now.run_id,
        updated_at=now.at,
        adopted=0,
    )


def adopted(change: Adopt, row: RecordRow | None, now: Moment) -> RecordRow:
    """The record as one that was in Casebook already; nothing was attempted. Raises StateError."""
    require_legal(change, row)
    return RecordRow(
        rk=change.key,
        entity=change.entity,
        mapping=change.mapping,
        state=RecordState.CREATED.value,
        fingerprint=change.fingerprint,
        field_hashes=change.field_hashes,
        attempt=row["attempt"] if row else 0,
        intent_epoch=row["intent_epoch"] if row else None,
        intent_at=row["intent_at"] if row else None,
        target_id=change.target_id,
        scope=None,
        status=None,
        error="",
        run_id=now.run_id,
        updated_at=now.at,
        adopted=1,
    )


def in_undo(row: RecordRow, state: RecordState, now: Moment) -> RecordRow:
    """The record in another state of being undone; the run that wrote it last stays known, and gone means without id."""
    gone = {"target_id": None, "adopted": 0} if state is RecordState.UNDONE else {}
    return cast("RecordRow", row | {"state": state.value, "updated_at": now.at} | gone)


def restored(change: MarkRestored, row: RecordRow, now: Moment) -> RecordRow:
    """The record as an earlier run left it."""
    before = {"fingerprint": change.fingerprint, "field_hashes": change.field_hashes, "run_id": change.run_id}
    return cast("RecordRow", row | before | {"updated_at": now.at})


def blocked(change: MarkBlocked, row: RecordRow | None, now: Moment) -> RecordRow:
    """The record waiting for its parent; a record that is in Casebook stays as it is. Raises StateError."""
    require_legal(change, row)
    if row and row["state"] in THERE:
        return row
    return RecordRow(
        rk=change.key,
        entity=change.entity,
        mapping=change.mapping,
        state=RecordState.BLOCKED.value,
        fingerprint=row["fingerprint"] if row else "",
        field_hashes=row["field_hashes"] if row else b"",
        attempt=row["attempt"] if row else 0,
        intent_epoch=row["intent_epoch"] if row else None,
        intent_at=row["intent_at"] if row else None,
        target_id=None,
        scope=row["scope"] if row else None,
        status=None,
        error=f"parent {change.parent}",
        run_id=now.run_id,
        updated_at=now.at,
        adopted=0,
    )


def settled(
    row: RecordRow, state: RecordState, now: Moment, *, status: int | None = None, error: str = ""
) -> RecordRow:
    """The record in another state, with the status and error that led there."""
    return {
        **row,
        "state": state.value,
        "status": status,
        "error": error,
        "run_id": now.run_id,
        "updated_at": now.at,
    }


def known_row(change: Change, row: RecordRow | None) -> RecordRow:
    """The record as it is, if the change is legal there and needs one. Raises StateError."""
    require_legal(change, row)
    if row is None:
        raise not_there(change.key, "record")
    return row


def not_there(key: RecordKey, thing: str) -> StateError:
    """The error for a change that concerns something never stored."""
    return StateError(
        f"Record {key} has no such {thing} in the state database.", hint="Run again; nothing was written."
    )
