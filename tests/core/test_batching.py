"""Batches are cut to size without losing, doubling or moving a row."""

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from etl.core.batching import rebatch, rebatch_whole

runs = st.lists(st.integers(1, 6), max_size=12)


def cut(values: list[int], sizes: list[int]) -> list[pa.RecordBatch]:
    batches, start = [pa.record_batch({"g": pa.array([], pa.int64())})], 0
    for size in [*sizes, len(values)]:
        batches.append(pa.record_batch({"g": pa.array(values[start : start + size], pa.int64())}))
        start += size
    return batches


@given(values=st.lists(st.integers(0, 99)), sizes=st.lists(st.integers(0, 7)), batch_rows=st.integers(1, 9))
def test_rows_stay_in_order_in_full_batches(values, sizes, batch_rows):
    found = [batch["g"].to_pylist() for batch in rebatch(cut(values, sizes), batch_rows)]
    assert [each for batch in found for each in batch] == values
    assert all(len(batch) == batch_rows for batch in found[:-1])
    assert len(found) == max(1, -(-len(values) // batch_rows))


@given(lengths=runs, sizes=st.lists(st.integers(0, 7)), batch_rows=st.integers(1, 9))
def test_equal_neighbours_are_never_parted(lengths, sizes, batch_rows):
    values = [group for group, length in enumerate(lengths) for _ in range(length)]
    found = [batch["g"].to_pylist() for batch in rebatch_whole(cut(values, sizes), "g", batch_rows)]
    assert [each for batch in found for each in batch] == values
    assert all(left[-1] != right[0] for left, right in pairwise(found))
    assert all(len(batch) < batch_rows + 6 * 2 for batch in found)
    assert found
