"""What became of every planned record, read from the plan and the state database after loading.

Outcomes are derived, not collected: a run that was killed and continued ten times ends with the same table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from etl.core.fingerprint import without
from etl.core.keys import RecordKeys
from etl.core.outcomes import SEND_AGAIN, UNDECIDED, Action, Bucket, RecordState
from etl.core.state_port import KnownRecord, StateReader
from etl.load.notes import LoadNotes
from etl.load.planned import PlannedRecord, PlannedRecords

OUTCOME_SCHEMA = pa.schema(
    [
        ("mapping", pa.string()),
        ("entity", pa.string()),
        ("record_key", pa.string()),
        ("table", pa.string()),
        ("row", pa.int64()),
        ("line", pa.int64()),
        ("bucket", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("target_id", pa.string()),
        ("wave", pa.int32()),
    ]
)
"""One row a planned record. ``reason`` is a problem code ("" where all is well); ``detail`` holds status, codes and
pointers of the target's answer, never a value."""

_BY_STATE = {
    RecordState.REJECTED: (Bucket.REJECTED, "rejected_by_target"),
    RecordState.BLOCKED: (Bucket.BLOCKED, "parent_not_loadable"),
    RecordState.INTENT: (Bucket.UNCERTAIN, "uncertain"),
    RecordState.UNCERTAIN: (Bucket.UNCERTAIN, "uncertain"),
    RecordState.DUPLICATE: (Bucket.UNCERTAIN, "duplicate_in_target"),
    RecordState.PLANNED: (Bucket.PENDING, ""),
    RecordState.UNDOING: (Bucket.PENDING, ""),
    RecordState.UNDONE: (Bucket.PENDING, ""),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one planned record."""

    bucket: Bucket
    reason: str = ""
    detail: str = ""


def outcome_of(record: PlannedRecord, known: KnownRecord | None, notes: LoadNotes, keys: RecordKeys) -> Outcome:
    """The outcome of one record. One that may be there is told as uncertain, whatever else kept it: a person who took it for
    refused, or for waiting, would enter it again.
    """
    if known is not None and known.state in UNDECIDED:
        return _of_state(known)
    if record.key in notes.failures:
        return Outcome(Bucket.REJECTED, *notes.failures[record.key])
    waits = _waits(record, known, notes)
    if waits is not None:
        return waits
    if known is not None and known.state is RecordState.CREATED:
        return Outcome(notes.without_link.get(record.key) or _loaded(record, known, keys))
    if known is None or known.error.startswith(SEND_AGAIN):
        return Outcome(Bucket.PENDING)
    return _of_state(known)


def _of_state(known: KnownRecord) -> Outcome:
    bucket, reason = _BY_STATE[known.state]
    return Outcome(bucket, "server_error" if known.error == "server_error" else reason, known.error)


def _waits(record: PlannedRecord, known: KnownRecord | None, notes: LoadNotes) -> Outcome | None:
    """How a record ends that waits for a person, or for its parent to show what is needed of it."""
    if record.key in notes.parents_unread:
        return Outcome(Bucket.BLOCKED, "parent_not_loadable", notes.parents_unread[record.key])
    if record.key in notes.parents_gone:
        parent = notes.parents_gone[record.key]
        code = "parent_deleted_on_purpose" if parent in notes.gone_on_purpose else "parent_gone"
        return Outcome(Bucket.BLOCKED, code, f"parent {parent}")
    if record.action is Action.BLOCKED and (known is None or known.target_id is None):
        return Outcome(Bucket.BLOCKED, "match_undecided")
    return None


def outcomes(
    planned: PlannedRecords, state: StateReader, notes: LoadNotes, keys: RecordKeys
) -> Iterator[pa.RecordBatch]:
    """The outcome of every planned record, in plan order; with empty notes, how things stand before a load."""
    for batch in planned.batches():
        known = state.known([record.key for record in batch])
        rows = [_row(record, known.get(record.key), notes, keys) for record in batch]
        yield pa.RecordBatch.from_pylist(rows, schema=OUTCOME_SCHEMA)


def _loaded(record: PlannedRecord, known: KnownRecord, keys: RecordKeys) -> Bucket:
    if record.action is Action.NOTHING:
        return Bucket.UNCHANGED
    if record.action is Action.UPDATE:
        return Bucket.UPDATED if known.fingerprint == record.fingerprint else Bucket.PENDING
    if known.adopted:
        return Bucket.ADOPTED
    # One that was to be adopted, or decided about, may have been found as ours.
    return Bucket.CREATED if _is_as_planned(record, known, keys) else Bucket.PENDING


def _is_as_planned(record: PlannedRecord, known: KnownRecord, keys: RecordKeys) -> bool:
    """Whether a record was created as it is planned. One that an earlier run had sent, and that was found, may be there as it
    was then: the next run sends what differs. Optional references may have been left out.
    """
    if known.fingerprint == record.fingerprint:
        return True
    optional = [each.name for each in record.mapping.references if record.policy(each.name) == "empty"]
    return without(keys, known.field_hashes, optional) == without(keys, record.field_hashes, optional)


def _row(record: PlannedRecord, known: KnownRecord | None, notes: LoadNotes, keys: RecordKeys) -> dict[str, object]:
    outcome = outcome_of(record, known, notes, keys)
    return {
        "mapping": record.mapping.name,
        "entity": record.entity,
        "record_key": record.key,
        "table": record.mapping.base.table,
        "row": record.row,
        "line": record.line,
        "bucket": str(outcome.bucket),
        "reason": outcome.reason,
        "detail": outcome.detail,
        "target_id": known.target_id if known else None,
        "wave": record.wave,
    }
