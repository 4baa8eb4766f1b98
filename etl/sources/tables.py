"""Questions about tables as a whole, answered by DuckDB over Parquet: out of core, in the order of rows.

What needs no question (the rows of one table as they are) is streamed from Parquet without DuckDB, and what stands beside
each other is put there by row number, so that the engine joins and sorts keys only. Each stream has a cursor of its own, so
several may be open at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from etl.core.batching import empty_batch, file_batches, fitting_rows, rebatch, rebatch_whole
from etl.core.errors import SourceUnavailable, SourceUnreadable, UserFixable
from etl.core.ports import BaseQuery
from etl.core.records import DAMAGE, GROUP, LINE, ROW
from etl.sources.base_sql import MATCHES, BaseSql
from etl.sources.engine import NO_ROOM, attach_file, open_database, parquet, quoted, stream
from etl.sources.numbered_rows import NumberedRows
from etl.sources.parquet_parts import rows_with

_BATCH_ROWS = 32_000
_SCRATCH = "scratch"
# While rows are streamed, Arrow reports the engine's failures as errors of input and output.
_FAILURES = (duckdb.Error, OSError)
MEMORY_MB = 48
"""What the engine may hold at a time; joins and sorts of more go through the temporary folder."""


class DuckTables:
    """Implements :class:`etl.core.ports.Tables`; ``memory_limit_mb`` bounds DuckDB, which spills to ``temp_folder``."""

    def __init__(self, temp_folder: Path, memory_limit_mb: int = MEMORY_MB, threads: int = 1) -> None:
        self._temp_folder = temp_folder
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads
        self._database = open_database(temp_folder, memory_limit_mb, threads)
        self._scratch: Path | None = None
        self._asked = 0
        self._paths: dict[str, str] = {}

    def register(self, relation: str, path: str) -> None:
        """Makes a Parquet file readable under a name; registering again replaces."""
        self._paths[relation] = path

    def columns(self, relation: str) -> tuple[str, ...]:
        """The column names of a relation, snapshot columns included."""
        return tuple(pq.read_schema(self._file(relation)).names)

    def count(self, relation: str) -> int:
        """Its number of rows, from the file's own count."""
        return int(pq.read_metadata(self._file(relation)).num_rows)

    def base(self, query: BaseQuery, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The base rows of a mapping, see :meth:`etl.core.ports.Tables.base`."""
        if not query.joins and not query.group_by:
            columns = list(dict.fromkeys([ROW, LINE, DAMAGE, *query.columns]))
            return rebatch(self._plain(query.table, columns, batch_rows), batch_rows)
        found = self._beside(query, batch_rows)
        return rebatch_whole(_numbered(found), GROUP, batch_rows) if query.group_by else found

    def unmatched(self, query: BaseQuery, alias: str) -> Iterator[pa.RecordBatch]:
        """``_row`` and ``_line`` of the undamaged rows of a joined table that no base row matches, in row order."""
        return self._joined(query, alias, _BATCH_ROWS)

    def rows(self, relation: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Columns of a relation in the order of its file."""
        return rebatch(self._plain(relation, columns, _BATCH_ROWS), _BATCH_ROWS)

    def rows_with(self, relation: str, columns: Sequence[str], column: str, value: str) -> Iterator[pa.RecordBatch]:
        """Columns of the rows of a relation in which a text column has a value, in the order of the files; at least one
        batch.
        """
        return rows_with(self._file(relation), columns, column, value, _BATCH_ROWS)

    def relation(self, relation: str) -> str:
        """The FROM clause that reads it, for :meth:`select`."""
        return parquet(self._file(relation))

    def select(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a SELECT of our own; what a person wrote goes to :meth:`query`."""
        return self._stream(sql)

    def query(self, text: str) -> Iterator[pa.RecordBatch]:
        """A SELECT in DuckDB's SQL over registered relations, which sees nothing but them: no file, no network.

        Raises UserFixable for a text that is not one SELECT or names something unknown; SourceUnreadable if it fails on
        the data.
        """
        try:
            yield from self._confined(text)
        except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
            raise UserFixable(f"The query cannot be read: {_first_line(error)}", hint="Correct `query:`.") from None
        except duckdb.PermissionException:
            hint = "Name tables as `source.table`."
            raise UserFixable("A query may read nothing but tables of the snapshot.", hint=hint) from None
        except _FAILURES as error:
            raise self._told(error) or _failed_on_data(error) from None

    def close(self) -> None:
        """Gives memory and temporary files back."""
        self._database.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch)

    def in_row_order(self, path: Path, number: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows of a file whose ``number`` column counts them from 1, in the order of their ``_row``."""
        order = f"select {quoted(number)} from {parquet(str(path))} order by {ROW}"  # noqa: S608 - quoted names
        with closing(NumberedRows(path, columns, number)) as rows:
            for batch in self._stream(order, None, fitting_rows(rows.row_bytes, _BATCH_ROWS)):
                yield rows.take(batch.column(0))

    def _beside(self, query: BaseQuery, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Base rows with what joins and groups put beside them, in batches of ``batch_rows`` or fewer."""
        with ExitStack() as stack:
            files = {
                alias: stack.enter_context(closing(NumberedRows(self._file(table), columns)))
                for alias, table, columns in _tables_of(query)
            }
            rows = fitting_rows(sum(file.row_bytes for file in files.values()), _BATCH_ROWS)
            found = self._joined(query, None, rows)
            names = list(dict.fromkeys([ROW, LINE, DAMAGE, *query.columns, *_matches(query)]))
            yield from rebatch((_values(batch, files, names) for batch in found), batch_rows)

    def _joined(self, query: BaseQuery, unmatched: str | None, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Numbers of base rows, or the unmatched rows of a join, over tables that are made for this and dropped again."""
        self._asked += 1
        sql = BaseSql(query, self.relation, f"{_SCRATCH}.q{self._asked}_")
        made: list[str] = []
        try:
            for name, select in sql.steps(None if unmatched is None else sql.joins_before(unmatched)):
                self._make(name, select)
                made.append(name)
            yield from self._stream(sql.base() if unmatched is None else sql.unmatched(unmatched), None, batch_rows)
        finally:
            # A stream that is let go after the tables were closed has nothing to drop.
            with suppress(duckdb.ConnectionException):
                for name in made:
                    self._database.execute(f"drop table {name}")

    def _make(self, name: str, select: str) -> None:
        if self._scratch is None:
            self._scratch = attach_file(self._database, _SCRATCH, self._temp_folder)
        try:
            self._database.execute(f"create table {name} as {select}")
        except duckdb.Error as error:
            raise self._told(error) or error from None

    def _stream(
        self, sql: str, parameters: Mapping[str, object] | None = None, batch_rows: int = _BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        try:
            yield from stream(self._database, sql, parameters, batch_rows)
        except _FAILURES as error:
            raise self._told(error) or error from None

    def _told(self, error: Exception) -> SourceUnreadable | None:
        """What a person is told who has no room; None where something else went wrong.

        The engine's own advice would be to give it more memory, which is what a run does not do.
        """
        if not str(error).startswith(NO_ROOM):
            return None
        return SourceUnreadable(
            f"A question about the tables needs more than {self._memory_limit_mb} MB of memory and the disk beside it.",
            hint="Free disk space below the runs folder. If it is a query or rule of yours, let it aggregate before it"
            " joins, or sort and compare fewer columns.",
        )

    def _confined(self, text: str) -> Iterator[pa.RecordBatch]:
        with open_database(self._temp_folder, self._memory_limit_mb, self._threads) as database:
            statements = database.extract_statements(text)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise UserFixable("A `query:` must be one SELECT.", hint="Take the other statements out.")
            self._publish(database)
            yield from stream(database, statements[0].query, None, _BATCH_ROWS)

    def _publish(self, database: duckdb.DuckDBPyConnection) -> None:
        """Makes every relation a view named as mappings name it, then shuts the door."""
        for relation in self._paths:
            schema, _, table = relation.rpartition(".")
            if schema:
                database.execute(f"create schema if not exists {quoted(schema)}")
            name = f"{quoted(schema)}.{quoted(table)}" if schema else quoted(table)
            database.execute(f"create view {name} as select * from {self.relation(relation)}")  # noqa: S608 - quoted names
        database.execute("set allowed_paths = $paths", {"paths": list(self._paths.values())})
        database.execute("set enable_external_access = false")
        database.execute("set lock_configuration = true")

    def _plain(self, relation: str, columns: Sequence[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self._file(relation)) as file:
            yield empty_batch(file.schema_arrow).select(list(columns))
            for batch in file_batches(file, batch_rows, columns):
                yield batch.select(list(columns))

    def _file(self, relation: str) -> str:
        path = self._paths.get(relation)
        if path is None:
            hint = f"Known are: {', '.join(sorted(self._paths))}."
            raise SourceUnavailable(f"There is no table {relation} in the snapshot.", hint=hint)
        return path


def _tables_of(query: BaseQuery) -> Iterator[tuple[str, str, list[str]]]:
    """The base table (under no alias) and each joined one, with the columns of it that are asked for."""
    aliases = {join.alias: join.table for join in query.joins}
    asked = [(name.partition("."), name) for name in query.columns]
    yield "", query.table, [ROW, LINE, DAMAGE, *(name for (alias, _, _), name in asked if alias not in aliases)]
    for alias, table in aliases.items():
        yield alias, table, [column for (name, _, column), _ in asked if name == alias and column != MATCHES]


def _matches(query: BaseQuery) -> list[str]:
    return [f"{join.alias}.{MATCHES}" for join in query.joins] + ([GROUP] if query.group_by else [])


def _values(numbers: pa.RecordBatch, files: Mapping[str, NumberedRows], names: Sequence[str]) -> pa.RecordBatch:
    """What the rows of some numbers hold, under the names a mapping sees."""
    seen = {name: numbers[name] for name in numbers.schema.names}
    for alias, file in files.items():
        prefix = f"{alias}." if alias else ""
        taken = file.take(numbers[f"{prefix}{ROW}"])
        seen |= {f"{prefix}{name}": taken[name] for name in taken.schema.names}
    return pa.record_batch({name: seen[name] for name in names})


def _numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Groups that are told by their first row, numbered from 0 as they come."""
    last, group = -1, -1
    for batch in batches:
        firsts = batch[GROUP].to_numpy()
        numbers = group + np.cumsum(np.diff(firsts, prepend=last) != 0)
        last, group = (firsts[-1], numbers[-1]) if len(firsts) else (last, group)
        yield batch.set_column(batch.schema.get_field_index(GROUP), GROUP, pa.array(numbers, pa.int64()))


def _failed_on_data(error: Exception) -> SourceUnreadable:
    """Says what kind of failure it was and no more: the engine's message quotes values."""
    kind = str(error).partition(":")[0] if isinstance(error, OSError) else type(error).__name__
    hint = "Use try_cast for values that may not be of the form."
    return SourceUnreadable(f"The query failed on the data ({kind}).", hint=hint)


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]
