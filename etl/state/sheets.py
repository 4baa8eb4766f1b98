"""Rows of one table as a group of changes finds and leaves them: read once, changed in memory, written once.

Each put is journalled, so that one unit's changes can be taken back while its neighbours' stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Generic, TypeAlias, TypeVar

import sqlalchemy
from sqlalchemy import Connection, Dialect, Table, bindparam, delete, select

Key = TypeVar("Key")
Row = TypeVar("Row", bound=Mapping[str, object])
Journal: TypeAlias = "list[Callable[[], None]]"

_MOST_ROWS = 512
"""Rows of one statement; of the widest table some 8,000 values, and every database takes 32,766."""
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
        """Deletes the rows that were removed and writes those that were put."""
        self._statements.delete(connection, [self._stored[key] for key in self._removed])
        self._statements.put(connection, list(self._changed.values()))

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
    """What writes and deletes rows of a table.

    As many rows as can be go in one statement, and there as they are: between two statements the interpreter's lock goes to
    the thread that sends and has to be waited for, and to prepare each row's parameters costs more than to write it.
    """

    def __init__(self, table: Table, settled: Sequence[str] = ()) -> None:
        """``settled`` names what is set in a row that is stored already: without it everything but the key."""
        self._table = table
        self._keys = tuple(column.name for column in table.primary_key)
        self._settled = tuple(settled or (column.name for column in table.columns if column.name not in self._keys))
        self._values = itemgetter(*(column.name for column in table.columns))
        self._delete = delete(table).where(*(table.c[name] == bindparam(name) for name in self._keys))

    def put(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Adds the rows, or sets in those that are stored what is to be set."""
        start = 0
        while start < len(rows):
            # Powers of two, so that few texts are made and every one is prepared once.
            count = min(_MOST_ROWS, 1 << (len(rows) - start).bit_length() - 1)
            text, marks = _put(self._table, self._keys, self._settled, count, connection.dialect)
            values = tuple(chain.from_iterable(map(self._values, rows[start : start + count])))
            parameters = values if connection.dialect.positional else dict(zip(marks, values, strict=True))
            connection.exec_driver_sql(text, parameters)
            start += count

    def delete(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Takes the rows away."""
        if rows:
            connection.execute(self._delete, [{name: row[name] for name in self._keys} for row in rows])


def stored_rows(connection: Connection, table: Table, column: str, values: Iterable[str]) -> list[dict[str, Any]]:
    """The whole rows of a table whose column has one of the values."""
    names = [one.name for one in table.columns]
    return [dict(zip(names, row, strict=True)) for row in rows_among(connection, table, column, values)]


def rows_among(
    connection: Connection, table: Table, column: str, values: Iterable[str]
) -> Iterator[sqlalchemy.Row[Any]]:
    """The same as the database gives them.

    Asked in few texts that were made once, each filled up with its last value: to make one costs ten times the answer.
    """
    wanted = sorted(set(values))
    for start in range(0, len(wanted), BATCH_KEYS):
        asked = wanted[start : start + BATCH_KEYS]
        room = 1 << (len(asked) - 1).bit_length()
        text, names = _question(table, column, room, connection.dialect)
        filled = [*asked, *asked[-1:] * (room - len(asked))]
        parameters = tuple(filled) if connection.dialect.positional else dict(zip(names, filled, strict=True))
        yield from connection.exec_driver_sql(text, parameters)


@lru_cache(maxsize=128)
def _question(table: Table, column: str, room: int, dialect: Dialect) -> tuple[str, Sequence[str]]:
    """The driver's text that asks for rows by so many values, and the names of its marks."""
    names = [f"value_{number}" for number in range(room)]
    compiled = select(table).where(table.c[column].in_([bindparam(name) for name in names])).compile(dialect=dialect)
    return str(compiled), names


@lru_cache(maxsize=128)
def _put(
    table: Table, keys: tuple[str, ...], settled: tuple[str, ...], count: int, dialect: Dialect
) -> tuple[str, list[str]]:
    """The driver's text that puts so many rows, and the names of its marks, by row and column."""
    names = [column.name for column in table.columns]
    marks = [f"{name}_{number}" for number in range(count) for name in names]
    shown = ["?" if dialect.positional else f"%({mark})s" for mark in marks]
    rows = (f"({', '.join(shown[start : start + len(names)])})" for start in range(0, len(shown), len(names)))
    sets = (f"{name} = excluded.{name}" for name in settled)
    into = f"{dialect.identifier_preparer.format_table(table)} ({', '.join(names)})"
    otherwise = f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(sets)}"
    return f"INSERT INTO {into} VALUES {', '.join(rows)} {otherwise}", marks  # noqa: S608 - our own words
