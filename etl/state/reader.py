"""Questions to the state database: what planning and reports may see.

Every answer holds only what is durable, because reading uses connections of its own beside the one that writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, Row, Select, func, select
from sqlalchemy.exc import DBAPIError

from etl.core.changes import PendingLink
from etl.core.errors import StateDamaged, StateError
from etl.core.keys import RecordKey
from etl.core.outcomes import AttemptClass, RecordState
from etl.core.records import RunId, TargetId
from etl.core.state_port import KnownRecord, RunRow
from etl.state.backing import BROKEN, error_name
from etl.state.bookkeeping import LAST_STAGE
from etl.state.identity import Identity, identity
from etl.state.sheets import BATCH_KEYS, rows_among
from etl.state.tables import ATTEMPTS, ATTRIBUTES, LINKS, NOT_CREATED, RECORDS, RUNS, UPLOADS, WATERMARKS
from etl.state.witness import Witness, require_newest

_STREAM_ROWS = 1000
_KEY_RANGES = tuple(pairwise("0123456789abcdefg"))
"""Keys are hexadecimal: these parts of them are about equal."""
_KNOWN = select(
    *RECORDS.c["rk", "entity", "mapping", "state", "fingerprint", "field_hashes", "attempt"],
    *RECORDS.c["target_id", "scope", "error", "run_id", "adopted", "intent_at", "updated_at"],
)
_RUNS = select(*RUNS.c["run_id", "command", "started", "ended", "stage", "exit_code"]).order_by(RUNS.c.number.desc())


class SqlReader:
    """A ``StateReader`` over an engine. Usable from any thread; use it as a context manager or close it.

    ``damage_hint`` says what to do about a damaged file, "" where there is no file.
    """

    def __init__(self, engine: Engine, damage_hint: Callable[[], str] = str) -> None:
        self._engine = engine
        self._damage_hint = damage_hint

    def known(self, keys: Sequence[RecordKey]) -> dict[RecordKey, KnownRecord]:
        """The records among these keys that state knows."""
        with self._reported(), self._engine.connect() as connection:
            return {row.rk: _known_record(row) for row in rows_among(connection, RECORDS, "rk", keys)}

    def in_state(self, *states: RecordState) -> Iterator[KnownRecord]:
        """All records in one of these states (all records when none is given), ordered by entity and key.

        Rows are streamed from one snapshot: changes made meanwhile are not seen. Exhaust or close the iterator.
        """
        query = _KNOWN.order_by(RECORDS.c.entity, RECORDS.c.rk)
        if states:
            query = query.where(RECORDS.c.state.in_([state.value for state in states]))
        if states and RecordState.CREATED not in states:
            query = query.where(NOT_CREATED)
        return (_known_record(row) for row in self._stream(query))

    def sample(self, entity: str) -> KnownRecord | None:
        """One record of an entity that we created, None where there is none; adopted ones do not count."""
        return next(map(_known_record, self._rows(_made(entity).limit(1))), None)

    def latest(self, entity: str, count: int) -> Sequence[KnownRecord]:
        """So many of the records of an entity that we created, the latest first; adopted ones do not count."""
        newest = _made(entity).order_by(RECORDS.c.updated_at.desc()).limit(count)
        return [_known_record(row) for row in self._rows(newest)]

    def created_keys(self) -> Iterator[str]:
        """The keys of all created records, in no order: long texts of keys with nothing between them.

        Read from the indexes alone, and joined by the database: a row in Python for each takes ten times as long.
        """
        still_open = RECORDS.alias("records")
        is_open = RECORDS.c.rk.in_(select(still_open.c.rk).where(NOT_CREATED))
        joined = select(func.aggregate_strings(RECORDS.c.rk, ""))
        for low, high in _KEY_RANGES:
            keys = self._rows(joined.where(RECORDS.c.rk >= low, RECORDS.c.rk < high, ~is_open))[0][0]
            if keys:
                yield str(keys)

    def size(self) -> int:
        """Number of records, whatever their state."""
        return int(self._rows(select(func.count()).select_from(RECORDS))[0][0])

    def counts(self) -> dict[tuple[str, str], int]:
        """Number of records by (entity, state)."""
        query = select(RECORDS.c.entity, RECORDS.c.state, func.count()).group_by(RECORDS.c.entity, RECORDS.c.state)
        return {(entity, state): count for entity, state, count in self._rows(query)}

    def created_by(self, run_id: RunId) -> Iterator[KnownRecord]:
        """The records that a run created and that are not undone, ordered by entity and key; adopted ones are not among
        them. Whatever a later run did to a record, it stays the work of the run whose attempt was its last.
        """
        last = (ATTEMPTS.c.rk == RECORDS.c.rk) & (ATTEMPTS.c.attempt == RECORDS.c.attempt)
        ours = (ATTEMPTS.c.run_id == run_id) & (ATTEMPTS.c["class"] == AttemptClass.COMMITTED.value)
        there = RECORDS.c.target_id.is_not(None) & (RECORDS.c.adopted == 0)
        query = _KNOWN.join(ATTEMPTS, last).where(ours, there).order_by(RECORDS.c.entity, RECORDS.c.rk)
        return (_known_record(row) for row in self._stream(query))

    def by_target_id(self, entity: str, ids: Sequence[TargetId]) -> dict[TargetId, RecordKey]:
        """Which of these Casebook ids are ours."""
        ours = select(RECORDS.c.target_id, RECORDS.c.rk).where(RECORDS.c.entity == entity)
        found: dict[TargetId, RecordKey] = {}
        for batch in _batches(ids):
            rows = self._rows(ours.where(RECORDS.c.target_id.in_(batch)))
            found.update((TargetId(target_id), RecordKey(key)) for target_id, key in rows)
        return found

    def attribute(self, key: RecordKey, name: str) -> str | None:
        """A stored attribute of a created record."""
        return self._value(select(ATTRIBUTES.c.value).where(ATTRIBUTES.c.rk == key, ATTRIBUTES.c.name == name))

    def attributed(self, name: str) -> Iterator[RecordKey]:
        """The records that have a stored attribute of this name which is not empty, by key."""
        query = select(ATTRIBUTES.c.rk).where(ATTRIBUTES.c.name == name, ATTRIBUTES.c.value != "")
        return (RecordKey(key) for (key,) in self._stream(query.order_by(ATTRIBUTES.c.rk)))

    def pending_links(self) -> Iterator[tuple[RecordKey, PendingLink]]:
        """Deferred links not yet set, ordered by key and field."""
        query = select(*LINKS.c["rk", "field", "parent"]).where(LINKS.c.done == 0).order_by(LINKS.c.rk, LINKS.c.field)
        for key, field, parent in self._stream(query):
            yield RecordKey(key), PendingLink(field, RecordKey(parent))

    def pending_uploads(self) -> Iterator[RecordKey]:
        """Attachments whose bytes are outstanding, ordered by key."""
        query = select(UPLOADS.c.rk).where(UPLOADS.c.done == 0).order_by(UPLOADS.c.rk)
        return (RecordKey(row.rk) for row in self._stream(query))

    def runs(self) -> Sequence[RunRow]:
        """All runs, newest first."""
        return [RunRow(*row) for row in self._rows(_RUNS)]

    def open_run(self) -> RunRow | None:
        """The unfinished run that the next `run` continues; the newest, if there are several."""
        return next((RunRow(*row) for row in self._rows(_RUNS.where(RUNS.c.stage != LAST_STAGE).limit(1))), None)

    def run_fingerprints(self, run_id: RunId) -> dict[str, str]:
        """The fingerprints a run was started with, empty for an unknown run."""
        text = self._value(select(RUNS.c.fingerprints).where(RUNS.c.run_id == run_id))
        return dict(json.loads(text)) if text else {}

    def watermark(self, source: str, table: str, column: str) -> str | None:
        """How far a source column has been read, None where nothing is remembered."""
        place = (WATERMARKS.c.source == source, WATERMARKS.c.table_name == table, WATERMARKS.c.column_name == column)
        return self._value(select(WATERMARKS.c.value).where(*place))

    def is_doubted(self) -> bool:
        """Whether records may have been sent of which this state knows nothing, so that each is asked about first."""
        known = self._identity()
        return known is not None and known.is_doubted

    def require_newest(self, place: object, witnesses: Path) -> None:
        """Raises StateOutdated where a newer one was used on this machine; works beside a writer."""
        known = self._identity()
        if known is not None:
            require_newest(place, Witness(witnesses, known.uuid), lambda: (self._identity() or known).moment)

    def _identity(self) -> Identity | None:
        with self._reported(), self._engine.connect() as connection:
            return identity(connection)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, query: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        with self._reported(), self._engine.connect() as connection:
            return connection.execute(query).all()

    def _stream(self, query: Select[*tuple[Any, ...]]) -> Iterator[Row[*tuple[Any, ...]]]:
        is_given_up = False
        try:
            with self._reported(), self._engine.connect() as connection:
                try:
                    yield from connection.execution_options(yield_per=_STREAM_ROWS).execute(query)
                except GeneratorExit:
                    is_given_up = True
                    raise
        except StateError:
            # Nobody waits for the rest: after an interrupt the connection may have been closed before its stream is.
            if not is_given_up:
                raise

    def _value(self, query: Select[*tuple[Any, ...]]) -> str | None:
        rows = self._rows(query)
        return str(rows[0][0]) if rows else None

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turns the database's errors into StateError, or StateDamaged, which name the error's code."""
        try:
            yield
        except DBAPIError as error:
            name = error_name(error)
            message = f"The state database cannot be read ({name})."
            damage_hint = self._damage_hint() if name in BROKEN else ""
            if damage_hint:
                raise StateDamaged(message, hint=damage_hint) from None
            hint = "Check the disk, or the database server and the way to it, then run again."
            raise StateError(message, hint=hint) from None


def _made(entity: str) -> Select[*tuple[Any, ...]]:
    created = RECORDS.c.state == RecordState.CREATED.value
    return _KNOWN.where(RECORDS.c.entity == entity, created, RECORDS.c.target_id.is_not(None), RECORDS.c.adopted == 0)


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + BATCH_KEYS] for start in range(0, len(values), BATCH_KEYS))


def _known_record(row: Row[*tuple[Any, ...]]) -> KnownRecord:
    return KnownRecord(
        key=row.rk,
        entity=row.entity,
        mapping=row.mapping,
        state=RecordState(row.state),
        fingerprint=row.fingerprint,
        field_hashes=row.field_hashes,
        attempt=row.attempt,
        target_id=row.target_id,
        scope=row.scope,
        error=row.error,
        run_id=row.run_id,
        adopted=bool(row.adopted),
        intent_at=row.intent_at,
        updated_at=row.updated_at,
    )
