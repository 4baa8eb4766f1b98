"""Character files of SQL Server's bcp as a source, cut by their format file.

bcp quotes nothing, so a terminator inside a cell moves every cell behind it. A record is therefore taken up to the first
end of record, and one whose cells are too many or too few is damage, even where bcp itself would have guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from etl.core.batching import rebatch
from etl.core.errors import SourceUnreadable
from etl.core.ports import TableFacts
from etl.sources.bcp_format import BcpFormat, read_format
from etl.sources.declared import declared_forms, forms_of
from etl.sources.dialect import LONGEST_ROW
from etl.sources.encoding import check_encoding, doubted, proved_encoding, text_blocks
from etl.sources.opened import FilePattern, hashed, steady
from etl.sources.placed_rows import PlacedRows

_OVERSIZED = "oversized_row"
_EMPTY = "\0"
"""How bcp writes an empty text; nothing at all is null."""


class BcpSource:
    """The files that match a pattern; ``{table}`` in the format's path stands for the table's name.

    ``encoding`` None is what the file proves; ``types`` declares the form of columns by name. Raises SettingsError for
    an encoding or a type that is not known.
    """

    def __init__(
        self,
        name: str,
        pattern: str,
        format_path: str,
        encoding: str | None = None,
        types: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._files = FilePattern(name, pattern)
        self._format = format_path
        self._encoding = check_encoding(encoding) if encoding else None
        self._forms = declared_forms(types or {}, name)
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The stems of the files, sorted. Raises SourceUnavailable if no file matches."""
        return sorted(self._files.paths())

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches in the order of the records; see :meth:`etl.core.ports.Source.read`."""
        return rebatch(self._read(table, self._files.path(table)), batch_rows)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end."""
        return self._facts[table]

    def _read(self, table: str, path: Path) -> Iterator[pa.RecordBatch]:
        place = f"{self.name}.{table} ({path.name})"
        format_path = Path(self._format.replace("{table}", table))
        form = read_format(format_path, f"The format file {format_path.name} of source {self.name}")
        rows = PlacedRows(form.columns, forms_of(form.columns, self._forms))
        digest = hashlib.sha256()
        with steady(path, place) as stream:
            encoding = self._encoding or proved_encoding(stream, place)
            stream.seek(0)
            records = _Records(text_blocks(hashed(stream, digest), encoding), form, place)
            for line, found in records:
                if isinstance(found, str):
                    rows.add_damaged(line, found)
                else:
                    rows.add(line, found)
                if rows.is_full:
                    yield from rows.taken()
            yield from rows.finished()
            size = stream.tell()
            doubt = doubted(stream, encoding)
        self._facts[table] = TableFacts(path.name, encoding, size, digest.hexdigest(), doubt)


class _Records:
    """Records with their lines: the wanted cells, or the problem code that says why there are none."""

    def __init__(self, blocks: Iterator[bytes], form: BcpFormat, place: str) -> None:
        self._blocks = blocks
        self._place = place
        self._match = form.pattern()
        self._record_end = form.record_end
        self._wanted = [position for position, each in enumerate(form.fields) if each.column is not None]
        self._inner_ends = {each.end for each in form.fields[:-1] if each.end}
        self._text = ""
        self._position = 0
        self._line = 1
        self._has_ended = False

    def __iter__(self) -> Iterator[tuple[int, list[str | None] | str]]:
        while (end := self._end_of_record()) is not None:
            line, text = self._line, self._text[self._position : end]
            self._move(end)
            found = self._read(text)
            if found == _OVERSIZED:
                self._skip_record(line)
            yield line, found

    def _end_of_record(self) -> int | None:
        """Where the next record ends in the text held; None behind the last one."""
        while True:
            end = self._found_end()
            if end is not None:
                return end
            if self._has_ended:
                return len(self._text) if self._position < len(self._text) else None
            if len(self._text) - self._position > LONGEST_ROW + len(self._record_end or ""):
                return self._behind_which_an_end_may_begin()
            self._fill()

    def _skip_record(self, line: int) -> None:
        """Goes on behind the end of a record that is too long to be held: read as a record, its rest could look sound.

        Raises SourceUnreadable where its cells alone would tell where it ends.
        """
        if self._record_end is None:
            message = f"{self._place}: the record in line {line} is too long, and nothing but its cells tells its end."
            raise SourceUnreadable(
                message, hint="Repair it there, or export with an end of record of its own: bcp's -r."
            )
        while (end := self._found_end()) is None and not self._has_ended:
            self._move(self._behind_which_an_end_may_begin())
            self._fill()
        self._move(len(self._text) if end is None else end)

    def _behind_which_an_end_may_begin(self) -> int:
        """Where in the text held the first part of an end of record may stand; the rest of it is not read yet."""
        return max(self._position, len(self._text) - len(self._record_end or " ") + 1)

    def _fill(self) -> None:
        """Drops what was taken and reads one more block."""
        block = next(self._blocks, b"")
        self._has_ended = not block
        self._text = self._text[self._position :] + block.decode("utf-8", "surrogatepass")
        self._position = 0

    def _move(self, position: int) -> None:
        self._line += self._text.count("\n", self._position, position)
        self._position = position

    def _found_end(self) -> int | None:
        if self._record_end is not None:
            at = self._text.find(self._record_end, self._position)
            return at + len(self._record_end) if at >= 0 else None
        found = self._match.match(self._text, self._position)
        return found.end() if found else None

    def _read(self, record: str) -> list[str | None] | str:
        found = self._match.fullmatch(record)
        if found is None:
            is_whole = self._record_end is not None and record.endswith(self._record_end)
            return "ragged_row" if is_whole else _damage(record)
        cells = found.groups()
        if self._record_end is not None and any(end in cells[-1] for end in self._inner_ends):
            return "ragged_row"
        return [_value(cells[position]) for position in self._wanted]


def _damage(record: str) -> str:
    return _OVERSIZED if len(record) > LONGEST_ROW else "broken_record"


def _value(cell: str) -> str | None:
    if not cell:
        return None
    return "" if cell == _EMPTY else cell
