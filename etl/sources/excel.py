"""Workbooks as a source: a table is a sheet, and typed cells take the one text form that databases give.

What a sheet shows but cannot be relied on is damage, not text: see :mod:`etl.sources.excel_damage`, and a row that a merged
range covers. Workbooks are read by python-calamine, an extra; formulas give the values that were saved with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa

from etl.core.batching import rebatch
from etl.core.errors import SettingsError, SourceUnavailable, SourceUnreadable
from etl.core.ports import TableFacts
from etl.sources.declared import declared_forms, forms_of
from etl.sources.excel_damage import doubtful_rows
from etl.sources.excel_extent import refuse_oversized
from etl.sources.names import check_columns, check_tables, numbered
from etl.sources.opened import FilePattern, hashed, steady
from etl.sources.placed_rows import PlacedRows
from etl.sources.spreadsheet_days import MOST_DIGITS
from etl.sources.sql_text import text_of

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook


_HEAD_BYTES = 1_024
_ZIP, _OLE = b"pk\x03\x04", b"\xd0\xcf\x11\xe0"
"""How .xlsx and .xls files begin, in small letters."""
_PANIC = "PanicException"
"""What the library ends with on damage that it did not foresee; it can be known by its name alone."""


class ExcelSource:
    """The sheets of the workbooks (.xlsx, .xlsm, .xls) that match a pattern; empty sheets are no tables.

    ``header_row`` counts from 1; None is the first row that holds anything. ``types`` declares the form of columns by
    name, in every sheet that has them. With ``numbers_nameless`` a column without a name is called by its place
    (``column_20``). Raises SettingsError for a type that is not known and where the extra is missing.
    """

    def __init__(
        self,
        name: str,
        pattern: str,
        header_row: int | None = None,
        types: Mapping[str, str] | None = None,
        *,
        numbers_nameless: bool = False,
    ) -> None:
        self.name = name
        self._files = FilePattern(name, pattern)
        self._header_row = header_row
        self._forms = declared_forms(types or {}, name)
        self._numbers_nameless = numbers_nameless
        self._calamine = _calamine(name)
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The sheets that hold anything, sorted. Raises SourceUnavailable if no file matches."""
        names = [sheet for path in self._files.files() for sheet in self._sheets(path)]
        check_tables(names, f"Source {self.name}")
        return sorted(names)

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches in the order of the rows; ``_line`` is the sheet's own row number."""
        for path in self._files.files():
            if table in self._sheets(path):
                return rebatch(self._read(table, path), batch_rows)
        raise SourceUnavailable(f"Source {self.name} has no table {table}.", hint="Look at the sheets' names.")

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end; size and hash are those of the workbook."""
        return self._facts[table]

    def _sheets(self, path: Path) -> list[str]:
        place = f"{self.name} ({path.name})"
        refuse_oversized(path, place)
        with steady(path, place) as stream, self._opened(stream, place) as workbook:
            return [name for name in self._worksheets(workbook) if workbook.get_sheet_by_name(name).start is not None]

    def _worksheets(self, workbook: CalamineWorkbook) -> list[str]:
        """Sheets of cells, hidden ones too; charts and macros are none."""
        cells = self._calamine.SheetTypeEnum.WorkSheet
        return [each.name for each in workbook.sheets_metadata if each.typ == cells]

    def _read(self, table: str, path: Path) -> Iterator[pa.RecordBatch]:
        place = f"{self.name}.{table} ({path.name})"
        refuse_oversized(path, place)
        with steady(path, place) as stream:
            digest = hashlib.sha256()
            for _ in hashed(stream, digest):
                pass
            size = stream.tell()
            stream.seek(0)
            with self._opened(stream, place) as workbook:
                yield from self._rows(workbook.get_sheet_by_name(table), doubtful_rows(path, table, place), place)
        self._facts[table] = TableFacts(path.name, "Excel", size, digest.hexdigest())

    def _rows(self, sheet: CalamineSheet, doubtful: frozenset[int], place: str) -> Iterator[pa.RecordBatch]:
        numbered = ((number, list(cells)) for number, cells in enumerate(sheet.iter_rows(), 1))
        header, columns = self._header(numbered, place)
        rows = PlacedRows(columns, forms_of(columns, self._forms))
        damaged = doubtful | _merged_rows(sheet, header)
        for number, cells in numbered:
            if number in damaged or any(map(_has_lost_digits, cells)):
                rows.add_damaged(number, "broken_record")
            elif any(cell != "" for cell in cells):
                rows.add(number, _fitted(cells, len(columns)))
            if rows.is_full:
                yield from rows.taken()
        yield from rows.finished()

    def _header(self, numbered: Iterator[tuple[int, Sequence[object]]], place: str) -> tuple[int, list[str]]:
        """The header's row number and its names."""
        for number, cells in numbered:
            is_header = any(cell != "" for cell in cells) if self._header_row is None else number == self._header_row
            if is_header:
                columns = self._named([text_of(cell) or "" for cell in _without_blank_end(cells)], place)
                if columns:
                    return number, columns
        raise SourceUnreadable(f"{place} has no header.", hint="Say in `header_row:` which row names the columns.")

    def _named(self, columns: list[str], place: str) -> list[str]:
        if self._numbers_nameless:
            columns = numbered(columns)
        elif (nameless := next((at for at, each in enumerate(columns, 1) if not each.strip()), None)) is not None:
            hint = "Give it a name in the sheet, or declare `nameless: number` for this source."
            raise SourceUnreadable(f"{place}: column {nameless} has no name.", hint=hint)
        check_columns(columns, place)
        return columns

    @contextmanager
    def _opened(self, stream: BinaryIO, place: str) -> Iterator[CalamineWorkbook]:
        """The workbook; damage may show when it is opened or when a sheet is read."""
        try:
            with self._calamine.CalamineWorkbook.from_filelike(stream) as workbook:
                yield workbook
        except self._calamine.PasswordError:
            raise SourceUnreadable(f"{place} is protected by a password.", hint="Save it without one.") from None
        except BaseException as error:
            known = (self._calamine.CalamineError, self._calamine.ZipError, self._calamine.XmlError)
            if isinstance(error, known) or type(error).__name__ == _PANIC:
                raise SourceUnreadable(f"{place} is no sound workbook.", hint=_what_it_is(stream)) from None
            raise


def _calamine(source: str) -> ModuleType:
    try:
        import python_calamine  # noqa: PLC0415 - an extra
    except ImportError:
        hint = "Install the extra that reads it: casebook-etl[excel]."
        raise SettingsError(f"Source {source} is a workbook, which this installation cannot read.", hint=hint) from None
    return python_calamine


def _what_it_is(stream: BinaryIO) -> str:
    """What to do with a file that only bears a workbook's name: programs write pages and plain text under it."""
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((_ZIP, _OLE)) or not head:
        return "Open it in a spreadsheet program and save it again as .xlsx."
    if start.startswith(b"<"):
        return (
            "It is a page (HTML or XML) under a workbook's name: open it in a spreadsheet program and save it as .xlsx."
        )
    if b"\0" not in head:
        return "It is plain text under a workbook's name: declare it as `csv:` with its delimiter."
    return "It is a file of another kind under a workbook's name: ask how it was written."


def _merged_rows(sheet: CalamineSheet, header: int) -> frozenset[int]:
    """The rows below the header that a merged range covers."""
    ranges = sheet.merged_cell_ranges or []
    covered = (range(top + 1, bottom + 2) for (top, _), (bottom, _) in ranges)
    return frozenset(number for rows in covered for number in rows if number > header)


def _has_lost_digits(cell: object) -> bool:
    """Whether it is a number of more digits than a spreadsheet keeps; an .xls file tells it only so."""
    return isinstance(cell, float) and abs(cell) >= MOST_DIGITS


def _without_blank_end(cells: Sequence[object]) -> list[object]:
    end = max((position + 1 for position, cell in enumerate(cells) if cell != ""), default=0)
    return list(cells[:end])


def _fitted(cells: Sequence[object], width: int) -> list[object]:
    """The cells of the columns, empty ones null; cells beyond them stay, which makes the row ragged."""
    kept = [*cells[:width], *_without_blank_end(cells[width:])]
    return [None if cell == "" else cell for cell in [*kept, *[""] * (width - len(kept))]]
