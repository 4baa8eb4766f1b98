"""The rows of one table that is measured, kept in narrow parts where the table is wide.

A question about one column costs as much as its file is wide, so that a table of ten thousand columns would be asked ten
thousand times at ten thousand times the price. Each part holds the places of all rows and a few columns.
"""

# ruff: noqa: S608 - names are quoted and everything else is our own text

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from etl.core.records import DAMAGE, LINE, ROW
from etl.sources.engine import parquet, quoted, text

WIDTH = 32
"""The columns of a part: one question about all of them stays small."""


class Parts:
    """FROM clauses over the Parquet file ``path``; ``columns`` are those of the data, in order."""

    def __init__(self, database: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str]) -> None:
        self._whole = parquet(str(path))
        self._groups = [tuple(columns[at : at + WIDTH]) for at in range(0, len(columns), WIDTH)]
        self._clauses = [self._whole] * len(self._groups)
        if len(self._groups) > 1:
            self._clauses = [self._cut(database, path, at) for at in range(len(self._groups))]
        self._of = {column: at for at, group in enumerate(self._groups) for column in group}

    def of(self, *columns: str) -> str:
        """The narrowest clause that has these columns; without any, one that has the rows' places and damage."""
        parts = {self._of[column] for column in columns} or {0}
        return self._clauses[parts.pop()] if len(parts) == 1 else self._whole

    def groups(self) -> Iterator[tuple[Sequence[str], str]]:
        """The columns a few at a time, each few with its clause."""
        return zip(self._groups, self._clauses, strict=True)

    def _cut(self, database: duckdb.DuckDBPyConnection, path: Path, at: int) -> str:
        part = path.with_suffix(f".{at:05d}")
        names = ", ".join(map(quoted, (ROW, LINE, DAMAGE, *self._groups[at])))
        database.execute(f"copy (select {names} from {self._whole}) to {text(str(part))} (format parquet)")
        return parquet(str(part))
