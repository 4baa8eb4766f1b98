"""Files of fixed columns as a source: one record a line, cut by a layout, every line exactly as long as the layout says.

A line of another length is damage, because nobody can tell which of its columns moved. Lengths are characters, so that
the declared encoding must be the file's true one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from etl.core.batching import rebatch
from etl.core.ports import TableFacts
from etl.sources.encoding import check_encoding, doubted, proved_encoding, text_blocks
from etl.sources.layout import read_layout
from etl.sources.opened import FilePattern, hashed, steady
from etl.sources.placed_rows import PlacedRows
from etl.sources.text_lines import numbered_lines


class FixedWidthSource:
    """The files that match a pattern; ``{table}`` in the layout's path stands for the table's name.

    ``encoding`` None is what the file proves. Raises SettingsError for an encoding that is not known.
    """

    def __init__(self, name: str, pattern: str, layout: str, encoding: str | None = None) -> None:
        self.name = name
        self._files = FilePattern(name, pattern)
        self._layout = layout
        self._encoding = check_encoding(encoding) if encoding else None
        self._facts: dict[str, TableFacts] = {}

    def tables(self) -> Sequence[str]:
        """The stems of the files, sorted. Raises SourceUnavailable if no file matches."""
        return sorted(self._files.paths())

    def read(self, table: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
        """Batches in the order of the lines; see :meth:`etl.core.ports.Source.read`."""
        return rebatch(self._read(table, self._files.path(table)), batch_rows)

    def facts(self, table: str) -> TableFacts:
        """Facts about a table that was read to its end."""
        return self._facts[table]

    def _read(self, table: str, path: Path) -> Iterator[pa.RecordBatch]:
        place = f"{self.name}.{table} ({path.name})"
        layout_path = Path(self._layout.replace("{table}", table))
        layout = read_layout(layout_path, f"The layout {layout_path.name} of source {self.name}")
        rows = PlacedRows(layout.columns, layout.renderers())
        digest = hashlib.sha256()
        with steady(path, place) as stream:
            encoding = self._encoding or proved_encoding(stream, place)
            stream.seek(0)
            for line, text in numbered_lines(text_blocks(hashed(stream, digest), encoding)):
                if text is None:
                    rows.add_damaged(line, "oversized_row")
                elif len(text) == layout.length:
                    rows.add(line, layout.cut(text))
                elif text:
                    rows.add_damaged(line, "ragged_row")
                if rows.is_full:
                    yield from rows.taken()
            yield from rows.finished()
            size = stream.tell()
            doubt = doubted(stream, encoding)
        self._facts[table] = TableFacts(path.name, encoding, size, digest.hexdigest(), doubt)
