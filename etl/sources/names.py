"""Which names tables and columns may bear in the snapshot.

Names are compared without case, because DuckDB, Windows and macOS do; two names that differ in case only would become
one somewhere on the line.
"""

from __future__ import annotations

from collections.abc import Sequence

from etl.core.errors import SourceUnreadable
from etl.core.records import RESERVED


def check_columns(columns: Sequence[str], place: str) -> None:
    """Raises SourceUnreadable that names the blank, reserved or repeated column by its position."""
    seen: dict[str, int] = {}
    for position, column in enumerate(columns, start=1):
        if not column.strip():
            hint = "Give it a name, or take the surplus delimiter off."
            raise SourceUnreadable(f"{place}: column {position} has no name.", hint=hint)
        if column.casefold() in RESERVED:
            raise SourceUnreadable(f"{place}: the name of column {position}, {column}, is reserved.", hint="Rename it.")
        first = seen.setdefault(column.casefold(), position)
        if first != position:
            message = f"{place}: columns {first} and {position} are both named {columns[first - 1]}"
            same = columns[first - 1] == column
            raise SourceUnreadable(
                f"{message}{'' if same else f' or {column}'}.", hint="Rename one of them (in a query: AS)."
            )


def numbered(columns: Sequence[str]) -> list[str]:
    """The names, those that are blank told by their place: ``column_20``."""
    return [name if name.strip() else f"column_{at}" for at, name in enumerate(columns, start=1)]


def check_tables(tables: Sequence[str], place: str) -> None:
    """Raises SourceUnreadable if two tables have the same name but for case."""
    seen: dict[str, str] = {}
    for table in tables:
        if seen.setdefault(table.casefold(), table) != table or tables.count(table) > 1:
            hint = "Rename one, or choose fewer tables."
            raise SourceUnreadable(f"{place} has two tables named {table} (case does not count).", hint=hint)
