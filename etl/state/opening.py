"""Opens the state database in the order that makes starting safe: lock, own check, version, owner, lease.

What has to follow before the first new POST (asking about every open intent) is the loader's part.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from etl.core.errors import StateError, StateLocked
from etl.core.ports import Clock
from etl.state import lease, places, postgres, sqlite
from etl.state.backing import POSTGRES, SQLITE
from etl.state.backups import damage_hint
from etl.state.clean_end import CleanEnd
from etl.state.identity import new_identity
from etl.state.keeper import Guard, Keeper
from etl.state.lock import FileLock, Holder, this_process
from etl.state.migrations import STEPS
from etl.state.owner import require_owner
from etl.state.postgres import ServerPlace
from etl.state.reader import SqlReader
from etl.state.sqlite import Search
from etl.state.store import Grip, SqlStore


def open_store(
    place: Path | ServerPlace,
    *,
    project: str,
    target: str,
    key_check: str,
    run_command: str,
    clock: Clock,
    adopt: bool = False,
    guard: Guard | None = None,
    thorough: bool = False,
) -> SqlStore:
    """The state database at a place held for writing, created if there is none; brought to today's version if older.

    ``target`` identifies tenant and client, ``key_check`` comes from :meth:`etl.core.keys.RecordKeys.check_value`.
    Raises StateLocked, StateDamaged, StateTooNew, StateOutdated, WrongTarget or StateError; nothing is left held then.
    ``adopt`` takes over a file from a process of another host that never gave the lease back, and a server's schema
    whose server has changed. ``thorough`` checks every index of a file also where it ended well and is as it was then.
    """
    owner = {"project": project, "target": target, "key_check": key_check}
    holder = this_process(run_command, clock.now().isoformat(timespec="seconds"))
    if isinstance(place, ServerPlace):
        return _server_store(place, owner, holder, Keeper(place, None, guard, clock), clock, adopt=adopt)
    path = place.resolve()
    return _file_store(path, owner, holder, Keeper(path, path, guard, clock), clock, adopt=adopt, thorough=thorough)


def open_reader(place: Path | ServerPlace) -> SqlReader:
    """A reader that needs no lock and works beside a writer; where there is no state, a reader of an empty one.

    A file of an older version is read from a copy in memory. Raises StateDamaged, StateTooNew or StateError.
    """
    return _server_reader(place) if isinstance(place, ServerPlace) else _file_reader(place.resolve())


def state_exists(place: Path | ServerPlace) -> bool:
    """Whether a state was ever begun at a place. Raises StateError where that cannot be told."""
    if not isinstance(place, ServerPlace):
        return place.exists()
    with postgres.reported(place), ExitStack() as undo:
        engine = postgres.reader(place)
        undo.callback(engine.dispose)
        return postgres.exists(undo.enter_context(engine.connect()), place)


# ---------------------------------------------------------------- a file


def _file_store(
    path: Path,
    owner: Mapping[str, str],
    holder: Holder,
    keeper: Keeper,
    clock: Clock,
    *,
    adopt: bool,
    thorough: bool,
) -> SqlStore:
    places.refuse_network_drive(path)
    places.refuse_synced_folder(path)
    places.make_private_folder(path.parent)
    with sqlite.reported(path), ExitStack() as undo:
        held = undo.enter_context(ExitStack())
        lock = FileLock(path.with_name(path.name + ".lock"), holder)
        lock.acquire()
        held.callback(lock.release)
        end = CleanEnd(path)
        held.callback(end.leave)
        connection = _checked_file(path, owner, holder, held, end, thorough=thorough)
        with connection.begin():
            keeper.admit(connection)
            epoch = lease.take(connection, holder, adopt=adopt)
        grip = Grip(connection, held, SQLITE, lock.name_run, keeper.stand_by(connection, held), end.earn)
        store = SqlStore(grip, sqlite.reader(path), epoch=epoch, clock=clock)
        undo.pop_all()
    return store


def _checked_file(
    path: Path, owner: Mapping[str, str], holder: Holder, held: ExitStack, end: CleanEnd, *, thorough: bool
) -> Connection:
    if not path.exists():
        sqlite.create(path, {**owner, **new_identity()})
    places.make_private(path)
    with ThreadPoolExecutor(1, "structure") as beside:
        structure = None if thorough else beside.submit(sqlite.structural_findings, path)
        is_as_closed = end.take()
        connection = _searched(path, holder, held, structure, is_as_closed=is_as_closed)
    sqlite.make_durable(connection)
    sqlite.bring_up_to_date(connection, path)
    require_owner(connection, path, owner)
    return connection


def _searched(
    path: Path, holder: Holder, held: ExitStack, structure: Future[list[str]] | None, *, is_as_closed: bool
) -> Connection:
    """The connection that writes, after a search that goes as far as the last end makes necessary; without ``structure``
    it goes all the way.
    """
    engine = sqlite.writer(path)
    held.callback(engine.dispose)
    connection = held.enter_context(engine.connect())
    with connection.begin():
        sqlite.check_kind(connection, path)
        is_of_a_kill = not is_as_closed and lease.ended_beside_us(connection, holder)
    known = Search.STRUCTURE if is_as_closed else Search.KEYS if is_of_a_kill else Search.WHOLE
    sqlite.check(connection, path, known if structure else Search.WHOLE, structure)
    return connection


def _file_reader(path: Path) -> SqlReader:
    if not path.exists():
        return SqlReader(sqlite.empty_in_memory())
    engine = sqlite.reader(path)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        with sqlite.reported(path), engine.connect() as connection:
            sqlite.check_kind(connection, path)
            is_current = sqlite.file_version(connection) == len(STEPS)
        if is_current:
            undo.pop_all()
    return SqlReader(engine if is_current else sqlite.copy_in_memory(path), lambda: damage_hint(path))


# ---------------------------------------------------------------- a server


def _server_store(
    place: ServerPlace, owner: Mapping[str, str], holder: Holder, keeper: Keeper, clock: Clock, *, adopt: bool
) -> SqlStore:
    with postgres.reported(place), ExitStack() as undo:
        held = undo.enter_context(ExitStack())
        engine = postgres.writer(place)
        held.callback(engine.dispose)
        connection = held.enter_context(engine.connect())
        postgres.check_session(connection)
        if not postgres.lock(connection, place):
            raise _in_use(connection, place)
        held.callback(_unlock, connection, place)
        postgres.bring_up_to_date(connection, place, owner)
        require_owner(connection, place, owner)
        postgres.require_same_server(connection, place, adopt=adopt)
        with connection.begin():
            keeper.admit(connection)
            # The server's lock holds for every host, so a lease that was never given back is that of an ended process.
            epoch = lease.take(connection, holder, adopt=True)
        grip = Grip(connection, held, POSTGRES, _told_by_the_lease, keeper.stand_by(connection, held))
        store = SqlStore(grip, postgres.reader(place), epoch=epoch, clock=clock)
        undo.pop_all()
    return store


def _in_use(connection: Connection, place: ServerPlace) -> StateLocked:
    with connection.begin():
        held_by = lease.holder(connection) if postgres.exists(connection, place) else None
    who = held_by or "another process that has only just started"
    return StateLocked(
        f"The state database is in use by {who}.",
        hint="Wait until it has finished, or stop it there and run again. Where that machine is gone, the server lets "
        "go within half a minute.",
    )


def _unlock(connection: Connection, place: ServerPlace) -> None:
    with contextlib.suppress(DBAPIError):
        postgres.unlock(connection, place)


def _told_by_the_lease(_run_id: str) -> None:
    """The lease row, which every host can read, names the run."""


def _server_reader(place: ServerPlace) -> SqlReader:
    engine = postgres.reader(place)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        with postgres.reported(place), engine.connect() as connection:
            is_there = postgres.exists(connection, place)
            if is_there and postgres.version(connection, place) < len(STEPS):
                raise StateError(f"{place} has an older form.", hint="The next run brings it up to date.")
        if is_there:
            undo.pop_all()
    return SqlReader(engine if is_there else sqlite.empty_in_memory())
