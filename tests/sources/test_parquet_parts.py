"""Reading the rows of one mapping leaves the other mappings' parts of the file alone."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.sources.parquet_parts import groups_with, rows_with
from etl.sources.parquet_stream import ParquetStream


def batch(mapping, *rows):
    return pa.record_batch({"mapping": pa.array([mapping] * len(rows), pa.string()), "row": pa.array(rows, pa.int64())})


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rows.parquet"
    with ParquetStream(path, row_group_rows=2) as stream:
        for each in (batch("cases", 1, 2), batch("people", 1, 2), batch("people", 3), batch("zones", 1)):
            stream.add(each)
    return path


def test_only_the_parts_of_that_mapping_are_read(file):
    with pq.ParquetFile(file) as opened:
        assert groups_with(opened, "mapping", "people") == [1, 2]


def test_its_rows_come_in_their_order(file):
    found = pa.Table.from_batches(rows_with(file, ["row"], "mapping", "people", 10))
    assert found.to_pydict() == {"row": [1, 2, 3]}


def test_a_mapping_without_rows_gives_the_columns_alone(file):
    found = pa.Table.from_batches(rows_with(file, ["row", "mapping"], "mapping", "nobody", 10))
    assert (found.num_rows, found.schema.names) == (0, ["row", "mapping"])


def test_a_file_without_bounds_is_read_whole(tmp_path):
    path = tmp_path / "rows.parquet"
    table = pa.concat_tables([pa.table(batch("cases", 1)), pa.table(batch("people", 2))])
    pq.write_table(table, path, write_statistics=False)
    found = pa.Table.from_batches(rows_with(path, ["row"], "mapping", "people", 10))
    assert found.to_pydict() == {"row": [2]}
