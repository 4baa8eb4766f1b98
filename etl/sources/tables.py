"""Questions about tables as a whole, answered by DuckDB over Parquet: out of core, in the order of rows.

What needs no question (the rows of one table as they are) is streamed from Parquet without DuckDB. Each stream has a
cursor of its own, so several may be open at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from etl.core.batching import empty_batch, rebatch, rebatch_whole
from etl.core.errors import SourceUnavailable, SourceUnreadable, UserFixable
from etl.core.ports import BaseQuery
from etl.core.records import DAMAGE, GROUP, LINE, ROW
from etl.sources.base_sql import BaseSql
from etl.sources.engine import NO_ROOM, attach_file, open_database, parquet, quoted, stream
from etl.sources.parquet_parts import rows_with

_BATCH_ROWS = 50_000
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
        self._paths: dict[str, tuple[str, ...]] = {}

    def register(self, relation: str, *paths: str) -> None:
        """Makes Parquet files readable under a name; registering again replaces."""
        self._paths[relation] = paths

    def columns(self, relation: str) -> tuple[str, ...]:
        """The column names of a relation, snapshot columns included."""
        return tuple(pq.read_schema(self._files(relation)[0]).names)

    def count(self, relation: str) -> int:
        """Its number of rows, from the files' own counts."""
        return sum(pq.read_metadata(path).num_rows for path in self._files(relation))

    def base(self, query: BaseQuery, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """The base rows of a mapping, see :meth:`etl.core.ports.Tables.base`."""
        if not query.joins and not query.group_by:
            columns = dict.fromkeys([ROW, LINE, DAMAGE, *query.columns])
            return rebatch(self._plain(query.table, list(columns), batch_rows), batch_rows)
        found = self._joined(query, None, batch_rows)
        return rebatch_whole(_numbered(found), GROUP, batch_rows) if query.group_by else found

    def unmatched(self, query: BaseQuery, alias: str) -> Iterator[pa.RecordBatch]:
        """``_row`` and ``_line`` of the undamaged rows of a joined table that no base row matches, in row order."""
        return self._joined(query, alias, _BATCH_ROWS)

    def rows(self, relation: str, columns: Sequence[str], order_by: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Columns of a relation in the given order (nulls last), by default in the order of the files."""
        if not order_by:
            return rebatch(self._plain(relation, columns, _BATCH_ROWS), _BATCH_ROWS)
        order = ", ".join(f"{quoted(column)} nulls last" for column in order_by)
        names = ", ".join(map(quoted, columns))
        return self._stream(f"select {names} from {self.relation(relation)} order by {order}")  # noqa: S608 - quoted names

    def rows_with(self, relation: str, columns: Sequence[str], column: str, value: str) -> Iterator[pa.RecordBatch]:
        """Columns of the rows of a relation in which a text column has a value, in the order of the files; at least one
        batch.
        """
        for path in self._files(relation):
            yield from rows_with(path, columns, column, value, _BATCH_ROWS)

    def relation(self, relation: str) -> str:
        """The FROM clause that reads it, for :meth:`select`."""
        return parquet(self._files(relation))

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

    def _joined(self, query: BaseQuery, unmatched: str | None, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Base rows, or the unmatched rows of a join, over tables that are made for this question and dropped again."""
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
        paths = [path for relation in self._paths for path in self._files(relation)]
        database.execute("set allowed_paths = $paths", {"paths": paths})
        database.execute("set enable_external_access = false")
        database.execute("set lock_configuration = true")

    def _plain(self, relation: str, columns: Sequence[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
        for path in self._files(relation):
            with pq.ParquetFile(path) as file:
                yield empty_batch(file.schema_arrow).select(list(columns))
                for batch in file.iter_batches(batch_rows, columns=list(columns)):
                    yield batch.select(list(columns))

    def _files(self, relation: str) -> tuple[str, ...]:
        paths = self._paths.get(relation)
        if not paths:
            hint = f"Known are: {', '.join(sorted(self._paths))}."
            raise SourceUnavailable(f"There is no table {relation} in the snapshot.", hint=hint)
        return paths


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
