"""What null counts and bounds prove of a column, and what they leave to a look."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.report.bounds import proven


def proven_of(column: pa.Array, **settings: object) -> int | None:
    place = io.BytesIO()
    pq.write_table(pa.table({"seen": column, "other": pa.nulls(len(column))}), place, **settings)
    return proven(pq.ParquetFile(place).metadata.row_group(0), ["seen"]).get("seen")


@pytest.mark.parametrize(
    ("cells", "filled"),
    [
        (["a", None, "~"], 2),
        (["", "", None], 0),
        ([None, None], 0),
        (["", "a"], None),
        ([" a", "b"], None),
        (["a", "\u2003"], None),
        (["a", "é"], None),
        (["\x1c", "a"], None),
    ],
)
def test_texts(cells, filled):
    assert proven_of(pa.array(cells, pa.string())) == filled


def test_other_columns_hold_what_is_not_null():
    assert proven_of(pa.array([1, None, 3])) == 2
    assert proven_of(pa.array([18_000, None], pa.date32())) == 1


@pytest.mark.parametrize("settings", [{"write_statistics": False}, {"write_statistics": ["other"]}])
def test_without_bounds_nothing_is_proven(settings):
    assert proven_of(pa.array(["a", "b"]), **settings) is None


def test_lists_are_looked_at():
    assert proven_of(pa.array([["a"], []], pa.list_(pa.string()))) is None


@given(st.lists(st.none() | st.text(max_size=3), min_size=1))
def test_what_is_proven_is_what_a_look_counts(cells):
    column = pa.array(cells, pa.string())
    filled = pc.and_not(pc.greater(pc.binary_length(column), 0), pc.utf8_is_space(column)).true_count
    assert proven_of(column) in {filled, None}
