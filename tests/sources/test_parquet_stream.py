"""Parquet files are written in a thread of their own, and nobody can tell by the file or by the errors."""

from __future__ import annotations

import io
import os
import threading

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.sources.parquet_stream import ParquetStream

BATCHES = [pa.record_batch({"mapping": ["people"] * 3, "row": [3 * n, 3 * n + 1, 3 * n + 2]}) for n in range(40)]
NEEDS_A_FULL_DISK = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110 - a device


def written(batches, *, waiting=1, row_group_rows=None):
    place = io.BytesIO()
    place.close = lambda: None
    with ParquetStream(place, batches[0].schema, row_group_rows, waiting) as stream:
        for batch in batches:
            stream.add(batch)
    return place.getvalue()


@given(st.lists(st.integers(0, 400), min_size=1, max_size=12), st.integers(1, 5), st.sampled_from([None, 7]))
def test_the_file_is_the_same_byte_for_byte_however_many_batches_may_wait(sizes, waiting, row_group_rows):
    batches = [pa.record_batch({"row": pa.array(range(size), pa.int64())}) for size in sizes]
    assert written(batches, waiting=waiting, row_group_rows=row_group_rows) == written(
        batches, waiting=1, row_group_rows=row_group_rows
    )


def test_batches_come_back_in_the_order_in_which_they_were_added():
    assert pq.read_table(io.BytesIO(written(BATCHES)))["row"].to_pylist() == list(range(120))


def test_every_column_has_bounds_by_which_the_table_engine_plans_its_joins():
    batch = pa.record_batch({"row": [1, 2], "mapping": ["people"] * 2})
    group = pq.ParquetFile(io.BytesIO(written([batch]))).metadata.row_group(0)
    assert all(group.column(at).statistics.has_min_max for at in range(2))


def add_all(place, batches, then=lambda: None):
    with ParquetStream(place) as stream:
        for batch in batches:
            stream.add(batch)
            then()


@pytest.fixture
def full_disk():
    stream = open("/dev/full", "wb", buffering=0)  # noqa: PTH123, SIM115 - a device, closed when its fixture ends
    yield stream
    stream.close()


@NEEDS_A_FULL_DISK
def test_a_full_disk_comes_out_as_the_system_says_it_at_one_of_the_next_batches(full_disk):
    batch = pa.record_batch({"row": pa.array(os.urandom(16).hex() for _ in range(50_000))})
    given_away = iter([batch] * 1_000)
    with pytest.raises(OSError, match="No space") as failed:
        add_all(full_disk, given_away)
    assert failed.value.errno == 28
    assert len(list(given_away)) > 900


@NEEDS_A_FULL_DISK
def test_a_disk_that_is_full_at_the_very_end_is_told_too(full_disk):
    with pytest.raises(OSError, match="No space"):
        add_all(full_disk, BATCHES[:1])


def test_a_file_that_is_closed_under_the_thread_is_told():
    place = io.BytesIO()
    with pytest.raises(ValueError, match="closed"):
        add_all(place, BATCHES * 10, then=place.close)


def test_an_error_of_the_caller_is_the_one_that_is_told_and_no_thread_is_left():
    place = io.BytesIO()

    def fail():
        place.close()
        raise KeyError

    with pytest.raises(KeyError):
        add_all(place, BATCHES, then=fail)
    assert not [each for each in threading.enumerate() if each.name.startswith("parquet")]


def test_no_thread_is_left_after_a_good_end():
    written(BATCHES)
    assert not [each for each in threading.enumerate() if each.name.startswith("parquet")]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_table_engine_finds_the_nulls_of_a_column_that_holds_one_text_besides(tmp_path, count):
    path = tmp_path / "t.parquet"
    damage = pa.array([None] * count + ["ragged_row"] + [None] * count, pa.string())
    with ParquetStream(path) as stream:
        stream.add(pa.record_batch({"damage": damage}))
    found = duckdb.sql(f"select count(*) from read_parquet('{path}') where damage is null").fetchall()  # noqa: S608 - ours
    assert found == [(2 * count,)]


@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=30),
    st.sampled_from(["all", "first", "last"]),
)
def test_whole_numbers_are_stored_by_their_steps_and_the_table_engine_reads_them_as_arrow_does(
    tmp_path_factory, numbers, kept
):
    kept_numbers = {"all": numbers, "first": [numbers[0], *[None] * 5], "last": [*[None] * 5, numbers[-1]]}[kept]
    place = tmp_path_factory.mktemp("numbers") / "numbers.parquet"
    batch = pa.record_batch(
        {"line": pa.array(kept_numbers, pa.int64()), "tags": [["a"], *[None] * (len(kept_numbers) - 1)]}
    )
    place.write_bytes(written([batch]))
    assert pq.read_table(place).to_pydict() == batch.to_pydict()
    read = duckdb.sql(f"select line from read_parquet('{place}')").fetchall()  # noqa: S608 - ours
    assert read == [(each,) for each in kept_numbers]
    nulls = duckdb.sql(f"select count(*) from read_parquet('{place}') where line is null").fetchall()  # noqa: S608 - ours
    assert nulls == [(kept_numbers.count(None),)]
    columns = pq.ParquetFile(place).metadata.row_group(0)
    assert "DELTA_BINARY_PACKED" in columns.column(0).encodings
    assert "RLE_DICTIONARY" in columns.column(1).encodings


def test_keys_come_back_as_they_were_and_take_less_room_than_among_other_texts(tmp_path):
    keys = [os.urandom(16).hex() for _ in range(5_000)]
    batch = pa.record_batch({"_rk": pa.array(keys, pa.string())})
    as_texts, as_keys = tmp_path / "texts.parquet", tmp_path / "keys.parquet"
    for place, told in ((as_texts, []), (as_keys, ["_rk"])):
        with ParquetStream(place, batch.schema, keys=told) as stream:
            stream.add(batch)
    assert pq.read_table(as_keys)["_rk"].to_pylist() == keys
    read = duckdb.sql(f"select _rk from read_parquet('{as_keys}')").fetchall()  # noqa: S608 - ours
    assert read == [(key,) for key in keys]
    assert as_keys.stat().st_size < as_texts.stat().st_size
