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
from etl.sources.intake.parts import Parts

_PAIRED = 6
_PAIRS_SHOWN = 3
_LONGEST_KEY = 60


class Keys:
    """Questions about the keys of one table."""

    def __init__(self, database: duckdb.DuckDBPyConnection, parts: Parts, table: str) -> None:
        self._database = database
        self._parts = parts
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
        meant = [each for at, each in enumerate(columns) if self._is_key(each, at, declared)]
        has_whole_key = any(each.is_unique for each in meant)
        for column in meant:
            if not column.is_unique:
                # Beside a key without blanks, a number that not everybody has (of taxes, of a card) is no key.
                is_beside = has_whole_key and column is not columns[0] and [column.name] != [*declared]
                yield from self._spoiled(column, may_be_blank=is_beside)
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
        return (
            self._number(f"select count(*) from (select distinct {names} from {self._sound(one.name, other.name)})")
            == one.filled
        )

    def _spoiled(self, column: Column, *, may_be_blank: bool) -> Iterator[Observation]:
        if column.blank + column.null and not may_be_blank:
            places = self._places(column.name, f"coalesce({_bare(column.name)}, '') = ''")
            count = column.blank + column.null
            yield Observation("missing_keys", Severity.BLOCK, self._table, column.name, count, places=places)
        if column.distinct < column.filled:
            repeated = (
                f"{_bare(column.name)} in (select {_bare(column.name)} from {self._sound(column.name)} "
                f"where coalesce({_bare(column.name)}, '') <> '' group by 1 having count(*) > 1)"
            )
            detail = f"{column.distinct:,} values on {column.filled:,} rows"
            count = column.filled - column.distinct
            places = self._places(column.name, repeated)
            yield Observation("duplicate_keys", Severity.BLOCK, self._table, column.name, count, detail, places)

    def _repeated(self, columns: Sequence[Column]) -> int:
        """Surplus rows among those that are the same in every column."""
        if any(column.is_unique for column in columns):
            return 0
        groups = list(self._parts.groups())
        if len(groups) > 1:
            return self._repeated_by_parts(groups)
        names = ", ".join(quoted(column.name) for column in columns)
        return self._number(
            f"select coalesce(sum(rows - 1), 0) from (select count(*) from {self._sound()} group by {names}) as same(rows)"
        )

    def _is_key(self, column: Column, position: int, declared: Sequence[str]) -> bool:
        return [column.name] == [*declared] or is_meant_as_key(column, position, self._table)

    def _surplus(self, names: Sequence[str]) -> int:
        """Rows beyond the first of each value of several columns."""
        bare, sound = ", ".join(map(_bare, names)), self._sound(*names)
        return self._number(
            f"select (select count(*) from {sound}) - (select count(*) from (select distinct {bare} from {sound}))"
        )

    def _repeated_by_parts(self, groups: Sequence[tuple[Sequence[str], str]]) -> int:
        """The same of a wide table: rows are told apart part by part, and those still alike are asked about in the next."""
        row, damage = quoted(ROW), quoted(DAMAGE)
        self._database.execute(
            f"create or replace temp table alike as select {row} as row, 0 as first from {groups[0][1]} where {damage} is null"
        )
        for names, relation in groups:
            columns = ", ".join(f"part.{quoted(name)}" for name in names)
            self._database.execute(
                "create or replace temp table alike as select alike.row as row, min(alike.row) over same as first "
                f"from {relation} as part join alike on alike.row = part.{row} "
                f"window same as (partition by alike.first, {columns}) qualify count(*) over same > 1"
            )
        return self._number("select count(*) - count(distinct first) from alike")

    def _sound(self, *columns: str) -> str:
        """The rows without damage, at least with these columns."""
        return f"(select * from {self._parts.of(*columns)} where {quoted(DAMAGE)} is null)"

    def _places(self, column: str, condition: str) -> tuple[Place, ...]:
        row, line = quoted(ROW), quoted(LINE)
        sql = f"select {row}, {line} from {self._sound(column)} where {condition} order by {row} limit {PLACES}"
        return tuple(Place(*found) for found in self._database.execute(sql).fetchall())

    def _number(self, sql: str) -> int:
        return int(self._database.execute(sql).fetchall()[0][0])


def _can_be_key(column: Column) -> bool:
    """Dates and texts may differ in every row without being a key."""
    return column.people is None and not is_date_column(column) and column.longest <= _LONGEST_KEY


def _bare(column: str) -> str:
    return f"trim({quoted(column)}, {BLANKS})"
