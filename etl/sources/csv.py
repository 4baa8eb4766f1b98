"""CSV files as a source: a strict reader before any data frame exists, every cell text, nothing lost without a row.

The file is opened once, its bytes are hashed as they pass, and it must be the same file at the end as at the beginning.
Blocks that are provably plain take the quick way (:mod:`etl.sources.csv_blocks`); all others the exact one.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from etl.core.ahead import made_ahead
from etl.core.batching import rebatch
from etl.core.errors import SourceUnreadable
from etl.core.ports import TableFacts
from etl.sources.csv_blocks import plain_rows, whole_lines
from etl.sources.csv_damage import has_suspect_bytes, suspect_damage
from etl.sources.csv_rows import Lines, RowReader
from etl.sources.dialect import Dialect, cell_rows, physical_lines, proved_delimiter
from etl.sources.encoding import check_encoding, doubted, first_misfit, proved_encoding, text_blocks
from etl.sources.names import check_columns, numbered
from etl.sources.opened import FilePattern, hashed, steady

_MARK_OF_EXCEL = re.compile(r'"?sep=[^\r\n]"?\s*', re.IGNORECASE)
_OTHER_DOCUMENTS = {
    "XML or HTML": (
        re.compile(r"\s*<(?:\?xml|!doctype|html|head|body|table|[a-z:]+ xmlns)\b", re.IGNORECASE),
        "Open it with a spreadsheet and save it as CSV or .xlsx; some systems give a web page the ending of a table.",
    ),
    "JSON": (re.compile(r'\s*(?:\[\s*)?\{\s*"[^"]*"\s*:'), "Declare it with `json_lines:`, one object a line."),
}
"""What else comes under a table's name, by how its first line begins: the pattern, and what to do."""
_JUDGED_AFTER_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class _Header:
    """The columns, the physical line that follows, and the text of the first block after the header."""

    columns: tuple[str, ...]
    next_line: int
    rest: str


class CsvSource:
    """The CSV files that match a pattern; a table's name is its file's stem.

    ``encoding`` and ``delimiter`` None are tested, never guessed; ``quote`` "" means that nothing is quoted. With
    ``numbers_nameless`` a column without a name is called by its place (``column_20``). Raises SettingsError for an
    encoding or character that cannot be used.
    """

    def __init__(
        self,
        name: str,
        pattern: str,
        encoding: str | None = None,
        delimiter: str | None = None,
        quote: str = '"',
        *,
        numbers_nameless: bool = False,
    ) -> None:
        self.name = name
        self._files = FilePattern(name, pattern)
        self._encoding = check_encoding(encoding) if encoding else None
        self._delimiter = Dialect(delimiter, quote).delimiter if delimiter else None
        self._quote = Dialect("\t" if quote != "\t" else ",", quote).quote
        self._numbers_nameless = numbers_nameless
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The stems of the files, sorted. Raises SourceUnavailable if no file matches."""
        return sorted(self._files.paths())

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of exactly ``batch_rows`` rows but for the last; see :meth:`etl.core.ports.Source.read`."""
        return rebatch(self._read(table, self._files.path(table)), batch_rows)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end."""
        return self._facts[table]

    def _read(self, table: str, path: Path) -> Iterator[pa.RecordBatch]:
        place = f"{self.name}.{table} ({path.name})"
        digest = hashlib.sha256()
        with steady(path, place) as stream:
            encoding = self._encoding or proved_encoding(stream, place)
            stream.seek(0)
            yield from self._rows(text_blocks(hashed(stream, digest), encoding), place, stream, encoding)
            size = stream.tell()
            doubt = doubted(stream, encoding)
        self._facts[table] = TableFacts(path.name, encoding, size, digest.hexdigest(), doubt)

    def _rows(self, text: Iterator[bytes], place: str, stream: BinaryIO, encoding: str) -> Iterator[pa.RecordBatch]:
        chunks = whole_lines(text)
        first, is_fragment = next(chunks, (b"", False))
        lines = physical_lines(first.decode("utf-8", "surrogatepass"))
        if is_fragment or not lines:
            raise SourceUnreadable(f"{place} has no header.", hint="Its first line must name the columns.")
        _refuse_mark_of_excel(lines[0], place)
        _require_table(next(filter(str.strip, lines), ""), place)
        dialect = Dialect(self._delimiter or proved_delimiter(lines, self._quote, place), self._quote)
        header = _header(lines, dialect, place, numbers_nameless=self._numbers_nameless)
        reader = RowReader(header.columns, dialect, line=header.next_line)
        rest = _with_first(header.rest.encode("utf-8", "surrogatepass"), chunks)
        for chunk in made_ahead(partial(_looked_at, header.columns, dialect), rest, threads=1):
            yield from _chunk_rows(reader, chunk)
            if reader.row > _JUDGED_AFTER_ROWS:
                _judge(reader, stream, encoding, place)
        yield from reader.finish()
        _judge(reader, stream, encoding, place)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A piece of the text, and its ``cells`` where it is plain if it begins with a new row."""

    text: bytes
    is_fragment: bool
    is_suspect: bool
    cells: pa.RecordBatch | None


def _looked_at(columns: Sequence[str], dialect: Dialect, chunk: tuple[bytes, bool]) -> _Chunk:
    text, is_fragment = chunk
    is_suspect = has_suspect_bytes(text)
    cells = None if is_suspect or is_fragment else plain_rows(text, columns, dialect)
    return _Chunk(text, is_fragment, is_suspect, cells)


def _chunk_rows(reader: RowReader, chunk: _Chunk) -> Iterator[pa.RecordBatch]:
    if chunk.cells is not None and reader.is_between_rows:
        yield reader.number(chunk.cells)
        return
    text = chunk.text.decode("utf-8", "surrogatepass")
    yield from reader.feed(text, is_fragment=chunk.is_fragment, is_suspect=chunk.is_suspect)


def _refuse_mark_of_excel(line: str, place: str) -> None:
    """Raises SourceUnreadable where a line that tells spreadsheets the delimiter stands before the header."""
    if _MARK_OF_EXCEL.fullmatch(line):
        hint = "Take that line off; it tells spreadsheets the delimiter, and is no header."
        raise SourceUnreadable(f'{place}: its first line is a mark for spreadsheets ("sep=").', hint=hint)


def _header(lines: list[str], dialect: Dialect, place: str, *, numbers_nameless: bool) -> _Header:
    source = Lines(lines)
    try:
        columns = next(filter(None, cell_rows(source, dialect)), [])
    except csv.Error:
        hint = "Close the quotes of the header, or declare `quote`."
        raise SourceUnreadable(f"{place}: the quoting of its header is broken.", hint=hint) from None
    if not columns:
        raise SourceUnreadable(f"{place} has no header.", hint="Its first line must name the columns.")
    if suspect_damage(columns):
        hint = "Declare the true encoding, or repair the header."
        raise SourceUnreadable(f"{place}: its header has bytes that are not text.", hint=hint)
    if numbers_nameless:
        columns = numbered(columns)
    else:
        _require_names(columns, place)
    check_columns(columns, place)
    return _Header(tuple(columns), source.taken + 1, "".join(lines[source.taken :]))


def _require_table(line: str, place: str) -> None:
    """Raises SourceUnreadable where the first line begins a document of another kind, which no delimiter makes a table of."""
    for form, (start, hint) in _OTHER_DOCUMENTS.items():
        if start.match(line):
            raise SourceUnreadable(f"{place} is no table but {form}.", hint=hint)


def _require_names(columns: Sequence[str], place: str) -> None:
    """Raises SourceUnreadable for a column without a name, which a spreadsheet leaves where cells were once filled."""
    at = next((position for position, name in enumerate(columns, start=1) if not name.strip()), None)
    if at is not None:
        hint = "Give it a name, take the surplus delimiter off, or declare `nameless: number` for this source."
        raise SourceUnreadable(f"{place}: column {at} has no name.", hint=hint)


def _with_first(first: bytes, chunks: Iterator[tuple[bytes, bool]]) -> Iterator[tuple[bytes, bool]]:
    if first:
        yield first, False
    yield from chunks


def _judge(reader: RowReader, stream: BinaryIO, encoding: str, place: str) -> None:
    """Single rows outside the encoding are damage; most rows outside it mean that the encoding is wrong."""
    if reader.undecodable * 2 <= reader.row - 1:
        return
    offset = first_misfit(stream, encoding)
    hint = "Declare the file's true encoding."
    raise SourceUnreadable(
        f"{place} is not {encoding}: most rows do not fit, first at byte offset {offset}.", hint=hint
    )
