"""The values of a column of codes with their rows, counted in a snapshot as the intake counts them: without outer blanks."""

# ruff: noqa: S608 - this module exists to write SQL; its parts are our own words, numbers and quoted names

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from etl.sources.engine import quoted
from etl.sources.intake.columns import BLANKS
from etl.sources.tables import DuckTables

MOST_VALUES = 10_000
"""So many values are looked at: a column that holds more holds no codes any more."""


def code_counts(tables: DuckTables, relation: str, column: str) -> Iterator[pa.RecordBatch]:
    """``value`` and ``rows`` of the filled values of a column."""
    bare = f"trim({quoted(column)}, {BLANKS})"
    where = f"where {bare} <> '' group by 1 limit {MOST_VALUES}"
    return tables.select(f"select {bare} as value, count(*) as rows from {tables.relation(relation)} {where}")
