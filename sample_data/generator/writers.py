"""Writes rows as the legacy system would hand them over: CSV files in cp1252 with CRLF, and a SQLite database.

Both take rows one at a time, so that an extract of any size needs the memory of one block.
"""

from __future__ import annotations

import csv
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from generator.schema import CSV_TABLES, SQL_TABLES, sql_columns

UNDECODABLE = "\udc81"
"""Becomes the byte 0x81, which cp1252 does not define."""
Cell = str | int | float | None


class RowWriter(Protocol):
    """What a CSV writer of the standard library offers here."""

    def writerow(self, row: Iterable[Cell], /) -> object:
        """Writes one row."""
        ...


class Tables:
    """The legacy tables of the agency, open for writing; a context manager. ``rows`` counts what was written."""

    def __init__(self, folder: Path) -> None:
        self.rows: Counter[str] = Counter()
        self._folder = folder
        self._open = ExitStack()

    def __enter__(self) -> Self:
        (self._folder / "legacy").mkdir(parents=True, exist_ok=True)
        self._writers = {table: self._csv(table, columns) for table, columns in CSV_TABLES.items()}
        self._database = _new_database(self._folder / "legacy.db")
        self._open.callback(self._database.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.commit()
        self._open.close()

    def add(self, table: str, row: Mapping[str, Cell], *, ragged: int = 0) -> None:
        """Writes a row; columns it does not name are blank (CSV) or null (SQL). ``ragged`` adds or drops last cells."""
        self.rows[table] += 1
        if table in CSV_TABLES:
            self._writers[table].writerow(_bent([row.get(column, "") for column in CSV_TABLES[table]], ragged))
        else:
            values = [row.get(column) for column in sql_columns(table)]
            self._database.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values)  # noqa: S608 - names of our own schema

    def _csv(self, table: str, columns: Sequence[str]) -> RowWriter:
        file = self._open.enter_context(
            (self._folder / "legacy" / f"{table}.csv").open(
                "w", encoding="cp1252", errors="surrogateescape", newline=""
            )
        )
        writer = csv.writer(file)
        writer.writerow(columns)
        return writer


def _bent(cells: list[Cell], ragged: int) -> list[Cell]:
    return cells[:ragged] if ragged < 0 else [*cells, *["surplus"] * ragged]


def _new_database(path: Path) -> sqlite3.Connection:
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    for table, declarations in SQL_TABLES.items():
        database.execute(f"CREATE TABLE {table} ({', '.join(declarations)})")
    return database


def dump(path: Path) -> str:
    """The contents of a SQLite file as statements: the bytes of the file differ between versions of SQLite."""
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        return "\n".join(database.iterdump())
    finally:
        database.close()
