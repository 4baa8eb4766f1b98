"""SQL databases as a source: tables and named queries, streamed as text in the order of their primary keys.

Names come from the database's own catalogue and are quoted; declared types decide the text form
(:mod:`etl.sources.sql_text`), and values are taken as the driver gives them, so that one bad date is one cell and no end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedForeignKeyConstraint

from etl.core.batching import rebatch
from etl.core.errors import SettingsError, SourceUnavailable
from etl.core.ports import TableFacts
from etl.sources.databases import Database
from etl.sources.names import check_columns, check_tables
from etl.sources.sql_batch import SqlBatches
from etl.sources.sql_text import renderer, text_of
from etl.sources.table_schema import Reference, TableSchema

_NOT_CODE = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$""", re.DOTALL | re.VERBOSE
)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a table is in the database."""

    schema: str | None
    name: str


class SqlSource:
    """The tables of a legacy database, and queries that the database itself runs, each under its name.

    ``tables`` None means all tables of the default schema; views, and tables of other schemas as ``schema.table``, are
    read when named. Raises SettingsError for a URL or query that cannot be used.
    """

    def __init__(
        self, name: str, url: str, tables: Sequence[str] | None = None, queries: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._database = Database(name, url)
        self._named = None if tables is None else tuple(tables)
        self._queries = {query: _checked(name, query, text) for query, text in (queries or {}).items()}
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The names of tables and queries, sorted. Raises SourceUnavailable."""
        with self._database.connected() as connection:
            inspector = sa.inspect(connection)
            names = inspector.get_table_names() if self._named is None else self._named
            for name in self._named or ():
                self._located(inspector, name)
        check_tables([*names, *self._queries], f"Source {self.name}")
        return sorted([*names, *self._queries])

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches in the order of the primary key, where there is one; see :meth:`etl.core.ports.Source.read`."""
        with self._database.connected(table) as connection:
            streaming = connection.execution_options(stream_results=True, max_row_buffer=batch_rows)
            started = self._query if table in self._queries else self._table
            made, result = started(streaming, table)
            with result:
                yield from rebatch(_batches(made, result, batch_rows), batch_rows)
        self._facts[table] = TableFacts("SQL", "", None, made.sha256())

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end; the hash is that of its rows."""
        return self._facts[table]

    def schema_of(self, table: str) -> TableSchema | None:
        """The key and the foreign keys that the database declares, without columns; None for a query. Raises SourceUnavailable."""
        if table in self._queries:
            return None
        with self._database.connected(table) as connection:
            inspector = sa.inspect(connection)
            place = self._located(inspector, table)
            key = inspector.get_pk_constraint(place.name, place.schema)["constrained_columns"]
            foreign = inspector.get_foreign_keys(place.name, place.schema)
        return TableSchema(table, (), tuple(key), tuple(map(_reference, foreign)))

    def _query(self, connection: sa.Connection, name: str) -> tuple[SqlBatches, sa.CursorResult[tuple[object, ...]]]:
        plain = connection.execution_options(no_parameters=True)
        result = plain.exec_driver_sql(self._queries[name])
        columns = list(result.keys())
        check_columns(columns, f"{self.name}.{name}")
        return SqlBatches(columns, [text_of] * len(columns)), result

    def _table(self, connection: sa.Connection, table: str) -> tuple[SqlBatches, sa.CursorResult[tuple[object, ...]]]:
        inspector = sa.inspect(connection)
        place = self._located(inspector, table)
        declared = inspector.get_columns(place.name, place.schema)
        names = [str(column["name"]) for column in declared]
        check_columns(names, f"{self.name}.{table}")
        source = sa.table(place.name, *(sa.column(name) for name in names), schema=place.schema)
        key = inspector.get_pk_constraint(place.name, place.schema)["constrained_columns"]
        statement = sa.select(source).order_by(*(source.c[name] for name in key))
        return SqlBatches(names, [renderer(column["type"]) for column in declared]), connection.execute(statement)

    def _located(self, inspector: sa.Inspector, table: str) -> _Place:
        """A name as it is first, then as ``schema.table``."""
        if inspector.has_table(table) and _is_listed(inspector, table, None):
            return _Place(None, table)
        schema, _, name = table.partition(".")
        if name and schema in inspector.get_schema_names() and _is_listed(inspector, name, schema):
            return _Place(schema, name)
        raise SourceUnavailable(f"Source {self.name} has no table {table}.", hint="Check its name and its case.")


def _batches(
    made: SqlBatches, result: sa.CursorResult[tuple[object, ...]], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    yield made.batch([])
    for rows in result.partitions(batch_rows):
        yield made.batch(rows)


def _reference(declared: ReflectedForeignKeyConstraint) -> Reference:
    schema = declared["referred_schema"]
    table = f"{schema}.{declared['referred_table']}" if schema else declared["referred_table"]
    return Reference(tuple(declared["constrained_columns"]), table, tuple(declared["referred_columns"]))


def _is_listed(inspector: sa.Inspector, name: str, schema: str | None) -> bool:
    """Whether the catalogue spells it exactly so."""
    return name in inspector.get_table_names(schema) or name in inspector.get_view_names(schema)


def _checked(source: str, name: str, query: str) -> str:
    """The query without its closing semicolon. Raises SettingsError unless it is one SELECT."""
    text = query.strip().rstrip(";").rstrip()
    code = _NOT_CODE.sub(" ", text).strip().lower()
    if ";" in code or not code.startswith(("select", "with")) or "\\'" in text:
        hint = "Give one statement that begins with SELECT or WITH, and double a quote instead of escaping it."
        raise SettingsError(f"The query {name} of source {source} is not one SELECT.", hint=hint)
    return text
