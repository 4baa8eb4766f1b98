"""Record keys of columns are those of the frozen form, whatever way they are computed."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.core.keys import RecordKeys
from etl.transform.identity import record_keys

PARTS = st.none() | st.text(max_size=6) | st.text(" \t\n\v\f\r\x1c\x1d\x1e\x1f\x20\0 7a", max_size=6)


@settings(deadline=None)
@given(rows=st.lists(st.tuples(PARTS, PARTS), max_size=10), secret=st.binary(min_size=16, max_size=100))
def test_a_column_of_keys_agrees_with_one_key_at_a_time(rows, secret):
    keys = RecordKeys(secret)
    columns = [pa.array([row[index] for row in rows], pa.string()) for index in range(2)]
    expected = [keys.record_key("person", "people", row) if all(p and p.strip() for p in row) else None for row in rows]
    assert record_keys(keys, "person", "people", columns).to_pylist() == expected


@settings(deadline=None)
@given(rows=st.lists(PARTS, max_size=10))
def test_a_key_of_one_column_agrees_too(rows):
    keys = RecordKeys(b"k" * 32)
    expected = [keys.record_key("case", "cases", [part]) if part and part.strip() else None for part in rows]
    assert record_keys(keys, "case", "cases", [pa.array(rows, pa.string())]).to_pylist() == expected
