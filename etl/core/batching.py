"""Cutting a stream of Arrow batches to size, anywhere on the line.

A batch is the unit of memory, so no function here holds more than one batch and what is needed to fill it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc


def rebatch(batches: Iterable[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in the same order in batches of exactly ``batch_rows``, but for the last.

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
        while rows >= batch_rows:
            full, waiting = _cut(waiting, batch_rows)
            rows -= batch_rows
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
