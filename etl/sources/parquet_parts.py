"""Parts of a Parquet file: the rows with a certain text in a column, without reading what cannot hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from etl.core.batching import empty_batch


def rows_with(
    path: str | Path, columns: Sequence[str], column: str, value: str, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Columns of the rows in which a text ``column`` has a value, in the file's order; at least one batch."""
    wanted = list(dict.fromkeys([*columns, column]))
    with pq.ParquetFile(path) as file:
        yield empty_batch(file.schema_arrow).select(list(columns))
        for batch in file.iter_batches(batch_rows, row_groups=groups_with(file, column, value), columns=wanted):
            is_it = pc.equal(batch[column], value)
            # Mostly all are, and nothing has to be copied then.
            found = batch if is_it.true_count == batch.num_rows else batch.filter(is_it)
            yield found.select(list(columns))


def groups_with(file: pq.ParquetFile, column: str, value: str) -> list[int]:
    """The groups of rows that may hold a text: those whose bounds include it or are not known."""
    place = file.schema_arrow.get_field_index(column)
    bounds = [file.metadata.row_group(number).column(place).statistics for number in range(file.num_row_groups)]
    return [
        number
        for number, each in enumerate(bounds)
        if each is None or not each.has_min_max or each.min <= value <= each.max
    ]
