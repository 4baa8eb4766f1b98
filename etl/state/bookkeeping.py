"""Changes that concern runs and watermarks; they travel the same way to the one writer as changes of records.

Each is checked before it is written, so a refused entry leaves nothing behind in its group's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from sqlalchemy import Connection, delete, insert, select, update

from etl.core.errors import StateError
from etl.core.records import RunId
from etl.state import lease
from etl.state.tables import RUNS, WATERMARKS

LAST_STAGE = "done"


@dataclass(frozen=True, slots=True)
class StartRun:
    """A new run; records changed from now on carry its id. ``fingerprints`` is JSON text."""

    run_id: RunId
    command: str
    started: str
    fingerprints: str


@dataclass(frozen=True, slots=True)
class SetStage:
    """A run reached a stage, or is continued at it; records changed from now on carry its id."""

    run_id: RunId
    stage: str


@dataclass(frozen=True, slots=True)
class FinishRun:
    """A run is over."""

    run_id: RunId
    ended: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class SetWatermark:
    """How far a source column has been read by a run."""

    source: str
    table: str
    column: str
    value: str
    run_id: RunId


Entry: TypeAlias = StartRun | SetStage | FinishRun | SetWatermark


def enter(connection: Connection, entry: Entry) -> None:
    """Writes one entry inside the caller's transaction. Raises StateError, having written nothing."""
    match entry:
        case StartRun():
            _start_run(connection, entry)
        case SetStage():
            _update_run(connection, entry.run_id, stage=entry.stage)
            lease.name_run(connection, entry.run_id)
        case FinishRun():
            _update_run(connection, entry.run_id, stage=LAST_STAGE, ended=entry.ended, exit_code=entry.exit_code)
        case SetWatermark():
            _set_watermark(connection, entry)
        case _:
            assert_never(entry)


def _start_run(connection: Connection, entry: StartRun) -> None:
    if _is_known(connection, entry.run_id):
        raise StateError(f"Run {entry.run_id} exists already.", hint="Start the run under another id.")
    connection.execute(
        insert(RUNS).values(
            run_id=entry.run_id,
            command=entry.command,
            started=entry.started,
            stage="extract",
            fingerprints=entry.fingerprints,
        )
    )
    lease.name_run(connection, entry.run_id)


def _update_run(connection: Connection, run_id: RunId, **values: Any) -> None:  # noqa: ANN401 - columns of several types
    if not _is_known(connection, run_id):
        raise StateError(f"Run {run_id} is not known to the state database.", hint="Start the run first.")
    connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(values))


def _set_watermark(connection: Connection, entry: SetWatermark) -> None:
    key = {"source": entry.source, "table_name": entry.table, "column_name": entry.column}
    connection.execute(delete(WATERMARKS).where(*(WATERMARKS.c[name] == value for name, value in key.items())))
    connection.execute(insert(WATERMARKS).values(**key, value=entry.value, run_id=entry.run_id))


def _is_known(connection: Connection, run_id: RunId) -> bool:
    return connection.execute(select(RUNS.c.number).where(RUNS.c.run_id == run_id)).first() is not None
