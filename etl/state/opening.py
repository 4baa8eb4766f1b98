"""Opens the state database in the order that makes starting safe: lock, own check, version, owner, lease.

What has to follow before the first new POST (asking about every open intent) is the loader's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Connection, select, update

from etl.core.errors import WrongTarget
from etl.core.ports import Clock
from etl.state import lease, places, sqlite
from etl.state.lock import FileLock, this_process
from etl.state.migrations import STEPS
from etl.state.reader import SqlReader
from etl.state.store import SqlStore
from etl.state.tables import META, RECORDS

_OWNER = {
    "project": ("project", "Use the profile and project that this state belongs to, or name another state file."),
    "target": ("target", "Use the profile that this state belongs to; another tenant needs a state of its own."),
    "key_check": (
        "project key",
        "Supply the project key this state was made with; without it records cannot be matched.",
    ),
}


def open_store(
    path: Path, *, project: str, target: str, key_check: str, run_command: str, clock: Clock, adopt: bool = False
) -> SqlStore:
    """The state database at ``path`` held for writing, created if there is none; brought to today's version if older.

    ``target`` identifies tenant and client, ``key_check`` comes from :meth:`etl.core.keys.RecordKeys.check_value`.
    Raises StateLocked, StateDamaged, StateTooNew, WrongTarget or StateError; nothing is left held then.
    ``adopt`` takes over from a process of another host that never gave the lease back.
    """
    path = path.resolve()
    owner = {"project": project, "target": target, "key_check": key_check}
    places.refuse_network_drive(path)
    places.make_private_folder(path.parent)
    holder = this_process(run_command, clock.now().isoformat(timespec="seconds"))
    with sqlite.reported(path), ExitStack() as held:
        lock = FileLock(path.with_name(path.name + ".lock"), holder)
        lock.acquire()
        held.callback(lock.release)
        connection = _checked(path, owner, held)
        with connection.begin():
            epoch = lease.take(connection, holder, adopt=adopt)
        store = SqlStore(connection, sqlite.reader(path), lock, epoch=epoch, clock=clock)
        held.pop_all()
    return store


def open_reader(path: Path) -> SqlReader:
    """A reader that needs no lock and works beside a writer; without a file, a reader of an empty state.

    A file of an older version is read from a copy in memory. Raises StateDamaged, StateTooNew or StateError.
    """
    path = path.resolve()
    if not path.exists():
        return SqlReader(sqlite.copy_in_memory(path))
    engine = sqlite.reader(path)
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        with sqlite.reported(path), engine.connect() as connection:
            sqlite.check_kind(connection, path)
            is_current = sqlite.file_version(connection) == len(STEPS)
        if is_current:
            undo.pop_all()
    return SqlReader(engine if is_current else sqlite.copy_in_memory(path))


def _checked(path: Path, owner: Mapping[str, str], held: ExitStack) -> Connection:
    if not path.exists():
        sqlite.create(path, owner)
    places.make_private(path)
    engine = sqlite.writer(path)
    held.callback(engine.dispose)
    connection = held.enter_context(engine.connect())
    sqlite.check(connection, path)
    sqlite.make_durable(connection)
    sqlite.bring_up_to_date(connection, path)
    _require_owner(connection, path, owner)
    return connection


def _require_owner(connection: Connection, path: Path, owner: Mapping[str, str]) -> None:
    with connection.begin():
        stored = {row.name: row.value for row in connection.execute(select(META))}
        if not connection.execute(select(RECORDS.c.rk).limit(1)).first():
            # Nothing was ever sent from here, so there is nothing to protect: a mistyped client id must not bind it.
            stored |= _bind(connection, stored, owner)
    for name, (title, hint) in _OWNER.items():
        if stored.get(name) != owner[name]:
            raise WrongTarget(
                f"The state database {path} belongs to {title} {stored.get(name)}, but this run is for {owner[name]}.",
                hint=hint,
            )


def _bind(connection: Connection, stored: Mapping[str, str], owner: Mapping[str, str]) -> Mapping[str, str]:
    """Gives an empty state database to this target and key; the project stays."""
    free = {name: owner[name] for name in ("target", "key_check") if stored.get(name) != owner[name]}
    for name, value in free.items():
        connection.execute(update(META).where(META.c.name == name).values(value=value))
    return free
