"""DuckDB as it is opened here: bounded memory, spilling into the run's own folder, and nothing fetched from a network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from etl.core.batching import empty_batch, rebatch

_NOTHING_FETCHED = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}

_VECTOR = 2_048
"""The engine's own unit: an answer of long texts never stands in memory as more than one of them and a batch that fits."""
NO_ROOM = ("Out of Memory Error", "IO Error", "TransactionContext Error: Failed to commit")
"""How the engine's messages begin where neither memory nor disk has room."""


def open_database(temp_folder: Path, memory_limit_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """A database in memory that spills into ``temp_folder`` (made for its owner alone where missing)."""
    temp_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings: dict[str, str | bool | int | float | list[str]] = {
        **_NOTHING_FETCHED,
        "memory_limit": f"{memory_limit_mb}MB",
        "threads": threads,
        "temp_directory": str(temp_folder),
    }
    return duckdb.connect(":memory:", config=settings)


def attach_file(database: duckdb.DuckDBPyConnection, name: str, temp_folder: Path) -> Path:
    """Attaches a new database file under ``name``, for what is too large to be held; returns its private folder, which is
    to be removed when the database is closed.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=temp_folder))
    database.execute(f"attach {text(str(folder / name))} as {quoted(name)}")
    return folder


def stream(
    database: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object] | None, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """The rows of a query in batches of ``batch_rows``, at least one, on a cursor of its own."""
    with database.cursor() as cursor:
        reader = cursor.sql(sql, params=dict(parameters or {})).to_arrow_reader(_VECTOR)
        yield from rebatch(_with_empty(reader), batch_rows)


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever it holds.

    >>> quoted('people"; drop table x;--')
    '"people""; drop table x;--"'
    """
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def parquet(path: str) -> str:
    """The FROM clause that reads a Parquet file."""
    return f"read_parquet({text(path)})"


def _with_empty(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    yield empty_batch(reader.schema)
    yield from reader
