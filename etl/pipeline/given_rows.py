"""Makes the base rows of an inline test: what the document gives, as the tables would give it.

Groups are put into order as the tables put them, so that a test shows which row comes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import pyarrow as pa

from etl.core.counting import whole_numbers
from etl.core.records import DAMAGE, GROUP, LINE, ROW
from etl.mapping.inline_tests import MATCHES_SUFFIX
from etl.mapping.model import EntityMapping, InlineTest


def given_rows(mapping: EntityMapping, test: InlineTest) -> pa.RecordBatch:
    """The given rows as the tables would give them; a join that the test gives a column of has one match."""
    given = _ordered(mapping, test.rows)
    count = len(given)
    numbers = whole_numbers(count, 1)
    columns = {ROW: numbers, LINE: numbers, DAMAGE: pa.nulls(count, pa.string())}
    columns |= {name: pa.array([row.get(name) for row in given], pa.string()) for name in mapping.base.columns}
    for join in mapping.base.joins:
        matches = [_matches(join.alias, row) for row in given]
        columns[join.alias + MATCHES_SUFFIX] = pa.array(matches, pa.int64())
    if mapping.base.group_by:
        columns[GROUP] = pa.array([0] * count, pa.int64())
    return pa.record_batch(columns)


def _ordered(mapping: EntityMapping, rows: Sequence[Mapping[str, str | None]]) -> Sequence[Mapping[str, str | None]]:
    """Rows of a group as `order` puts them in the tables: numbers, then other text, blanks last in any direction."""
    ordered = list(rows)
    for name in reversed(mapping.base.group_order):
        ranks = {id(row): _rank(row.get(name.removeprefix("-"))) for row in rows}
        backwards = name.startswith("-")
        ordered.sort(key=lambda row: ranks[id(row)].text, reverse=backwards)
        ordered.sort(key=lambda row: ranks[id(row)].number, reverse=backwards)
        ordered.sort(key=lambda row: ranks[id(row)].kind)
    return ordered


class _Rank(NamedTuple):
    kind: int
    number: Decimal
    text: str


def _rank(cell: str | None) -> _Rank:
    text = (cell or "").strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _Rank(1 if text else 2, Decimal(), text)
    return _Rank(0, number, text) if number.is_finite() else _Rank(1, Decimal(), text)


def _matches(alias: str, row: Mapping[str, str | None]) -> int:
    given = row.get(alias + MATCHES_SUFFIX)
    if given is not None and given.isdecimal():
        return int(given)
    return int(any(name.startswith(f"{alias}.") for name in row))
