"""Records out of CSV text, exactly: every record keeps its number and line, and a broken one is kept as damage.

The standard reader in strict mode decides what a record is; this is the reference that the quicker way through whole
blocks (:mod:`etl.sources.csv_blocks`) must equal. A row with broken quoting becomes one damaged row for each physical
line in doubt, and reading goes on where the doubt ends.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

import pyarrow as pa

from etl.core.batching import empty_batch
from etl.core.counting import whole_numbers
from etl.core.records import SNAPSHOT_COLUMNS
from etl.sources.csv_damage import BrokenRow, suspect_damage
from etl.sources.dialect import LONGEST_ROW, Dialect, cell_rows, physical_lines

_DAMAGED_AT_ONCE = 10_000


def snapshot_schema(columns: Sequence[str]) -> pa.Schema:
    """The schema of a table's batches: where a row stood, then its cells."""
    return pa.schema([*SNAPSHOT_COLUMNS, *((name, pa.string()) for name in columns)])


class Lines:
    """Physical lines that know how many were taken, and whether more were asked for than there are."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self.taken = 0
        self.has_ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.taken == len(self._lines):
            self.has_ended = True
            raise StopIteration
        self.taken += 1
        return self._lines[self.taken - 1]


class RowReader:
    """Turns text into batches; holds the numbers of the next row and line and an unfinished record."""

    def __init__(self, columns: Sequence[str], dialect: Dialect, *, line: int) -> None:
        self.undecodable = 0
        self.row = 1
        self._line = line
        self._dialect = dialect
        self._schema = snapshot_schema(columns)
        self._width = len(columns)
        self._carry: list[str] = []
        self._is_carry_suspect = False
        self._broken: BrokenRow | None = None
        self._has_fragment = False
        self._line_numbers: list[int] = []
        self._damage: list[str | None] = []
        self._cells: list[Sequence[str | None]] = []

    @property
    def is_between_rows(self) -> bool:
        """Whether the text read so far ends with a whole record."""
        return not self._carry and self._broken is None

    def feed(self, text: str, *, is_fragment: bool, is_suspect: bool) -> Iterator[pa.RecordBatch]:
        """Batches of the records that end in this text.

        The text holds whole lines; a fragment is a piece of an overlong line, without its end. ``is_suspect`` says
        whether control characters and misfits must be looked for.
        """
        lines = self._carry + physical_lines(text)
        fragment = lines.pop() if is_fragment else ""
        self._has_fragment = is_fragment
        is_suspect = is_suspect or self._is_carry_suspect
        if self._carry and self._dialect.quote not in text:
            self._carry = lines  # an open cell cannot end here; reading it again would be for nothing
        else:
            yield from self._read(lines, is_suspect=is_suspect)
        if fragment or _is_overlong(self._carry):
            self._break_off(fragment)
        self._is_carry_suspect = is_suspect and bool(self._carry)
        yield from self._flush()

    def finish(self) -> Iterator[pa.RecordBatch]:
        """The batches of what was left unfinished at the end of the file; one empty batch for a table without rows."""
        if self._carry:
            self._break_off("")
        if self._broken is not None:
            self._broken.finish()
            yield from self._doubted(self._broken, self._line if self._has_fragment else self._line - 1)
        yield from self._flush()
        if self.row == 1:
            yield empty_batch(self._schema)

    def number(self, cells: pa.RecordBatch) -> pa.RecordBatch:
        """Undamaged rows, one a line, as the next batch of the table."""
        count = cells.num_rows
        rows = whole_numbers(count, self.row)
        lines = whole_numbers(count, self._line)
        self.row += count
        self._line += count
        return pa.RecordBatch.from_arrays(
            [rows, lines, pa.nulls(count, pa.string()), *cells.columns], schema=self._schema
        )

    def _read(self, lines: list[str], *, is_suspect: bool) -> Iterator[pa.RecordBatch]:
        """Reads whole records; leaves what is unfinished in ``_carry`` or ``_broken``."""
        source, first, is_long = Lines(lines), self._line, _is_overlong(lines)
        self._carry = []
        yield from self._end_broken(source)
        reader = cell_rows(source, self._dialect)
        while not source.has_ended:
            start = source.taken
            try:
                cells = next(reader, [])
            except csv.Error:
                if source.has_ended:
                    self._carry = lines[start:]
                    break
                source.taken = start
                self._broken = BrokenRow(self._dialect, first + start)
                yield from self._end_broken(source)
            else:
                if cells:
                    is_overlong = is_long and _is_overlong(lines[start : source.taken])
                    self._add(cells, first + start, is_suspect=is_suspect, is_overlong=is_overlong)
        self._line = first + source.taken - len(self._carry)

    def _end_broken(self, source: Lines) -> Iterator[pa.RecordBatch]:
        """Feeds lines to the broken row, if there is one, up to its end."""
        broken = self._broken
        if broken is None:
            return
        for line in source:
            if broken.ends_with(line):
                yield from self._doubted(broken, self._line + source.taken - 1)
                self._broken = None
                break

    def _break_off(self, fragment: str) -> None:
        """Gives up the unfinished record: from here on only its end is looked for."""
        if self._broken is None:
            self._broken = BrokenRow(self._dialect, self._line)
        for line in self._carry:
            self._broken.ends_with(line)
        self._line += len(self._carry)
        self._carry = []
        if fragment:
            self._broken.ends_with(fragment)

    def _add(self, cells: list[str], line: int, *, is_suspect: bool, is_overlong: bool) -> None:
        damage = suspect_damage(cells) if is_suspect else None
        damage = damage or ("oversized_row" if is_overlong else None)
        if damage is None and len(cells) != self._width:
            damage = "ragged_row"
        self._append(line, damage, cells)

    def _append(self, line: int, damage: str | None, cells: Sequence[str | None]) -> None:
        self.undecodable += damage == "undecodable_row"
        self._line_numbers.append(line)
        self._damage.append(damage)
        self._cells.append(cells if damage is None else (None,) * self._width)

    def _doubted(self, broken: BrokenRow, last_line: int) -> Iterator[pa.RecordBatch]:
        """One damaged row a line; one in all where only its size is wrong."""
        damage = broken.damage()
        last = broken.first_line if damage == "oversized_row" else last_line
        for line in range(broken.first_line, last + 1):
            self._append(line, damage, ())
            if len(self._cells) >= _DAMAGED_AT_ONCE:
                yield from self._flush()

    def _flush(self) -> Iterator[pa.RecordBatch]:
        """The rows gathered so far as a batch, if there are any."""
        count = len(self._cells)
        if not count:
            return
        columns = [pa.array(column, pa.string()) for column in zip(*self._cells, strict=True)]
        places = [whole_numbers(count, self.row), pa.array(self._line_numbers, pa.int64())]
        arrays = [*places, pa.array(self._damage, pa.string()), *columns]
        self.row += count
        self._line_numbers, self._damage, self._cells = [], [], []
        yield pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _is_overlong(lines: Sequence[str]) -> bool:
    return sum(map(len, lines)) > LONGEST_ROW
