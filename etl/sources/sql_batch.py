"""Rows from a database into batches of text, with the same kinds of damage that files know."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from etl.core.counting import whole_numbers
from etl.sources.csv_rows import snapshot_schema
from etl.sources.sql_text import NoTextForm, Renderer, text_of

_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}]"
_TEXT = {str, type(None)}


class SqlBatches:
    """Makes batches of one table; ``sha256`` is the hash of all rows made so far, whatever the size of batches."""

    def __init__(self, columns: Sequence[str], renderers: Sequence[Renderer]) -> None:
        self.schema = snapshot_schema(columns)
        self._renderers = tuple(renderers)
        self._next_row = 1
        self._lengths = [hashlib.sha256() for _ in columns]
        self._cells = [hashlib.sha256() for _ in columns]

    def batch(self, rows: Sequence[Sequence[object]]) -> pa.RecordBatch:
        """The next rows as text; a row with bytes, undecodable text or control characters is damaged."""
        values = list(zip(*rows, strict=True)) or [()] * len(self._renderers)
        undecodable: set[int] = set()
        texts = [
            text_column(column, render, undecodable) for column, render in zip(values, self._renderers, strict=True)
        ]
        damage = damage_of(texts, undecodable, len(rows))
        is_damaged = pc.is_valid(damage)
        cells = [pc.if_else(is_damaged, pa.scalar(None, pa.string()), text) for text in texts]
        self._hash(cells)
        numbers = whole_numbers(len(rows), self._next_row)
        self._next_row += len(rows)
        return pa.RecordBatch.from_arrays(
            [numbers, pa.nulls(len(rows), pa.int64()), damage, *cells], schema=self.schema
        )

    def sha256(self) -> str:
        """The hash of columns, cells and nulls so far."""
        parts = [repr(self.schema.names).encode(), *(each.digest() for each in (*self._lengths, *self._cells))]
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def _hash(self, columns: Iterable[pa.Array]) -> None:
        for column, lengths, cells in zip(columns, self._lengths, self._cells, strict=True):
            lengths.update(_values(pc.fill_null(pc.binary_length(column), -1)))
            cells.update(_values(pc.fill_null(column, "")))


def _values(column: pa.Array) -> bytes:
    """The bytes of an array's values one after the other, which do not tell how it was cut into batches."""
    return pa.concat_arrays([column]).buffers()[-1] or b""


def text_column(values: Sequence[object], render: Renderer, undecodable: set[int]) -> pa.Array:
    """One column of text; rows without a text form are noted in ``undecodable`` and null."""
    is_text = render is text_of and set(map(type, values)) <= _TEXT
    try:
        return pa.array(values if is_text else [render(value) for value in values], pa.string())
    except (NoTextForm, UnicodeEncodeError):
        return pa.array([_noted(value, render, row, undecodable) for row, value in enumerate(values)], pa.string())


def _noted(value: object, render: Renderer, row: int, undecodable: set[int]) -> str | None:
    try:
        text = render(value)
        (text or "").encode()
    except (NoTextForm, UnicodeEncodeError):
        undecodable.add(row)
        return None
    return text


def damage_of(texts: Sequence[pa.Array], undecodable: set[int], count: int) -> pa.Array:
    """The problem code of each row: without a text form, or with control characters; null for a sound one."""
    codes: list[str | None] = ["undecodable_row" if row in undecodable else None for row in range(count)]
    for text in texts:
        for row in pc.indices_nonzero(pc.match_substring_regex(text, _CONTROL)).to_pylist():
            codes[row] = codes[row] or "control_character"
    return pa.array(codes, pa.string())
