"""Rows of one table as a group of changes finds and leaves them: read once, changed in memory, written once.

Each put is journalled, so that one unit's changes can be taken back while its neighbours' stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import Connection, Delete, Dialect, Insert, Table, Update, bindparam, delete, insert, select, update

Key = TypeVar("Key")
Row = TypeVar("Row", bound=Mapping[str, object])
Journal: TypeAlias = "list[Callable[[], None]]"

_WHERE = "key_"
"""In front of a parameter that finds the row, beside one of the same column's name that fills it."""
BATCH_KEYS = 500
"""Keys asked for by one statement: measured best, and far below every database's limit of parameters."""


class Sheet(Generic[Key, Row]):
    """The rows of a table that a group touches, by key."""

    def __init__(self, statements: Statements, journal: Journal, stored: Mapping[Key, Row]) -> None:
        self._statements = statements
        self._journal = journal
        self._stored = stored
        self._changed: dict[Key, Row] = {}
        self._removed: set[Key] = set()

    def get(self, key: Key) -> Row | None:
        """The row as the changes so far leave it, None where there is none."""
        return self._changed.get(key) or (None if key in self._removed else self._stored.get(key))

    def keys(self) -> list[Key]:
        """The keys of the rows that were read or changed."""
        return [*{**self._stored, **self._changed}]

    def changed(self) -> Mapping[Key, Row]:
        """The rows that changes left, by key."""
        return self._changed

    def remove(self, key: Key) -> None:
        """Takes a row away; one put there later is a new row."""
        before, was_removed = self._changed.pop(key, None), key in self._removed
        self._journal.append(lambda: self._take_back_removal(key, before, was_removed=was_removed))
        if key in self._stored:
            self._removed.add(key)

    def put(self, key: Key, row: Row) -> None:
        """Replaces or adds a row."""
        before = self._changed.get(key)
        self._journal.append(lambda: self._restore(key, before))
        self._changed[key] = row

    def write(self, connection: Connection) -> None:
        """Deletes the rows that were removed, inserts those that are not stored (any more) and updates the others."""
        self._statements.delete(connection, [self._stored[key] for key in self._removed])
        stored = self._stored.keys() - self._removed
        self._statements.insert(connection, [row for key, row in self._changed.items() if key not in stored])
        self._statements.update(connection, [row for key, row in self._changed.items() if key in stored])

    def settle(self, connection: Connection) -> None:
        """Updates all rows: for sheets whose rows are known to be stored without having been read."""
        self._statements.update(connection, list(self._changed.values()))

    def _take_back_removal(self, key: Key, before: Row | None, *, was_removed: bool) -> None:
        if not was_removed:
            self._removed.discard(key)
        if before is not None:
            self._changed[key] = before

    def _restore(self, key: Key, before: Row | None) -> None:
        if before is None:
            del self._changed[key]
        else:
            self._changed[key] = before


class Statements:
    """The insert, the update and the delete of a table, or of some of its columns, built once.

    Rows go to the driver as they are, because preparing each row's parameters costs more than writing it.
    """

    def __init__(self, table: Table, columns: Sequence[str] = ()) -> None:
        keys = [column.name for column in table.primary_key]
        others = [*(columns or (column.name for column in table.columns if column.name not in keys))]
        self._insert = insert(table).values({name: bindparam(name) for name in keys + others})
        self._update = (
            update(table)
            .where(*(table.c[name] == bindparam(f"{_WHERE}{name}") for name in keys))
            .values({name: bindparam(name) for name in others})
        )
        self._delete = delete(table).where(*(table.c[name] == bindparam(name) for name in keys))

    def insert(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Adds the rows."""
        _execute(connection, self._insert, rows)

    def update(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Sets every column of the rows but the primary key."""
        _execute(connection, self._update, rows)

    def delete(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Takes the rows away."""
        _execute(connection, self._delete, rows)


def stored_rows(connection: Connection, table: Table, column: str, values: Iterable[str]) -> list[dict[str, Any]]:
    """The whole rows of a table whose column has one of the values."""
    wanted = sorted(set(values))
    names = [one.name for one in table.columns]
    rows: list[dict[str, Any]] = []
    for start in range(0, len(wanted), BATCH_KEYS):
        found = _among(connection, table, column, wanted[start : start + BATCH_KEYS])
        rows.extend(dict(zip(names, row, strict=True)) for row in found)
    return rows


def _among(connection: Connection, table: Table, column: str, values: list[str]) -> Sequence[Sequence[Any]]:
    """Asked in one of few texts that were made once, its last value repeated: to make one costs ten times the answer."""
    room = 1 << (len(values) - 1).bit_length()
    text, names = _question(table, column, room, connection.dialect)
    filled = [*values, *values[-1:] * (room - len(values))]
    parameters = tuple(filled) if connection.dialect.positional else dict(zip(names, filled, strict=True))
    return connection.exec_driver_sql(text, parameters).all()


@lru_cache(maxsize=128)
def _question(table: Table, column: str, room: int, dialect: Dialect) -> tuple[str, Sequence[str]]:
    """The driver's text that asks for rows by so many values, and the names of its marks."""
    names = [f"value_{number}" for number in range(room)]
    compiled = select(table).where(table.c[column].in_([bindparam(name) for name in names])).compile(dialect=dialect)
    return str(compiled), names


def _execute(connection: Connection, statement: Insert | Update | Delete, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        text, names = _driver_form(statement, connection.dialect)
        if connection.dialect.positional:
            values = itemgetter(*names)
            parameters = [values(row) for row in rows]
            connection.exec_driver_sql(text, parameters if len(names) > 1 else [(value,) for value in parameters])
        else:
            places = {name: name.removeprefix(_WHERE) for name in names}
            connection.exec_driver_sql(text, [{name: row[place] for name, place in places.items()} for row in rows])


@lru_cache(maxsize=64)
def _driver_form(statement: Insert | Update | Delete, dialect: Dialect) -> tuple[str, Sequence[str]]:
    """The driver's text of a statement, and the columns in the order of its marks or else its marks' own names."""
    compiled = statement.compile(dialect=dialect)
    if not dialect.positional:
        return str(compiled), list(compiled.params)
    return str(compiled), [name.removeprefix(_WHERE) for name in compiled.positiontup or ()]
