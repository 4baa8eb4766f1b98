"""The SQL behind a mapping's `query`: the base table's rows, each with what the query gives for it.

The query only adds to base rows and leaves some out; it can make none, so the account of the base table stays whole.
"""

from __future__ import annotations

# ruff: noqa: S608 - this module exists to write SQL; names are quoted, and the query runs where it can read nothing else
from collections.abc import Sequence

from etl.core.records import DAMAGE, LINE, ROW
from etl.sources.engine import quoted


def queried_rows_sql(table: str, query: str, columns: Sequence[str], left_out: str) -> str:
    """Every row of the base table with the query's columns as text, and whether the query left it out; in no order."""
    schema, _, name = table.rpartition(".")
    cells = [f"cast(q.{quoted(column)} as varchar) as {quoted(column)}" for column in columns]
    place = f"b.{ROW}, b.{LINE}, b.{DAMAGE}, q.{ROW} is null as {left_out}"
    asked = query.strip().removesuffix(";")
    rows = f"{quoted(schema)}.{quoted(name)} b left join (\n{asked}\n) q on q.{ROW} = b.{ROW}"
    return f"select {', '.join([place, *cells])} from {rows}"
