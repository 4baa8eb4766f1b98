"""The SQL behind a mapping's base rows: joins that never multiply rows, and groups that stand together.

It answers with row numbers, of the base table and of each joined one: nothing but keys and what orders is moved about.
Keys are compared in the form in which record keys are made (NFC, without outer blanks), and a blank key matches nothing,
so that a join and a reference agree on the same data. Every name is quoted; no value of the data becomes SQL.
"""

from __future__ import annotations

# ruff: noqa: S608 - this module exists to write SQL; its parts are our own words and quoted names
from collections.abc import Callable, Iterator, Sequence

from etl.core.ports import BaseQuery, Join
from etl.core.records import DAMAGE, GROUP, LINE, ROW
from etl.sources.engine import quoted, text

MATCHES = "_matches"

_BLANKS = text("".join(character for character in map(chr, range(0x3001)) if character.isspace()))


class BaseSql:
    """Writes the queries of one :class:`BaseQuery`; ``relation`` gives the FROM clause of a table.

    ``scratch`` begins the names of the tables of :meth:`steps`, which must be made first.
    """

    def __init__(self, query: BaseQuery, relation: Callable[[str], str], scratch: str = "") -> None:
        self._query = query
        self._scratch = scratch
        self._relation = relation
        self._aliases = {join.alias for join in query.joins}
        keys = [visible for join in query.joins for visible, _ in join.match]
        order = [column.removeprefix("-") for column in query.group_order]
        self._needed = list(dict.fromkeys([*keys, *query.group_by, *order]))

    def base(self) -> str:
        """The numbers of the base rows in their order, see :meth:`etl.core.ports.Tables.base`, with each join's number and
        count of rows; a group is told by its first row, not numbered yet.
        """
        last = self._table(len(self._query.joins))
        beside = [f"{join.alias}.{name}" for join in self._query.joins for name in (ROW, MATCHES)]
        columns = _listed(ROW, *map(quoted, beside))
        if not self._query.group_by:
            return f"select {columns} from {last} order by {ROW}"
        order = _listed("__first", *_order(self._query.group_order), ROW)
        return f"with {self._grouped(last)} select {columns}, __first as {GROUP} from grouped order by {order}"

    def unmatched(self, alias: str) -> str:
        """Place of the undamaged rows of a joined table that no base row matches."""
        step = self.joins_before(alias)
        join = self._query.joins[step]
        match = " and ".join(
            f"{_key(f'b.{quoted(left)}')} = {_key(f'r.{quoted(right)}')}" for left, right in join.match
        )
        rows = f"select {ROW}, {LINE} from {self._relation(join.table)} r where {DAMAGE} is null"
        found = f"select 1 from {self._table(step)} b where {match}"
        return f"{rows} and not exists ({found}) order by {ROW}"

    def steps(self, joins: int | None = None) -> Iterator[tuple[str, str]]:
        """The tables to make before asking, each with its SELECT, for so many of the joins (None: all).

        One at a time, since the engine keeps a part of every join of one question in memory.
        """
        for number, join in enumerate(self._query.joins[:joins], 1):
            yield from self._step(number, join)

    def joins_before(self, alias: str) -> int:
        """How many joins stand before one: those that :meth:`unmatched` needs."""
        return [join.alias for join in self._query.joins].index(alias)

    def _table(self, joins: int) -> str:
        """The base rows with so many joins beside them."""
        own = f"(select {_listed(ROW, *self._own_columns())} from {self._relation(self._query.table)})"
        return f"{self._scratch}base_{joins}" if joins else own

    def _step(self, number: int, join: Join) -> tuple[tuple[str, str], tuple[str, str]]:
        """Chooses one row of the joined table for each key, then puts its number beside the base rows."""
        pick, before = f"{self._scratch}pick_{number}", self._table(number - 1)
        names = self._columns_of(join.alias)
        keys = [f"__key_{position}" for position, _ in enumerate(join.match)]
        matches = quoted(f"{join.alias}.{MATCHES}")
        on = " and ".join(
            f"{_key(f'b.{quoted(left)}')} = p.{key}" for key, (left, _) in zip(keys, join.match, strict=True)
        )
        beside = _listed("b.*", *(f"p.{quoted(name)}" for name in names), f"coalesce(p.{matches}, 0) as {matches}")
        return (
            (pick, self._pick(join, names, keys)),
            (self._table(number), f"select {beside} from {before} b left join {pick} p on {on}"),
        )

    def _pick(self, join: Join, names: Sequence[str], keys: Sequence[str]) -> str:
        cells = [f"{quoted(name.removeprefix(f'{join.alias}.'))} as {quoted(name)}" for name in names]
        made = [f"{_key(quoted(right))} as {key}" for key, (_, right) in zip(keys, join.match, strict=True)]
        order = _order(join.pick_order, backwards=join.pick_take == "last")
        last_row = f"{ROW} desc" if join.pick_order and join.pick_take == "last" else ROW
        part = f"partition by {_listed(*keys)}"
        present = " and ".join(f"{key} is not null" for key in keys)
        count = f"count(*) over ({part}) as {quoted(f'{join.alias}.{MATCHES}')}"
        rows = f"select *, {_listed(*made)} from {self._relation(join.table)}"
        best = f"row_number() over ({part} order by {_listed(*order, last_row)}) = 1"
        return f"select {_listed(*keys, *cells, count)} from ({rows}) where {present} qualify {best}"

    def _grouped(self, last: str) -> str:
        """Finds the first row of each row's group; a row with a blank key is a group of its own."""
        keys = [_key(quoted(column)) for column in self._query.group_by]
        blank = " or ".join(f"{key} is null" for key in keys)
        first = f"min({ROW}) over (partition by {_listed(*keys)})"
        return f"grouped as (select *, case when {blank} then {ROW} else {first} end as __first from {last})"

    def _own_columns(self) -> list[str]:
        return [quoted(name) for name in self._needed if name.partition(".")[0] not in self._aliases]

    def _columns_of(self, alias: str) -> list[str]:
        """The row number of a join, and its columns that another join or a group needs."""
        needed = [name for name in self._needed if name.startswith(f"{alias}.") and name != f"{alias}.{MATCHES}"]
        return list(dict.fromkeys([f"{alias}.{ROW}", *needed]))


def _key(column: str) -> str:
    """The key form of a column; the test for plain text spares nearly all keys the slow trimming."""
    trimmed = f"nullif(trim(nfc_normalize({column}), {_BLANKS}), '')"
    return f"case when regexp_full_match({column}, '[!-~]+') then {column} else {trimmed} end"


def _order(columns: Sequence[str], *, backwards: bool = False) -> list[str]:
    """Numbers before other text, each in its own order; blanks last in any direction."""
    return [item for column in columns for item in _order_by(column, backwards=backwards)]


def _order_by(column: str, *, backwards: bool) -> tuple[str, str]:
    direction = "desc" if column.startswith("-") != backwards else "asc"
    cell = f"nullif(trim({quoted(column.removeprefix('-'))}), '')"
    return f"try_cast({cell} as decimal(38, 10)) {direction} nulls last", f"{cell} {direction} nulls last"


def _listed(*parts: str) -> str:
    return ", ".join(parts)
