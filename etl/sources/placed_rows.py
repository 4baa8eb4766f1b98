"""Rows with their lines into batches of text: what adapters use whose files are no CSV.

Values are rendered a column at a time when a batch is taken; a row whose values have no text form, or hold control
characters, is damage like everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.batching import empty_batch
from etl.core.counting import whole_numbers
from etl.sources.csv_rows import snapshot_schema
from etl.sources.sql_batch import damage_of, text_column
from etl.sources.sql_text import Renderer, text_of

_ROWS_AT_ONCE = 10_000


class PlacedRows:
    """Gathers rows of one table; ``renderers`` None means that all values are text or null already."""

    def __init__(self, columns: Sequence[str], renderers: Sequence[Renderer] | None = None) -> None:
        self.schema = snapshot_schema(columns)
        self._width = len(columns)
        self._renderers = tuple(renderers) if renderers is not None else (text_of,) * self._width
        self._next_row = 1
        self._lines: list[int | None] = []
        self._damage: list[str | None] = []
        self._values: list[Sequence[object]] = []

    @property
    def is_full(self) -> bool:
        """Whether it is time to take a batch."""
        return len(self._values) >= _ROWS_AT_ONCE

    def add(self, line: int | None, values: Sequence[object]) -> None:
        """A row; one with another number of values than there are columns is ragged."""
        if len(values) == self._width:
            self._append(line, None, values)
        else:
            self.add_damaged(line, "ragged_row")

    def add_damaged(self, line: int | None, code: str) -> None:
        """A row that could not be read, with its problem code."""
        self._append(line, code, (None,) * self._width)

    def taken(self) -> Iterator[pa.RecordBatch]:
        """The rows gathered so far as a batch, if there are any."""
        if self._values:
            yield self._batch()
            self._next_row += len(self._values)
            self._lines, self._damage, self._values = [], [], []

    def finished(self) -> Iterator[pa.RecordBatch]:
        """The last rows; one empty batch for a table without rows."""
        yield from self.taken()
        if self._next_row == 1:
            yield empty_batch(self.schema)

    def _append(self, line: int | None, damage: str | None, values: Sequence[object]) -> None:
        self._lines.append(line)
        self._damage.append(damage)
        self._values.append(values)

    def _batch(self) -> pa.RecordBatch:
        count = len(self._values)
        undecodable: set[int] = set()
        columns = zip(zip(*self._values, strict=True), self._renderers, strict=True)
        texts = [text_column(values, render, undecodable) for values, render in columns]
        damage = pc.coalesce(pa.array(self._damage, pa.string()), damage_of(texts, undecodable, count))
        is_damaged = pc.is_valid(damage)
        cells = [pc.if_else(is_damaged, pa.scalar(None, pa.string()), text) for text in texts]
        numbers = whole_numbers(count, self._next_row)
        return pa.RecordBatch.from_arrays(
            [numbers, pa.array(self._lines, pa.int64()), damage, *cells], schema=self.schema
        )
