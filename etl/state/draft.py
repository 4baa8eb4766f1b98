"""A group of changes on its way to one transaction: what they find, each unit applied or refused, what they leave.

Everything that can be wrong with a change is found here, in memory, before anything is written. So a bad unit fails
alone, and the rest is written in a few statements however many changes there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, assert_never, cast

from sqlalchemy import Connection, Table

from etl.core.changes import (
    Adopt,
    Change,
    Intend,
    MarkBlocked,
    MarkCreated,
    MarkDuplicate,
    MarkLinked,
    MarkRejected,
    MarkRestored,
    MarkSpared,
    MarkUncertain,
    MarkUndoing,
    MarkUndone,
    MarkUnlinked,
    MarkUpdated,
    MarkUploaded,
    PendingLink,
    StoreAttribute,
)
from etl.core.errors import StateError
from etl.core.keys import RecordKey
from etl.core.outcomes import AttemptClass, RecordState
from etl.state.sheets import Journal, Sheet, Statements, stored_rows
from etl.state.tables import ATTEMPTS, ATTRIBUTES, LINKS, RECORDS, UPLOADS
from etl.state.transitions import (
    Moment,
    RecordRow,
    adopted,
    blocked,
    in_undo,
    intended,
    known_row,
    not_there,
    restored,
    settled,
)

SideRow: TypeAlias = "dict[str, Any]"
SideSheet: TypeAlias = "Sheet[tuple[str, ...], SideRow]"

_RECORDS = Statements(RECORDS)
_ATTEMPTS = Statements(ATTEMPTS, ("class", "status", "error", "settled_at"))
_LINKS = Statements(LINKS)
_UPLOADS = Statements(UPLOADS)
_ATTRIBUTES = Statements(ATTRIBUTES)
_NOTHING: Mapping[str, RecordRow] = MappingProxyType({})
_PROVED_ABSENT = "absent"
_UNDO_STATES: dict[type[Change], RecordState] = {
    MarkUndoing: RecordState.UNDOING,
    MarkSpared: RecordState.CREATED,
    MarkUndone: RecordState.UNDONE,
}


class Draft:
    """The rows that a group of changes touches; made by reading them inside the group's transaction, but for those
    ``at_hand`` as they are stored.
    """

    def __init__(
        self, connection: Connection, changes: Sequence[Change], at_hand: Mapping[str, RecordRow] = _NOTHING
    ) -> None:
        self._connection = connection
        self._journal: Journal = []
        keys: set[str] = {change.key for change in changes}
        found: dict[str, RecordRow] = {key: at_hand[key] for key in keys & at_hand.keys()}
        for row in stored_rows(connection, RECORDS, "rk", keys - found.keys()):
            found[row["rk"]] = cast("RecordRow", row)
        self._records: Sheet[str, RecordRow] = Sheet(_RECORDS, self._journal, found)
        self._attempts: SideSheet = Sheet(_ATTEMPTS, self._journal, {})
        self._links = self._side(
            _LINKS, LINKS, "field", _keys(changes, (MarkLinked, MarkUnlinked, MarkUpdated, MarkUndone))
        )
        self._uploads = self._side(_UPLOADS, UPLOADS, "rk", _keys(changes, (MarkUploaded, MarkUndone)))
        self._attributes = self._side(_ATTRIBUTES, ATTRIBUTES, "name", _keys(changes, (StoreAttribute, MarkUndone)))

    def apply(self, unit: Sequence[Change], now: Moment) -> None:
        """Applies changes that belong together, all or none. Raises StateError."""
        self._journal.clear()
        try:
            for change in unit:
                self._apply(change, now)
        except StateError:
            for take_back in reversed(self._journal):
                take_back()
            raise

    def write(self) -> None:
        """Writes what the applied units leave. Raises IntegrityError if two records would have one id in Casebook."""
        self._records.write(self._connection)
        self._attempts.write(self._connection)
        for sheet in (self._links, self._uploads, self._attributes):
            sheet.write(self._connection)

    def keep_intents(self, intents: dict[str, RecordRow]) -> None:
        """Once the transaction is durable: keeps the rows at hand of which an outcome is awaited, and no others."""
        for key, row in self._records.changed().items():
            if row["state"] == RecordState.INTENT:
                intents[key] = row
            else:
                intents.pop(key, None)

    def _side(self, statements: Statements, table: Table, name: str, keys: Iterable[str]) -> SideSheet:
        rows = stored_rows(self._connection, table, "rk", keys)
        return Sheet(statements, self._journal, {(row["rk"], row[name]): row for row in rows})

    def _apply(self, change: Change, now: Moment) -> None:
        match change:
            case Intend():
                self._intend(change, now)
            case MarkCreated():
                self._mark_created(change, now)
            case MarkUpdated():
                self._mark_updated(change, now)
            case MarkRejected() | MarkUncertain():
                self._mark_not_created(change, now)
            case MarkDuplicate():
                self._mark_duplicate(change, now)
            case MarkBlocked() | Adopt():
                before = self._records.get(change.key)
                after = adopted(change, before, now) if isinstance(change, Adopt) else blocked(change, before, now)
                self._records.put(change.key, after)
            case MarkLinked() | MarkUploaded() | MarkUnlinked():
                self._mark_done(change)
            case StoreAttribute():
                self._store_attribute(change)
            case MarkUndoing() | MarkSpared() | MarkUndone() | MarkRestored():
                self._undo(change, now)
            case _:
                assert_never(change)

    def _undo(self, change: MarkUndoing | MarkSpared | MarkUndone | MarkRestored, now: Moment) -> None:
        before = known_row(change, self._records.get(change.key))
        if isinstance(change, MarkRestored):
            self._records.put(change.key, restored(change, before, now))
            return
        self._records.put(change.key, in_undo(before, _UNDO_STATES[type(change)], now))
        if isinstance(change, MarkUndone):
            for sheet in (self._links, self._uploads, self._attributes):
                for place in [each for each in sheet.keys() if each[0] == change.key]:  # noqa: SIM118 - a sheet is no dict
                    sheet.remove(place)

    def _intend(self, change: Intend, now: Moment) -> None:
        before = self._records.get(change.key)
        after = intended(change, before, now)
        if before and before["state"] == RecordState.INTENT:
            self._settle_attempt(before, AttemptClass.UNCERTAIN, now, error=_PROVED_ABSENT)
        self._records.put(change.key, after)

    def _mark_created(self, change: MarkCreated, now: Moment) -> None:
        self._settle_under_id(change, RecordState.CREATED, now)
        self._add_links(change.key, change.links)
        if change.upload_bytes is not None:
            upload = {"rk": change.key, "size_bytes": change.upload_bytes, "done": 0}
            self._uploads.put((change.key, change.key), upload)

    def _mark_updated(self, change: MarkUpdated, now: Moment) -> None:
        row = settled(known_row(change, self._records.get(change.key)), RecordState.CREATED, now)
        hashes = {"fingerprint": change.fingerprint, "field_hashes": change.field_hashes}
        self._records.put(change.key, cast("RecordRow", row | hashes))
        self._add_links(change.key, change.links)

    def _mark_duplicate(self, change: MarkDuplicate, now: Moment) -> None:
        self._settle_under_id(change, RecordState.DUPLICATE, now)

    def _settle_under_id(self, change: MarkCreated | MarkDuplicate, state: RecordState, now: Moment) -> None:
        row = known_row(change, self._records.get(change.key))
        if row["target_id"] not in (None, change.target_id):
            raise StateError(
                f"Record {change.key} is known as {row['target_id']} and cannot become {change.target_id}.",
                hint="Its dependents use that id. Remove the surplus records in Casebook, not this one.",
            )
        # Whichever run finds it, it stays the work of the run that sent it.
        found = {"target_id": change.target_id, "run_id": row["run_id"]}
        self._records.put(change.key, cast("RecordRow", settled(row, state, now) | found))
        self._settle_attempt(row, AttemptClass.COMMITTED, now)

    def _mark_not_created(self, change: MarkRejected | MarkUncertain, now: Moment) -> None:
        row = known_row(change, self._records.get(change.key))
        state, outcome, status = RecordState.UNCERTAIN, AttemptClass.UNCERTAIN, None
        if isinstance(change, MarkRejected):
            state, outcome, status = RecordState.REJECTED, AttemptClass.REJECTED, change.status
        left = settled(row, state, now, status=status, error=change.error)
        if state is RecordState.UNCERTAIN:
            left["run_id"] = row["run_id"]  # the run that sent it is asked for when it is undone
        self._records.put(change.key, left)
        self._settle_attempt(row, outcome, now, status, change.error)

    def _settle_attempt(
        self, row: RecordRow, outcome: AttemptClass, now: Moment, status: int | None = None, error: str = ""
    ) -> None:
        """Writes down the attempt under whose intent a record stood, with how it ended."""
        attempt = {
            "rk": row["rk"],
            "attempt": row["attempt"],
            "run_id": row["run_id"],
            "epoch": row["intent_epoch"],
            "intent_at": row["intent_at"],
            "class": outcome.value,
            "status": status,
            "error": error,
            "settled_at": now.at,
        }
        self._attempts.put((row["rk"], str(row["attempt"])), attempt)

    def _add_links(self, key: RecordKey, links: Iterable[PendingLink]) -> None:
        for link in links:
            row = {"rk": key, "field": link.field, "parent": link.parent, "done": 0}
            self._links.put((key, link.field), row)

    def _mark_done(self, change: MarkLinked | MarkUploaded | MarkUnlinked) -> None:
        sheet, place, thing = self._uploads, str(change.key), "upload"
        if isinstance(change, MarkLinked | MarkUnlinked):
            sheet, place, thing = self._links, change.field, f"link {change.field}"
        row = sheet.get((change.key, place))
        if row is None:
            raise not_there(change.key, thing)
        sheet.put((change.key, place), row | {"done": int(not isinstance(change, MarkUnlinked))})

    def _store_attribute(self, change: StoreAttribute) -> None:
        known_row(change, self._records.get(change.key))
        row = {"rk": change.key, "name": change.name, "value": change.value}
        self._attributes.put((change.key, change.name), row)


def _keys(changes: Iterable[Change], kinds: tuple[Callable[..., Change], ...]) -> list[str]:
    return [change.key for change in changes if type(change) in kinds]
