"""The base rows of a mapping, with or without a `query` of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from etl.core.errors import UserFixable
from etl.core.records import ANSWERED, LEFT_OUT
from etl.mapping.model import EntityMapping
from etl.pipeline.workspace import ParquetSink
from etl.sources.query_sql import queried_rows_sql
from etl.sources.tables import DuckTables


def base_rows(tables: DuckTables, mapping: EntityMapping, folder: Path, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """The rows that a mapping maps, in batches; what its query gives is kept in ``folder``.

    Raises UserFixable, naming its place, for a query that cannot be read or gives a base row more than once.
    """
    if not mapping.query:
        yield from tables.base(mapping.base, batch_rows)
        return
    relation = f"query.{mapping.name}"
    path = folder / f"{relation}.parquet"
    _keep(tables, mapping, path)
    tables.register(relation, str(path))
    if tables.count(relation) != tables.count(mapping.base.table):
        message = f"{_place(mapping)}: the query gives a row of {mapping.base.table} more than once."
        raise UserFixable(message, hint="Let it give one row for each `_row`, for example by `qualify` or `group by`.")
    yield from tables.base(replace(mapping.base, table=relation, columns=(*mapping.base.columns, LEFT_OUT)), batch_rows)


def _keep(tables: DuckTables, mapping: EntityMapping, path: Path) -> None:
    unsorted = path.with_suffix(".unsorted")
    columns = _keep_as_they_come(tables, mapping, unsorted)
    with ParquetSink(path) as sink:
        for batch in tables.in_row_order(unsorted, ANSWERED, columns):
            sink.add(batch)
    unsorted.unlink()


def _keep_as_they_come(tables: DuckTables, mapping: EntityMapping, path: Path) -> list[str]:
    """Numbers the rows of an answer and tells its columns: to sort numbers takes less room than to sort texts."""
    count, columns = 0, list[str]()
    try:
        with ParquetSink(path) as sink:
            for batch in tables.query(_sql(mapping)):
                numbers = pa.array(range(count + 1, count + batch.num_rows + 1), pa.int64())
                sink.add(batch.append_column(ANSWERED, numbers))
                count, columns = count + batch.num_rows, batch.schema.names
    except UserFixable as error:
        hint = "It must be one SELECT that gives `_row` of the base table and every column that the mapping reads."
        raise UserFixable(f"{_place(mapping)}: {error.message}", hint=hint) from None
    return columns


def query_on_trial(tables: DuckTables, mapping: EntityMapping) -> None:
    """Asks a mapping's query for nothing but its answer. Raises UserFixable where it cannot be read."""
    for _ in tables.query(_sql(mapping)):
        continue


def _sql(mapping: EntityMapping) -> str:
    return queried_rows_sql(mapping.base.table, mapping.query, mapping.base.columns, LEFT_OUT)


def _place(mapping: EntityMapping) -> str:
    position = mapping.positions.get("query", mapping.position)
    return f"{position.file}:{position.line}:{position.column}"
