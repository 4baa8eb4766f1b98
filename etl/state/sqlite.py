"""What is special to SQLite: how its file is created, opened, checked, saved and brought to today's version.

A new database is made beside its final name and renamed when it is complete, so that an empty or broken file under
that name is always damage and never a beginning. A second state on top of a lost one would double every record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path

from sqlalchemy import Connection, Engine, Pool, StaticPool, create_engine, event, insert
from sqlalchemy.exc import DatabaseError, DBAPIError, NoResultFound, OperationalError

from etl.core.errors import StateDamaged, StateError, StateTooNew
from etl.core.outcomes import RecordState
from etl.state import places
from etl.state.agreement import indexes_agree
from etl.state.backing import error_name
from etl.state.backups import damage_hint
from etl.state.migrations import STEPS, Step, upgrade
from etl.state.tables import META, METADATA, RECORDS

APPLICATION_ID = 0x43425345
"""``CBSE`` in the file's header, so that ``file`` and we can tell it from other SQLite files."""
_BUSY_S = 10.0
_UNKNOWN_STATES = "SELECT 1 FROM records WHERE state <> 'created' AND state NOT IN ({}) LIMIT 1".format(  # noqa: S608 - our own words
    ", ".join(f"'{state}'" for state in RecordState)
)
_COMMON = ("PRAGMA busy_timeout=10000", "PRAGMA foreign_keys=ON", "PRAGMA mmap_size=0", "PRAGMA trusted_schema=OFF")
_WRITER = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=1",  # macOS: fsync alone does not reach the platter there
    "PRAGMA checkpoint_fullfsync=1",
    "PRAGMA secure_delete=ON",
)


def create(path: Path, identity: Mapping[str, str], steps: Sequence[Step] = STEPS) -> None:
    """Creates a complete, empty state database under ``path`` that carries these facts.

    Raises StateDamaged if the file is gone but its write-ahead log is not.
    """
    if _beside(path, "-wal").exists():
        raise StateDamaged(f"{path} is gone, but its -wal file is still there.", hint="Put the database file back.")
    draft = _beside(path, ".new")
    draft.unlink(missing_ok=True)
    places.create_private_file(draft)
    engine = _engine(draft, "rw", ("PRAGMA synchronous=FULL",), StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        _set_version(connection, upgrade(connection, 0, steps))
        connection.execute(insert(META), [{"name": name, "value": value} for name, value in identity.items()])
    engine.dispose()
    draft.replace(path)
    places.sync_folder(path.parent)


def writer(path: Path) -> Engine:
    """An engine over the one connection that writes; every transaction takes the write lock when it begins.

    The file is not touched before :meth:`make_durable`, so that somebody else's file can be refused unchanged.
    """
    engine = _engine(path, "rw", _COMMON, StaticPool)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def make_durable(connection: Connection) -> None:
    """Sets the writing connection so that what it commits survives a power cut and what it deletes is gone."""
    for pragma in _WRITER:
        _raw(connection).execute(pragma)


def reader(path: Path) -> Engine:
    """An engine that only reads and works while a writer does."""
    return _engine(path, "ro", (*_COMMON, "PRAGMA query_only=ON", "PRAGMA wal_autocheckpoint=0"), None)


def empty_in_memory(steps: Sequence[Step] = STEPS) -> Engine:
    """An engine over an empty state in memory."""
    engine = _in_memory()
    with engine.begin() as connection:
        upgrade(connection, 0, steps)
    return engine


def copy_in_memory(path: Path, steps: Sequence[Step] = STEPS) -> Engine:
    """An engine over a copy of the file in memory, brought to today's version."""
    engine = _in_memory()
    with engine.connect() as connection, closing(_connect(path, "ro", ())) as original:
        original.backup(_raw(connection))
    with engine.begin() as connection:
        upgrade(connection, file_version(connection), steps)
    return engine


def _in_memory() -> Engine:
    return create_engine(
        "sqlite://", poolclass=StaticPool, hide_parameters=True, connect_args={"check_same_thread": False}
    )


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turns the database's errors into ours: StateDamaged if the file is broken, else StateError."""
    try:
        yield
    except OperationalError as error:
        message = f"{path} cannot be used ({error_name(error)})."
        raise StateError(message, hint="Give this user read and write access to it and to its folder.") from None
    except (DatabaseError, NoResultFound, ValueError) as error:
        name = error_name(error) if isinstance(error, DBAPIError) else "its content makes no sense"
        raise StateDamaged(f"{path} cannot be read ({name}).", hint=damage_hint(path)) from None


_QUICK = "PRAGMA quick_check(5)"


class Search(Enum):
    """How far a file is searched for damage: each page and row in any case."""

    STRUCTURE = "structure"
    KEYS = "keys"
    """Besides, that records are found by their keys and open ones among the open; all else as in the whole, but for the index
    by Casebook's ids."""
    WHOLE = "whole"
    """Each row in each index, by SQLite itself."""


def check(
    connection: Connection, path: Path, search: Search = Search.WHOLE, structure: Future[list[str]] | None = None
) -> None:
    """Raises StateDamaged if the file is broken, StateTooNew if a newer program wrote it, StateError if it is not ours.
    ``structure`` is what :func:`structural_findings` will have found, where it is under way already.
    """
    with connection.begin():
        check_kind(connection, path)
        is_sound = not findings(connection, search, structure)
    if not is_sound:
        raise StateDamaged(f"{path} fails SQLite's own check.", hint=damage_hint(path))


def structural_findings(path: Path) -> list[str]:
    """What a search of the pages and rows finds, on a connection of its own: it may go on beside any other."""
    with closing(_connect(path, "ro", _COMMON)) as connection:
        return _unless_sound(connection.execute(_QUICK).fetchall())


def findings(
    connection: Connection, search: Search = Search.WHOLE, structure: Future[list[str]] | None = None
) -> list[str]:
    """What is wrong with the file, a few words each, [] where nothing is; ``structure`` as for :func:`check`.

    Not only the quick check, wherever damage is possible: it does not compare rows with their index entries, and a key that
    the index does not find again would be taken for a record that was never sent.
    """
    if search is Search.WHOLE:
        found = _unless_sound(connection.exec_driver_sql("PRAGMA integrity_check(5)").all())
    else:
        agree = search is not Search.KEYS or (_other_tables_are_sound(connection) and indexes_agree(connection))
        found = structure.result() if structure else _unless_sound(connection.exec_driver_sql(_QUICK).all())
        if not agree:
            return found or findings(connection, Search.WHOLE)
    if found:
        return found
    if file_version(connection) and connection.exec_driver_sql(_UNKNOWN_STATES).first():
        return ["a record is in a state that does not exist"]
    return []


def _unless_sound(rows: Sequence[Sequence[object]]) -> list[str]:
    found = [str(row[0]) for row in rows]
    return [] if found == ["ok"] else found


def _other_tables_are_sound(connection: Connection) -> bool:
    """SQLite's own search of all tables but the largest, of which it takes nearly all the time."""
    names = (table.name for table in METADATA.sorted_tables if table is not RECORDS)
    return all(
        connection.exec_driver_sql(f"PRAGMA integrity_check({name})").scalars().all() == ["ok"] for name in names
    )


def check_kind(connection: Connection, path: Path) -> None:
    """Raises StateDamaged, StateError or StateTooNew unless the file is a state database that we understand."""
    if connection.exec_driver_sql("PRAGMA application_id").scalar_one() != APPLICATION_ID:
        if not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
            raise StateDamaged(f"{path} is empty.", hint=damage_hint(path))
        raise StateError(f"{path} is no state database of this program.", hint="Name another file for the state.")
    version = file_version(connection)
    if version > len(STEPS):
        raise StateTooNew(
            f"{path} was written by a newer version of casebook-etl (form {version}; this one knows {len(STEPS)}).",
            hint="Install that version or a later one.",
        )


def bring_up_to_date(connection: Connection, path: Path, steps: Sequence[Step] = STEPS) -> None:
    """Applies the steps that are missing in one transaction, after a copy of the file was saved beside it."""
    with connection.begin():
        version = file_version(connection)
    if version == len(steps):
        return
    _save_copy(connection, _beside(path, f".before-v{len(steps)}"))
    with connection.begin():
        _set_version(connection, upgrade(connection, version, steps))


def file_version(connection: Connection) -> int:
    """The version of the schema in the file, 0 where there is none."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _save_copy(connection: Connection, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    places.create_private_file(copy)
    with closing(sqlite3.connect(copy)) as saved:
        _raw(connection).backup(saved)
    places.sync_folder(copy.parent)


def _set_version(connection: Connection, version: int) -> None:
    connection.exec_driver_sql(f"PRAGMA user_version={version}")


def _engine(path: Path, mode: str, pragmas: tuple[str, ...], pool: type[Pool] | None) -> Engine:
    return create_engine(
        "sqlite://", creator=lambda: _connect(path, mode, pragmas), poolclass=pool, hide_parameters=True
    )


def _connect(path: Path, mode: str, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,  # transactions begin and end where this package says so
        check_same_thread=False,
    )
    for pragma in pragmas:
        connection.execute(pragma)
    return connection


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        raise TypeError("This is no SQLite connection.")
    return raw


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
