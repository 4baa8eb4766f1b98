"""Questions about tables as a whole, answered by DuckDB over Parquet: out of core, in the order of rows.

What needs no question (the rows of one table as they are) is streamed from Parquet without DuckDB. Each stream has a
cursor of its own, so several may be open at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from etl.core.batching import empty_batch, rebatch, rebatch_whole
from etl.core.errors import SourceUnavailable, SourceUnreadable, UserFixable
from etl.core.ports import BaseQuery
from etl.core.records import DAMAGE, GROUP, LINE, ROW
from etl.sources.base_sql import BaseSql
from etl.sources.engine import open_database, parquet, quoted, stream

_BATCH_ROWS = 50_000


class DuckTables:
    """Implements :class:`etl.core.ports.Tables`; ``memory_limit_mb`` bounds DuckDB, which spills to ``temp_folder``."""

    def __init__(self, temp_folder: Path, memory_limit_mb: int = 256, threads: int = 2) -> None:
        self._temp_folder = temp_folder
        self._memory_limit_mb = memory_limit_mb
        self._threads = threads
        self._database = open_database(temp_folder, memory_limit_mb, threads)
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
        found = self._stream(BaseSql(query, self._relation).base(), batch_rows=batch_rows)
        return rebatch_whole(found, GROUP, batch_rows) if query.group_by else found

    def unmatched(self, query: BaseQuery, alias: str) -> Iterator[pa.RecordBatch]:
        """``_row`` and ``_line`` of the undamaged rows of a joined table that no base row matches, in row order."""
        return self._stream(BaseSql(query, self._relation).unmatched(alias))

    def rows(self, relation: str, columns: Sequence[str], order_by: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """Columns of a relation in the given order (nulls last), by default in the order of the files."""
        if not order_by:
            return rebatch(self._plain(relation, columns, _BATCH_ROWS), _BATCH_ROWS)
        order = ", ".join(f"{quoted(column)} nulls last" for column in order_by)
        names = ", ".join(map(quoted, columns))
        return self._stream(f"select {names} from {self._relation(relation)} order by {order}")  # noqa: S608 - quoted names

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
        except duckdb.Error as error:
            hint = "Use try_cast for values that may not be of the form."
            raise SourceUnreadable(f"The query failed on the data ({type(error).__name__}).", hint=hint) from None

    def close(self) -> None:
        """Gives memory and temporary files back."""
        self._database.close()

    def _stream(
        self, sql: str, parameters: Mapping[str, object] | None = None, batch_rows: int = _BATCH_ROWS
    ) -> Iterator[pa.RecordBatch]:
        return stream(self._database, sql, parameters, batch_rows)

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
            database.execute(f"create view {name} as select * from {self._relation(relation)}")  # noqa: S608 - quoted names
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

    def _relation(self, relation: str) -> str:
        return parquet(self._files(relation))

    def _files(self, relation: str) -> tuple[str, ...]:
        paths = self._paths.get(relation)
        if not paths:
            hint = f"Known are: {', '.join(sorted(self._paths))}."
            raise SourceUnavailable(f"There is no table {relation} in the snapshot.", hint=hint)
        return paths


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]
