"""A dump as a source: its tables as the server would have given them, without the server.

The script is indexed once; a table is then read from its own places, while the whole file still passes by to be hashed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from etl.core.batching import rebatch
from etl.core.errors import SourceUnavailable, SourceUnreadable
from etl.core.ports import TableFacts
from etl.sources.dumps.detection import check_dialect, declared_encoding, is_cut_off, proved_dialect
from etl.sources.dumps.index import Index, IndexedTable, Segment
from etl.sources.dumps.lexer import Lexer
from etl.sources.dumps.rows import Row, Rows
from etl.sources.dumps.script import Script
from etl.sources.dumps.text_forms import text_form
from etl.sources.encoding import BLOCK_BYTES, check_encoding, text_blocks
from etl.sources.names import check_columns, check_tables
from etl.sources.opened import hashed, steady
from etl.sources.placed_rows import PlacedRows
from etl.sources.sql_text import text_of
from etl.sources.table_schema import TableSchema


class DumpSource:
    """The tables of one dump made by SQL Server's script generator, mysqldump or pg_dump (plain).

    ``encoding`` and ``dialect`` None are what the file proves. Raises SettingsError for one that is not known.
    """

    def __init__(self, name: str, path: str, encoding: str | None = None, dialect: str | None = None) -> None:
        self.name = name
        self._path = Path(path)
        self._place = f"{name} ({self._path.name})"
        self._encoding = check_encoding(encoding) if encoding else None
        self._dialect = check_dialect(dialect) if dialect else None
        self._known: tuple[tuple[int, int], _Dump] | None = None
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The tables that the dump defines or fills, sorted. Raises SourceUnavailable."""
        with steady(self._path, self._place) as stream:
            names = self._dump(stream).index.names()
        check_tables(names, f"Source {self.name}")
        return sorted(names)

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches in the order of the dump; see :meth:`etl.core.ports.Source.read`."""
        return rebatch(self._read(table), batch_rows)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end; size and hash are those of the whole dump."""
        return self._facts[table]

    def schema_of(self, table: str) -> TableSchema | None:
        """What the dump declares of a table; None where it holds rows alone. Raises SourceUnavailable."""
        with steady(self._path, self._place) as stream:
            return self._found(self._dump(stream), table).schema

    def _read(self, table: str) -> Iterator[pa.RecordBatch]:
        digest = hashlib.sha256()
        with steady(self._path, self._place) as stream:
            dump = self._dump(stream)
            found = self._found(dump, table)
            stream.seek(0)
            script = _Passing(text_blocks(hashed(stream, digest), dump.encoding))
            yield from dump.batches(found, script, f"{self.name}.{table} ({self._path.name})")
            script.drain()
            size = stream.tell()
        self._facts[table] = TableFacts(self._path.name, dump.encoding, size, digest.hexdigest())

    def _found(self, dump: _Dump, table: str) -> IndexedTable:
        found = dump.index.find(table)
        if found is None:
            hint = "Check its name and its case."
            raise SourceUnavailable(f"Source {self.name} has no table {table}.", hint=hint)
        return found

    def _dump(self, stream: BinaryIO) -> _Dump:
        """The dump's index, made again only if the file is another one than before."""
        status = os.fstat(stream.fileno())
        fingerprint = status.st_size, status.st_mtime_ns
        if self._known is None or self._known[0] != fingerprint:
            self._known = fingerprint, self._indexed(stream)
        return self._known[1]

    def _indexed(self, stream: BinaryIO) -> _Dump:
        encoding = self._encoding or declared_encoding(stream, self._place)
        dialect = self._dialect or proved_dialect(stream, encoding, self._place)
        is_cut = is_cut_off(stream, encoding)
        stream.seek(0)
        blocks = text_blocks(iter(lambda: stream.read(BLOCK_BYTES), b""), encoding)
        return _Dump(Index(self._place).build(blocks, dialect, is_cut_off=is_cut), encoding, dialect)


class _Dump:
    """A dump that was indexed."""

    def __init__(self, index: Index, encoding: str, dialect: str) -> None:
        self.index = index
        self.encoding = encoding
        self._dialect = dialect

    def batches(self, table: IndexedTable, script: _Passing, place: str) -> Iterator[pa.RecordBatch]:
        names = table.names()
        if names is None:
            hint = "Dump the table's definition too, or INSERT statements that name their columns."
            raise SourceUnreadable(f"{place} has rows but no columns' names.", hint=hint)
        check_columns(names, place)
        declared = table.schema.columns if table.schema else ()
        forms = [text_form(each.type, self._dialect) for each in declared] or [text_of] * len(names)
        rows = PlacedRows(names, forms)
        for segment in table.segments:
            for statement in self._statements(table, script, segment):
                yield from _added(rows, statement, names)
        for line in table.lost:
            rows.add_damaged(line, "broken_record")
        yield from rows.finished()

    def _statements(self, table: IndexedTable, script: _Passing, segment: Segment) -> Iterator[Rows]:
        blocks = script.part(segment.start, segment.end)
        lexer = Lexer(blocks, segment.settings, offset=segment.start, line=segment.line)
        for statement in Script(lexer).statements():
            if isinstance(statement, Rows) and self.index.is_of(table, statement.table.shown):
                yield statement


class _Passing:
    """A stream of blocks that passes once and from which parts are taken, in order."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = b""
        self._offset = 0

    def part(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from offset ``start`` up to ``end``; ``start`` must not have passed yet."""
        while self._offset + len(self._block) <= start and self._next():
            pass
        while self._offset < end and self._block:
            yield self._block[max(0, start - self._offset) : end - self._offset]
            if self._offset + len(self._block) >= end:
                return
            self._next()

    def drain(self) -> None:
        """Lets the rest pass."""
        while self._next():
            pass

    def _next(self) -> bool:
        self._offset += len(self._block)
        self._block = next(self._blocks, b"")
        return bool(self._block)


def _added(rows: PlacedRows, statement: Rows, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Adds the rows of a statement; gives batches as they fill."""
    order = _order(statement.columns, names)
    for row in statement.rows:
        _add(rows, row, order, len(statement.columns or names))
        if rows.is_full:
            yield from rows.taken()


def _add(rows: PlacedRows, row: Row, order: Sequence[int | None] | None, width: int) -> None:
    if row.damage is not None:
        rows.add_damaged(row.line, row.damage)
    elif order is None or len(row.values) != width:
        rows.add_damaged(row.line, "ragged_row")
    else:
        rows.add(row.line, [None if each is None else row.values[each] for each in order])


def _order(columns: Sequence[str] | None, names: Sequence[str]) -> list[int | None] | None:
    """Where each of the table's columns stands in a row; None where a row has a column that the table lacks."""
    if columns is None:
        return list(range(len(names)))
    places = {column.casefold(): place for place, column in enumerate(columns)}
    if len(places) != len(columns) or not set(places) <= {name.casefold() for name in names}:
        return None
    return [places.get(name.casefold()) for name in names]
