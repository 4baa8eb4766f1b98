"""What is special to PostgreSQL: a schema as a state's place, sessions that are set for safety, the lock of the server.

The lock is the session's own: the server lets go of it when the session ends, and never otherwise. So the writing
session is never replaced: a second connection in its place would write without the lock.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import URL, Connection, Engine, create_engine, delete, event, insert, make_url, select, text, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InternalError,
    NoSuchModuleError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from etl.core.errors import SettingsError, StateError, StateTooNew
from etl.state.backing import POSTGRES, error_name
from etl.state.migrations import STEPS, Step, upgrade
from etl.state.tables import META

VERSION = "schema_version"
_SERVER = "server"
_DRIVER = "postgresql+psycopg"
_MAX_NAME = 63
"""Letters of a name in PostgreSQL; longer ones are cut without a word."""
_CONNECT = {
    "connect_timeout": "10",
    "client_encoding": "utf8",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_SESSION = {
    # The server, too, must notice within half a minute that this machine is gone, and then let go of the lock.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_session_timeout": "0",
    "lock_timeout": "2s",
    "standard_conforming_strings": "on",
}
_DURABLE = {"synchronous_commit": ("on", "remote_apply"), "fsync": ("on",)}
_IDENTITY = (
    "SELECT system_identifier FROM pg_control_system()",
    "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)",
)
_BUSY = "55P03"
"""PostgreSQL's code for a lock that was not to be had in time."""


@dataclass(frozen=True, slots=True)
class ServerPlace:
    """A schema of a PostgreSQL database; ``url`` never holds the password."""

    url: str
    schema: str
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.url}, schema {self.schema}"


def schema_name(project: str, tenant: str) -> str:
    """The schema of a project's records in one tenant: needs no quotes, and no other pair has the same.

    >>> schema_name("intake", "Agency 1")
    'casebook_etl_intake_agency_1_50dabac3'
    """
    ending = "_" + hashlib.sha256(f"{project}\0{tenant}".encode()).hexdigest()[:8]
    plain = re.sub("[^a-z0-9]", "_", f"casebook_etl_{project}_{tenant}".lower())
    return plain[: _MAX_NAME - len(ending)] + ending


def reader(place: ServerPlace) -> Engine:
    """An engine that only reads and works while a writer does."""
    return _engine(place, {"default_transaction_read_only": "on"})


def writer(place: ServerPlace) -> Engine:
    """An engine for the one session that writes: it connects once, and to a server that takes writes."""
    engine = _engine(place, {})
    connected: list[bool] = []

    def connect_once(_dialect: object, _record: object, _arguments: object, parameters: dict[str, object]) -> None:
        if connected:
            raise StateError("The session that held the state database's lock is gone.", hint=POSTGRES.repair)
        connected.append(True)
        parameters["target_session_attrs"] = "read-write"

    event.listen(engine, "do_connect", connect_once)
    return engine


@contextmanager
def reported(place: ServerPlace) -> Iterator[None]:
    """Turns the database's errors into StateError, which names the place and the error's code."""
    try:
        yield
    except DBAPIError as error:
        message = f"The state database {place} cannot be used ({error_name(error)})."
        hint = (
            "Check address, user, password and rights, and whether the server runs; docs/state-on-a-server.md lists "
            "what it needs."
        )
        raise StateError(message, hint=hint) from None


def check_session(connection: Connection) -> None:
    """Raises StateError unless this session reaches the server itself and its commits survive a power cut."""
    with connection.begin():
        found = {name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in _DURABLE}
        process = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    raw = connection.connection.driver_connection
    if getattr(raw, "info").backend_pid != process:  # noqa: B009 - the driver's own object, typed as anything
        raise StateError(
            "Between this machine and the state database stands a connection pooler, through which no lock holds.",
            hint="Give the server's own address in `state:`.",
        )
    for name, allowed in _DURABLE.items():
        if found[name] not in allowed:
            raise StateError(
                f"The state database's server has {name} = {found[name]}: what it calls written can be lost.",
                hint=f"Set {name} to on for this user, database or server.",
            )


def lock(connection: Connection, place: ServerPlace) -> bool:
    """Takes the place's lock for the rest of the session; False where another session holds it."""
    try:
        with connection.begin():
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _lock_key(place)})
    except DBAPIError as error:
        if error_name(error) == _BUSY:
            return False
        raise
    return True


def unlock(connection: Connection, place: ServerPlace) -> None:
    """Gives the lock back at once; the end of the session would do so a moment later."""
    if not connection.invalidated:
        with connection.begin():
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _lock_key(place)})


def exists(connection: Connection, place: ServerPlace) -> bool:
    """Whether the schema holds a state. Raises StateError if it holds tables of something else."""
    query = text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
    names = set(connection.execute(query, {"schema": place.schema}).scalars())
    if names and META.name not in names:
        raise StateError(f"{place} holds tables that are no state.", hint="Empty or rename that schema.")
    return bool(names)


def bring_up_to_date(
    connection: Connection, place: ServerPlace, identity: Mapping[str, str], steps: Sequence[Step] = STEPS
) -> None:
    """Makes the state where there is none, or applies the steps that it lacks; one transaction, so all or nothing.

    A schema that is there and empty is filled: an administrator may have made it for us. Raises StateTooNew.
    """
    with connection.begin():
        if not exists(connection, place):
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {place.schema}")
            upgrade(connection, 0, steps)
            facts = {**identity, VERSION: str(len(steps))}
            connection.execute(insert(META), [{"name": name, "value": value} for name, value in facts.items()])
        elif version(connection, place) < len(steps):
            reached = upgrade(connection, version(connection, place), steps)
            connection.execute(update(META).where(META.c.name == VERSION).values(value=str(reached)))


def version(connection: Connection, place: ServerPlace) -> int:
    """The version of a state's tables. Raises StateTooNew if a newer program made them."""
    found = int(connection.execute(select(META.c.value).where(META.c.name == VERSION)).scalar_one())
    if found > len(STEPS):
        raise StateTooNew(
            f"{place} was written by a newer version of casebook-etl (form {found}; this one knows {len(STEPS)}).",
            hint="Install that version or a later one.",
        )
    return found


def require_same_server(connection: Connection, place: ServerPlace, *, adopt: bool) -> None:
    """Raises StateError if the state has come to another server, or to another branch of the server's history.

    That is what a restored backup and a standby that took over look like: the latest commits may be missing from them.
    ``adopt`` is a person's word that they are not.
    """
    now = _server_identity(connection)
    with connection.begin():
        before = connection.execute(select(META.c.value).where(META.c.name == _SERVER)).scalar_one_or_none()
        if before is None or adopt or not _differ(before, now):
            connection.execute(delete(META).where(META.c.name == _SERVER))
            connection.execute(insert(META).values(name=_SERVER, value=now))
            return
    raise StateError(
        f"The state database {place} is served by another server, or from another point of its history, than before: "
        "what was written last may be missing, and would be sent again.",
        hint="Make sure that nothing is missing (the latest run in `status` is the latest you know of); then say so "
        "with `casebook-etl state adopt`.",
    )


def _server_identity(connection: Connection) -> str:
    """The server's own number and the branch of its history; what a server does not tell (some hosted ones) is blank."""
    return "/".join(_told(connection, query) for query in _IDENTITY)


def _told(connection: Connection, query: str) -> str:
    try:
        with connection.begin():
            return str(connection.execute(text(query)).scalar_one())
    except (ProgrammingError, NotSupportedError, InternalError):
        return ""


def _differ(before: str, now: str) -> bool:
    """Whether two identities contradict each other in what both of them tell.

    >>> _differ("71/00000001", "71/00000002"), _differ("71/00000001", "/00000001")
    (True, False)
    """
    return any(old and new and old != new for old, new in zip(before.split("/"), now.split("/"), strict=True))


def _lock_key(place: ServerPlace) -> int:
    return int.from_bytes(hashlib.sha256(place.schema.encode()).digest()[:8], "big", signed=True)


def _engine(place: ServerPlace, settings: Mapping[str, str]) -> Engine:
    wanted = {**_SESSION, "search_path": place.schema, **settings}

    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for name, value in wanted.items():
            # A server older than a setting has no row for it and is left as it is.
            cursor.execute("SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s", (value, name))
        cursor.close()
        connection.commit()

    try:
        engine = create_engine(
            _full_url(place), connect_args=_CONNECT, hide_parameters=True, isolation_level="READ COMMITTED"
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise SettingsError(
            "The driver for a state database on PostgreSQL is not installed.", hint="Install casebook-etl[postgres]."
        ) from None
    event.listen(engine, "connect", prepare)
    return engine


def _full_url(place: ServerPlace) -> URL:
    try:
        url = make_url(place.url)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "The profile's `state` cannot be read.", hint="Write it as postgresql://user@host/database."
        ) from None
    return url.set(drivername=_DRIVER, password=place.password or url.password)
