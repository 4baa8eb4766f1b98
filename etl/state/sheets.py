"""Rows of one table as a group of changes finds and leaves them: read once, changed in memory, written once.

Each put is journalled, so that one unit's changes can be taken back while its neighbours' stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import Connection, Insert, Table, Update, bindparam, insert, select, update

Key = TypeVar("Key")
Row = TypeVar("Row", bound=Mapping[str, object])
Journal: TypeAlias = "list[Callable[[], None]]"

BATCH_KEYS = 500
"""Keys asked for by one statement: measured best, and far below every database's limit of parameters."""


class Sheet(Generic[Key, Row]):
    """The rows of a table that a group touches, by key."""

    def __init__(self, statements: Statements, journal: Journal, stored: Mapping[Key, Row]) -> None:
        self._statements = statements
        self._journal = journal
        self._stored = stored
        self._changed: dict[Key, Row] = {}

    def get(self, key: Key) -> Row | None:
        """The row as the changes so far leave it, None where there is none."""
        return self._changed.get(key) or self._stored.get(key)

    def put(self, key: Key, row: Row) -> None:
        """Replaces or adds a row."""
        before = self._changed.get(key)
        self._journal.append(lambda: self._restore(key, before))
        self._changed[key] = row

    def write(self, connection: Connection) -> None:
        """Inserts the rows that were not stored and updates those that were."""
        self._statements.insert(connection, [row for key, row in self._changed.items() if key not in self._stored])
        self._statements.update(connection, [row for key, row in self._changed.items() if key in self._stored])

    def settle(self, connection: Connection) -> None:
        """Updates all rows: for sheets whose rows are known to be stored without having been read."""
        self._statements.update(connection, list(self._changed.values()))

    def _restore(self, key: Key, before: Row | None) -> None:
        if before is None:
            del self._changed[key]
        else:
            self._changed[key] = before


class Statements:
    """The insert and the update of a table, or of some of its columns, built once."""

    def __init__(self, table: Table, columns: Sequence[str] = ()) -> None:
        keys = [column.name for column in table.primary_key]
        names = [*keys, *columns] if columns else [column.name for column in table.columns]
        self._names = [(name, f"key_{name}" if name in keys else name) for name in names]
        self._insert: Insert = insert(table).values({name: bindparam(name) for name in names})
        self._update: Update = (
            update(table)
            .where(*(table.c[name] == bindparam(f"key_{name}") for name in keys))
            .values({name: bindparam(name) for name in names if name not in keys})
        )

    def insert(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Adds the rows."""
        if rows:
            connection.execute(self._insert, rows)

    def update(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Sets every column of the rows but the primary key."""
        if rows:
            connection.execute(self._update, [{to: row[name] for name, to in self._names} for row in rows])


def stored_rows(connection: Connection, table: Table, column: str, values: Iterable[str]) -> list[dict[str, Any]]:
    """The whole rows of a table whose column has one of the values."""
    wanted = sorted(set(values))
    rows: list[dict[str, Any]] = []
    for start in range(0, len(wanted), BATCH_KEYS):
        query = select(table).where(table.c[column].in_(wanted[start : start + BATCH_KEYS]))
        rows.extend(row._asdict() for row in connection.execute(query))
    return rows
