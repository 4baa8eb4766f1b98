"""The SQL behind a mapping's base rows: joins that never multiply rows, and groups that stand together.

Keys are compared in the form in which record keys are made (NFC, without outer blanks), and a blank key matches nothing,
so that a join and a reference agree on the same data. Every name is quoted; no value of the data becomes SQL.
"""

from __future__ import annotations

# ruff: noqa: S608 - this module exists to write SQL; its parts are our own words and quoted names
from collections.abc import Callable, Sequence

from etl.core.ports import BaseQuery, Join
from etl.core.records import DAMAGE, GROUP, LINE, ROW
from etl.sources.engine import quoted, text

MATCHES = "_matches"

_PLACE = f"{ROW}, {LINE}, {DAMAGE}"
_BLANKS = text("".join(character for character in map(chr, range(0x3001)) if character.isspace()))


class BaseSql:
    """Writes the queries of one :class:`BaseQuery`; ``relation`` gives the FROM clause of a table."""

    def __init__(self, query: BaseQuery, relation: Callable[[str], str]) -> None:
        self._query = query
        self._relation = relation
        self._aliases = {join.alias for join in query.joins}
        keys = [visible for join in query.joins for visible, _ in join.match]
        order = [column.removeprefix("-") for column in query.group_order]
        self._needed = list(dict.fromkeys([*query.columns, *keys, *query.group_by, *order]))

    def base(self) -> str:
        """The base rows, see :meth:`etl.core.ports.Tables.base`."""
        last = f"base_{len(self._query.joins)}"
        matches = [f"{join.alias}.{MATCHES}" for join in self._query.joins]
        columns = _listed(_PLACE, *map(quoted, dict.fromkeys([*self._query.columns, *matches])))
        steps = self._steps(len(self._query.joins))
        if not self._query.group_by:
            return f"{steps} select {columns} from {last} order by {ROW}"
        order = _listed("__first", *_order(self._query.group_order), ROW)
        group = f"dense_rank() over (order by __first) - 1 as {GROUP}"
        return f"{steps}, {self._grouped(last)} select {columns}, {group} from grouped order by {order}"

    def unmatched(self, alias: str) -> str:
        """Place of the undamaged rows of a joined table that no base row matches."""
        names = [join.alias for join in self._query.joins]
        step = names.index(alias)
        join = self._query.joins[step]
        match = " and ".join(
            f"{_key(f'b.{quoted(left)}')} = {_key(f'r.{quoted(right)}')}" for left, right in join.match
        )
        rows = f"select {ROW}, {LINE} from {self._relation(join.table)} r where {DAMAGE} is null"
        found = f"select 1 from base_{step} b where {match}"
        return f"{self._steps(step)} {rows} and not exists ({found}) order by {ROW}"

    def _steps(self, joins: int) -> str:
        base = f"base_0 as (select {_listed(_PLACE, *self._own_columns())} from {self._relation(self._query.table)})"
        steps = [step for number, join in enumerate(self._query.joins[:joins], 1) for step in self._step(number, join)]
        return "with " + ", ".join([base, *steps])

    def _step(self, number: int, join: Join) -> tuple[str, str]:
        """Chooses one row of the joined table for each key, then puts it beside the base rows."""
        names = self._columns_of(join.alias)
        keys = [f"__key_{position}" for position, _ in enumerate(join.match)]
        matches = quoted(f"{join.alias}.{MATCHES}")
        on = " and ".join(
            f"{_key(f'b.{quoted(left)}')} = p.{key}" for key, (left, _) in zip(keys, join.match, strict=True)
        )
        beside = _listed("b.*", *(f"p.{quoted(name)}" for name in names), f"coalesce(p.{matches}, 0) as {matches}")
        return (
            f"pick_{number} as ({self._pick(join, names, keys)})",
            f"base_{number} as (select {beside} from base_{number - 1} b left join pick_{number} p on {on})",
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
        return [name for name in self._needed if name.startswith(f"{alias}.") and name != f"{alias}.{MATCHES}"]


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
