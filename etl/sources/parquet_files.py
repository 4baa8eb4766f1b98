"""Parquet files as a source: their types give the one text form, nested structures are flattened with dots.

Only text is kept, because everything after this reads text; lists become the JSON they would be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from etl.core.batching import file_batches, rebatch
from etl.core.errors import SourceUnreadable
from etl.core.ports import TableFacts
from etl.sources.names import check_columns
from etl.sources.opened import FilePattern, hashed, steady
from etl.sources.placed_rows import PlacedRows
from etl.sources.sql_text import Renderer, text_of


class ParquetSource:
    """The files that match a pattern; a table's name is its file's stem."""

    def __init__(self, name: str, pattern: str) -> None:
        self.name = name
        self._files = FilePattern(name, pattern)
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The stems of the files, sorted. Raises SourceUnavailable if no file matches."""
        return sorted(self._files.paths())

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches in the order of the file; see :meth:`etl.core.ports.Source.read`."""
        return rebatch(self._read(table, self._files.path(table), batch_rows), batch_rows)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end."""
        return self._facts[table]

    def _read(self, table: str, path: Path, batch_rows: int) -> Iterator[pa.RecordBatch]:
        place = f"{self.name}.{table} ({path.name})"
        digest = hashlib.sha256()
        with steady(path, place) as stream:
            for _ in hashed(stream, digest):
                pass
            size = stream.tell()
            try:
                yield from _batches(stream, batch_rows, place)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):
                hint = "Write the file again; it may have been cut off on its way."
                raise SourceUnreadable(f"{place} is no sound Parquet file.", hint=hint) from None
        self._facts[table] = TableFacts(path.name, "Parquet", size, digest.hexdigest())


def _batches(stream: BinaryIO, batch_rows: int, place: str) -> Iterator[pa.RecordBatch]:
    file = pq.ParquetFile(stream)
    empty = _flat(file.schema_arrow.empty_table())
    check_columns(empty.column_names, place)
    rows = PlacedRows(empty.column_names, [_form(each.type) for each in empty.schema])
    for batch in file_batches(file, batch_rows):
        columns = [_plain(column).to_pylist() for column in _flat(pa.Table.from_batches([batch])).columns]
        for values in zip(*columns, strict=True):
            rows.add(None, values)
        yield from rows.taken()
    yield from rows.finished()


def _flat(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(each.type) for each in table.schema):
        table = table.flatten()
    return table


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Points in time in microseconds, which Python's own type holds; short floats as they are meant; others as they are."""
    if pa.types.is_float32(column.type):  # by way of its own shortest text: as a long float, 0.1 would gain digits
        return column.cast(pa.string()).cast(pa.float64())
    if not pa.types.is_timestamp(column.type) or column.type.unit != "ns":
        return column
    try:
        return column.cast(pa.timestamp("us", column.type.tz))
    except pa.ArrowInvalid:
        return column.cast(pa.string())


def _form(declared: pa.DataType) -> Renderer:
    return _json if pa.types.is_nested(declared) else text_of


def _json(value: object) -> str | None:
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=text_of)
