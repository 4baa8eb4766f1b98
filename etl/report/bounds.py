"""What a Parquet file says of its columns without being read: the null counts and bounds that its row groups keep."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.parquet as pq


def proven(group: pq.RowGroupMetaData, columns: Sequence[str]) -> dict[str, int]:
    """How many cells of a row group hold something, for the columns of which its null counts and bounds prove it.

    No cell of a text column is blank where the least and the greatest text both begin with a letter, digit or other visible
    sign of ASCII: every cell then begins with one. All are empty where the greatest is. Other columns hold what is not null.
    """
    found = {}
    for place in range(group.num_columns):
        column = group.column(place)
        if column.path_in_schema in columns and (filled := _filled(column, group.num_rows)) is not None:
            found[column.path_in_schema] = filled
    return found


def _filled(column: pq.ColumnChunkMetaData, rows: int) -> int | None:
    counts = column.statistics
    if counts is None or not counts.has_null_count:
        return None
    filled: int = rows - counts.null_count
    if column.physical_type != "BYTE_ARRAY" or not filled:
        return filled
    if counts.has_min_max and not counts.max:
        return 0
    return filled if counts.has_min_max and _is_visible(counts.min) and _is_visible(counts.max) else None


def _is_visible(text: str | bytes) -> bool:
    return isinstance(text, str) and " " < text[:1] < "\x7f"
