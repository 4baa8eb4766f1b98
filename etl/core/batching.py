"""Cutting a stream of Arrow batches to size, anywhere on the line.

A batch is the unit of memory, so no function here holds more than one batch and what is needed to fill it; where rows are
long, as notes are, it has fewer of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH_BYTES = 1 << 23
"""What a batch holds, whatever its rows are."""

_FEW_BYTES = 2
"""What the number of a text takes in the file where a group of rows has few hundred different ones."""


def fitting_rows(row_bytes: float, most: int) -> int:
    """How many rows of a size make a batch.

    >>> fitting_rows(100, 16_384), fitting_rows(1 << 20, 16_384), fitting_rows(1 << 30, 16_384)
    (16384, 8, 1)
    """
    return max(1, min(most, int(BATCH_BYTES / max(row_bytes, 1))))


def row_bytes(file: pq.ParquetFile, columns: Sequence[str] | None = None) -> float:
    """What a row of a Parquet file takes, in the row group with the longest ones; few values that come again and again are
    stored, and counted, once.
    """
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    places = [
        place
        for place in range(file.metadata.num_columns)
        if columns is None or file.schema.column(place).path.partition(".")[0] in columns
    ]
    sizes = (
        sum(group.column(place).total_uncompressed_size for place in places) / max(group.num_rows, 1)
        for group in groups
    )
    return max(sizes, default=0.0)


def few_texts(metadata: pq.FileMetaData) -> list[str]:
    """The columns of a Parquet file whose texts take hardly any room, being few that come again and again: to read them as
    dictionaries takes a third of the time.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    rows = max(metadata.num_rows, 1)
    columns = [metadata.schema.column(place) for place in range(metadata.num_columns)]
    return [
        column.path
        for place, column in enumerate(columns)
        if column.path == column.name and column.physical_type == "BYTE_ARRAY"
        if sum(group.column(place).total_uncompressed_size for group in groups) <= _FEW_BYTES * rows
    ]


def file_batches(
    file: pq.ParquetFile, batch_rows: int, columns: Sequence[str] | None = None, groups: Sequence[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file, or of some of its row groups, in its order, in batches that fit."""
    wanted = None if columns is None else list(columns)
    rows = fitting_rows(row_bytes(file, wanted), batch_rows)
    yield from file.iter_batches(rows, row_groups=groups, columns=wanted)


def rebatch(batches: Iterable[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in the same order in batches of exactly ``batch_rows``, but for the last and those of long rows.

    A stream of empty batches gives one empty batch, so that columns are known; no batch at all gives none.

    >>> numbers = [pa.record_batch({"n": [1, 2]}), pa.record_batch({"n": [3]})]
    >>> [batch.num_rows for batch in rebatch(numbers, 2)], [batch.num_rows for batch in rebatch(numbers, 5)]
    ([2, 1], [3])
    """
    waiting: list[pa.RecordBatch] = []
    empty: pa.RecordBatch | None = None
    given = rows = 0
    for batch in batches:
        empty = batch.slice(0, 0) if empty is None else empty
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= (full_rows := fitting_rows(sum(each.nbytes for each in waiting) / max(rows, 1), batch_rows)):
            full, waiting = _cut(waiting, full_rows)
            rows -= full_rows
            given += 1
            yield full
    if rows:
        yield joined(waiting)
    elif empty is not None and not given:
        yield empty


def rebatch_whole(batches: Iterable[pa.RecordBatch], column: str, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Batches of about ``batch_rows`` that never part neighbours with the same value of an integer ``column``.

    A run of equal values longer than ``batch_rows`` becomes one larger batch.

    >>> numbers = [pa.record_batch({"g": [0, 1]}), pa.record_batch({"g": [1, 2]})]
    >>> [batch["g"].to_pylist() for batch in rebatch_whole(numbers, "g", 2)]
    [[0], [1, 1], [2]]
    """
    waiting: list[pa.RecordBatch] = []
    given = 0
    for batch in rebatch(batches, batch_rows):
        waiting.append(batch)
        last_run = _start_of_last_run(batch, column)
        if last_run or _differ(waiting, column):
            full, waiting = _cut(waiting, sum(part.num_rows for part in waiting[:-1]) + last_run)
            given += 1
            yield full
    if waiting and (waiting[0].num_rows or not given):
        yield joined(waiting)


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of no rows, which tells the columns."""
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch of all rows in order; at least one batch must be given."""
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _cut(waiting: list[pa.RecordBatch], rows: int) -> tuple[pa.RecordBatch, list[pa.RecordBatch]]:
    whole = joined(waiting)
    rest = whole.slice(rows)
    return whole.slice(0, rows), [rest] if rest.num_rows else []


def _start_of_last_run(batch: pa.RecordBatch, column: str) -> int:
    values = batch.column(column)
    return pc.index(values, values[-1]).as_py() if len(values) else 0


def _differ(waiting: list[pa.RecordBatch], column: str) -> bool:
    """Whether the newest batch, a single run, starts a run of its own."""
    return len(waiting) > 1 and waiting[-2].column(column)[-1] != waiting[-1].column(column)[0]
