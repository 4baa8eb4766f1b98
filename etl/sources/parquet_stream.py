"""Parquet files as they are written, for the snapshot and for everything a run keeps: batches in, one file out.

Encoding and compressing cost as much as mapping does, and need nothing that Python guards; so a thread of the file's own
does them, one batch after the other, in the order in which they came. What the thread fails at is raised where the next
batches are added, at the latest at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

WAITING = 1
"""How many row groups may be with the thread, the one in hand included: what writing may add to memory."""
GROUP_ROWS, GROUP_BYTES = 32_000, 1 << 21
"""A row group is written when so much of either has come: large ones cost half of what many small ones do."""
DICTIONARY_BYTES = 1 << 14
"""A column of more distinct values than this holds is stored plainly, from there on: keys need no dictionary, and one of
them all takes longer to build and more room than they do.
"""


class ParquetStream:
    """Writes batches of one schema to a new Parquet file, in row groups of ``row_group_rows`` at the most where it is given.

    The first batch fixes the schema where none was given; the file stays empty where there was neither. Ended by an
    error, it waits for nothing but the batch in hand. ``keys`` names columns of text in which every cell is filled and
    hardly any is there twice.
    """

    def __init__(
        self,
        place: Path | BinaryIO,
        schema: pa.Schema | None = None,
        row_group_rows: int | None = None,
        waiting: int = WAITING,
        keys: Sequence[str] = (),
    ) -> None:
        self._place = place
        self._row_group_rows = row_group_rows
        self._most_waiting = waiting
        self._keys = keys
        self._gathered: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._waiting: deque[Future[None]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parquet")
        self._writer = self._opened(schema) if schema is not None else None

    def add(self, batch: pa.RecordBatch) -> None:
        """Hands a batch over; waits while the thread has enough. Raises what failed since (OSError for a full disk)."""
        self._gathered.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._hand_over()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._gathered:
                self._hand_over()
            while kind is None and self._waiting:
                self._waiting.popleft().result()
        except BaseException:
            self._give_up()
            raise
        if kind is not None:
            self._give_up()
            return
        self._thread.shutdown()
        if self._writer is not None:
            self._writer.close()

    def _give_up(self) -> None:
        """Ends the thread and lets go of a file that is not to be read; its own complaint would hide why."""
        self._thread.shutdown(cancel_futures=True)
        if self._writer is not None:
            with suppress(OSError, ValueError, pa.ArrowException):
                self._writer.close()

    def _hand_over(self) -> None:
        group, self._gathered = pa.Table.from_batches(self._gathered), []
        self._rows = self._bytes = 0
        if self._writer is None:
            self._writer = self._opened(group.schema)
        while len(self._waiting) >= self._most_waiting or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._write, self._writer, group))

    def _write(self, writer: pq.ParquetWriter, group: pa.Table) -> None:
        writer.write_table(group, row_group_size=self._row_group_rows)

    def _opened(self, schema: pa.Schema) -> pq.ParquetWriter:
        """A writer with bounds of all columns in the file, and dictionaries of those with few values. DuckDB needs both:
        without bounds it plans joins that its memory does not hold; without dictionaries it takes a column of nulls and
        one text for that text alone and answers `is null` with every row. Whole numbers and keys have no need of any.
        """
        encodings = {each.name: "DELTA_BINARY_PACKED" for each in schema if pa.types.is_int64(each.type)}
        encodings |= dict.fromkeys(self._keys, "DELTA_LENGTH_BYTE_ARRAY")
        return pq.ParquetWriter(
            self._place,
            schema,
            compression="zstd",
            use_dictionary=[_stored_name(each) for each in schema if each.name not in encodings],
            column_encoding=encodings,
            dictionary_pagesize_limit=DICTIONARY_BYTES,
        )


def _stored_name(column: pa.Field) -> str:
    """What Parquet calls the values of a column."""
    return f"{column.name}.list.element" if pa.types.is_list(column.type) else str(column.name)
