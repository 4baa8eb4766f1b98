"""Rows of a Parquet file by their numbers, in any order: how texts of any length get beside the rows that ask for them.

The engine joins and sorts keys and row numbers only. It holds whole vectors of 2,048 values in memory, which long notes
would burst; here a few row groups are read at a time, and what a row says is not moved before its place is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from etl.core.batching import empty_batch, joined, row_bytes
from etl.core.records import ROW

_KEPT_BYTES = 1 << 22
"""Decoded row groups that stay at hand: rows that are asked for together mostly stand together."""


class NumberedRows:
    """Columns of a file whose ``number`` column counts its rows from 1; to be closed."""

    def __init__(self, path: str | Path, columns: Sequence[str], number: str = ROW) -> None:
        self._file = pq.ParquetFile(path)
        self._number = number
        self._columns = list(dict.fromkeys(columns))
        self._read = list(dict.fromkeys([number, *columns]))
        groups = [self._file.metadata.row_group(group).num_rows for group in range(self._file.num_row_groups)]
        self._ends = np.cumsum(groups, dtype=np.int64)
        self._kept: dict[int, pa.Table] = {}

    @property
    def row_bytes(self) -> float:
        """What a row of these columns takes, in the group with the longest ones."""
        return row_bytes(self._file, self._columns)

    def take(self, numbers: pa.Array) -> pa.RecordBatch:
        """The rows with these numbers, in this order; a null gives nulls."""
        wanted = np.unique(numbers.drop_null().to_numpy())
        groups = np.searchsorted(self._ends, wanted, side="left")
        parts = [self._part(group, wanted[groups == group]) for group in np.unique(groups).tolist()]
        found = pa.concat_tables([self._nothing(), *parts]).combine_chunks()
        if not np.array_equal(found[self._number].to_numpy(), wanted):
            raise AssertionError("rows are not numbered one by one from 1")
        places = pc.index_in(numbers, pa.array(wanted, pa.int64()))
        taken = found.select(self._columns).take(places)
        return joined(taken.combine_chunks().to_batches() or [empty_batch(taken.schema)])

    def close(self) -> None:
        """Closes the file."""
        self._kept.clear()
        self._file.close()

    def _part(self, group: int, numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Table:
        first = self._ends[group] - self._file.metadata.row_group(group).num_rows + 1
        return self._group(group).take(pa.array(numbers - first))

    def _group(self, group: int) -> pa.Table:
        table = self._kept.pop(group, None)
        if table is None:
            table = self._file.read_row_group(group, columns=self._read, use_threads=False).select(self._read)
        self._kept[group] = table
        while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > _KEPT_BYTES:
            del self._kept[next(iter(self._kept))]
        return table

    def _nothing(self) -> pa.Table:
        return self._file.schema_arrow.empty_table().select(self._read)
