"""How a legacy database is opened: read-only, nothing of its values in messages, and values left as the server tells them.

Each kind of database has its own way of promising not to write; all of them are used on top of the rights that the
user should not have anyway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.sources.encoding import MISFITS

if TYPE_CHECKING:
    from psycopg import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

_LEFT_AS_TEXT = ("date", "timestamp", "timestamptz", "time", "timetz", "interval", "numeric", "json", "jsonb", "uuid")
_POSTGRES_SESSION = "set DateStyle to ISO, YMD; set TimeZone to UTC; set default_transaction_read_only to on"
_HINTS = {
    "SQLITE_NOTADB": "The file is no SQLite database; look at the path of the source.",
    "SQLITE_CORRUPT": "The file is damaged or was cut off on its way; get it again.",
    "SQLITE_READONLY": "A source is only read: give a query that does not write.",
    "SQLITE_ERROR": "Try the query, or the view behind the table, in the database's own shell: its message names the cause.",
    "SQLITE_BUSY": "Another program writes to the file; take a copy that nobody writes to, and read that.",
}
"""What to do where the database is a file and there is no server's log."""
_EXTRAS = {
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "mssql": "sqlserver",
    "oracle": "oracle",
}
"""The extra that brings the driver, by what the URL begins with."""
_DRIVERS = {"mysql": "pymysql", "mariadb": "pymysql", "mssql": "pymssql", "oracle": "oracledb"}
"""The driver of an extra, where the URL names none and another one would be taken."""
_MYSQL_SESSION = "set session transaction read only"


class Database:
    """One legacy database by its SQLAlchemy URL. Raises SettingsError for a URL that cannot be used."""

    def __init__(self, source: str, url: str) -> None:
        self._source = source
        self._url = _parsed(source, url)
        self.kind = self._url.get_backend_name()
        self._engine: sa.Engine | None = None

    @contextmanager
    def connected(self, table: str = "") -> Iterator[sa.Connection]:
        """A connection inside one read-only transaction that sees one state of the data.

        ``table`` is what is read, for messages. Raises SourceUnavailable if the database does not let us in,
        SourceUnreadable if it fails later.
        """
        connection = self._connect()
        try:
            yield connection
        except (DBAPIError, UnicodeDecodeError) as error:
            place = f"{self._source}.{table}" if table else f"from source {self._source}"
            code = _code(error)
            hint = _HINTS.get(code, "Look into the server's log, then run again.")
            raise SourceUnreadable(f"Reading {place} failed ({code}).", hint=hint) from None
        finally:
            connection.close()

    def _connect(self) -> sa.Connection:
        self._require_file()
        try:
            connection = self._opened().connect()
        except DBAPIError as error:
            said, hint = _why_closed(error, self.kind)
            raise SourceUnavailable(f"{self._place()} {said} ({_code(error)}).", hint=hint) from None
        except SQLAlchemyError:
            raise SourceUnavailable(f"{self._place()} cannot be opened.", hint="Check the source's URL.") from None
        if self.kind == "postgresql":
            return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return connection

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            self._engine = self._made()
        return self._engine

    def _made(self) -> sa.Engine:
        try:
            if self.kind == "sqlite":
                engine = sa.create_engine(
                    "sqlite://", creator=self._sqlite, poolclass=sa.NullPool, hide_parameters=True
                )
            else:
                engine = sa.create_engine(self._url, poolclass=sa.NullPool, hide_parameters=True)
        except (ModuleNotFoundError, NoSuchModuleError):
            extra = _EXTRAS.get(self.kind)
            known = ", ".join(sorted(_EXTRAS))
            hint = (
                f"Install the extra that supplies it: casebook-etl[{extra}]."
                if extra
                else f"Known are {known}, sqlite."
            )
            raise SettingsError(f"Source {self._source}: there is no driver for {self.kind}.", hint=hint) from None
        if self.kind in _SESSIONS:
            sa.event.listen(engine, "connect", _SESSIONS[self.kind])
        return engine

    def _sqlite(self) -> sqlite3.Connection:
        path = Path(self._url.database or "").absolute()
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        connection.text_factory = partial(str, encoding="utf-8", errors=MISFITS)
        connection.execute("pragma query_only = on")
        return connection

    def _require_file(self) -> None:
        path = Path(self._url.database or "")
        if self.kind == "sqlite" and not path.is_file():
            what = "is not a regular file" if path.exists() else "does not exist"
            hint = "Paths are relative to the project's project.yaml."
            raise SourceUnavailable(f"The SQLite file {path} of source {self._source} {what}.", hint=hint)

    def _place(self) -> str:
        if self.kind == "sqlite":
            return f"The SQLite file of source {self._source}"
        host = self._url.host or self._url.query.get("host") or "localhost"
        port = self._url.port or self._url.query.get("port") or _PORTS.get(self.kind, "")
        database = self._url.database or "(none named)"
        return f"The database {database} of source {self._source} at {host}, port {port}, as user {self._url.username}"


def _parsed(source: str, url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
        kind = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        hint = "Write it as in postgresql://user@host/database."
        raise SettingsError(f"The URL of source {source} cannot be read.", hint=hint) from None
    if kind in _DRIVERS and "+" not in parsed.drivername:
        parsed = parsed.set(drivername=f"{kind}+{_DRIVERS[kind]}")
    if kind in ("mysql", "mariadb"):
        return parsed.update_query_dict({"charset": "utf8mb4", **parsed.query})
    return parsed


def _why_closed(error: DBAPIError, kind: str) -> tuple[str, str]:
    """Why there is no connection, and what to do: nobody answered, or the server did and refuses.

    Told from numbers where the driver has some; PostgreSQL's answer has none at that point, so words are looked for in it.
    The answer itself is not shown.
    """
    if kind == "sqlite":
        return "cannot be opened", _HINTS.get(_code(error), "Check path and rights of the file.")
    cause = error.orig
    number = next(iter(getattr(cause, "args", ())), None)
    text = str(cause)
    if number in _MYSQL_REFUSED or "password" in text:
        return "answers, and refuses user or password", "Check the user and the password in the source's URL."
    if number == _MYSQL_NO_DATABASE or ("database" in text and "does not exist" in text):
        return "is not on that server", "Check the name of the database in the source's URL."
    if "FATAL" in text or (isinstance(number, int) and number < _MYSQL_CLIENT):
        return "answers, and refuses the connection", "Look into the server's log, or ask who runs it."
    return "cannot be reached", "Check host and port in the source's URL, the network, and whether the server runs."


_PORTS = {"postgresql": "5432", "mysql": "3306", "mariadb": "3306"}
_MYSQL_REFUSED = frozenset({1044, 1045, 1698})
_MYSQL_NO_DATABASE = 1049
_MYSQL_CLIENT = 2000
"""From here on numbers are the client's own: it was not answered."""


def _postgres_session(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    from psycopg import postgres  # noqa: PLC0415 - the driver is an extra
    from psycopg.types.string import TextLoader  # noqa: PLC0415 - likewise

    class PaddedLoader(TextLoader):
        """CHAR(n), which the server pads."""

        def load(self, data: Any) -> str | bytes:  # noqa: ANN401 - the driver's own signature
            return super().load(data).rstrip()

    raw: Connection[Any] = connection  # type: ignore[assignment] # the driver's own connection
    for name in _LEFT_AS_TEXT:
        raw.adapters.register_loader(postgres.types[name].oid, TextLoader)
    raw.adapters.register_loader(postgres.types["bpchar"].oid, PaddedLoader)
    raw.execute(_POSTGRES_SESSION)
    raw.commit()


def _mysql_session(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(_MYSQL_SESSION)
    cursor.close()


_SESSIONS = {"postgresql": _postgres_session, "mysql": _mysql_session, "mariadb": _mysql_session}


def _code(error: DBAPIError | UnicodeDecodeError) -> str:
    """What the driver calls it, without its message, which may quote values."""
    if isinstance(error, UnicodeDecodeError):
        return "text that is not in the declared encoding"
    cause = error.orig
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    number = next(iter(getattr(cause, "args", ())), None)
    return str(code or (number if isinstance(number, int) else type(cause).__name__))
