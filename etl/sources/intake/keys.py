"""Finds what tells the rows of a table apart: single columns, else pairs, and what spoils a column meant as a key."""

# ruff: noqa: S608 - names are quoted and everything else is our own text

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice

import duckdb

from etl.core.column_names import is_key_name, is_meant_as_key
from etl.core.intake import Column, Observation, Place
from etl.core.problems import Severity
from etl.core.records import DAMAGE, LINE, ROW
from etl.sources.engine import quoted
from etl.sources.intake.columns import BLANKS
from etl.sources.intake.hints import is_date_column
from etl.sources.intake.lines import PLACES

_PAIRED = 6
_PAIRS_SHOWN = 3
_LONGEST_KEY = 60


class Keys:
    """Questions about the keys of one table, whose FROM clause is ``relation``."""

    def __init__(self, database: duckdb.DuckDBPyConnection, relation: str, table: str) -> None:
        self._database = database
        self._relation = f"(select * from {relation} where {quoted(DAMAGE)} is null)"
        self._table = table

    def found(self, columns: Sequence[Column]) -> tuple[tuple[str, ...], ...]:
        """The columns that are keys by themselves, those named like keys alone where there are any; else pairs."""
        unique = [column for column in columns if column.is_unique and _can_be_key(column)]
        single = [column for column in unique if is_key_name(column.name)] or unique
        return tuple((column.name,) for column in single) or tuple(islice(self._pairs(columns), _PAIRS_SHOWN))

    def observations(self, columns: Sequence[Column], declared: Sequence[str] = ()) -> Iterator[Observation]:
        """What spoils the declared key and the columns that are meant as keys, and rows that stand twice."""
        if len(declared) > 1 and (surplus := self._surplus(declared)):
            yield Observation(
                "duplicate_keys", Severity.BLOCK, self._table, "+".join(declared), surplus, "declared as key"
            )
        for position, column in enumerate(columns):
            is_key = [column.name] == [*declared] or is_meant_as_key(column, position, self._table)
            if is_key and not column.is_unique:
                yield from self._spoiled(column)
        if count := self._repeated(columns):
            yield Observation("repeated_rows", Severity.WARN, self._table, count=count)

    def _pairs(self, columns: Sequence[Column]) -> Iterator[tuple[str, ...]]:
        whole = [each for each in columns if each.filled > 0 and not each.blank and not each.null]
        likely = sorted(whole, key=lambda each: (not is_key_name(each.name), -each.distinct))[:_PAIRED]
        for one, other in combinations(sorted(likely, key=columns.index), 2):
            if one.distinct * other.distinct >= one.filled and self._tell_apart(one, other):
                yield one.name, other.name

    def _tell_apart(self, one: Column, other: Column) -> bool:
        names = f"{_bare(one.name)}, {_bare(other.name)}"
        return self._number(f"select count(*) from (select distinct {names} from {self._relation})") == one.filled

    def _spoiled(self, column: Column) -> Iterator[Observation]:
        if column.blank + column.null:
            places = self._places(f"coalesce({_bare(column.name)}, '') = ''")
            count = column.blank + column.null
            yield Observation("missing_keys", Severity.BLOCK, self._table, column.name, count, places=places)
        if column.distinct < column.filled:
            repeated = (
                f"{_bare(column.name)} in (select {_bare(column.name)} from {self._relation} "
                f"where coalesce({_bare(column.name)}, '') <> '' group by 1 having count(*) > 1)"
            )
            detail = f"{column.distinct:,} values on {column.filled:,} rows"
            count = column.filled - column.distinct
            places = self._places(repeated)
            yield Observation("duplicate_keys", Severity.BLOCK, self._table, column.name, count, detail, places)

    def _repeated(self, columns: Sequence[Column]) -> int:
        """Surplus rows among those that are the same in every column."""
        if any(column.is_unique for column in columns):
            return 0
        names = ", ".join(quoted(column.name) for column in columns)
        return self._number(
            f"select coalesce(sum(n - 1), 0) from (select count(*) as n from {self._relation} group by {names} having n > 1)"
        )

    def _surplus(self, names: Sequence[str]) -> int:
        """Rows beyond the first of each value of several columns."""
        bare = ", ".join(map(_bare, names))
        return self._number(
            f"select (select count(*) from {self._relation}) - (select count(*) from (select distinct {bare} from {self._relation}))"
        )

    def _places(self, condition: str) -> tuple[Place, ...]:
        row, line = quoted(ROW), quoted(LINE)
        sql = f"select {row}, {line} from {self._relation} where {condition} order by {row} limit {PLACES}"
        return tuple(Place(*found) for found in self._database.execute(sql).fetchall())

    def _number(self, sql: str) -> int:
        return int(self._database.execute(sql).fetchall()[0][0])


def _can_be_key(column: Column) -> bool:
    """Dates and texts may differ in every row without being a key."""
    return column.people is None and not is_date_column(column) and column.longest <= _LONGEST_KEY


def _bare(column: str) -> str:
    return f"trim({quoted(column)}, {BLANKS})"
