"""Measures one column through DuckDB: its distinct values once, then everything else on their few shapes.

A shape writes digits as 9 and runs of letters as A (capitals) or a, so that 07/04/1976 becomes 99/99/9999. Most questions
are answered by shapes alone; only the values of shapes that need it are looked at again.
"""

# ruff: noqa: S608 - names are quoted and everything else is our own text

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from etl.core.intake import Column, DayOrder, Kind, Place, Tally
from etl.core.records import DAMAGE, LINE, ROW
from etl.sources.engine import quoted, text
from etl.sources.intake.parts import Parts

BLANKS = text(" \t\r\n\u00a0")
CODES_MOST = 60
"""Columns with at most so many values, each of them used more than once on average, hold codes."""

_SHOWN = 8
_LONGEST_SHAPE = 40
_LONGEST_CODE = 60
_SHAPES: tuple[tuple[Kind, str], ...] = (
    (Kind.DATE_DIGITS, "9{8}"),
    (Kind.SSN, "999-99-9999"),
    (Kind.INTEGER, "[-+]?9+"),
    (Kind.NUMBER, r"[-+(]?\$? ?(?:9+|9{1,3}(?:,999)+)?(?:\.9+)?%?\)?|\.9+"),
    (Kind.DATE_ISO, r"9999[-/.]99?[-/.]99?(?:[ aA]?99?:99.*)?"),
    (Kind.DATE_LONG, r"99?[-/.]99?[-/.]9999(?: 99?:99.*)?"),
    (Kind.DATE_SHORT, r"99?[-/.]99?[-/.]99(?: 99?:99.*)?"),
    (Kind.DATE_NAMED, r"99?[- ]?(?:A|Aa|a)[- ,]*(?:99|9999)|Aa? 99?, ?9999"),
    (Kind.TIME, r"99?:99(?::99(?:\.9+)?)?(?: ?[aA])?"),
    (Kind.SCIENTIFIC, r"[-+]?9(?:\.9+)?[Aa][-+]9{1,3}"),
    (Kind.PHONE, r"(?:\+?9[ .-]?)?\(?999\)?[ ./-]*999[ .-]9999(?: ?[Aa]+\.? ?9+)?"),
    (Kind.EMAIL, r"[^@ ]+@[^@ ]+\.[^@ ]+"),
)


@dataclass(frozen=True, slots=True)
class Blanks:
    """How many cells of a column hold a value, how many hold none, and how many have blanks around their value."""

    filled: int
    null: int
    blank: int
    padded: int


class Cells:
    """The distinct values of one column at a time: tables ``cell(value, n, row, line, shape)`` and ``form(shape, n, kind)``.

    Damaged rows are left out.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, parts: Parts) -> None:
        self._database = database
        self._parts = parts

    def blanks(self) -> dict[str, Blanks]:
        """Nulls, blanks and padded cells of all columns, in one scan of each part."""
        counted = (self._blanks(columns, relation) for columns, relation in self._parts.groups())
        return {name: blanks for each in counted for name, blanks in each.items()}

    def _blanks(self, columns: Sequence[str], relation: str) -> dict[str, Blanks]:
        measures = []
        for name in map(quoted, columns):
            bare = f"trim({name}, {BLANKS})"
            measures.append(f"count(*) filter ({bare} <> '')")
            measures.append(f"count(*) filter ({name} is null)")
            measures.append(f"count(*) filter ({bare} = '')")
            measures.append(f"count(*) filter ({bare} <> {name} and {bare} <> '')")
        row = self._row(f"select {', '.join(measures)} from {relation} where {quoted(DAMAGE)} is null")
        return {name: Blanks(*row[4 * at : 4 * at + 4]) for at, name in enumerate(columns)}

    def column(self, name: str, blanks: Blanks) -> Column:
        """Loads and measures a column; one without values needs neither."""
        if not blanks.filled:
            return Column(name, 0, blanks.blank, blanks.null, 0, 0, 0, 0, {}, (), ())
        self._load(name)
        return self._measured(name, blanks)

    def _load(self, column: str) -> None:
        """Makes a column the one that is measured."""
        name, bare = quoted(column), f"trim({quoted(column)}, {BLANKS})"
        self._database.execute(
            f"create or replace temp table cell as select value, n, row, line, {_shape('value')} as shape from ("
            f"select {bare} as value, count(*) as n, min({quoted(ROW)}) as row, min({quoted(LINE)}) as line "
            f"from {self._parts.of(column)} where {quoted(DAMAGE)} is null and {name} is not null and {bare} <> '' group by 1)"
        )
        self._database.execute(
            f"create or replace temp table form as select shape, sum(n)::bigint as n, {_kind('shape')} as kind "
            "from cell group by 1"
        )

    def _measured(self, column: str, blanks: Blanks) -> Column:
        """Counts, kinds, shapes and the most frequent values of the loaded column."""
        distinct, filled, shortest, longest = self._row(
            "select count(*), coalesce(sum(n), 0), coalesce(min(length(value)), 0), coalesce(max(length(value)), 0) from cell"
        )
        kinds = self._pairs("select kind, sum(n)::bigint from form group by 1 order by 2 desc, 1")
        return Column(
            name=column,
            filled=filled,
            blank=blanks.blank,
            null=blanks.null,
            padded=blanks.padded,
            distinct=distinct,
            shortest=shortest,
            longest=longest,
            kinds={Kind(kind): count for kind, count in kinds},
            shapes=self._tallies("select shape, n from form order by n desc, shape", _SHOWN),
            values=self._tallies("select value, n from cell order by n desc, value", _SHOWN),
            codes=self._codes(distinct, filled, longest),
            day_order=self._day_order({kind for kind, _ in kinds}),
        )

    def rows(self, *conditions: str) -> tuple[int, ...]:
        """How many rows hold a value of each condition (on ``value``, ``n``, ``shape``), in one pass."""
        if not conditions:
            return ()
        counts = ", ".join(f"coalesce(sum(n) filter ({condition}), 0)" for condition in conditions)
        return self._row(f"select {counts} from cell")

    def places(self, condition: str, most: int) -> tuple[Place, ...]:
        """The first places at which values of this condition stand, each value once."""
        found = self._database.execute(
            f"select row, line from cell where {condition} order by row limit {most}"
        ).fetchall()
        return tuple(Place(row, line) for row, line in found)

    def tallies(self, condition: str, most: int) -> tuple[Tally, ...]:
        """The most frequent values of this condition."""
        return self._tallies(f"select value, n from cell where {condition} order by n desc, value", most)

    def number(self, expression: str, condition: str = "true") -> int:
        """A number computed from the values, 0 where there is none."""
        return int(self._row(f"select coalesce({expression}, 0) from cell where {condition}")[0])

    def _codes(self, distinct: int, filled: int, longest: int) -> tuple[Tally, ...]:
        is_code = 0 < distinct <= CODES_MOST and distinct * 2 <= filled and longest <= _LONGEST_CODE
        return self._tallies("select value, n from cell order by value", CODES_MOST) if is_code else ()

    def _day_order(self, kinds: set[str]) -> DayOrder | None:
        if not kinds & {Kind.DATE_LONG, Kind.DATE_SHORT}:
            return None
        parts = r"regexp_extract(value, '^(\d{1,2})[-/.](\d{1,2})[-/.]', ['a', 'b'])"
        return DayOrder(
            *self._row(
                "select coalesce(sum(n) filter (b between 13 and 31 and a between 1 and 12), 0), "
                "coalesce(sum(n) filter (a between 13 and 31 and b between 1 and 12), 0), "
                "coalesce(sum(n) filter (a between 1 and 12 and b between 1 and 12), 0), "
                "coalesce(sum(n) filter (not ((a between 1 and 12 and b between 1 and 31) "
                "or (b between 1 and 12 and a between 1 and 31))), 0) "
                f"from (select n, try_cast(parts.a as integer) as a, try_cast(parts.b as integer) as b from (select cell.n, {parts} as parts from cell "
                f"join form using (shape) where kind in ({text(Kind.DATE_LONG)}, {text(Kind.DATE_SHORT)})))"
            )
        )

    def _row(self, sql: str) -> tuple[int, ...]:
        return tuple(int(each) for each in self._database.execute(sql).fetchall()[0])

    def _pairs(self, sql: str) -> list[tuple[str, int]]:
        return [(str(name), int(count)) for name, count in self._database.execute(sql).fetchall()]

    def _tallies(self, sql: str, most: int) -> tuple[Tally, ...]:
        return tuple(Tally(value, count) for value, count in self._pairs(f"{sql} limit {most}"))


def _shape(value: str) -> str:
    """The shape of a value; of a longer one only that it is text."""
    digits = f"translate({value}, '012345678', '999999999')"
    letters = rf"regexp_replace(regexp_replace({digits}, '\p{{Lu}}+', 'A', 'g'), '[\p{{Ll}}\p{{Lo}}\p{{Lm}}\p{{Lt}}\p{{M}}]+', 'a', 'g')"
    short = rf"regexp_replace({letters}, '\s+', ' ', 'g')"
    return f"case when length({value}) > {_LONGEST_SHAPE} then 'text' else {short} end"


def _kind(shape: str) -> str:
    cases = " ".join(f"when regexp_full_match({shape}, {text(pattern)}) then {text(kind)}" for kind, pattern in _SHAPES)
    return f"case {cases} else {text(Kind.TEXT)} end"


def kinds_share(column: Column, *kinds: Kind) -> float:
    """The share of a column's filled rows that are of one of these kinds."""
    return sum(column.kinds.get(kind, 0) for kind in kinds) / column.filled if column.filled else 0.0
